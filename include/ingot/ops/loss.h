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
};
/// The same for log-probabilities (the result of log_softmax along axis 1). Shapes as for cross_entropy.
Tensor nll_loss(const Tensor& log_probabilities, const Tensor& labels, const NllOptions& options = {});

/// (x - target)^2. x, target: one shape. Errors: ShapeError when the shapes differ (nothing is broadcast).
Tensor mse_loss(const Tensor& x, const Tensor& target, const LossOptions& options = {});
/// |x - target|. x, target: one shape.
Tensor l1_loss(const Tensor& x, const Tensor& target, const LossOptions& options = {});
/// Binary cross entropy of sigmoid(x) and target in [0, 1], without overflow. x, target: one shape.
Tensor bce_with_logits(const Tensor& x, const Tensor& target, const LossOptions& options = {});

} // namespace ingot
