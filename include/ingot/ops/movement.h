// SPDX-License-Identifier: MIT
// Operators that only move elements: other shapes, orders, parts and joins. Values never change, any dtype is allowed,
// and all are differentiable. Nothing is a view in the sense of PyTorch: results never alias their inputs, which is
// free because moves are folded into what reads them. Negative axes count from the end. Errors: ShapeError naming the
// op, the shape and what does not fit.
#pragma once

#include <vector>

#include <ingot/ops/types.h>
#include <ingot/tensor.h>

namespace ingot {

/// The same elements in row-major order with another shape; one size may be -1 and is then worked out.
Tensor reshape(const Tensor& x, const Shape& shape);
/// Exchanges two axes.
Tensor transpose(const Tensor& x, int64_t axis0, int64_t axis1);
/// Result axis i is x's axis order[i].
Tensor permute(const Tensor& x, const Axes& order);
/// Without the listed axes (those of them whose size is 1); an empty list means all axes of size 1.
Tensor squeeze(const Tensor& x, const Axes& axes = {});
/// With a new axis of size 1 at position `axis` of the result.
Tensor unsqueeze(const Tensor& x, int64_t axis);
/// Axes start to stop (included) joined into one; a scalar becomes [1].
Tensor flatten(const Tensor& x, int64_t start = 0, int64_t stop = -1);
/// An axis as several axes of the given sizes; one of them may be -1 and is then worked out.
Tensor unflatten(const Tensor& x, int64_t axis, const Shape& sizes);
/// Broadcast to `shape`: new axes in front, axes of size 1 stretched; -1 keeps a size.
Tensor expand(const Tensor& x, const Shape& shape);
Tensor broadcast_to(const Tensor& x, const Shape& shape);
/// Elements start, start + step, ... before stop along an axis; bounds are limited to the axis as in Python, step >= 1.
Tensor slice(const Tensor& x, int64_t axis, int64_t start, int64_t stop, int64_t step = 1);
/// `length` elements from `start`. Errors: ShapeError when they are not all there.
Tensor narrow(const Tensor& x, int64_t axis, int64_t start, int64_t length);
/// The slice at `index` (negative: from the end), without the axis.
Tensor select(const Tensor& x, int64_t axis, int64_t index);
/// Joins along an existing axis; other axes are equal; dtypes are promoted.
Tensor concat(const std::vector<Tensor>& parts, int64_t axis = 0);
/// Joins tensors of one shape along a new axis.
Tensor stack(const std::vector<Tensor>& parts, int64_t axis = 0);
/// Parts of `size` along an axis; the last may be smaller.
std::vector<Tensor> split(const Tensor& x, int64_t size, int64_t axis = 0);
/// Parts of the given sizes, which add up to the axis.
std::vector<Tensor> split_with_sizes(const Tensor& x, const Ints& sizes, int64_t axis = 0);
/// At most `count` parts of equal size ceil(n / count); the last may be smaller.
std::vector<Tensor> chunk(const Tensor& x, int64_t count, int64_t axis = 0);
/// Adds elements `value` at the edges: {low, high} of the last axis, then of the one before it, ... as
/// torch.nn.functional.pad. Amounts are >= 0 (use slice to crop).
Tensor pad(const Tensor& x, const Ints& amounts, double value = 0);
/// Reverses the order along axes; an empty list means all.
Tensor flip(const Tensor& x, const Axes& axes = {});

} // namespace ingot
