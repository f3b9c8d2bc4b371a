// SPDX-License-Identifier: MIT
// The activations of ingot/ops/activation.h: one recorded node each, with a gradient of its own. They compute in f32 for f16
// and bf16.
#include <cmath>

#include <ingot/ops/activation.h>
#include <ingot/ops/elementwise.h>
#include <ingot/ops/movement.h>
#include <ingot/ops/softmax.h>

#include "ops/common.h"

namespace ingot::ops {

namespace {

using Tensors = std::vector<Tensor>;

void infer_float(Call& c) {
    require_float(c.op.name, c.in(0).dtype);
    c.outputs->push_back(c.in(0));
}

Tensor floats(const Tensor& x) { return is_float(x.dtype()) ? x : cast(x, DType::f32); }

/// exp(min(x, 0)): without overflow where it is not wanted.
Tensor exp_below(const Tensor& x) { return exp(minimum(x, 0)); }
Tensor expm1_below(const Tensor& x) { return expm1(minimum(x, 0)); }

// f(x, a, b) and f'(x, a, b), a and b the attributes.
using Function = Tensor (*)(const Tensor& x, double a, double b);
double attribute(const Attrs& attrs, size_t i) { return attrs.size() > i ? unpack(attrs[i]) : 0; }
template <Function f> Tensors decompose(const Tensors& in, const Attrs& attrs) {
    return {cast(f(widen(in[0]), attribute(attrs, 0), attribute(attrs, 1)), in[0].dtype())};
}
template <Function slope> Tensors vjp(const Vjp& v) {
    const Tensor g = widen(v.grads[0]) * slope(widen(v.inputs[0]), attribute(v.attrs, 0), attribute(v.attrs, 1));
    return {cast(g, v.inputs[0].dtype())};
}
template <Function f, Function slope> constexpr OpDef activation(const char* name) {
    return {.name = name, .infer = infer_float, .vjp = vjp<slope>, .decompose = decompose<f>};
}

constexpr double kSeluAlpha = 1.6732632423543772848170429916717, kSeluScale = 1.0507009873554804934193349852946;
Tensor selu_of(const Tensor& x, double, double) { return where(x > 0, x, expm1_below(x) * kSeluAlpha) * kSeluScale; }
Tensor selu_slope(const Tensor& x, double, double) {
    return where(x > 0, kSeluScale, exp_below(x) * (kSeluScale * kSeluAlpha));
}

Tensor celu_of(const Tensor& x, double alpha, double) { return where(x > 0, x, expm1_below(x / alpha) * alpha); }
Tensor celu_slope(const Tensor& x, double alpha, double) { return where(x > 0, 1, exp_below(x / alpha)); }

Tensor softsign_of(const Tensor& x, double, double) { return x / (abs(x) + 1); }
Tensor softsign_slope(const Tensor& x, double, double) { return 1 / square(abs(x) + 1); }

Tensor hardtanh_of(const Tensor& x, double low, double high) { return clamp(x, low, high); }
Tensor hardtanh_slope(const Tensor& x, double low, double high) {
    return cast(logical_and(x > low, x < high), x.dtype());
}

Tensor hardsigmoid_of(const Tensor& x, double, double) { return clamp(x + 3, 0, 6) / 6; }
Tensor hardsigmoid_slope(const Tensor& x, double, double) { return hardtanh_slope(x, -3, 3) / 6; }

Tensor hardswish_of(const Tensor& x, double, double) { return x * clamp(x + 3, 0, 6) / 6; }
Tensor hardswish_slope(const Tensor& x, double, double) { return where(x < -3, 0, where(x < 3, x / 3 + 0.5, 1)); }

Tensor mish_of(const Tensor& x, double, double) { return x * tanh(softplus(x)); }
Tensor mish_slope(const Tensor& x, double, double) {
    const Tensor t = tanh(softplus(x));
    return t + x * sigmoid(x) * (1 - t * t);
}

Tensor logsigmoid_of(const Tensor& x, double, double) { return -softplus(-x); }
Tensor logsigmoid_slope(const Tensor& x, double, double) { return sigmoid(-x); }

Tensor tanhshrink_of(const Tensor& x, double, double) { return x - tanh(x); }
Tensor tanhshrink_slope(const Tensor& x, double, double) { return square(tanh(x)); }

constexpr OpDef kSelu = activation<selu_of, selu_slope>("selu");
constexpr OpDef kCelu = activation<celu_of, celu_slope>("celu");
constexpr OpDef kSoftsign = activation<softsign_of, softsign_slope>("softsign");
constexpr OpDef kHardtanh = activation<hardtanh_of, hardtanh_slope>("hardtanh");
constexpr OpDef kRelu6 = activation<hardtanh_of, hardtanh_slope>("relu6");
constexpr OpDef kHardsigmoid = activation<hardsigmoid_of, hardsigmoid_slope>("hardsigmoid");
constexpr OpDef kHardswish = activation<hardswish_of, hardswish_slope>("hardswish");
constexpr OpDef kMish = activation<mish_of, mish_slope>("mish");
constexpr OpDef kLogsigmoid = activation<logsigmoid_of, logsigmoid_slope>("logsigmoid");
constexpr OpDef kTanhshrink = activation<tanhshrink_of, tanhshrink_slope>("tanhshrink");

} // namespace

} // namespace ingot::ops

