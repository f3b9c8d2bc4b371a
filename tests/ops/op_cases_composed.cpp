// SPDX-License-Identifier: MIT
// Rows of ingot/ops/softmax.h, norm.h and loss.h. All of them are also compared with PyTorch's values
// (golden_test.cpp).
#include <cmath>

#include "ops/op_case.h"

namespace ingot::optest {

namespace {

using Line = std::vector<double>;

/// f maps each row of the last axis to a row.
Oracle rows_of(std::function<Line(const Line&)> f) {
    return [f](const std::vector<Array>& in) {
        const size_t n = static_cast<size_t>(in[0].shape.back());
        Line out;
        for (size_t start = 0; start < in[0].v.size(); start += n) {
            const Line row(in[0].v.begin() + static_cast<std::ptrdiff_t>(start),
                           in[0].v.begin() + static_cast<std::ptrdiff_t>(start + n));
            for (const double y : f(row)) out.push_back(y);
        }
        return out;
    };
}

Line softmax_of(const Line& x) {
    double total = 0;
    Line y;
    for (const double v : x) total += std::exp(v);
    for (const double v : x) y.push_back(std::exp(v) / total);
    return y;
}

Line log_of(Line y) {
    for (double& v : y) v = std::log(v);
    return y;
}

Line normalized(const Line& x, double eps) {
    double mean = 0, var = 0;
    for (const double v : x) mean += v / static_cast<double>(x.size());
    for (const double v : x) var += (v - mean) * (v - mean) / static_cast<double>(x.size());
    Line y;
    for (const double v : x) y.push_back((v - mean) / std::sqrt(var + eps));
    return y;
}

/// Cross entropy by the definition; labels of `ignored` count nothing.
Oracle cross_entropy_of(double smoothing, double ignored, Reduction reduction) {
    return [=](const std::vector<Array>& in) {
        const size_t classes = static_cast<size_t>(in[0].shape[1]), n = in[1].v.size();
        Line losses;
        double total = 0, count = 0;
        for (size_t i = 0; i < n; ++i) {
            double loss = 0;
            if (in[1][i] != ignored) {
                const auto first = in[0].v.begin() + static_cast<std::ptrdiff_t>(i * classes);
                const Line logs = log_of(softmax_of(Line(first, first + static_cast<std::ptrdiff_t>(classes))));
                for (size_t c = 0; c < classes; ++c) {
                    const bool hit = static_cast<double>(c) == in[1][i];
                    loss -= ((hit ? 1 - smoothing : 0) + smoothing / static_cast<double>(classes)) * logs[c];
                }
                count += 1;
            }
            losses.push_back(loss);
            total += loss;
        }
        if (reduction == Reduction::none) return losses;
        return Line{reduction == Reduction::mean ? total / count : total};
    };
}

/// A loss of pairs: f(x, target), reduced.
Oracle pairs(double (*f)(double, double), Reduction reduction) {
    return [=](const std::vector<Array>& in) {
        Line losses;
        double total = 0;
        for (size_t i = 0; i < in[0].v.size(); ++i) {
            losses.push_back(f(in[0][i], in[1][i]));
            total += losses.back();
        }
        if (reduction == Reduction::none) return losses;
        return Line{reduction == Reduction::mean ? total / static_cast<double>(losses.size()) : total};
    };
}

double squared(double x, double t) { return (x - t) * (x - t); }
double distance(double x, double t) { return std::fabs(x - t); }
double binary_entropy(double x, double t) {
    const double p = 1 / (1 + std::exp(-x));
    return -t * std::log(p) - (1 - t) * std::log(1 - p);
}

Tensor labels(std::vector<int64_t> v, Shape shape) { return Tensor::from<int64_t>(v, std::move(shape)); }

/// y, mean and var of batch norm in one list.
Tensor all_of(const BatchNorm& r) { return concat({flatten(r.y), r.mean.to(r.y.dtype()), r.var.to(r.y.dtype())}); }

const char* const kNorm = "differences from a rounded mean are divided by a rounded deviation";

} // namespace

Cases composed_cases() {
    const auto with_labels = [](CrossEntropyOptions o) {
        return [o](const In& in) { return cross_entropy(in[0], in[1], o); };
    };
    return {
        {.name = "softmax",
         .args = {real({4, 3, 7})},
         .fn = [](const In& in) { return softmax(in[0]); },
         .oracle = rows_of(softmax_of),
         .specials = true,
         .bad = {{[] { softmax(ones({})); }, "softmax: axis -1 is out of range for shape [], which has no axes"},
                 {[] { softmax(ones({2}, {.dtype = i64})); },
                  "softmax: dtype i64 is not a float dtype; convert with .to(f32) first"}}},
        {.name = "softmax",
         .variant = "first_axis",
         .args = {real({6, 5})},
         .fn = [](const In& in) { return softmax(in[0], 0); }},
        {
            .name = "softmax",
            .variant = "large",
            .args = {real({3, 200}, -500, 500)},
            .fn = [](const In& in) { return softmax(in[0]); },
            .halves = false,
            .factor = 20,
            .factor_reason = "x - max is rounded before exp: an error of 500 ulps",
        },
        {.name = "softmax",
         .variant = "nothing",
         .args = {real({0, 3})},
         .fn = [](const In& in) { return softmax(in[0]); },
         .no_gradient = "no elements"},
        {.name = "log_softmax",
         .args = {real({4, 3, 7})},
         .fn = [](const In& in) { return log_softmax(in[0]); },
         .oracle = rows_of([](const Line& x) { return log_of(softmax_of(x)); }),
         .specials = true},
        {.name = "log_softmax",
         .variant = "middle_axis",
         .args = {real({4, 5, 3})},
         .fn = [](const In& in) { return log_softmax(in[0], 1); }},
        {.name = "layer_norm",
         .args = {real({4, 3, 9})},
         .fn = [](const In& in) { return layer_norm(in[0], {9}); },
         .oracle = rows_of([](const Line& x) { return normalized(x, 1e-5); }),
         .factor = 4,
         .factor_reason = kNorm,
         .bad = {{[] {
                      layer_norm(ones({2, 3}), {2});
                  },
                  "layer_norm: shape [2, 3] does not end with [2]"},
                 {[] {
                      layer_norm(ones({2, 3}), {3}, ones({2}));
                  },
                  "layer_norm: weight or bias of shape [2] does not fit the axes [3] of shape [2, 3]"}}},
        {.name = "layer_norm",
         .variant = "affine",
         .args = {real({4, 3, 9}), real({9}), real({9})},
         .fn = [](const In& in) { return layer_norm(in[0], {9}, in[1], in[2]); },
         .factor = 4,
         .factor_reason = kNorm},
        {.name = "layer_norm",
         .variant = "two_axes",
         .args = {real({4, 3, 6}), real({3, 6})},
         .fn =
             [](const In& in) {
                 return layer_norm(in[0], {3, 6}, in[1], {}, 1e-3);
             },
         .factor = 4,
         .factor_reason = kNorm},
        {.name = "batch_norm_train",
         .args = {real({4, 3, 2, 5}), real({3}), real({3})},
         .fn = [](const In& in) { return all_of(batch_norm_train(in[0], in[1], in[2])); },
         .factor = 4,
         .factor_reason = kNorm,
         .bad = {{[] {
                      batch_norm_train(ones({1, 3}));
                  },
                  "batch_norm_train: shape [1, 3] has fewer than two elements per channel, so there is no variance to "
                  "train with"},
                 {[] {
                      batch_norm_train(ones({4, 3}), ones({2}));
                  },
                  "batch_norm_train: shape [2] does not fit 3 channels of shape [4, 3]"}}},
        {.name = "batch_norm_train",
         .variant = "plain",
         .args = {real({6, 4})},
         .fn = [](const In& in) { return all_of(batch_norm_train(in[0])); },
         .factor = 4,
         .factor_reason = kNorm},
        {.name = "batch_norm_train",
         .variant = "y_only",
         .args = {real({3, 16, 4, 4}), real({16}), real({16})},
         .fn = [](const In& in) { return batch_norm_train(in[0], in[1], in[2], 1e-3).y; },
         .factor = 4,
         .factor_reason = kNorm},
        {.name = "batch_norm",
         .args = {real({4, 3, 2, 5}), real({3}), real({3}, 0.2, 2), real({3}), real({3})},
         .fn = [](const In& in) { return batch_norm(in[0], in[1], in[2], in[3], in[4]); },
         .oracle =
             [](const std::vector<Array>& in) {
                 Line out;
                 for_each_index(in[0].shape, [&](const Ints& i) {
                     const Ints c{i[1]};
                     out.push_back((in[0].at(i) - in[1].at(c)) / std::sqrt(in[2].at(c) + 1e-5) * in[3].at(c) +
                                   in[4].at(c));
                 });
                 return out;
             },
         .factor = 4,
         .factor_reason = kNorm,
         .bad = {{[] { batch_norm(ones({4}), ones({4}), ones({4})); },
                  "batch_norm: shape [4] is not [N, C] or [N, C, ..]"}}},
        {.name = "batch_norm",
         .variant = "plain",
         .args = {real({5, 3}), real({3}), real({3}, 0.2, 2)},
         .fn = [](const In& in) { return batch_norm(in[0], in[1], in[2]); },
         .factor = 4,
         .factor_reason = kNorm},
        {.name = "cross_entropy",
         .args = {real({6, 5}), integer({6}, 0, 4)},
         .fn = with_labels({}),
         .oracle = cross_entropy_of(0, -100, Reduction::mean),
         .specials = true,
         .bad = {{[] {
                      cross_entropy(ones({6, 5}), labels({0, 1}, {2}));
                  },
                  "cross_entropy: labels of shape [2] do not fit logits of shape [6, 5]; expected [N, C] and [N], or "
                  "[N, C, "
                  "..] and [N, ..]"},
                 {[] {
                      cross_entropy(ones({2, 5}), ones({2}));
                  },
                  "cross_entropy: labels have dtype f32; they must be class numbers, i64 or i32"},
                 {[] {
                      cross_entropy(Tensor::from<float>({1, 2, 3, 4, 5, 6}, {2, 3}), labels({0, 3}, {2})).item();
                  },
                  "index 3 is out of range [0, 3) in cross_entropy; every value of the same submission fails with it"},
                 {[] {
                      cross_entropy(ones({2, 5}), labels({0, 1}, {2}), {.label_smoothing = 2});
                  },
                  "cross_entropy: label_smoothing 2.000000 is not in [0, 1]"}}},
        {.name = "cross_entropy",
         .variant = "sum",
         .args = {real({6, 5}), integer({6}, 0, 4, DType::i32)},
         .fn = with_labels({.reduction = Reduction::sum}),
         .oracle = cross_entropy_of(0, -100, Reduction::sum)},
        {.name = "cross_entropy",
         .variant = "none",
         .args = {real({6, 5}), integer({6}, 0, 4)},
         .fn = with_labels({.reduction = Reduction::none}),
         .oracle = cross_entropy_of(0, -100, Reduction::none)},
        {.name = "cross_entropy",
         .variant = "smoothing",
         .args = {real({6, 5}), integer({6}, 0, 4)},
         .fn = with_labels({.label_smoothing = 0.1}),
         .oracle = cross_entropy_of(0.1, -100, Reduction::mean)},
        {.name = "cross_entropy",
         .variant = "ignore",
         .args = {real({9, 4}), integer({9}, 0, 3)},
         .fn = with_labels({.label_smoothing = 0.2, .ignore_index = 2}),
         .oracle = cross_entropy_of(0.2, 2, Reduction::mean)},
        {.name = "cross_entropy",
         .variant = "pixels",
         .args = {real({2, 4, 3, 2}), integer({2, 3, 2}, 0, 3)},
         .fn = with_labels({.reduction = Reduction::none})},
        {.name = "cross_entropy",
         .variant = "one_sample",
         .args = {real({5}), integer({}, 0, 4)},
         .fn = with_labels({})},
        {.name = "nll_loss",
         .args = {real({6, 5}), integer({6}, 0, 4)},
         .fn = [](const In& in) { return nll_loss(log_softmax(in[0]), in[1]); },
         .oracle = cross_entropy_of(0, -100, Reduction::mean),
         .bad = {{[] {
                      nll_loss(ones({6, 5}), labels({0, 1}, {2}));
                  },
                  "nll_loss: labels of shape [2] do not fit log-probabilities of shape [6, 5]; expected [N, C] and "
                  "[N], or "
                  "[N, C, ..] and [N, ..]"}}},
        {.name = "nll_loss",
         .variant = "none",
         .args = {real({6, 5}), integer({6}, 0, 4)},
         .fn = [](const In& in) { return nll_loss(in[0], in[1], {.ignore_index = 1, .reduction = Reduction::none}); },
         .oracle =
             [](const std::vector<Array>& in) {
                 Line out;
                 for (size_t i = 0; i < 6; ++i)
                     out.push_back(in[1][i] == 1 ? 0 : -in[0][i * 5 + static_cast<size_t>(in[1][i])]);
                 return out;
             }},
        {.name = "mse_loss",
         .args = {real({4, 3}), real({4, 3})},
         .fn = [](const In& in) { return mse_loss(in[0], in[1]); },
         .oracle = pairs(squared, Reduction::mean),
         .bad = {{[] {
                      mse_loss(ones({4, 1}), ones({4}));
                  },
                  "mse_loss: shapes [4, 1] and [4] differ"}}},
        {.name = "mse_loss",
         .variant = "none",
         .args = {real({4, 3}), real({4, 3})},
         .fn = [](const In& in) { return mse_loss(in[0], in[1], {.reduction = Reduction::none}); },
         .oracle = pairs(squared, Reduction::none)},
        {.name = "l1_loss",
         .args = {real({4, 3}), real({4, 3})},
         .fn = [](const In& in) { return l1_loss(in[0], in[1], {.reduction = Reduction::sum}); },
         .oracle = pairs(distance, Reduction::sum)},
        {.name = "bce_with_logits",
         .args = {real({4, 3}, -4, 4), real({4, 3}, 0, 1)},
         .fn = [](const In& in) { return bce_with_logits(in[0], in[1]); },
         .oracle = pairs(binary_entropy, Reduction::mean)},
        {.name = "bce_with_logits",
         .variant = "large",
         .args = {real({4, 3}, -90, 90), real({4, 3}, 0, 1)},
         .fn = [](const In& in) { return bce_with_logits(in[0], in[1], {.reduction = Reduction::none}); }},
    };
}

} // namespace ingot::optest
