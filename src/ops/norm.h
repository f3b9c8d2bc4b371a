// SPDX-License-Identifier: MIT
// Normalization (public functions: ingot/ops/norm.h): composites. Optional weight and bias are further inputs, in this
// order; attributes say which are there.
#pragma once

#include "graph/op_def.h"

namespace ingot::ops {

extern const graph::OpDef kLayerNorm;      ///< (x, [weight], [bias]) {normalized axes, pack(eps), has weight, has bias}
extern const graph::OpDef kBatchNormTrain; ///< (x, [weight], [bias]) {pack(eps), has weight, has bias} -> y, mean, var
extern const graph::OpDef kBatchNorm;      ///< (x, mean, var, [weight], [bias]) {pack(eps), has weight, has bias}

} // namespace ingot::ops
