// SPDX-License-Identifier: MIT
// The random primitive (public functions: ingot/ops/random.h).
#pragma once

#include "graph/op_def.h"

namespace ingot::ops {

extern const graph::OpDef kUniform; ///< Prim::uniform

} // namespace ingot::ops