namespace ingot {

using namespace ops;

Tensor selu(const Tensor& x) { return record(kSelu, {floats(x)}); }

Tensor celu(const Tensor& x, double alpha) {
    if (alpha == 0) throw Error("celu: alpha must not be 0");
    return record(kCelu, {floats(x)}, {pack(alpha)});
}

Tensor softsign(const Tensor& x) { return record(kSoftsign, {floats(x)}); }

Tensor hardtanh(const Tensor& x, double low, double high) {
    if (!(low < high))
        throw Error("hardtanh: low = " + std::to_string(low) + " is not below high = " + std::to_string(high));
    return record(kHardtanh, {floats(x)}, {pack(low), pack(high)});
}

Tensor relu6(const Tensor& x) { return record(kRelu6, {floats(x)}, {pack(0), pack(6)}); }
Tensor hardsigmoid(const Tensor& x) { return record(kHardsigmoid, {floats(x)}); }
Tensor hardswish(const Tensor& x) { return record(kHardswish, {floats(x)}); }
Tensor mish(const Tensor& x) { return record(kMish, {floats(x)}); }
Tensor logsigmoid(const Tensor& x) { return record(kLogsigmoid, {floats(x)}); }
Tensor tanhshrink(const Tensor& x) { return record(kTanhshrink, {floats(x)}); }

Tensor prelu(const Tensor& x, const Tensor& weight) {
    require_float("prelu", x.dtype());
    require_same_dtype("prelu", x.dtype(), weight.dtype());
    const int64_t channels = x.rank() >= 2 ? x.size(1) : 1;
    if (weight.rank() != 1 || (weight.numel() != 1 && weight.numel() != channels))
        shape_error("prelu", "a weight of shape " + weight.shape().str() + " does not fit shape " + x.shape().str() +
                                 "; expected [1] or [" + std::to_string(channels) + "]");
    const Tensor slope =
        weight.numel() == 1 ? reshape(weight, {}) : reshape(weight, along_axis(x.shape().rank(), 1, channels));
    return where(x > 0, x, x * slope);
}

Tensor glu(const Tensor& x, int64_t axis) {
    require_float("glu", x.dtype());
    const int64_t a = x.shape().axis(axis, "glu"), n = x.size(a);
    if (n % 2 != 0 || n == 0)
        shape_error("glu", "axis " + std::to_string(a) + " of shape " + x.shape().str() + " has no two halves");
    const auto halves = chunk(x, 2, a);
    return halves[0] * sigmoid(halves[1]);
}

Tensor softmin(const Tensor& x, int64_t axis) { return softmax(-x, axis); }

} // namespace ingot
