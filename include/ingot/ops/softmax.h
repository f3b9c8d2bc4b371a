// SPDX-License-Identifier: MIT
// Softmax and its relatives, each recorded as one node with its own gradient and computed without overflow.
// x: any shape with rank >= 1, float dtype; the axis may be negative.
#pragma once

#include <ingot/ops/types.h>
#include <ingot/tensor.h>

namespace ingot {

/// exp(x - max) / sum(exp(x - max)) along an axis. A line of all -inf gives NaN, as in PyTorch.
Tensor softmax(const Tensor& x, int64_t axis = -1);
/// log(softmax(x)), accurate for small probabilities.
Tensor log_softmax(const Tensor& x, int64_t axis = -1);
/// log(sum(exp(x))) over axes (empty list: all); all -inf gives -inf.
Tensor logsumexp(const Tensor& x, const Axes& axes = {}, bool keepdim = false);

} // namespace ingot
