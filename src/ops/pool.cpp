// SPDX-License-Identifier: MIT
#include "ops/pool.h"

#include <ingot/ops/pool.h>
#include <ingot/ops/reduce.h>

#include "ops/common.h"

namespace ingot::ops {

namespace {

using Tensors = std::vector<Tensor>;

// The first six attributes are the same for all: {kh, kw, sh, sw, ph, pw}.
Attrs window_of(const Attrs& attrs, size_t count = 6) { return Attrs(attrs.begin(), attrs.begin() + count); }

Shape pooled(const Call& c) {
    const char* op = c.op.name;
    const Shape& x = c.in(0).shape;
    const Attrs& a = c.attrs;
    if (x.rank() != 4) shape_error(op, "shape " + x.str() + " is not [N, C, H, W]");
    require_float(op, c.in(0).dtype);
    if (a[0] < 1 || a[1] < 1 || a[2] < 1 || a[3] < 1) shape_error(op, "kernel and stride must be at least 1");
    if (a[4] < 0 || a[5] < 0 || 2 * a[4] > a[0] || 2 * a[5] > a[1])
        shape_error(op, "the padding " + Shape{a[4], a[5]}.str() + " must be from 0 to half of the kernel " +
                            Shape{a[0], a[1]}.str());
    const int64_t h = x[2] + 2 * a[4] - a[0], w = x[3] + 2 * a[5] - a[1];
    if (h < 0 || w < 0)
        shape_error(op,
                    "the kernel " + Shape{a[0], a[1]}.str() + " is larger than the padded image of shape " + x.str());
    return {x[0], x[1], h / a[2] + 1, w / a[3] + 1};
}

void infer_max_pool2d(Call& c) {
    const Shape shape = pooled(c);
    if (c.attrs[0] * c.attrs[1] > 256)
        shape_error("max_pool2d", "the kernel " + Shape{c.attrs[0], c.attrs[1]}.str() + " has more than 256 elements");
    c.outputs->push_back({c.in(0).dtype, shape});
    c.outputs->push_back({DType::u8, shape});
}

void infer_avg_pool2d(Call& c) { c.outputs->push_back({c.in(0).dtype, pooled(c)}); }

void infer_max_pool2d_grad(Call& c) {
    const Shape& gy = c.in(0).shape;
    c.outputs->push_back({c.in(0).dtype, {gy[0], gy[1], c.attrs[6], c.attrs[7]}});
}

void infer_avg_pool2d_grad(Call& c) {
    const Shape& gy = c.in(0).shape;
    c.outputs->push_back({c.in(0).dtype, {gy[0], gy[1], c.attrs[7], c.attrs[8]}});
}

void infer_max_pool2d_gather(Call& c) { c.outputs->push_back({c.in(0).dtype, c.in(1).shape}); }

Tensor max_pool_grad(const Tensor& gy, const Tensor& idx, Attrs window, const Shape& x) {
    window.push_back(x[2]);
    window.push_back(x[3]);
    return record(kMaxPool2dGrad, {gy, idx}, std::move(window));
}

// max_pool2d: gradient g at the positions that won. Its transpose reads x at them, and the other way round.
Tensors vjp_max_pool2d(const Vjp& v) {
    if (!v.grads[0].defined()) return {Tensor()};
    return {max_pool_grad(v.grads[0], v.outputs[1], window_of(v.attrs), v.inputs[0].shape())};
}
Tensors vjp_max_pool2d_grad(const Vjp& v) {
    return {record(kMaxPool2dGather, {v.grads[0], v.inputs[1]}, window_of(v.attrs)), Tensor()};
}
Tensors vjp_max_pool2d_gather(const Vjp& v) {
    return {max_pool_grad(v.grads[0], v.inputs[1], window_of(v.attrs), v.inputs[0].shape()), Tensor()};
}

// avg_pool2d: linear, so its gradient is its transpose.
Tensors vjp_avg_pool2d(const Vjp& v) {
    Attrs attrs = window_of(v.attrs, 7);
    attrs.push_back(v.inputs[0].size(2));
    attrs.push_back(v.inputs[0].size(3));
    return {record(kAvgPool2dGrad, {v.grads[0]}, std::move(attrs))};
}
Tensors vjp_avg_pool2d_grad(const Vjp& v) { return {record(kAvgPool2d, {v.grads[0]}, window_of(v.attrs, 7))}; }

} // namespace

#define INGOT_POOLING(constant_name, rule)                                                                             \
    const OpDef constant_name {                                                                                        \
        .name = #rule, .prim = Prim::rule, .kind = Kind::pooling, .infer = infer_##rule, .vjp = vjp_##rule             \
    }
INGOT_POOLING(kMaxPool2d, max_pool2d);
INGOT_POOLING(kMaxPool2dGrad, max_pool2d_grad);
INGOT_POOLING(kMaxPool2dGather, max_pool2d_gather);
INGOT_POOLING(kAvgPool2d, avg_pool2d);
INGOT_POOLING(kAvgPool2dGrad, avg_pool2d_grad);
#undef INGOT_POOLING

namespace {

Attrs window_attrs(Int2 kernel, const Pool2dOptions& o) {
    const Int2 stride = o.stride == Int2(0) ? kernel : o.stride;
    return {kernel.h, kernel.w, stride.h, stride.w, o.padding.h, o.padding.w};
}

} // namespace

} // namespace ingot::ops

namespace ingot {

using namespace ops;

Tensor max_pool2d(const Tensor& x, Int2 kernel, const Pool2dOptions& options) {
    const Tensor inputs[] = {x};
    return record_all(kMaxPool2d, inputs, window_attrs(kernel, options))[0];
}

Tensor avg_pool2d(const Tensor& x, Int2 kernel, const Pool2dOptions& options) {
    Attrs attrs = window_attrs(kernel, options);
    attrs.push_back(options.count_include_pad);
    return record(kAvgPool2d, {x}, std::move(attrs));
}

Tensor global_avg_pool2d(const Tensor& x) {
    if (x.rank() != 4) shape_error("global_avg_pool2d", "shape " + x.shape().str() + " is not [N, C, H, W]");
    require_float("global_avg_pool2d", x.dtype());
    return mean(x, {2, 3}, true);
}

} // namespace ingot
