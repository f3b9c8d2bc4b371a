// SPDX-License-Identifier: MIT
// Rows of the activations in ingot/ops/elementwise.h.
#include <cmath>
#include <numbers>

#include "ops/op_case.h"

namespace ingot::optest {

Cases activation_cases() {
    return {
        {.name = "relu",
         .args = {real({3, 4, 5})},
         .fn = unary(relu),
         .oracle = map1([](double a) { return a > 0 ? a : 0; }),
         .elementwise = true,
         .integers = true,
         .specials = true},
        {.name = "leaky_relu",
         .args = {real({3, 4, 5})},
         .fn = [](const In& in) { return leaky_relu(in[0]); },
         .oracle = map1([](double a) { return a > 0 ? a : 0.01 * a; }),
         .elementwise = true,
         .specials = true},
        {.name = "leaky_relu",
         .variant = "slope",
         .args = {real({3, 4, 5})},
         .fn = [](const In& in) { return leaky_relu(in[0], 0.2); },
         .oracle = map1([](double a) { return a > 0 ? a : 0.2 * a; }),
         .elementwise = true,
         .integers = true},
        {.name = "gelu",
         .args = {real({3, 4, 5}, -3, 3)},
         .fn = unary(gelu),
         .oracle = map1([](double a) { return a * 0.5 * (1 + std::erf(a / std::sqrt(2.0))); }),
         .elementwise = true,
         .specials = true},
        {.name = "gelu_tanh",
         .args = {real({3, 4, 5}, -3, 3)},
         .fn = unary(gelu_tanh),
         .oracle = map1([](double a) {
             return 0.5 * a * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (a + 0.044715 * a * a * a)));
         }),
         .elementwise = true},
        {.name = "silu",
         .args = {real({3, 4, 5}, -3, 3)},
         .fn = unary(silu),
         .oracle = map1([](double a) { return a / (1 + std::exp(-a)); }),
         .elementwise = true,
         .specials = false},
        {.name = "softplus",
         .args = {real({3, 4, 5}, -3, 3)},
         .fn = unary(softplus),
         .oracle = map1([](double a) { return std::log1p(std::exp(a)); }),
         .elementwise = true,
         .specials = true},
        {.name = "elu",
         .args = {real({3, 4, 5})},
         .fn = [](const In& in) { return elu(in[0]); },
         .oracle = map1([](double a) { return a > 0 ? a : std::expm1(a); }),
         .elementwise = true,
         .specials = true},
        {.name = "elu",
         .variant = "alpha",
         .args = {real({3, 4, 5})},
         .fn = [](const In& in) { return elu(in[0], 1.5); },
         .oracle = map1([](double a) { return a > 0 ? a : 1.5 * std::expm1(a); }),
         .elementwise = true},
        {.name = "softplus",
         .variant = "large",
         .args = {real({3, 4, 5}, -200, 200)},
         .fn = [](const In& in) { return softplus(in[0]); },
         .oracle = map1([](double a) { return a > 0 ? a + std::log1p(std::exp(-a)) : std::log1p(std::exp(a)); }),
         .elementwise = true},
    };
}

} // namespace ingot::optest
