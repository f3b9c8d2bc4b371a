// SPDX-License-Identifier: MIT
// Rows of what ingot/ops/loss.h holds beside the basic losses (op_cases_composed.cpp). All are also compared with PyTorch's
// values (tests/nn/more_golden_test.cpp).
#include <algorithm>
#include <cmath>

#include "ops/op_case.h"

namespace ingot::optest {

namespace {

/// A loss of pairs: f(x, target), reduced.
Oracle pairs(double (*f)(double, double), Reduction reduction) {
    return [=](const std::vector<Array>& in) {
        std::vector<double> losses;
        double total = 0;
        for (size_t i = 0; i < in[0].v.size(); ++i) {
            losses.push_back(f(in[0][i], in[1][i]));
            total += losses.back();
        }
        if (reduction == Reduction::none) return losses;
        return std::vector<double>{reduction == Reduction::mean ? total / static_cast<double>(losses.size()) : total};
    };
}

double huber_of(double x, double t) {
    const double d = std::fabs(x - t);
    return d < 0.8 ? d * d / 2 : 0.8 * (d - 0.4);
}
double smooth_of(double x, double t) {
    const double d = std::fabs(x - t);
    return d < 0.8 ? d * d / 1.6 : d - 0.4;
}
double entropy_of(double x, double t) { return -t * std::log(x) - (1 - t) * std::log(1 - x); }
double divergence_of(double x, double t) { return t * (std::log(t) - x); }
double log_divergence_of(double x, double t) { return std::exp(t) * (t - x); }

double cosine(const Array& a, const Array& b, size_t row, size_t n) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t k = 0; k < n; ++k) {
        ab += a[row * n + k] * b[row * n + k];
        aa += a[row * n + k] * a[row * n + k];
        bb += b[row * n + k] * b[row * n + k];
    }
    return ab / std::sqrt(aa * bb);
}

Tensor labels(std::vector<int64_t> v, Shape shape) { return Tensor::from<int64_t>(v, std::move(shape)); }

/// Weighted cross entropy of [N, C] by its definition, mean.
Oracle weighted(std::vector<int64_t> y, std::vector<double> w, double smoothing) {
    return [=](const std::vector<Array>& in) {
        const size_t classes = w.size();
        double total = 0, weights = 0;
        for (size_t i = 0; i < y.size(); ++i) {
            if (y[i] < 0) continue;
            double sum = 0;
            for (size_t c = 0; c < classes; ++c) sum += std::exp(in[0][i * classes + c]);
            for (size_t c = 0; c < classes; ++c) {
                const double logp = in[0][i * classes + c] - std::log(sum);
                const double share =
                    smoothing / static_cast<double>(classes) + (static_cast<int64_t>(c) == y[i] ? 1 - smoothing : 0);
                total -= share * w[c] * logp;
            }
            weights += w[static_cast<size_t>(y[i])];
        }
        return std::vector<double>{total / weights};
    };
}

} // namespace

