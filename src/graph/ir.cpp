// SPDX-License-Identifier: MIT
#include "graph/ir.h"

#include <sstream>

#include "base/check.h"

namespace ingot::ir {

ValueId Graph::add_input(graph::Type type, Format format) {
    const auto id = static_cast<ValueId>(values.size());
    values.push_back({std::move(type), format, -1, static_cast<int32_t>(inputs.size())});
    inputs.push_back(id);
    return id;
}

NodeId Graph::add_node(const graph::OpDef& op, graph::Attrs attrs, Ids node_inputs,
                       const std::vector<graph::Type>& types, std::shared_ptr<const void> payload) {
    const auto id = static_cast<NodeId>(nodes.size());
    Node node{&op, std::move(attrs), std::move(node_inputs), {}, std::move(payload), phase};
    for (size_t i = 0; i < types.size(); ++i) {
        node.outputs.push_back(static_cast<ValueId>(values.size()));
        values.push_back({types[i], {}, id, static_cast<int32_t>(i)});
    }
    nodes.push_back(std::move(node));
    return id;
}

std::vector<int32_t> Graph::use_counts() const {
    std::vector<int32_t> uses(values.size(), 0);
    for (const Node& n : nodes) {
        for (const ValueId v : n.inputs) ++uses[static_cast<size_t>(v)];
    }
    for (const Result& r : results) ++uses[static_cast<size_t>(r.value)];
    return uses;
}

ValueId append(Graph& g, const graph::OpDef& op, graph::Attrs attrs, Ids inputs) {
    std::vector<graph::Type> in_types;
    std::vector<const graph::Type*> pointers;
    for (const ValueId v : inputs) in_types.push_back(g.type(v));
    for (const graph::Type& t : in_types) pointers.push_back(&t);
    std::vector<graph::Type> out_types;
    graph::Call call{op, pointers, attrs, &out_types};
    op.infer(call);
    const NodeId node = g.add_node(op, std::move(attrs), std::move(inputs), out_types);
    return g.nodes[static_cast<size_t>(node)].outputs[0];
}

void verify(const Graph& g) {
    std::vector<char> defined(g.values.size(), 0);
    for (const ValueId v : g.inputs) defined[static_cast<size_t>(v)] = 1;
    for (size_t i = 0; i < g.nodes.size(); ++i) {
        for (const ValueId v : g.nodes[i].inputs) {
            INGOT_ASSERT(v >= 0 && static_cast<size_t>(v) < g.values.size() && defined[static_cast<size_t>(v)],
                         "a node uses a value before it is made");
        }
        for (const ValueId v : g.nodes[i].outputs) {
            INGOT_ASSERT(!defined[static_cast<size_t>(v)], "a value has two producers");
            INGOT_ASSERT(g.values[static_cast<size_t>(v)].node == static_cast<NodeId>(i),
                         "a value names another producer");
            defined[static_cast<size_t>(v)] = 1;
        }
    }
    for (const Result& r : g.results) {
        INGOT_ASSERT(r.value >= 0 && defined[static_cast<size_t>(r.value)], "a result is never made");
        INGOT_ASSERT(r.overwrites < static_cast<int32_t>(g.inputs.size()),
                     "a result overwrites an input that is not there");
    }
}

namespace {
void print_value(std::ostringstream& out, const Graph& g, ValueId v) {
    const Value& value = g.values[static_cast<size_t>(v)];
    out << "%" << v << ":" << value.type.str();
    if (value.format.is_channels_last()) out << "@nhwc";
    if (value.format.is_blocked()) out << "@b" << value.format.block;
}
} // namespace

std::string print(const Graph& g) {
    std::ostringstream out;
    out << "inputs";
    for (const ValueId v : g.inputs) {
        out << " ";
        print_value(out, g, v);
    }
    out << "\n";
    for (const Node& n : g.nodes) {
        for (size_t i = 0; i < n.outputs.size(); ++i) {
            if (i) out << ", ";
            print_value(out, g, n.outputs[i]);
        }
        out << " = " << n.op->name << "(";
        for (size_t i = 0; i < n.inputs.size(); ++i) out << (i ? ", %" : "%") << n.inputs[i];
        out << ")";
        if (!n.attrs.empty()) {
            out << " {";
            for (size_t i = 0; i < n.attrs.size(); ++i) out << (i ? ", " : "") << n.attrs[i];
            out << "}";
        }
        out << "\n";
    }
    out << "results";
    for (const Result& r : g.results) {
        out << " %" << r.value;
        if (r.cell) out << (r.overwrites >= 0 ? "->in" + std::to_string(r.overwrites) : "->cell");
    }
    out << "\n";
    return out.str();
}

Rewriter::Rewriter(const Graph& g) : old(g), map_(g.values.size(), -1) {
    out.values.reserve(g.values.size());
    out.nodes.reserve(g.nodes.size());
    for (const ValueId v : g.inputs) {
        const Value& value = g.values[static_cast<size_t>(v)];
        set(v, out.add_input(value.type, value.format));
    }
}

Ids Rewriter::mapped(const Ids& ids) const {
    Ids result;
    for (const ValueId v : ids) result.push_back(map(v));
    return result;
}

void Rewriter::copy(const Node& node) {
    const auto id = static_cast<NodeId>(out.nodes.size());
    out.phase = node.phase;
    Node& fresh = out.nodes.emplace_back(Node{node.op, node.attrs, mapped(node.inputs), {}, node.payload, node.phase});
    for (size_t i = 0; i < node.outputs.size(); ++i) {
        const Value& value = old.values[static_cast<size_t>(node.outputs[i])];
        const auto v = static_cast<ValueId>(out.values.size());
        out.values.push_back({value.type, value.format, id, static_cast<int32_t>(i)});
        fresh.outputs.push_back(v);
        set(node.outputs[i], v);
    }
}

Graph Rewriter::finish() {
    for (const Result& r : old.results) out.results.push_back({map(r.value), r.cell, r.overwrites});
    return std::move(out);
}

} // namespace ingot::ir
