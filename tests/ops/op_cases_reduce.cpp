// SPDX-License-Identifier: MIT
// Rows of ingot/ops/reduce.h and of the reductions in ingot/ops/softmax.h.
#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/op_case.h"

namespace ingot::optest {

namespace {

using Line = const std::vector<double>&;

double sum_of(Line v) {
    double s = 0;
    for (const double x : v) s += x;
    return s;
}
double product_of(Line v) {
    double p = 1;
    for (const double x : v) p *= x;
    return p;
}
double mean_of(Line v) { return sum_of(v) / static_cast<double>(v.size()); }
double squares_of(Line v, double around) {
    double s = 0;
    for (const double x : v) s += (x - around) * (x - around);
    return s;
}
double largest_of(Line v) { return *std::max_element(v.begin(), v.end()); }
double smallest_of(Line v) { return *std::min_element(v.begin(), v.end()); }
double largest_at(Line v) { return static_cast<double>(std::max_element(v.begin(), v.end()) - v.begin()); }
double smallest_at(Line v) { return static_cast<double>(std::min_element(v.begin(), v.end()) - v.begin()); }
Oracle variance(Ints axes, double correction) {
    return lines(std::move(axes), [correction](Line v) {
        return squares_of(v, mean_of(v)) / (static_cast<double>(v.size()) - correction);
    });
}
double log_sum(Line v) {
    double s = 0;
    for (const double x : v) s += std::exp(x);
    return std::log(s);
}

const std::vector<Arg> kImages = {real({3, 4, 5, 2})};

} // namespace

Cases reduce_cases() {
    return {
        {.name = "sum",
         .args = kImages,
         .fn = [](const In& in) { return sum(in[0]); },
         .oracle = lines({}, sum_of),
         .integers = true,
         .specials = true,
         .bad = {{[] {
                      sum(ones({2, 3}), 2);
                  },
                  "sum: axis 2 is out of range for shape [2, 3]; allowed are -2 to 1"},
                 {[] {
                      sum(ones({2, 3}), {0, -2});
                  },
                  "sum: axis 0 of shape [2, 3] is named twice"}}},
        {.name = "sum",
         .variant = "rows",
         .args = kImages,
         .fn = [](const In& in) { return sum(in[0], -1); },
         .oracle = lines({3}, sum_of),
         .integers = true,
         .specials = true},
        {.name = "sum",
         .variant = "columns",
         .args = {real({70, 9})},
         .fn = [](const In& in) { return sum(in[0], 0, true); },
         .oracle = lines({0}, sum_of)},
        {.name = "sum",
         .variant = "channels",
         .args = kImages,
         .fn =
             [](const In& in) {
                 return sum(in[0], {0, 2, 3});
             },
         .oracle = lines({0, 2, 3}, sum_of),
         .integers = true},
        {.name = "sum",
         .variant = "long",
         .args = {real({3000})},
         .fn = [](const In& in) { return sum(in[0]); },
         .oracle = lines({}, sum_of),
         .factor = 30,
         .factor_reason = "the terms cancel: their sum is 1000 times smaller than the sum of their sizes"},
        {.name = "sum",
         .variant = "scalar",
         .args = {real({})},
         .fn = [](const In& in) { return sum(in[0]); },
         .oracle = lines({}, sum_of)},
        {.name = "sum",
         .variant = "nothing",
         .args = {real({0, 3})},
         .fn = [](const In& in) { return sum(in[0], 0); },
         .oracle = lines({0}, sum_of),
         .no_gradient = "no elements"},
        {.name = "sum",
         .variant = "truths",
         .args = {truths({5, 7})},
         .fn = [](const In& in) { return sum(in[0], 1); },
         .oracle = lines({1}, sum_of),
         .no_gradient = "integer result"},
        {.name = "mean",
         .args = kImages,
         .fn =
             [](const In& in) {
                 return mean(in[0], {1, 2});
             },
         .oracle = lines({1, 2}, mean_of),
         .specials = true,
         .bad = {{[] { mean(ones({2}, {.dtype = i64})); },
                  "mean: dtype i64 is not a float dtype; convert with .to(f32) first"}}},
        {.name = "mean",
         .variant = "all",
         .args = kImages,
         .fn = [](const In& in) { return mean(in[0], {}, true); },
         .oracle = lines({}, mean_of)},
        {.name = "mean",
         .variant = "nothing",
         .args = {real({0})},
         .fn = [](const In& in) { return mean(in[0]); },
         .oracle = [](const std::vector<Array>&) { return std::vector<double>{std::nan("")}; },
         .no_gradient = "no elements"},
        {.name = "var",
         .args = kImages,
         .fn =
             [](const In& in) {
                 return var(in[0], {0, 3});
             },
         .oracle = variance({0, 3}, 1),
         .specials = true,
         .factor = 3,
         .factor_reason = "differences from a rounded mean are squared"},
        {.name = "var",
         .variant = "biased",
         .args = {real({4, 33}, 100, 101)},
         .fn = [](const In& in) { return var(in[0], 1, 0, true); },
         .oracle = variance({1}, 0),
         .halves = false,
         .factor = 30,
         .factor_reason = "inputs are 300 times larger than their deviations and rounded"},
        {.name = "var",
         .variant = "one",
         .args = {real({3, 1})},
         .fn = [](const In& in) { return var(in[0], 1); },
         .oracle = [](const std::vector<Array>&) { return std::vector<double>(3, std::nan("")); },
         .no_gradient = "NaN"},
        {.name = "std",
         .args = kImages,
         .fn = [](const In& in) { return std(in[0], 2); },
         .oracle = lines({2}, [](Line v) { return std::sqrt(squares_of(v, mean_of(v)) / (v.size() - 1.0)); }),
         .factor = 3,
         .factor_reason = "as var"},
        {.name = "prod",
         .args = {real({4, 6}, 0.3, 1.9)},
         .fn = [](const In& in) { return prod(in[0], 1); },
         .oracle = lines({1}, product_of),
         .integers = true},
        {.name = "prod",
         .variant = "with_zero", // see values_of(): the smallest value of (-0.27, 3.73) in four elements is 0
         .args = {real({4}, -0.27, 3.73)},
         .fn = [](const In& in) { return prod(in[0]); },
         .oracle = lines({}, product_of)},
        {.name = "prod",
         .variant = "nothing",
         .args = {real({2, 0})},
         .fn = [](const In& in) { return prod(in[0], 1); },
         .oracle = lines({1}, product_of),
         .no_gradient = "no elements"},
        {.name = "max",
         .args = kImages,
         .fn =
             [](const In& in) {
                 return max(in[0], {1, 3});
             },
         .oracle = lines({1, 3}, largest_of),
         .integers = true,
         .specials = true,
         .bad = {{[] {
                      max(ones({2, 0}), 1);
                  },
                  "max: shape [2, 0] has no elements along the reduced axes"}}},
        {.name = "max",
         .variant = "all",
         .args = kImages,
         .fn = [](const In& in) { return max(in[0], {}, true); },
         .oracle = lines({}, largest_of),
         .specials = true},
        {.name = "min",
         .args = kImages,
         .fn = [](const In& in) { return min(in[0], 0); },
         .oracle = lines({0}, smallest_of),
         .integers = true,
         .specials = true},
        {.name = "argmax",
         .args = kImages,
         .fn = [](const In& in) { return argmax(in[0], 2); },
         .oracle = lines({2}, largest_at),
         .no_gradient = "integer result",
         .integers = true,
         .specials = true,
         .bad = {{[] { argmax(ones({0})); }, "argmax: shape [0] has no elements along the reduced axes"}}},
        {.name = "argmax",
         .variant = "all",
         .args = kImages,
         .fn = [](const In& in) { return argmax(in[0]); },
         .oracle = lines({}, largest_at),
         .no_gradient = "integer result",
         .integers = true},
        {.name = "argmax",
         .variant = "two_axes",
         .args = kImages,
         .fn =
             [](const In& in) {
                 return argmax(in[0], {1, 3}, true);
             },
         .oracle = lines({1, 3}, largest_at),
         .no_gradient = "integer result"},
        {.name = "argmin",
         .args = kImages,
         .fn = [](const In& in) { return argmin(in[0], -1, true); },
         .oracle = lines({3}, smallest_at),
         .no_gradient = "integer result",
         .integers = true,
         .specials = true},
        {.name = "norm",
         .args = kImages,
         .fn =
             [](const In& in) {
                 return norm(in[0], {2, 3});
             },
         .oracle = lines({2, 3}, [](Line v) { return std::sqrt(squares_of(v, 0)); })},
        {.name = "norm",
         .variant = "all",
         .args = {real({40})},
         .fn = [](const In& in) { return norm(in[0]); },
         .oracle = lines({}, [](Line v) { return std::sqrt(squares_of(v, 0)); })},
        {.name = "logsumexp",
         .args = kImages,
         .fn =
             [](const In& in) {
                 return logsumexp(in[0], {1, 2});
             },
         .oracle = lines({1, 2}, log_sum),
         .specials = true},
        {.name = "logsumexp",
         .variant = "all",
         .args = {real({60}, -30, 30)},
         .fn = [](const In& in) { return logsumexp(in[0], {}, true); },
         .oracle = lines({}, log_sum)},
    };
}

} // namespace ingot::optest
