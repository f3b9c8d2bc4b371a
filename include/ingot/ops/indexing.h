// SPDX-License-Identifier: MIT
// Reading and writing at positions that are data. Indices are i64 or i32 and count from 0. An index out of range never
// reads or writes outside: the kernel clamps it and reports it, and the next read of a value throws an Error with the
// index and the bound.
// Letters: R = rank of x; K = number of indices; V = size of a vocabulary, D = of an embedding.
#pragma once

#include <ingot/ops/types.h>
#include <ingot/tensor.h>

namespace ingot {

/// out[i0, .., ia, ..] = x[i0, .., index[i0, .., ia, ..], ..], a = axis (torch.gather).
/// index: rank R, not larger than x along the other axes. Result: index's shape.
Tensor gather(const Tensor& x, int64_t axis, const Tensor& index);
/// gather where x and index are broadcast against each other along the other axes (torch.take_along_dim).
Tensor take_along_dim(const Tensor& x, const Tensor& index, int64_t axis);
/// x with src written at index along axis: out[.., index[i], ..] = src[i]. index and src: one shape, rank R. Of several
/// writes to one place the last in row-major order wins. Gradient of src: where it was written (ties: every writer's).
Tensor scatter(const Tensor& x, int64_t axis, const Tensor& index, const Tensor& src);
/// x with src added at index along axis. Deterministic.
Tensor scatter_add(const Tensor& x, int64_t axis, const Tensor& index, const Tensor& src);
/// Slices of x: x.shape[:axis] + index.shape + x.shape[axis + 1:]; index may have any rank.
Tensor index_select(const Tensor& x, int64_t axis, const Tensor& index);
/// x with the k-th slice of src added at index[k]. index: [K]; src: like x, with K along axis. Deterministic.
Tensor index_add(const Tensor& x, int64_t axis, const Tensor& index, const Tensor& src);
/// 1 at each id, 0 elsewhere. ids: any shape; result: ids.shape + [classes].
Tensor one_hot(const Tensor& ids, int64_t classes, DType dtype = i64);
/// Rows of weight. weight: [V, D]; ids: any shape; result: ids.shape + [D].
Tensor embedding(const Tensor& weight, const Tensor& ids);

} // namespace ingot
