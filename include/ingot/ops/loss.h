// SPDX-License-Identifier: MIT
// Losses. Reduction: mean (default), sum or none (the values of the elements).
// Letters: N = batch, C = classes, S = any further axes (pixels, time).
#pragma once

#include <ingot/ops/types.h>
#include <ingot/tensor.h>

namespace ingot {

struct LossOptions {
    Reduction reduction = Reduction::mean;
};

struct CrossEntropyOptions {
    double label_smoothing = 0;  ///< in [0, 1]: this part of the target is spread evenly over all classes
    int64_t ignore_index = -100; ///< labels of this value count nothing; the mean is over the others
    Reduction reduction = Reduction::mean;
    Tensor weight = {}; ///< [C]: of each class; the mean is weighted, too
};

/// The negative log-probability of the labels under softmax(logits), in one node with the gradient (softmax - target) *
/// g. logits: [C], [N, C] or [N, C, S..], float; labels: i64 or i32, [], [N] or [N, S..]. Result: [] or, for none,
/// labels' shape. A label outside 0..C-1 (but ignore_index) is reported at the next read. If all labels are ignored the
/// mean is NaN.
/// Errors: ShapeError naming both shapes; DTypeError.
Tensor cross_entropy(const Tensor& logits, const Tensor& labels, const CrossEntropyOptions& options = {});

struct NllOptions {
    int64_t ignore_index = -100;
    Reduction reduction = Reduction::mean;
    Tensor weight = {}; ///< [C]
};
/// The same for log-probabilities (the result of log_softmax along axis 1). Shapes as for cross_entropy.
Tensor nll_loss(const Tensor& log_probabilities, const Tensor& labels, const NllOptions& options = {});

/// (x - target)^2. x, target: one shape. Errors: ShapeError when the shapes differ (nothing is broadcast).
Tensor mse_loss(const Tensor& x, const Tensor& target, const LossOptions& options = {});
/// |x - target|. x, target: one shape.
Tensor l1_loss(const Tensor& x, const Tensor& target, const LossOptions& options = {});
/// Binary cross entropy of sigmoid(x) and target in [0, 1], without overflow. x, target: one shape.
Tensor bce_with_logits(const Tensor& x, const Tensor& target, const LossOptions& options = {});

/// Binary cross entropy of probabilities x in [0, 1] and target in [0, 1]: -target log(x) - (1 - target) log(1 - x), each
/// logarithm at least -100. x, target: one shape. bce_with_logits is more accurate where x comes from a sigmoid.
Tensor binary_cross_entropy(const Tensor& x, const Tensor& target, const LossOptions& options = {});

struct HuberOptions {
    double delta = 1;
    Reduction reduction = Reduction::mean;
};
/// With d = |x - target|: d^2 / 2 where d < delta, else delta (d - delta / 2). x, target: one shape.
Tensor huber_loss(const Tensor& x, const Tensor& target, const HuberOptions& options = {});

struct SmoothL1Options {
    double beta = 1; ///< 0: l1_loss
    Reduction reduction = Reduction::mean;
};
/// With d = |x - target|: d^2 / (2 beta) where d < beta, else d - beta / 2. x, target: one shape.
Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, const SmoothL1Options& options = {});

struct KlDivOptions {
    bool log_target = false; ///< target holds log-probabilities
    bool batch_mean = false; ///< the sum divided by the first axis: the divergence's mean; reduction is not used then
    Reduction reduction = Reduction::mean;
};
/// target (log(target) - x), where x are log-probabilities and target are probabilities; 0 where target is 0. One shape.
Tensor kl_div(const Tensor& x, const Tensor& target, const KlDivOptions& options = {});

/// a b / (max(|a|, eps) max(|b|, eps)) along an axis, where a and b are broadcast. PyTorch 1.13's; below eps our gradient is exact.
Tensor cosine_similarity(const Tensor& a, const Tensor& b, int64_t axis = 1, double eps = 1e-8);

struct MarginOptions {
    double margin = 0;
    Reduction reduction = Reduction::mean;
};
/// 1 - cos where label is 1, max(0, cos - margin) where it is -1, cos = a b / sqrt((a a + 1e-12) (b b + 1e-12)). a, b: [N, D]; label: [N].
Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& label, const MarginOptions& options = {});
/// x where label is 1, max(0, margin - x) where it is -1. x, label: one shape. The margin is 1 unless given.
Tensor hinge_embedding_loss(const Tensor& x, const Tensor& label, const MarginOptions& options = {.margin = 1});

} // namespace ingot
