// SPDX-License-Identifier: MIT
// Normalization. Variances are computed in one pass by Welford's method. f16 and bf16 inputs are normalized in f32.
// Letters: N = batch, C = channels, S = any further axes. Float dtypes.
#pragma once

#include <optional>

#include <ingot/tensor.h>

namespace ingot {

/// (x - mean) / sqrt(var + eps) * weight + bias over the last axes. x: [.., normalized_shape..]; weight, bias:
/// normalized_shape or undefined. Errors: ShapeError naming x's shape and the normalized one.
Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {}, const Tensor& bias = {},
                  double eps = 1e-5);

/// What batch_norm_train returns. mean, var: [C], var is the biased variance (divided by n): running statistics take
/// var * n / (n - 1). f32 when x is f16 or bf16.
struct BatchNorm {
    Tensor y, mean, var;
};
/// Normalizes with the statistics of the batch. x: [N, C] or [N, C, S..]; weight, bias: [C] or undefined.
/// Errors: ShapeError naming the shapes; fewer than two elements per channel.
BatchNorm batch_norm_train(const Tensor& x, const Tensor& weight = {}, const Tensor& bias = {}, double eps = 1e-5);
/// Normalizes with given statistics. x: [N, C] or [N, C, S..]; mean, var: [C]; weight, bias: [C] or undefined.
Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& var, const Tensor& weight = {},
                  const Tensor& bias = {}, double eps = 1e-5);

/// Normalizes each of `groups` groups of channels of each sample by itself. x: [N, C] or [N, C, S..]; weight, bias: [C] or
/// undefined. Errors: ShapeError unless groups divides C.
Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& weight = {}, const Tensor& bias = {},
                  double eps = 1e-5);
/// Normalizes each channel of each sample by itself. x: [N, C, S..] with more than one element per channel.
Tensor instance_norm(const Tensor& x, const Tensor& weight = {}, const Tensor& bias = {}, double eps = 1e-5);
/// x / sqrt(mean(x^2) + eps) * weight over the last axes (Zhang and Sennrich, 2019). eps: by default the dtype's distance
/// from 1 to the next number. weight: normalized_shape or undefined.
Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {},
                std::optional<double> eps = {});

} // namespace ingot
