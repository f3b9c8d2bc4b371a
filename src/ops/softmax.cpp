// SPDX-License-Identifier: MIT
#include "ops/softmax.h"

#include <cmath>

#include <ingot/ops/elementwise.h>
#include <ingot/ops/movement.h>
#include <ingot/ops/softmax.h>

#include "ops/common.h"
#include "ops/reduce.h"

namespace ingot::ops {

namespace {

using Tensors = std::vector<Tensor>;

Ints axes_of(const Attrs& attrs) { return Ints(attrs.begin(), attrs.end()); }

void infer_softmax(Call& c) {
    require_float(c.op.name, c.in(0).dtype);
    if (count_over(c.in(0).shape, axes_of(c.attrs)) == 0 && c.in(0).shape.numel() > 0)
        shape_error(c.op.name, "shape " + c.in(0).shape.str() + " has no elements along the axis");
    c.outputs->push_back(c.in(0));
}

void infer_logsumexp(Call& c) {
    require_float(c.op.name, c.in(0).dtype);
    c.outputs->push_back({c.in(0).dtype, reduced_shape(c.in(0).shape, axes_of(c.attrs), true)});
}

// softmax: y = e / sum(e), e = exp(x - max); gradient y (g - sum(g y)).
Tensors decompose_softmax(const Tensors& in, const Attrs& attrs) {
    const Ints axes = axes_of(attrs);
    const Tensor x = widen(in[0]);
    const Tensor e = exp(x - max_keep(x, axes));
    return {cast(e / sum_keep(e, axes), in[0].dtype())};
}
Tensors vjp_softmax(const Vjp& v) {
    const Tensor y = widen(v.outputs[0]), g = widen(v.grads[0]);
    return {cast(y * (g - sum_keep(g * y, axes_of(v.attrs))), v.inputs[0].dtype())};
}

// log_softmax: y = x - max - log(sum(exp(x - max))); gradient g - exp(y) sum(g).
Tensors decompose_log_softmax(const Tensors& in, const Attrs& attrs) {
    const Ints axes = axes_of(attrs);
    const Tensor x = widen(in[0]);
    const Tensor shifted = x - max_keep(x, axes);
    return {cast(shifted - log(sum_keep(exp(shifted), axes)), in[0].dtype())};
}
Tensors vjp_log_softmax(const Vjp& v) {
    const Tensor y = widen(v.outputs[0]), g = widen(v.grads[0]);
    return {cast(g - exp(y) * sum_keep(g, axes_of(v.attrs)), v.inputs[0].dtype())};
}

// logsumexp: y = m + log(sum(exp(x - m))), m = max or 0 where that is infinite; gradient g exp(x - y).
Tensors decompose_logsumexp(const Tensors& in, const Attrs& attrs) {
    const Ints axes = axes_of(attrs);
    const Tensor x = widen(in[0]);
    const Tensor top = max_keep(x, axes);
    const Tensor m = where(eq(abs(top), INFINITY), 0, top);
    return {cast(log(sum_keep(exp(x - m), axes)) + m, in[0].dtype())};
}
Tensors vjp_logsumexp(const Vjp& v) {
    const Tensor x = widen(v.inputs[0]), y = widen(v.outputs[0]);
    // A line of all -inf has no share to give: 0 instead of exp(-inf + inf).
    const Tensor finite = where(eq(y, -INFINITY), 0, y);
    return {cast(widen(v.grads[0]) * exp(x - finite), v.inputs[0].dtype())};
}

} // namespace

const OpDef kSoftmax{.name = "softmax", .infer = infer_softmax, .vjp = vjp_softmax, .decompose = decompose_softmax};
const OpDef kLogSoftmax{
    .name = "log_softmax", .infer = infer_softmax, .vjp = vjp_log_softmax, .decompose = decompose_log_softmax};
const OpDef kLogsumexp{
    .name = "logsumexp", .infer = infer_logsumexp, .vjp = vjp_logsumexp, .decompose = decompose_logsumexp};

} // namespace ingot::ops

namespace ingot {

using namespace ops;

Tensor softmax(const Tensor& x, int64_t axis) { return record(kSoftmax, {x}, {x.shape().axis(axis, "softmax")}); }

Tensor log_softmax(const Tensor& x, int64_t axis) {
    return record(kLogSoftmax, {x}, {x.shape().axis(axis, "log_softmax")});
}

Tensor logsumexp(const Tensor& x, const Axes& axes, bool keepdim) {
    if (x.rank() == 0) return reshape(logsumexp(reshape(x, {1})), {});
    const Ints over = normalize_axes(axes, x.shape(), "logsumexp");
    const Tensor y = record(kLogsumexp, {x}, Attrs(over.begin(), over.end()));
    return keepdim ? y : reshape(y, reduced_shape(x.shape(), over, false));
}

} // namespace ingot
