// SPDX-License-Identifier: MIT
// Gradient rules of the scalar functions. Rules use the output where they can (relu, sigmoid, tanh, exp, sqrt), so that
// a fused matmul + bias + activation need keep only its result. Each is one line: the formula is the documentation.
#include <numbers>

#include <ingot/ops/creation.h>
#include <ingot/ops/elementwise.h>

#include "ops/common.h"
#include "ops/elementwise.h"

namespace ingot::ops {

namespace {

using Grads = std::vector<Tensor>;

// x, y, g: the input, the output, the gradient of the output.
#define INGOT_RULE(expression)                                                                                         \
    [](const Vjp& v) -> Grads {                                                                                        \
        [[maybe_unused]] const Tensor &x = v.inputs[0], &y = v.outputs[0], &g = v.grads[0];                            \
        return {expression};                                                                                           \
    }

/// Gradients of two inputs that were broadcast; each is computed only when needed.
template <class A, class B> Grads two(const Vjp& v, A&& grad_a, B&& grad_b) {
    Grads result(2);
    if (v.needs[0]) result[0] = sum_to(grad_a(), v.inputs[0].shape());
    if (v.needs[1]) result[1] = sum_to(grad_b(), v.inputs[1].shape());
    return result;
}

// a, b, y, g: the inputs, the output, the gradient of the output.
#define INGOT_RULE2(grad_a, grad_b)                                                                                    \
    [](const Vjp& v) -> Grads {                                                                                        \
        [[maybe_unused]] const Tensor &a = v.inputs[0], &b = v.inputs[1], &y = v.outputs[0], &g = v.grads[0];          \
        return two(                                                                                                    \
            v, [&] { return grad_a; }, [&] { return grad_b; });                                                        \
    }

Grads vjp_where(const Vjp& v) {
    const Tensor &condition = v.inputs[0], &g = v.grads[0];
    Grads result(3);
    if (v.needs[1]) result[1] = sum_to(where(condition, g, 0), v.inputs[1].shape());
    if (v.needs[2]) result[2] = sum_to(where(condition, 0, g), v.inputs[2].shape());
    return result;
}

} // namespace

VjpRule elementwise_vjp(Scalar function) {
    switch (function) {
    case Scalar::neg: return INGOT_RULE(-g);
    case Scalar::abs: return INGOT_RULE(g * sign(x));
    case Scalar::relu: return INGOT_RULE(where(y <= 0, 0, g));
    case Scalar::exp: return INGOT_RULE(g * y);
    case Scalar::expm1: return INGOT_RULE(g * (y + 1));
    case Scalar::log: return INGOT_RULE(g / x);
    case Scalar::log1p: return INGOT_RULE(g / (x + 1));
    case Scalar::sqrt: return INGOT_RULE(g / (y * 2));
    case Scalar::rsqrt: return INGOT_RULE(g * (y * y * y) * -0.5);
    case Scalar::reciprocal: return INGOT_RULE(-(g * y * y));
    case Scalar::sin: return INGOT_RULE(g * cos(x));
    case Scalar::cos: return INGOT_RULE(-(g * sin(x)));
    case Scalar::tanh: return INGOT_RULE(g * (1 - y * y));
    case Scalar::erf: return INGOT_RULE(g * exp(-(x * x)) * (2 * std::numbers::inv_sqrtpi));
    case Scalar::sigmoid: return INGOT_RULE(g * (y * (1 - y)));
    // Flat wherever they are differentiable.
    case Scalar::sign:
    case Scalar::floor:
    case Scalar::ceil:
    case Scalar::round:
    case Scalar::trunc: return INGOT_RULE(zeros_like(g));
    case Scalar::add: return INGOT_RULE2(g, g);
    case Scalar::sub: return INGOT_RULE2(g, -g);
    case Scalar::mul: return INGOT_RULE2(g * b, g * a);
    case Scalar::div: return INGOT_RULE2(g / b, -(g * y / b));
    case Scalar::remainder: return INGOT_RULE2(g, -(g * floor(a / b)));
    // 0 * log(0) and 0 * 0^-1 are 0 here, as in PyTorch: pow(x, b) has the power rule's gradient at x = 0.
    case Scalar::pow:
        return INGOT_RULE2(where(eq(b, 0), 0, g * (b * pow(a, b - 1))),
                           where(logical_and(eq(a, 0), b >= 0), 0, g * y * log(a)));
    case Scalar::maximum:
        return INGOT_RULE2(where(a < b, 0, where(eq(a, b), g * 0.5, g)), where(b < a, 0, where(eq(a, b), g * 0.5, g)));
    case Scalar::minimum:
        return INGOT_RULE2(where(a > b, 0, where(eq(a, b), g * 0.5, g)), where(b > a, 0, where(eq(a, b), g * 0.5, g)));
    case Scalar::where: return vjp_where;
    default: return nullptr; // comparisons, logic, floor_divide
    }
}

} // namespace ingot::ops
