// SPDX-License-Identifier: MIT
// From recorded nodes to a compact integer form (the key) and, on a cache miss, to the graph that passes work on. Used by
// evaluation (plain style) and by traces (compile()); both under the evaluation mutex.
#pragma once

#include <vector>

#include "base/hash.h"
#include "graph/ir.h"
#include "graph/node.h"

namespace ingot::runtime {

/// A result to be computed. cell: the value goes into that cell's storage.
struct Root {
    graph::Value value;
    graph::Cell* cell = nullptr;
};

/// Everything that must run together on one device. Nodes, inputs and roots are in record order; `words` is a complete
/// description of the structure: equal words mean that the same executable serves.
struct Capture {
    Device device;
    std::vector<graph::Node*> nodes;  ///< pending, reachable, ascending sequence
    std::vector<graph::Value> inputs; ///< ready values and host scalars, by first use
    std::vector<Root> roots;
    std::vector<int32_t> overwrites; ///< per root: the input that holds the cell's old value, or -1
    std::vector<int64_t> words;
    base::Hash128 hash;
};

/// Collects what the roots (all of one device, none ready) need. Nodes whose inputs failed are not captured: their
/// failure is set, and so is that of roots behind them, which are left out.
Capture capture(Device device, std::vector<Root> roots);

/// The captured nodes as a graph.
ir::Graph to_graph(const Capture& c);

} // namespace ingot::runtime
