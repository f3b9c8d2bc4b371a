// SPDX-License-Identifier: MIT
// Operators that move elements (public functions: ingot/ops/movement.h): the primitives of these names.
#pragma once

#include "graph/op_def.h"

namespace ingot::ops {

extern const graph::OpDef kReshape, kPermute, kBroadcastTo, kSlice, kPad, kConcat;

} // namespace ingot::ops
