// SPDX-License-Identifier: MIT
// Composed activations and clamp: one recorded node each, with a gradient of its own. They compute in f32 for f16 and
// bf16.
#include <cmath>
#include <numbers>

#include <ingot/ops/creation.h>
#include <ingot/ops/elementwise.h>

#include "ops/common.h"
#include "ops/elementwise.h"

namespace ingot::ops {

namespace {

using Tensors = std::vector<Tensor>;

void infer_same(Call& c) { c.outputs->push_back(c.in(0)); }

void infer_float(Call& c) {
    require_float(c.op.name, c.in(0).dtype);
    c.outputs->push_back(c.in(0));
}

/// The standard normal distribution function.
Tensor normal_cdf(const Tensor& x) { return (erf(x * (1 / std::numbers::sqrt2)) + 1) * 0.5; }

/// exp(min(x, 0)): without overflow where it is not wanted.
Tensor exp_below(const Tensor& x) { return exp(minimum(x, 0)); }

double smallest(DType t) { return t == DType::u8 ? 0 : t == DType::i32 ? -0x1p31 : -0x1p63; }
double largest(DType t) { return t == DType::u8 ? 255 : t == DType::i32 ? 0x1p31 - 1 : 0x1p63; }

// clamp: min(max(x, low), high); gradient g where low <= x <= high.
Tensors decompose_clamp(const Tensors& in, const Attrs& attrs) {
    const double low = unpack(attrs[0]), high = unpack(attrs[1]);
    Tensor y = in[0];
    // Bounds of integers are whole here: a fractional one has made x a float before. Those that a dtype cannot reach do
    // nothing.
    const bool whole = !is_float(y.dtype());
    const auto bound = [&](double v) { return whole ? Number(static_cast<int64_t>(v)) : Number(v); };
    if (low > (whole ? smallest(y.dtype()) : -INFINITY)) y = maximum(y, bound(low));
    if (high < (whole ? largest(y.dtype()) : INFINITY)) y = minimum(y, bound(high));
    return {y};
}
Tensors vjp_clamp(const Vjp& v) {
    const Tensor& x = v.inputs[0];
    const double low = unpack(v.attrs[0]), high = unpack(v.attrs[1]);
    Tensor inside = x <= high;
    if (low > -INFINITY) inside = logical_and(x >= low, inside);
    return {where(inside, v.grads[0], 0)};
}

// leaky_relu: x > 0 ? x : slope x; gradient x > 0 ? g : slope g.
Tensors decompose_leaky_relu(const Tensors& in, const Attrs& attrs) {
    const Tensor x = widen(in[0]);
    return {cast(where(x > 0, x, x * unpack(attrs[0])), in[0].dtype())};
}
Tensors vjp_leaky_relu(const Vjp& v) {
    const Tensor& g = v.grads[0];
    return {where(v.inputs[0] > 0, g, g * unpack(v.attrs[0]))};
}

// gelu: x Phi(x); gradient g (Phi(x) + x phi(x)).
Tensors decompose_gelu(const Tensors& in, const Attrs&) {
    const Tensor x = widen(in[0]);
    return {cast(x * normal_cdf(x), in[0].dtype())};
}
Tensors vjp_gelu(const Vjp& v) {
    const Tensor x = widen(v.inputs[0]), g = widen(v.grads[0]);
    const Tensor density = exp(x * x * -0.5) * (std::numbers::inv_sqrtpi / std::numbers::sqrt2);
    return {cast(g * (normal_cdf(x) + x * density), v.inputs[0].dtype())};
}

// gelu_tanh: x (1 + tanh(u)) / 2 = x s with s = sigmoid(2 u), u = c (x + a x^3); gradient g s (1 + 2 x (1 - s) u').
constexpr double kGeluA = 0.044715, kGeluC = 0.79788456080286536; // sqrt(2 / pi)
Tensor gelu_share(const Tensor& x) { return sigmoid(x * (x * x * (2 * kGeluC * kGeluA) + 2 * kGeluC)); }
Tensors decompose_gelu_tanh(const Tensors& in, const Attrs&) {
    const Tensor x = widen(in[0]);
    return {cast(x * gelu_share(x), in[0].dtype())};
}
Tensors vjp_gelu_tanh(const Vjp& v) {
    const Tensor x = widen(v.inputs[0]), g = widen(v.grads[0]);
    const Tensor s = gelu_share(x), slope = x * x * (6 * kGeluC * kGeluA) + 2 * kGeluC;
    return {cast(g * (s * (x * (1 - s) * slope + 1)), v.inputs[0].dtype())};
}

// silu: x s, s = sigmoid(x); gradient g s (1 + x (1 - s)).
Tensors decompose_silu(const Tensors& in, const Attrs&) {
    const Tensor x = widen(in[0]);
    return {cast(x * sigmoid(x), in[0].dtype())};
}
Tensors vjp_silu(const Vjp& v) {
    const Tensor x = widen(v.inputs[0]), g = widen(v.grads[0]);
    const Tensor s = sigmoid(x);
    return {cast(g * (s * (x * (1 - s) + 1)), v.inputs[0].dtype())};
}

// softplus: max(x, 0) + log(1 + exp(-|x|)); gradient g sigmoid(x).
Tensors decompose_softplus(const Tensors& in, const Attrs&) {
    const Tensor x = widen(in[0]);
    return {cast(relu(x) + log1p(exp(-abs(x))), in[0].dtype())};
}
Tensors vjp_softplus(const Vjp& v) { return {v.grads[0] * sigmoid(v.inputs[0])}; }

// elu: x > 0 ? x : alpha (exp(x) - 1); gradient x > 0 ? g : g alpha exp(x).
Tensors decompose_elu(const Tensors& in, const Attrs& attrs) {
    const Tensor x = widen(in[0]);
    return {cast(where(x > 0, x, expm1(minimum(x, 0)) * unpack(attrs[0])), in[0].dtype())};
}
Tensors vjp_elu(const Vjp& v) {
    const Tensor x = widen(v.inputs[0]), g = widen(v.grads[0]);
    return {cast(where(x > 0, g, g * exp_below(x) * unpack(v.attrs[0])), v.inputs[0].dtype())};
}

Tensor floats(const Tensor& x) { return is_float(x.dtype()) ? x : cast(x, DType::f32); }

} // namespace

const OpDef kClamp{.name = "clamp", .infer = infer_same, .vjp = vjp_clamp, .decompose = decompose_clamp};
const OpDef kLeakyRelu{
    .name = "leaky_relu", .infer = infer_float, .vjp = vjp_leaky_relu, .decompose = decompose_leaky_relu};
const OpDef kGelu{.name = "gelu", .infer = infer_float, .vjp = vjp_gelu, .decompose = decompose_gelu};
const OpDef kGeluTanh{
    .name = "gelu_tanh", .infer = infer_float, .vjp = vjp_gelu_tanh, .decompose = decompose_gelu_tanh};
const OpDef kSilu{.name = "silu", .infer = infer_float, .vjp = vjp_silu, .decompose = decompose_silu};
const OpDef kSoftplus{.name = "softplus", .infer = infer_float, .vjp = vjp_softplus, .decompose = decompose_softplus};
const OpDef kElu{.name = "elu", .infer = infer_float, .vjp = vjp_elu, .decompose = decompose_elu};

} // namespace ingot::ops

namespace ingot {

using namespace ops;

Tensor clamp(const Tensor& x, double low, double high) {
    if (x.dtype() == DType::boolean) throw DTypeError("clamp: dtype bool has no order; convert with .to(i64) first");
    const auto fractional = [](double v) { return std::isfinite(v) && v != std::trunc(v); };
    const bool to_float = !is_float(x.dtype()) && (fractional(low) || fractional(high));
    return record(kClamp, {to_float ? cast(x, DType::f32) : x}, {pack(low), pack(high)});
}

Tensor leaky_relu(const Tensor& x, double slope) { return record(kLeakyRelu, {floats(x)}, {pack(slope)}); }
Tensor gelu(const Tensor& x) { return record(kGelu, {floats(x)}); }
Tensor gelu_tanh(const Tensor& x) { return record(kGeluTanh, {floats(x)}); }
Tensor silu(const Tensor& x) { return record(kSilu, {floats(x)}); }
Tensor softplus(const Tensor& x) { return record(kSoftplus, {floats(x)}); }
Tensor elu(const Tensor& x, double alpha) { return record(kElu, {floats(x)}, {pack(alpha)}); }

} // namespace ingot
