// SPDX-License-Identifier: MIT
// Indexing by data (public functions: ingot/ops/indexing.h): the primitives of these names. Kernels clamp bad indices
// and report them.
#pragma once

#include "graph/op_def.h"

namespace ingot::ops {

extern const graph::OpDef kGather, kScatter, kScatterAdd, kIndexSelect, kIndexAdd;

} // namespace ingot::ops
