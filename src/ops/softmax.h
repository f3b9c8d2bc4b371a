// SPDX-License-Identifier: MIT
// Softmax, log_softmax and logsumexp (public functions: ingot/ops/softmax.h): composites with gradients of their own,
// so that passes see one recognizable node and backward needs only the result.
#pragma once

#include "graph/op_def.h"

namespace ingot::ops {

extern const graph::OpDef kSoftmax, kLogSoftmax; ///< {axis}
extern const graph::OpDef kLogsumexp;            ///< {axes...}; keeps them

} // namespace ingot::ops
