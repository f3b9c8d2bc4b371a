// SPDX-License-Identifier: MIT
#include "ops/reduce.h"

#include <ingot/ops/creation.h>
#include <ingot/ops/elementwise.h>
#include <ingot/ops/movement.h>
#include <ingot/ops/reduce.h>

#include "ops/common.h"

namespace ingot::ops {

namespace {

using Tensors = std::vector<Tensor>;

Ints axes_of(const Attrs& attrs) { return Ints(attrs.begin(), attrs.end()); }

/// Of a sum or a product.
DType accumulated(DType t) { return is_float(t) ? t : DType::i64; }

Shape kept(const Call& c) { return reduced_shape(c.in(0).shape, axes_of(c.attrs), true); }

void infer_sum(Call& c) { c.outputs->push_back({accumulated(c.in(0).dtype), kept(c)}); }

void require_elements(const Call& c) {
    if (count_over(c.in(0).shape, axes_of(c.attrs)) == 0)
        shape_error(c.op.name, "shape " + c.in(0).shape.str() + " has no elements along the reduced axes");
}

void infer_extreme(Call& c) {
    require_elements(c);
    c.outputs->push_back({c.in(0).dtype, kept(c)});
}

void infer_position(Call& c) {
    require_elements(c);
    c.outputs->push_back({DType::i64, kept(c)});
}

void infer_float(Call& c) {
    require_float(c.op.name, c.in(0).dtype);
    c.outputs->push_back({c.in(0).dtype, kept(c)});
}

void infer_moments(Call& c) {
    infer_float(c);
    c.outputs->push_back(c.outputs->back());
}

// sum: gradient g, spread.
Tensors vjp_sum(const Vjp& v) { return {expand(v.grads[0], v.inputs[0].shape())}; }

// prod: gradient g times the product of the other factors, found without dividing by zero. With exactly one zero in a
// line the others' product is that of the nonzero ones; keeping the zero as a factor (`zeros`) makes second gradients
// right too.
Tensors vjp_prod(const Vjp& v) {
    const Tensor& x = v.inputs[0];
    const Ints axes = axes_of(v.attrs);
    const Tensor is_zero = eq(x, 0);
    const Tensor nonzero = where(is_zero, 1, x);
    const Tensor product = record(kProd, {nonzero}, v.attrs);
    const Tensor count = sum_keep(is_zero, axes);
    const Tensor zero_sum = sum_keep(where(is_zero, x, 0), axes);
    const Tensor for_zero = where(eq(count, 1), product, where(eq(count, 2), (zero_sum - x) * product, 0));
    const Tensor rest = product / nonzero;
    const Tensor for_others = where(eq(count, 0), rest, where(eq(count, 1), zero_sum * rest, 0));
    return {v.grads[0] * where(is_zero, for_zero, for_others)};
}

// max, min: gradient g, shared evenly by the elements that equal the result.
Tensors vjp_extreme(const Vjp& v) {
    const Tensor hit = cast(eq(v.inputs[0], v.outputs[0]), v.inputs[0].dtype());
    const Tensor hits = sum_keep(widen(hit), axes_of(v.attrs));
    return {cast(hit * (widen(v.grads[0]) / hits), v.inputs[0].dtype())};
}

// moments: gradient gm / n + gv 2 (x - mean) / n.
Tensors vjp_moments(const Vjp& v) {
    const Tensor& x = v.inputs[0];
    const double n = static_cast<double>(count_over(x.shape(), axes_of(v.attrs)));
    Tensor result;
    if (v.grads[0].defined()) result = expand(v.grads[0] / n, x.shape());
    if (v.grads[1].defined()) {
        const Tensor spread = (x - v.outputs[0]) * (v.grads[1] * (2 / n));
        result = result.defined() ? result + spread : spread;
    }
    return {result};
}

Tensors decompose_mean(const Tensors& in, const Attrs& attrs) {
    const Ints axes = axes_of(attrs);
    const double n = static_cast<double>(count_over(in[0].shape(), axes));
    return {cast(sum_keep(widen(in[0]), axes) / n, in[0].dtype())};
}

// norm: gradient g x / norm, and 0 where the norm is 0.
Tensors decompose_norm(const Tensors& in, const Attrs& attrs) {
    const Tensor x = widen(in[0]);
    return {cast(sqrt(sum_keep(x * x, axes_of(attrs))), in[0].dtype())};
}
Tensors vjp_norm(const Vjp& v) {
    const Tensor& y = v.outputs[0];
    const Tensor zero = eq(y, 0);
    return {v.inputs[0] * (where(zero, 0, v.grads[0]) / where(zero, 1, y))};
}

} // namespace

#define INGOT_REDUCTION(constant_name, text, primitive, shape_rule, gradient)                                          \
    const OpDef constant_name {                                                                                        \
        .name = text, .prim = primitive, .kind = Kind::reduction, .infer = shape_rule, .vjp = gradient                 \
    }
INGOT_REDUCTION(kSum, "sum", Prim::sum, infer_sum, vjp_sum);
INGOT_REDUCTION(kProd, "prod", Prim::prod, infer_sum, vjp_prod);
INGOT_REDUCTION(kMax, "max", Prim::max, infer_extreme, vjp_extreme);
INGOT_REDUCTION(kMin, "min", Prim::min, infer_extreme, vjp_extreme);
INGOT_REDUCTION(kArgmax, "argmax", Prim::argmax, infer_position, nullptr);
INGOT_REDUCTION(kArgmin, "argmin", Prim::argmin, infer_position, nullptr);
INGOT_REDUCTION(kMoments, "moments", Prim::moments, infer_moments, vjp_moments);
#undef INGOT_REDUCTION

const OpDef kMean{.name = "mean", .infer = infer_float, .decompose = decompose_mean};
const OpDef kNorm{.name = "norm", .infer = infer_float, .vjp = vjp_norm, .decompose = decompose_norm};

namespace {

Attrs to_attrs(const Ints& axes) { return Attrs(axes.begin(), axes.end()); }

/// Reduces and gives the result its public shape. A scalar is reduced as a list of one.
Tensor reduce(const OpDef& op, const Tensor& x, const Axes& axes, bool keepdim) {
    const Shape& shape = x.shape();
    if (shape.rank() == 0) {
        for (const int64_t a : axes)
            if (a != 0 && a != -1) shape.axis(a, op.name);
        return reshape(record(op, {reshape(x, {1})}, {0}), {});
    }
    const Ints over = normalize_axes(axes, shape, op.name);
    const Tensor result = record(op, {x}, to_attrs(over));
    return keepdim ? result : reshape(result, reduced_shape(shape, over, false));
}

} // namespace

Tensor sum_keep(const Tensor& x, const Ints& axes) { return record(kSum, {x}, to_attrs(axes)); }
Tensor mean_keep(const Tensor& x, const Ints& axes) { return record(kMean, {x}, to_attrs(axes)); }
Tensor max_keep(const Tensor& x, const Ints& axes) { return record(kMax, {x}, to_attrs(axes)); }

Moments moments(const Tensor& x, const Ints& axes) {
    const Tensor inputs[] = {x};
    std::vector<Tensor> results = record_all(kMoments, inputs, to_attrs(axes));
    return {std::move(results[0]), std::move(results[1])};
}

} // namespace ingot::ops

