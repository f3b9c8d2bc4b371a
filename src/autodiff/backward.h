// SPDX-License-Identifier: MIT
// The reverse-mode transform: walks recorded nodes from outputs to leaves and records their gradients. It knows OpDef::vjp and
// no operator. Used by Tensor::backward() and grad().
#pragma once

#include <vector>

#include "graph/node.h"

namespace ingot::autodiff {

struct Seed {
    graph::Value output;
    Tensor gradient;
};

/// Accumulates gradients into the slots of all leaves behind the seeds.
void backward(const std::vector<Seed>& seeds, bool retain, bool create_graph);

/// Returns the gradients of `inputs` (undefined where unused) and touches no slot.
std::vector<Tensor> gradients(const std::vector<Seed>& seeds, const std::vector<graph::Value>& inputs, bool retain,
                              bool create_graph);

/// The seed of a root: `gradient`, or 1 for one element. Errors: Error, ShapeError.
Seed make_seed(const graph::Value& root, const Tensor& gradient);

} // namespace ingot::autodiff
