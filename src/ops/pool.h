// SPDX-License-Identifier: MIT
// Pooling (public functions: ingot/ops/pool.h): the primitives of these names. Max pooling keeps, beside its result,
// the position of each largest element in its window, from which the gradient and its gradient are gathered without
// atomics.
#pragma once

#include "graph/op_def.h"

namespace ingot::ops {

extern const graph::OpDef kMaxPool2d, kMaxPool2dGrad, kMaxPool2dGather, kAvgPool2d, kAvgPool2dGrad;

} // namespace ingot::ops
