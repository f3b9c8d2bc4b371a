// SPDX-License-Identifier: MIT
// The graph that passes work on: values and nodes by index, in topological order. Captured from recorded nodes
// (runtime/capture.h), rewritten by src/passes, lowered by a backend. Owned by one thread while it is compiled.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ingot/profiler.h>

#include "graph/format.h"
#include "graph/op_def.h"

namespace ingot::ir {

using ValueId = int32_t;
using NodeId = int32_t;
using Ids = SmallVector<int32_t, 4>;

struct Value {
    graph::Type type;
    Format format;
    NodeId node = -1;   ///< who makes it; -1 for inputs
    int32_t output = 0; ///< which result of that node
};

struct Node {
    const graph::OpDef* op = nullptr;
    graph::Attrs attrs;
    Ids inputs, outputs;
    std::shared_ptr<const void> payload;              ///< for Prim::fused: a program::Program
    profiler::Phase phase = profiler::Phase::forward; ///< for reports and profiles
    graph::Prim prim() const { return op->prim; }
};

/// A result of the graph. Results that go into a cell are written to the cell's storage: `overwrites` is the input that holds the
/// cell's old value, or -1 when the old value is not read.
struct Result {
    ValueId value = -1;
    bool cell = false;
    int32_t overwrites = -1; ///< index into Graph::inputs
};

struct Graph {
    std::vector<Value> values;
    std::vector<Node> nodes; ///< topological order
    std::vector<ValueId> inputs;
    std::vector<Result> results;
    profiler::Phase phase = profiler::Phase::forward; ///< of nodes that are added now

    ValueId add_input(graph::Type type, Format format = {});
    /// Appends a node; its results get new values of the given types (row-major).
    NodeId add_node(const graph::OpDef& op, graph::Attrs attrs, Ids inputs, const std::vector<graph::Type>& types,
                    std::shared_ptr<const void> payload = nullptr);
    const graph::Type& type(ValueId v) const { return values[static_cast<size_t>(v)].type; }
    const Node* producer(ValueId v) const {
        const NodeId n = values[static_cast<size_t>(v)].node;
        return n < 0 ? nullptr : &nodes[static_cast<size_t>(n)];
    }
    /// Number of uses per value: node inputs and results.
    std::vector<int32_t> use_counts() const;
};

/// Infers result types and appends: the convenience for passes.
ValueId append(Graph& g, const graph::OpDef& op, graph::Attrs attrs, Ids inputs);

/// Aborts unless ids are in range, nodes in order, and every value has one producer.
void verify(const Graph& g);

/// "%3 = add(%1, %2) : f32[2, 3]", one node a line. Stable: the tests compare it.
std::string print(const Graph& g);

/// Rebuilds a graph node by node: passes override what they change. map(v) is the new value of an old one. Passes that add
/// nodes set out.phase to that of the node they rewrite.
class Rewriter {
public:
    explicit Rewriter(const Graph& old);
    ValueId map(ValueId old_value) const { return map_[static_cast<size_t>(old_value)]; }
    void set(ValueId old_value, ValueId new_value) { map_[static_cast<size_t>(old_value)] = new_value; }
    /// Copies the node with mapped inputs.
    void copy(const Node& node);
    Ids mapped(const Ids& ids) const;
    /// Maps the results and hands the new graph over.
    Graph finish();
    const Graph& old;
    Graph out;

private:
    std::vector<ValueId> map_;
};

} // namespace ingot::ir
