// SPDX-License-Identifier: MIT
// Attention (public function: ingot/ops/attention.h): a composite, so that passes see one recognizable node.
#pragma once

#include "graph/op_def.h"

namespace ingot::ops {

/// q, k, v of one rank (, mask)(, uniform numbers for dropout); {causal, pack(scale), has mask, pack(dropout)}.
extern const graph::OpDef kAttention;

} // namespace ingot::ops
