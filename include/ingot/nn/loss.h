// SPDX-License-Identifier: MIT
// The losses of ops/loss.h as function objects, so that they can be called and be handed on: nn::cross_entropy(y, labels),
// Trainer(model, opt, nn::cross_entropy). Each takes the options of its operator as a third argument.
#pragma once

#include <ingot/ops/loss.h>

namespace ingot::nn {

inline constexpr struct {
    Tensor operator()(const Tensor& logits, const Tensor& labels, const CrossEntropyOptions& options = {}) const {
        return ingot::cross_entropy(logits, labels, options);
    }
} cross_entropy;

inline constexpr struct {
    Tensor operator()(const Tensor& log_probabilities, const Tensor& labels, const NllOptions& options = {}) const {
        return ingot::nll_loss(log_probabilities, labels, options);
    }
} nll_loss;

inline constexpr struct {
    Tensor operator()(const Tensor& x, const Tensor& target, const LossOptions& options = {}) const {
        return ingot::mse_loss(x, target, options);
    }
} mse_loss;

inline constexpr struct {
    Tensor operator()(const Tensor& x, const Tensor& target, const LossOptions& options = {}) const {
        return ingot::l1_loss(x, target, options);
    }
} l1_loss;

inline constexpr struct {
    Tensor operator()(const Tensor& x, const Tensor& target, const LossOptions& options = {}) const {
        return ingot::bce_with_logits(x, target, options);
    }
} bce_with_logits;

inline constexpr struct {
    Tensor operator()(const Tensor& x, const Tensor& target, const LossOptions& options = {}) const {
        return ingot::binary_cross_entropy(x, target, options);
    }
} binary_cross_entropy;

inline constexpr struct {
    Tensor operator()(const Tensor& x, const Tensor& target, const HuberOptions& options = {}) const {
        return ingot::huber_loss(x, target, options);
    }
} huber_loss;

inline constexpr struct {
    Tensor operator()(const Tensor& x, const Tensor& target, const SmoothL1Options& options = {}) const {
        return ingot::smooth_l1_loss(x, target, options);
    }
} smooth_l1_loss;

inline constexpr struct {
    Tensor operator()(const Tensor& x, const Tensor& target, const KlDivOptions& options = {}) const {
        return ingot::kl_div(x, target, options);
    }
} kl_div;

inline constexpr struct {
    Tensor operator()(const Tensor& a, const Tensor& b, const Tensor& label, const MarginOptions& options = {}) const {
        return ingot::cosine_embedding_loss(a, b, label, options);
    }
} cosine_embedding_loss;

inline constexpr struct {
    Tensor operator()(const Tensor& x, const Tensor& label, const MarginOptions& options = {.margin = 1}) const {
        return ingot::hinge_embedding_loss(x, label, options);
    }
} hinge_embedding_loss;

} // namespace ingot::nn
