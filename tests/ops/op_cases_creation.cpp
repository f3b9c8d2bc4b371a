// SPDX-License-Identifier: MIT
// Rows of ingot/ops/creation.h and ingot/ops/random.h.
#include "ops/op_case.h"

namespace ingot::optest {

namespace {

const char* const kNoInputs = "has no inputs";

TensorOptions on(const In& in) { return {.device = in.device}; }
TensorOptions on(const In& in, DType dtype) { return {.dtype = dtype, .device = in.device}; }

Oracle always(std::vector<double> values) {
    return [values](const std::vector<Array>&) { return values; };
}

} // namespace

Cases creation_cases() {
    return {
        {.name = "zeros",
         .fn =
             [](const In& in) {
                 return zeros({2, 3}, on(in));
             },
         .oracle = always({0, 0, 0, 0, 0, 0}),
         .no_gradient = kNoInputs,
         .bad = {{[] {
                      zeros({2, -1});
                  },
                  "zeros: shape [2, -1] has a negative size"}}},
        {.name = "ones",
         .fn = [](const In& in) { return ones({4}, on(in, DType::f16)); },
         .oracle = always({1, 1, 1, 1}),
         .no_gradient = kNoInputs},
        {.name = "full",
         .fn =
             [](const In& in) {
                 return full({2, 2}, 2.5, on(in));
             },
         .oracle = always({2.5, 2.5, 2.5, 2.5}),
         .no_gradient = kNoInputs},
        {.name = "full",
         .variant = "integer",
         .fn = [](const In& in) { return full({}, 7, on(in)); },
         .oracle = always({7}),
         .no_gradient = kNoInputs},
        {.name = "zeros_like",
         .args = {real({2, 2})},
         .fn = [](const In& in) { return zeros_like(in[0]); },
         .oracle = always({0, 0, 0, 0}),
         .no_gradient = "does not depend on values",
         .integers = true},
        {.name = "ones_like",
         .args = {real({2, 2})},
         .fn = [](const In& in) { return ones_like(in[0]); },
         .oracle = always({1, 1, 1, 1}),
         .no_gradient = "does not depend on values",
         .integers = true},
        {.name = "full_like",
         .args = {real({3})},
         .fn = [](const In& in) { return full_like(in[0], 3); },
         .oracle = always({3, 3, 3}),
         .no_gradient = "does not depend on values",
         .integers = true},
        {.name = "arange",
         .fn = [](const In& in) { return arange(5, on(in)); },
         .oracle = always({0, 1, 2, 3, 4}),
         .no_gradient = kNoInputs,
         .bad = {{[] { arange(0, 5, -1); }, "arange: no values lead from 0.000000 to 5.000000 in steps of -1.000000"}}},
        {.name = "arange",
         .variant = "step",
         .fn = [](const In& in) { return arange(1.0, 2.2, 0.25, on(in)); },
         .oracle = always({1, 1.25, 1.5, 1.75, 2}),
         .no_gradient = kNoInputs},
        {.name = "arange",
         .variant = "down",
         .fn = [](const In& in) { return arange(5, 0, -2, on(in, DType::i32)); },
         .oracle = always({5, 3, 1}),
         .no_gradient = kNoInputs},
        {.name = "arange",
         .variant = "empty",
         .fn = [](const In& in) { return arange(3, 3, 1, on(in)); },
         .oracle = always({}),
         .no_gradient = kNoInputs},
        {.name = "linspace",
         .fn = [](const In& in) { return linspace(-1, 1, 5, on(in)); },
         .oracle = always({-1, -0.5, 0, 0.5, 1}),
         .no_gradient = kNoInputs,
         .bad = {{[] { linspace(0, 1, -1); }, "linspace: the count -1 is negative"}}},
        {.name = "eye",
         .fn = [](const In& in) { return eye(2, 3, on(in)); },
         .oracle = always({1, 0, 0, 0, 1, 0}),
         .no_gradient = kNoInputs},
    };
}

Cases random_cases() {
    const char* const kRandom = "has no inputs";
    return {
        {.name = "manual_seed", // the same seed draws the same numbers, whatever was drawn before
         .fn =
             [](const In& in) {
                 manual_seed(11);
                 const Tensor a = rand({5}, on(in));
                 rand({3}, on(in)).eval();
                 manual_seed(11);
                 return a - rand({5}, on(in));
             },
         .oracle = always({0, 0, 0, 0, 0}),
         .no_gradient = kRandom,
         .modes = false},
        {.name = "rand",
         .fn =
             [](const In& in) {
                 manual_seed(1);
                 return rand({7, 13}, on(in));
             },
         .no_gradient = kRandom,
         .modes = false,
         .bad = {{[] { rand({2}, {.dtype = i64}); },
                  "rand: dtype i64 is not a float dtype; convert with .to(f32) first"}}},
        {.name = "rand",
         .variant = "f16",
         .fn =
             [](const In& in) {
                 manual_seed(2);
                 return rand({300}, on(in, DType::f16));
             },
         .no_gradient = kRandom,
         .modes = false},
        {.name = "randn",
         .fn =
             [](const In& in) {
                 manual_seed(3);
                 return randn({11, 5}, on(in));
             },
         .no_gradient = kRandom,
         .modes = false,
         .factor = 10,
         .factor_reason = "sqrt(-2 log u) magnifies the rounding of log near u = 1"},
        {.name = "randint",
         .fn =
             [](const In& in) {
                 manual_seed(4);
                 return randint(-3, 12, {200}, on(in));
             },
         .no_gradient = kRandom,
         .modes = false,
         .bad = {{[] { randint(5, 5, {2}); }, "randint: the range from 5 to 5 does not hold from 1 to 2^24 integers"}}},
        {.name = "bernoulli",
         .fn =
             [](const In& in) {
                 manual_seed(5);
                 return bernoulli({100}, 0.3, on(in));
             },
         .no_gradient = kRandom,
         .modes = false,
         .bad = {{[] { bernoulli({2}, 1.5); }, "bernoulli: the probability 1.500000 is not in [0, 1]"}}},
        {.name = "dropout",
         .args = {real({9, 11})},
         .fn =
             [](const In& in) {
                 manual_seed(6);
                 return dropout(in[0], 0.4);
             },
         .modes = false,
         .bad = {{[] { dropout(ones({2}), -0.1); }, "dropout: the probability -0.100000 is not in [0, 1]"}}},
        {.name = "dropout",
         .variant = "eval",
         .args = {real({4})},
         .fn = [](const In& in) { return dropout(in[0], 0.4, false); },
         .oracle = map1([](double a) { return a; })},
        {.name = "dropout",
         .variant = "all",
         .args = {real({4})},
         .fn = [](const In& in) { return dropout(in[0], 1.0); },
         .oracle = always({0, 0, 0, 0}),
         .no_gradient = "0 everywhere"},
    };
}

} // namespace ingot::optest