namespace ingot {

using namespace ops;

Tensor sum(const Tensor& x, const Axes& axes, bool keepdim) { return reduce(kSum, x, axes, keepdim); }
Tensor mean(const Tensor& x, const Axes& axes, bool keepdim) { return reduce(kMean, x, axes, keepdim); }
Tensor prod(const Tensor& x, const Axes& axes, bool keepdim) {
    return reduce(kProd, is_float(x.dtype()) ? x : cast(x, DType::i64), axes, keepdim);
}
Tensor max(const Tensor& x, const Axes& axes, bool keepdim) { return reduce(kMax, x, axes, keepdim); }
Tensor min(const Tensor& x, const Axes& axes, bool keepdim) { return reduce(kMin, x, axes, keepdim); }
Tensor argmax(const Tensor& x, const Axes& axes, bool keepdim) { return reduce(kArgmax, x, axes, keepdim); }
Tensor argmin(const Tensor& x, const Axes& axes, bool keepdim) { return reduce(kArgmin, x, axes, keepdim); }
Tensor norm(const Tensor& x, const Axes& axes, bool keepdim) { return reduce(kNorm, x, axes, keepdim); }

Tensor var(const Tensor& x, const Axes& axes, int64_t correction, bool keepdim) {
    require_float("var", x.dtype());
    if (x.rank() == 0) return reshape(var(reshape(x, {1}), {}, correction), {});
    const Ints over = normalize_axes(axes, x.shape(), "var");
    const double n = static_cast<double>(count_over(x.shape(), over));
    // n / 0 is infinite, and 0 * infinity is the NaN that is wanted.
    const double factor = n / std::max(0.0, n - static_cast<double>(correction));
    Tensor result = cast(moments(widen(x), over).var * factor, x.dtype());
    return keepdim ? result : reshape(result, reduced_shape(x.shape(), over, false));
}

Tensor std(const Tensor& x, const Axes& axes, int64_t correction, bool keepdim) {
    require_float("std", x.dtype());
    return sqrt(var(x, axes, correction, keepdim));
}

} // namespace ingot
