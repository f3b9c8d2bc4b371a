// SPDX-License-Identifier: MIT
// Tensors made from nothing. Like all operators these record a node and compute later; values that are the same
// everywhere cost no memory when they are fused into what uses them. Defaults: f32, on the CPU (see TensorOptions).
// Thread safe: recording is per thread.
#pragma once

#include <ingot/ops/types.h>
#include <ingot/tensor.h>

namespace ingot {

/// All elements 0.
Tensor zeros(const Shape& shape, const TensorOptions& options = {});
/// All elements 1.
Tensor ones(const Shape& shape, const TensorOptions& options = {});
/// All elements `value`. As in PyTorch the dtype follows the number: full({2}, 1) is i64, full({2}, 1.0) is f32,
/// full({2}, true) is i64.
Tensor full(const Shape& shape, Number value, const TensorOptions& options = {});

/// Of x's shape, and of x's dtype and device unless the options say otherwise.
Tensor zeros_like(const Tensor& x, const TensorOptions& options = {});
Tensor ones_like(const Tensor& x, const TensorOptions& options = {});
Tensor full_like(const Tensor& x, Number value, const TensorOptions& options = {});

/// 0, 1, ... below `stop`: [ceil(stop)]; i64 for an integer, f32 for a floating number.
Tensor arange(Number stop, const TensorOptions& options = {});
/// start, start + step, ... before `stop`: [ceil((stop - start) / step)]; i64 when all three are integers, else f32.
/// Errors: Error when step is 0 or leads away from stop.
Tensor arange(Number start, Number stop, Number step = 1, const TensorOptions& options = {});
/// `count` values from start to stop, both included: [count]. Errors: Error when count < 0.
Tensor linspace(double start, double stop, int64_t count, const TensorOptions& options = {});
/// The identity matrix [rows, columns]; columns = rows when negative.
Tensor eye(int64_t rows, int64_t columns = -1, const TensorOptions& options = {});

} // namespace ingot
