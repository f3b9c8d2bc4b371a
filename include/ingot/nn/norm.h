// SPDX-License-Identifier: MIT
// Normalization layers. Letters: N = batch, C = channels.
#pragma once

#include <ingot/nn/module.h>

namespace ingot::nn {

struct BatchNormOptions {
    double eps = 1e-5;
    double momentum = 0.1;           ///< share of the batch in the running statistics
    bool affine = true;              ///< weight and bias
    bool track_running_stats = true; ///< false: the batch's statistics in eval mode too
};

/// Training: normalizes with the statistics of the batch (biased variance) and moves the running ones towards them
/// (unbiased variance) in the same submission. Eval: uses the running statistics. weight, bias, running_mean,
/// running_var: [C]; num_batches_tracked: i64 scalar.
class BatchNorm : public Module {
public:
    Tensor forward(Tensor x) override;
    Tensor weight, bias;                                   ///< undefined unless affine
    Tensor running_mean, running_var, num_batches_tracked; ///< undefined unless track_running_stats

protected:
    BatchNorm(int64_t channels, BatchNormOptions options);
    /// Throws ShapeError unless x fits this layer.
    virtual void check(const Tensor& x) const = 0;
    int64_t channels_;

private:
    BatchNormOptions options_;
};

/// x: [N, C] or [N, C, L].
class BatchNorm1d : public BatchNorm {
public:
    explicit BatchNorm1d(int64_t channels, BatchNormOptions options = {}) : BatchNorm(channels, options) {}

private:
    void check(const Tensor& x) const override;
};

/// x: [N, C, H, W].
class BatchNorm2d : public BatchNorm {
public:
    explicit BatchNorm2d(int64_t channels, BatchNormOptions options = {}) : BatchNorm(channels, options) {}

private:
    void check(const Tensor& x) const override;
};

struct LayerNormOptions {
    double eps = 1e-5;
    bool elementwise_affine = true; ///< weight and bias
    bool bias = true;
};

/// Normalizes over the last axes. x: [.., normalized_shape..]; weight (starts 1), bias (starts 0): normalized_shape.
class LayerNorm : public Module {
public:
    explicit LayerNorm(Shape normalized_shape, LayerNormOptions options = {});
    explicit LayerNorm(int64_t size, LayerNormOptions options = {}) : LayerNorm(Shape{size}, options) {}
    Tensor forward(Tensor x) override;
    Tensor weight, bias;

private:
    Shape shape_;
    double eps_;
};

} // namespace ingot::nn
