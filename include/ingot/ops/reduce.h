// SPDX-License-Identifier: MIT
// Reductions over all axes or over a list of them: sum(x), sum(x, 1), sum(x, {0, -1}, true). Reduced axes vanish, or
// stay with size 1 when keepdim is true. The order in which elements are combined depends on shapes only.
// Shapes: x has any shape; an empty list of axes means all. Errors: ShapeError naming the op and an axis out of range
// or named twice; DTypeError where a dtype has no meaning. f16 and bf16 accumulate in f32.
#pragma once

#include <ingot/ops/types.h>
#include <ingot/tensor.h>

namespace ingot {

/// The sum; 0 of nothing. i32, u8 and bool give i64.
Tensor sum(const Tensor& x, const Axes& axes = {}, bool keepdim = false);
/// The mean (float dtypes); NaN of nothing.
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keepdim = false);
/// The variance, with divisor n - correction (float dtypes); one pass by Welford's method. NaN when n <= correction.
Tensor var(const Tensor& x, const Axes& axes = {}, int64_t correction = 1, bool keepdim = false);
/// The square root of var.
Tensor std(const Tensor& x, const Axes& axes = {}, int64_t correction = 1, bool keepdim = false);
/// The product; 1 of nothing. i32, u8 and bool give i64. The gradient is exact for zeros too.
Tensor prod(const Tensor& x, const Axes& axes = {}, bool keepdim = false);
/// The largest, the smallest element; NaN when one is NaN. Equal extremes share the gradient evenly (torch.amax).
/// Errors: ShapeError when nothing is reduced to something ("max: no elements").
Tensor max(const Tensor& x, const Axes& axes = {}, bool keepdim = false);
Tensor min(const Tensor& x, const Axes& axes = {}, bool keepdim = false);
/// The position (i64) of the first largest, smallest element; the first NaN wins. Over all axes: the row-major
/// position.
Tensor argmax(const Tensor& x, const Axes& axes = {}, bool keepdim = false);
Tensor argmin(const Tensor& x, const Axes& axes = {}, bool keepdim = false);
/// The Euclidean norm sqrt(sum(x * x)) (float dtypes); its gradient at 0 is 0.
Tensor norm(const Tensor& x, const Axes& axes = {}, bool keepdim = false);

} // namespace ingot
