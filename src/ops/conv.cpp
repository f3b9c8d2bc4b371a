// SPDX-License-Identifier: MIT
#include "ops/conv.h"

#include <algorithm>

#include <ingot/ops/conv.h>
#include <ingot/ops/elementwise.h>
#include <ingot/ops/movement.h>

#include "base/check.h"
#include "ops/common.h"
#include "ops/reduce.h"

namespace ingot::ops {

namespace {

using Tensors = std::vector<Tensor>;

// The first seven attributes are the same for all three: {sh, sw, ph, pw, dh, dw, groups}.
Attrs window_of(const Attrs& attrs) { return Attrs(attrs.begin(), attrs.begin() + 7); }

int64_t out_size(int64_t in, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
    const int64_t room = in + 2 * padding - dilation * (kernel - 1) - 1;
    return room < 0 ? 0 : room / stride + 1;
}

void infer_conv2d(Call& c) {
    const Type &x = c.in(0), &w = c.in(1);
    const Attrs& a = c.attrs;
    const std::string shapes = "shapes " + x.shape.str() + " and " + w.shape.str();
    if (x.shape.rank() != 4 || w.shape.rank() != 4)
        shape_error("conv2d", shapes + " are not [N, C, H, W] and [O, C / groups, kh, kw]");
    require_same_dtype("conv2d", x.dtype, w.dtype);
    require_float("conv2d", x.dtype);
    const int64_t groups = a[6];
    if (a[0] < 1 || a[1] < 1 || a[2] < 0 || a[3] < 0 || a[4] < 1 || a[5] < 1 || groups < 1)
        shape_error("conv2d", "stride, dilation and groups must be at least 1 and padding at least 0");
    if (x.shape[1] != w.shape[1] * groups || w.shape[0] % groups != 0)
        shape_error("conv2d", shapes + " with " + std::to_string(groups) + " groups: " + std::to_string(x.shape[1]) +
                                  " input channels, the weight takes " + std::to_string(w.shape[1] * groups) +
                                  " and gives " + std::to_string(w.shape[0]));
    const int64_t h = out_size(x.shape[2], w.shape[2], a[0], a[2], a[4]);
    const int64_t wd = out_size(x.shape[3], w.shape[3], a[1], a[3], a[5]);
    if (h < 1 || wd < 1 || w.shape[2] < 1 || w.shape[3] < 1)
        shape_error("conv2d", shapes + ": the kernel is larger than the padded image");
    if (c.inputs.size() == 3) {
        require_same_dtype("conv2d", x.dtype, c.in(2).dtype);
        if (c.in(2).shape != Shape{w.shape[0]})
            shape_error("conv2d",
                        "bias of shape " + c.in(2).shape.str() + " does not fit weight of shape " + w.shape.str());
    }
    c.outputs->push_back({x.dtype, {x.shape[0], w.shape[0], h, wd}});
}

void infer_input_grad(Call& c) {
    const Attrs& a = c.attrs;
    c.outputs->push_back({c.in(1).dtype, {a[7], a[8], a[9], a[10]}});
}

void infer_weight_grad(Call& c) {
    const Shape &x = c.in(0).shape, &gy = c.in(1).shape;
    c.outputs->push_back({c.in(0).dtype, {gy[1], x[1] / c.attrs[6], c.attrs[7], c.attrs[8]}});
}

Tensor forward(const Tensor& x, const Tensor& w, Attrs window) {
    window.push_back(0);
    return record(kConv2d, {x, w}, std::move(window));
}

Tensor input_grad(const Tensor& w, const Tensor& gy, Attrs window, const Shape& x) {
    append(window, x.dims());
    return record(kConv2dInputGrad, {w, gy}, std::move(window));
}

Tensor weight_grad(const Tensor& x, const Tensor& gy, Attrs window, const Shape& w) {
    window.push_back(w[2]);
    window.push_back(w[3]);
    return record(kConv2dWeightGrad, {x, gy}, std::move(window));
}

Tensors vjp_conv2d(const Vjp& v) {
    INGOT_ASSERT(v.attrs[7] == 0, "gradients are taken before passes add epilogues");
    const Tensor &x = v.inputs[0], &w = v.inputs[1], &g = v.grads[0];
    Tensors result(v.inputs.size());
    if (v.needs[0]) result[0] = input_grad(w, g, window_of(v.attrs), x.shape());
    if (v.needs[1]) result[1] = weight_grad(x, g, window_of(v.attrs), w.shape());
    if (result.size() == 3 && v.needs[2]) result[2] = reshape(sum_keep(g, {0, 2, 3}), v.inputs[2].shape());
    return result;
}

// input_grad(w, gy) is what convolution's transpose makes of gy: gradients by w and gy of <g, input_grad(w, gy)> =
// <conv2d(g, w), gy>.
Tensors vjp_input_grad(const Vjp& v) {
    const Tensor &w = v.inputs[0], &gy = v.inputs[1], &g = v.grads[0];
    Tensors result(2);
    if (v.needs[0]) result[0] = weight_grad(g, gy, window_of(v.attrs), w.shape());
    if (v.needs[1]) result[1] = forward(g, w, window_of(v.attrs));
    return result;
}

// <g, weight_grad(x, gy)> = <conv2d(x, g), gy>.
Tensors vjp_weight_grad(const Vjp& v) {
    const Tensor &x = v.inputs[0], &gy = v.inputs[1], &g = v.grads[0];
    Tensors result(2);
    if (v.needs[0]) result[0] = input_grad(g, gy, window_of(v.attrs), x.shape());
    if (v.needs[1]) result[1] = forward(x, g, window_of(v.attrs));
    return result;
}

} // namespace

const OpDef kConv2d{
    .name = "conv2d", .prim = Prim::conv2d, .kind = Kind::contraction, .infer = infer_conv2d, .vjp = vjp_conv2d};
const OpDef kConv2dInputGrad{.name = "conv2d_input_grad",
                             .prim = Prim::conv2d_input_grad,
                             .kind = Kind::contraction,
                             .infer = infer_input_grad,
                             .vjp = vjp_input_grad};
const OpDef kConv2dWeightGrad{.name = "conv2d_weight_grad",
                              .prim = Prim::conv2d_weight_grad,
                              .kind = Kind::contraction,
                              .infer = infer_weight_grad,
                              .vjp = vjp_weight_grad};

} // namespace ingot::ops

