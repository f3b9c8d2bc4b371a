// SPDX-License-Identifier: MIT
// Normalization layers. Letters: N = batch, C = channels.
#pragma once

#include <optional>

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

struct GroupNormOptions {
    double eps = 1e-5;
    bool affine = true; ///< weight and bias
};

/// Normalizes groups of channels of each sample. x: [N, C] or [N, C, S..]; weight (starts 1), bias (starts 0): [C].
class GroupNorm : public Module {
public:
    GroupNorm(int64_t num_groups, int64_t channels, GroupNormOptions options = {});
    Tensor forward(Tensor x) override;
    Tensor weight, bias;

private:
    int64_t groups_, channels_;
    double eps_;
};

struct InstanceNormOptions {
    double eps = 1e-5;
    bool affine = false; ///< weight and bias
};

/// Normalizes each channel of each sample. x: [N, C, S..]; weight (starts 1), bias (starts 0): [C]. PyTorch's
/// InstanceNorm1d and 2d without running statistics.
class InstanceNorm : public Module {
public:
    explicit InstanceNorm(int64_t channels, InstanceNormOptions options = {});
    Tensor forward(Tensor x) override;
    Tensor weight, bias;

private:
    int64_t channels_;
    double eps_;
};

struct RMSNormOptions {
    std::optional<double> eps = {}; ///< default: see ingot::rms_norm
    bool elementwise_affine = true; ///< weight
};

/// Divides by the root of the mean of squares over the last axes. x: [.., normalized_shape..]; weight (starts 1):
/// normalized_shape.
class RMSNorm : public Module {
public:
    explicit RMSNorm(Shape normalized_shape, RMSNormOptions options = {});
    explicit RMSNorm(int64_t size, RMSNormOptions options = {}) : RMSNorm(Shape{size}, options) {}
    Tensor forward(Tensor x) override;
    Tensor weight;

private:
    Shape shape_;
    std::optional<double> eps_;
};

} // namespace ingot::nn
