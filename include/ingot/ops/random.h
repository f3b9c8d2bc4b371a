// SPDX-License-Identifier: MIT
// Random tensors. Every draw takes its numbers from this thread's generator (Philox4x32-10, a counter-based generator:
// Salmon et al., 2011) and the result depends only on the seed and the draws before it, not on device or threads. A
// draw inside compile() gives new numbers at every call. Threads have independent generators.
#pragma once

#include <cstdint>

#include <ingot/ops/types.h>
#include <ingot/tensor.h>

namespace ingot {

/// Restarts this thread's generator.
void manual_seed(uint64_t seed);

/// Uniform in [0, 1), multiples of 2^-24.
Tensor rand(const Shape& shape, const TensorOptions& options = {});
/// Normal with mean 0 and standard deviation 1 (Box and Muller, 1958; computed in f32).
Tensor randn(const Shape& shape, const TensorOptions& options = {});
/// Uniform integers in [low, high), i64 by default. Errors: Error unless 1 <= high - low <= 2^24.
Tensor randint(int64_t low, int64_t high, const Shape& shape, const TensorOptions& options = {});
/// 1 with probability p, else 0. Errors: Error unless 0 <= p <= 1.
Tensor bernoulli(const Shape& shape, double p = 0.5, const TensorOptions& options = {});
/// In training: each element is 0 with probability p, else x / (1 - p), with a new mask at every call. Otherwise x.
/// x: any shape, float. Errors: Error unless 0 <= p <= 1.
Tensor dropout(const Tensor& x, double p = 0.5, bool training = true);

} // namespace ingot
