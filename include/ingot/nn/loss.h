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

} // namespace ingot::nn