Cases loss_cases() {
    const auto value = real({4, 3}), target = real({4, 3}, -1.9, 2.1);
    const auto probability = real({4, 3}, 0.05, 0.95);
    const std::vector<int64_t> y{1, 0, -100, 2};
    const std::vector<double> w{0.5, 2, 1};
    const auto of_labels = [=](double smoothing) {
        return [=](const In& in) {
            return cross_entropy(in[0], labels(y, {4}).to(in.device),
                                 {.label_smoothing = smoothing,
                                  .weight = Tensor::from(w, {3}, {.dtype = in[0].dtype(), .device = in.device})});
        };
    };
    return {
        {.name = "cross_entropy",
         .variant = "weight",
         .args = {real({4, 3})},
         .fn = of_labels(0),
         .oracle = weighted(y, w, 0),
         .bad =
             {{[] {
                   cross_entropy(ones({2, 3}), labels({0, 1}, {2}), {.weight = ones({2})});
               },
               "cross_entropy: a weight of shape [2] does not fit 3 classes"},
              {[] {
                   cross_entropy(ones({2, 3}), labels({0}, {1}), {.weight = ones({3})});
               },
               "cross_entropy: labels of shape [1] do not fit logits of shape [2, 3]; expected [N, C] and [N], or [N, "
               "C, ..] and [N, ..]"}}},
        {.name = "cross_entropy",
         .variant = "weight_smoothing",
         .args = {real({4, 3})},
         .fn = of_labels(0.2),
         .oracle = weighted(y, w, 0.2)},
        {.name = "nll_loss",
         .variant = "weight",
         .args = {real({4, 3}, -3, -0.1)},
         .fn =
             [=](const In& in) {
                 return nll_loss(in[0], labels(y, {4}).to(in.device),
                                 {.reduction = Reduction::sum,
                                  .weight = Tensor::from(w, {3}, {.dtype = in[0].dtype(), .device = in.device})});
             },
         .oracle =
             [=](const std::vector<Array>& in) {
                 return std::vector<double>{-2 * in[0][1] - 0.5 * in[0][3] - in[0][11]};
             }},
        {.name = "binary_cross_entropy",
         .args = {probability, real({4, 3}, 0.02, 0.98)},
         .fn = [](const In& in) { return binary_cross_entropy(in[0], in[1]); },
         .oracle = pairs(entropy_of, Reduction::mean),
         .bad = {{[] { binary_cross_entropy(ones({2}), ones({3})); },
                  "binary_cross_entropy: shapes [2] and [3] differ"}}},
        {.name = "binary_cross_entropy",
         .variant = "none",
         .args = {probability, real({4, 3}, 0.02, 0.98)},
         .fn = [](const In& in) { return binary_cross_entropy(in[0], in[1], {.reduction = Reduction::none}); },
         .oracle = pairs(entropy_of, Reduction::none)},
        {.name = "huber_loss",
         .args = {value, target},
         .fn = [](const In& in) { return huber_loss(in[0], in[1], {.delta = 0.8}); },
         .oracle = pairs(huber_of, Reduction::mean),
         .bad = {{[] { huber_loss(ones({2}), ones({3})); }, "huber_loss: shapes [2] and [3] differ"},
                 {[] { huber_loss(ones({2}), ones({2}), {.delta = 0}); }, "huber_loss: delta must be above 0"}}},
        {.name = "smooth_l1_loss",
         .args = {value, target},
         .fn = [](const In& in) { return smooth_l1_loss(in[0], in[1], {.beta = 0.8, .reduction = Reduction::sum}); },
         .oracle = pairs(smooth_of, Reduction::sum),
         .bad = {{[] { smooth_l1_loss(ones({2}), ones({3})); }, "smooth_l1_loss: shapes [2] and [3] differ"},
                 {[] { smooth_l1_loss(ones({2}), ones({2}), {.beta = -1}); },
                  "smooth_l1_loss: beta must not be negative"}}},
        {.name = "smooth_l1_loss",
         .variant = "beta_0",
         .args = {value, target},
         .fn = [](const In& in) { return smooth_l1_loss(in[0], in[1], {.beta = 0}); },
         .oracle = pairs([](double a, double b) { return std::fabs(a - b); }, Reduction::mean)},
        {.name = "kl_div",
         .args = {real({4, 3}, -3, -0.1), probability},
         .fn = [](const In& in) { return kl_div(in[0], in[1], {.reduction = Reduction::none}); },
         .oracle = pairs(divergence_of, Reduction::none),
         .bad = {{[] { kl_div(ones({2}), ones({3})); }, "kl_div: shapes [2] and [3] differ"},
                 {[] { kl_div(ones({}), ones({}), {.batch_mean = true}); },
                  "kl_div: batch_mean needs a batch axis, x has shape []"}}},
        {.name = "kl_div",
         .variant = "log_target",
         .args = {real({4, 3}, -3, -0.1), real({4, 3}, -2.9, -0.2)},
         .fn = [](const In& in) { return kl_div(in[0], in[1], {.log_target = true}); },
         .oracle = pairs(log_divergence_of, Reduction::mean)},
        {.name = "kl_div",
         .variant = "batch_mean",
         .args = {real({4, 3}, -3, -0.1), probability},
         .fn = [](const In& in) { return kl_div(in[0], in[1], {.batch_mean = true}); },
         .oracle =
             [](const std::vector<Array>& in) {
                 return std::vector<double>{pairs(divergence_of, Reduction::sum)(in)[0] / 4};
             }},
        {.name = "cosine_similarity",
         .args = {real({4, 3}), target},
         .fn = [](const In& in) { return cosine_similarity(in[0], in[1]); },
         .oracle =
             [](const std::vector<Array>& in) {
                 std::vector<double> out;
                 for (size_t r = 0; r < 4; ++r) out.push_back(cosine(in[0], in[1], r, 3));
                 return out;
             },
         .bad = {{[] {
                      cosine_similarity(ones({2, 3}), ones({2, 4}));
                  },
                  "cosine_similarity: shapes [2, 3] and [2, 4] do not broadcast: axes of 3 and 4 differ and neither is "
                  "1"}}},
        {.name = "cosine_similarity",
         .variant = "broadcast",
         .args = {real({4, 2, 3}), real({2, 1})},
         .fn = [](const In& in) { return cosine_similarity(in[0], in[1], -1); }},
        {.name = "cosine_embedding_loss",
         .args = {real({4, 3}), target},
         .fn =
             [](const In& in) {
                 return cosine_embedding_loss(in[0], in[1], labels({1, -1, -1, 1}, {4}).to(in.device),
                                              {.margin = -0.3, .reduction = Reduction::none});
             },
         .oracle =
             [](const std::vector<Array>& in) {
                 std::vector<double> out;
                 for (size_t r = 0; r < 4; ++r) {
                     const double c = cosine(in[0], in[1], r, 3);
                     out.push_back(r == 0 || r == 3 ? 1 - c : std::max(0.0, c + 0.3));
                 }
                 return out;
             },
         .bad = {{[] {
                      cosine_embedding_loss(ones({2, 3}), ones({2, 3}), ones({3}));
                  },
                  "cosine_embedding_loss: labels of shape [3] do not fit; expected [2]"},
                 {[] { cosine_embedding_loss(ones({2}), ones({2}), ones({2})); },
                  "cosine_embedding_loss: shape [2] is not [N, D]"}}},
        {.name = "hinge_embedding_loss",
         .args = {real({6})},
         .fn =
             [](const In& in) {
                 return hinge_embedding_loss(in[0], labels({1, -1, 1, -1, 1, -1}, {6}).to(in.device));
             },
         .oracle =
             [](const std::vector<Array>& in) {
                 double total = 0;
                 for (size_t i = 0; i < 6; ++i) total += i % 2 == 0 ? in[0][i] : std::max(0.0, 1 - in[0][i]);
                 return std::vector<double>{total / 6};
             },
         .bad = {{[] { hinge_embedding_loss(ones({2}), ones({3})); },
                  "hinge_embedding_loss: labels of shape [3] do not fit; expected [2]"}}},
    };
}

} // namespace ingot::optest
