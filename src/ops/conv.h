// SPDX-License-Identifier: MIT
// Convolution and its two gradients (public function: ingot/ops/conv.h): the primitives of these names. The three are
// bilinear and each is the others' gradient, so any order of derivative stays within them.
#pragma once

#include "graph/op_def.h"

namespace ingot::ops {

extern const graph::OpDef kConv2d, kConv2dInputGrad, kConv2dWeightGrad;

} // namespace ingot::ops
