// SPDX-License-Identifier: MIT
// Reductions (public functions: ingot/ops/reduce.h). Primitive reductions keep the reduced axes with size 1 and have
// the axes, ascending, as attributes; the public functions reshape. Users: ops.
#pragma once

#include <ingot/tensor.h>

#include "graph/op_def.h"

namespace ingot::ops {

extern const graph::OpDef kSum, kProd, kMax, kMin, kArgmax, kArgmin; ///< primitives of these names
extern const graph::OpDef kMoments;                                  ///< -> mean, biased variance
extern const graph::OpDef kMean, kNorm;                              ///< composites

/// Reductions over normalized axes that keep them.
Tensor sum_keep(const Tensor& x, const Ints& axes);
Tensor mean_keep(const Tensor& x, const Ints& axes);
Tensor max_keep(const Tensor& x, const Ints& axes);

struct Moments {
    Tensor mean, var;
};
/// Mean and biased variance over normalized axes, which are kept.
Moments moments(const Tensor& x, const Ints& axes);

} // namespace ingot::ops
