// SPDX-License-Identifier: MIT
// Sources: operators without tensor inputs (public functions: ingot/ops/creation.h).
#pragma once

#include "graph/op_def.h"

namespace ingot::ops {

extern const graph::OpDef kConstant; ///< Prim::constant
extern const graph::OpDef kIota;     ///< Prim::iota

} // namespace ingot::ops
