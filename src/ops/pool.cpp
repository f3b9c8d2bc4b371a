// SPDX-License-Identifier: MIT
#include "ops/pool.h"

#include <ingot/ops/matmul.h>
#include <ingot/ops/movement.h>
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

namespace {

Tensor lifted(const char* op, const Tensor& x) {
    if (x.rank() != 3) shape_error(op, "shape " + x.shape().str() + " is not [N, C, L]");
    return unsqueeze(x, 2);
}
Tensor lowered(const Tensor& y) { return reshape(y, {y.size(0), y.size(1), y.size(3)}); }
Pool2dOptions lifted(const Pool1dOptions& o) {
    return {.stride = o.stride == 0 ? Int2(0) : Int2(1, o.stride),
            .padding = {0, o.padding},
            .count_include_pad = o.count_include_pad};
}

/// The windows of adaptive pooling along one axis: [begin, end).
struct Windows {
    int64_t extent, count;
    int64_t begin(int64_t i) const { return i * extent / count; }
    int64_t end(int64_t i) const { return ((i + 1) * extent + count - 1) / count; }
    bool even() const { return extent % count == 0; }
};

void check_adaptive(const char* op, const Tensor& x, Int2 size) {
    if (x.rank() != 4) shape_error(op, "shape " + x.shape().str() + " is not [N, C, H, W]");
    require_float(op, x.dtype());
    if (size.h < 1 || size.w < 1 || x.size(2) < 1 || x.size(3) < 1)
        shape_error(op, "size " + Shape{size.h, size.w}.str() + " of shape " + x.shape().str() + " makes no sense");
}

/// [extent, count]: column i holds 1 / length in the rows of window i.
Tensor averages(const Windows& w, const Tensor& like) {
    std::vector<double> values(static_cast<size_t>(w.extent * w.count), 0);
    for (int64_t i = 0; i < w.count; ++i)
        for (int64_t k = w.begin(i); k < w.end(i); ++k)
            values[static_cast<size_t>(k * w.count + i)] = 1 / static_cast<double>(w.end(i) - w.begin(i));
    return Tensor::from(values, {w.extent, w.count}, {.dtype = like.dtype(), .device = like.device()});
}

/// The largest of the windows along axis 2 or 3, by pooling, so that gradients go where PyTorch's go.
Tensor largest(const Tensor& x, int64_t axis, const Windows& w) {
    constexpr int64_t kMost = 256; // elements of a kernel
    const auto kernel = [&](int64_t length) { return axis == 2 ? Int2(length, 1) : Int2(1, length); };
    std::vector<Tensor> parts;
    for (int64_t i = 0; i < w.count; ++i) {
        Tensor part = narrow(x, axis, w.begin(i), w.end(i) - w.begin(i));
        while (part.size(axis) > kMost) {
            const int64_t whole = part.size(axis) / kMost * kMost;
            const Tensor head = max_pool2d(narrow(part, axis, 0, whole), kernel(kMost));
            part = concat({head, narrow(part, axis, whole, part.size(axis) - whole)}, axis);
        }
        parts.push_back(max_pool2d(part, kernel(part.size(axis))));
    }
    return concat(parts, axis);
}

} // namespace

Tensor max_pool1d(const Tensor& x, int64_t kernel, const Pool1dOptions& options) {
    return lowered(max_pool2d(lifted("max_pool1d", x), {1, kernel}, lifted(options)));
}
Tensor avg_pool1d(const Tensor& x, int64_t kernel, const Pool1dOptions& options) {
    return lowered(avg_pool2d(lifted("avg_pool1d", x), {1, kernel}, lifted(options)));
}

Tensor adaptive_avg_pool2d(const Tensor& x, Int2 size) {
    check_adaptive("adaptive_avg_pool2d", x, size);
    if (size == Int2(1)) return global_avg_pool2d(x);
    const Windows rows{x.size(2), size.h}, columns{x.size(3), size.w};
    if (rows.even() && columns.even()) return avg_pool2d(x, {rows.extent / rows.count, columns.extent / columns.count});
    // A window's mean is a mean of its rows' means: two products.
    const Tensor half = matmul(x, averages(columns, x));
    return transpose(matmul(transpose(half, 2, 3), averages(rows, x)), 2, 3);
}

Tensor adaptive_max_pool2d(const Tensor& x, Int2 size) {
    check_adaptive("adaptive_max_pool2d", x, size);
    const Windows rows{x.size(2), size.h}, columns{x.size(3), size.w};
    const int64_t h = rows.extent / rows.count, w = columns.extent / columns.count;
    if (rows.even() && columns.even() && h * w <= 256) return max_pool2d(x, {h, w});
    // Along the rows first: of equal ones the first row wins, and in it the first column.
    return largest(largest(x, 3, columns), 2, rows);
}

Tensor adaptive_avg_pool1d(const Tensor& x, int64_t size) {
    return lowered(adaptive_avg_pool2d(lifted("adaptive_avg_pool1d", x), {1, size}));
}
Tensor adaptive_max_pool1d(const Tensor& x, int64_t size) {
    return lowered(adaptive_max_pool2d(lifted("adaptive_max_pool1d", x), {1, size}));
}

Tensor global_avg_pool2d(const Tensor& x) {
    if (x.rank() != 4) shape_error("global_avg_pool2d", "shape " + x.shape().str() + " is not [N, C, H, W]");
    require_float("global_avg_pool2d", x.dtype());
    return mean(x, {2, 3}, true);
}

} // namespace ingot
