// SPDX-License-Identifier: MIT
// Losses (public functions: ingot/ops/loss.h). Cross entropy is one node whose gradient (softmax - target) * g comes
// straight from the logits; the others are written with public operators.
#pragma once

#include "graph/op_def.h"

namespace ingot::ops {

/// (logits [N, C, S..], labels [N, S..]) {ignore_index, pack(label_smoothing), reduction} -> loss; for Reduction::mean
/// also the number of labels that count, which backward divides by.
extern const graph::OpDef kCrossEntropy;
/// (log probabilities [N, C, S..], labels [N, S..]) {ignore_index, reduction}
extern const graph::OpDef kNllLoss;

} // namespace ingot::ops