namespace ingot {

using namespace ops;

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Conv2dOptions& o) {
    const Attrs attrs{o.stride.h, o.stride.w, o.padding.h, o.padding.w, o.dilation.h, o.dilation.w, o.groups, 0};
    if (!bias.defined()) return record(kConv2d, {x, weight}, attrs);
    return record(kConv2d, {x, weight, bias}, attrs);
}

namespace {

/// [A, B, L] as [A, B, 1, L], and back.
Tensor lifted(const char* op, const Tensor& t) {
    if (t.rank() != 3) shape_error(op, "shape " + t.shape().str() + " has not three axes");
    return unsqueeze(t, 2);
}
Tensor lowered(const Tensor& t) { return reshape(t, {t.size(0), t.size(1), t.size(3)}); }

int64_t transposed_size(int64_t in, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation, int64_t more) {
    return (in - 1) * stride - 2 * padding + dilation * (kernel - 1) + more + 1;
}

} // namespace

Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Conv1dOptions& o) {
    return lowered(
        conv2d(lifted("conv1d", x), lifted("conv1d", weight), bias,
               {.stride = {1, o.stride}, .padding = {0, o.padding}, .dilation = {1, o.dilation}, .groups = o.groups}));
}

Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const ConvTranspose2dOptions& o) {
    const char* op = "conv_transpose2d";
    const Shape &xs = x.shape(), &ws = weight.shape();
    const std::string shapes = "shapes " + xs.str() + " and " + ws.str();
    if (xs.rank() != 4 || ws.rank() != 4) shape_error(op, shapes + " are not [N, C, H, W] and [C, O / groups, kh, kw]");
    require_same_dtype(op, x.dtype(), weight.dtype());
    require_float(op, x.dtype());
    if (std::min({o.stride.h, o.stride.w, o.dilation.h, o.dilation.w, o.groups}) < 1 ||
        std::min({o.padding.h, o.padding.w, o.output_padding.h, o.output_padding.w}) < 0)
        shape_error(op, "stride, dilation and groups must be at least 1, padding and output_padding at least 0");
    if (o.output_padding.h >= o.stride.h || o.output_padding.w >= o.stride.w)
        shape_error(op, "output_padding must be below stride");
    if (xs[1] != ws[0] || xs[1] % o.groups != 0 || ws[1] < 1)
        shape_error(op, shapes + " with " + std::to_string(o.groups) + " groups: " + std::to_string(xs[1]) +
                            " input channels, the weight takes " + std::to_string(ws[0]));
    const Shape out{xs[0], ws[1] * o.groups,
                    transposed_size(xs[2], ws[2], o.stride.h, o.padding.h, o.dilation.h, o.output_padding.h),
                    transposed_size(xs[3], ws[3], o.stride.w, o.padding.w, o.dilation.w, o.output_padding.w)};
    if (xs[2] < 1 || xs[3] < 1 || ws[2] < 1 || ws[3] < 1 || out[2] < 1 || out[3] < 1)
        shape_error(op, shapes + ": the result " + out.str() + " would be empty");
    if (bias.defined()) {
        require_same_dtype(op, x.dtype(), bias.dtype());
        if (bias.shape() != Shape{out[1]})
            shape_error(op, "bias of shape " + bias.shape().str() + " does not fit weight of shape " + ws.str());
    }
    const Attrs window{o.stride.h, o.stride.w, o.padding.h, o.padding.w, o.dilation.h, o.dilation.w, o.groups};
    const Tensor y = input_grad(weight, x, window, out);
    return bias.defined() ? y + reshape(bias, along_axis(4, 1, out[1])) : y;
}

Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias, const ConvTranspose1dOptions& o) {
    return lowered(conv_transpose2d(lifted("conv_transpose1d", x), lifted("conv_transpose1d", weight), bias,
                                    {.stride = {1, o.stride},
                                     .padding = {0, o.padding},
                                     .output_padding = {0, o.output_padding},
                                     .dilation = {1, o.dilation},
                                     .groups = o.groups}));
}

} // namespace ingot
