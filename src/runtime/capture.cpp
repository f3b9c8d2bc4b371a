// SPDX-License-Identifier: MIT
#include "runtime/capture.h"

#include <algorithm>
#include <atomic>

#include "base/check.h"

namespace ingot::runtime {

using graph::Node;
using graph::Value;

namespace {

uint64_t next_mark() {
    static std::atomic<uint64_t> mark{1};
    return mark.fetch_add(1, std::memory_order_relaxed);
}

/// Pending nodes that the roots reach, unordered; failures spread to whoever depends on them.
std::vector<Node*> reach(const std::vector<Root>& roots, uint64_t mark) {
    std::vector<Node*> found;
    std::vector<Node*> stack;
    for (const Root& r : roots) stack.push_back(r.value.node.get());
    while (!stack.empty()) {
        Node* n = stack.back();
        stack.pop_back();
        if (n->mark == mark || !n->pending) continue;
        n->mark = mark;
        found.push_back(n);
        for (const Value& v : n->inputs) stack.push_back(v.node.get());
    }
    std::sort(found.begin(), found.end(), [](const Node* a, const Node* b) { return a->sequence < b->sequence; });
    return found;
}

void add_type(std::vector<int64_t>& words, const graph::Type& t) {
    words.push_back(static_cast<int64_t>(t.dtype) | static_cast<int64_t>(t.shape.rank()) << 8);
    for (const int64_t d : t.shape) words.push_back(d);
}

} // namespace

Capture capture(Device device, std::vector<Root> roots) {
    Capture c;
    c.device = device;
    const uint64_t mark = next_mark();
    std::vector<Node*> found = reach(roots, mark);

    // Failures of inputs are the failures of everything behind them.
    c.nodes.reserve(found.size());
    for (Node* n : found) {
        for (const Value& v : n->inputs) {
            if (v.node->failure && !n->failure) n->failure = v.node->failure;
        }
        if (!n->failure) c.nodes.push_back(n);
    }
    for (Root& r : roots) {
        if (!r.value.node->failure) c.roots.push_back(std::move(r));
    }

    const uint64_t input_mark = next_mark();
    auto& words = c.words;
    words.reserve(c.nodes.size() * 12 + 16);
    auto input = [&](const Value& v) {
        Node* n = v.node.get();
        if (n->mark == input_mark && v.index == 0) return n->local;
        const auto id = static_cast<int32_t>(c.inputs.size());
        if (v.index == 0) {
            n->mark = input_mark;
            n->local = id;
        }
        c.inputs.push_back(v);
        return id;
    };
    words.push_back(static_cast<int64_t>(device.kind) << 16 | device.index);
    int32_t next_local = 0;
    for (Node* n : c.nodes) {
        n->local = next_local++;
        words.push_back(reinterpret_cast<int64_t>(n->op)); // identity within this process, never an order
        words.push_back(static_cast<int64_t>(n->inputs.size()) | static_cast<int64_t>(n->attrs.size()) << 32);
        for (const int64_t w : n->attrs) words.push_back(w);
        for (const Value& v : n->inputs) {
            if (v.node->pending) {
                words.push_back(static_cast<int64_t>(v.node->local) << 8 | v.index << 1);
                continue;
            }
            const size_t before = c.inputs.size();
            const int32_t id = input(v);
            words.push_back(static_cast<int64_t>(id) << 1 | 1);
            if (c.inputs.size() != before) { // first use: describe it
                const graph::Output& o = v.node->outputs[v.index];
                add_type(words, o.type);
                words.push_back(static_cast<int64_t>(o.format.block) << 1 | (v.node->op == &graph::kHostScalar));
            }
        }
    }
    words.push_back(-1);
    for (const Root& r : c.roots) {
        // The cell's storage belongs to the value last written; if that value is read here, the write is in place.
        int32_t overwrites = -1;
        if (r.cell && r.cell->storage) {
            for (size_t i = 0; i < c.inputs.size(); ++i) {
                const Value& v = c.inputs[i];
                if (v.node->cell() == r.cell && v.node->outputs[v.index].data == r.cell->storage) {
                    overwrites = static_cast<int32_t>(i);
                }
            }
        }
        c.overwrites.push_back(overwrites);
        words.push_back(static_cast<int64_t>(r.value.node->local) << 8 | r.value.index);
        words.push_back(r.cell ? overwrites : -2);
    }
    for (const int64_t w : words) c.hash.add(static_cast<uint64_t>(w));
    return c;
}

ir::Graph to_graph(const Capture& c) {
    ir::Graph g;
    for (const Value& v : c.inputs) g.add_input(v.type(), v.node->outputs[v.index].format);
    std::vector<ir::NodeId> ids;
    ids.reserve(c.nodes.size());
    for (Node* n : c.nodes) {
        ir::Ids inputs;
        for (const Value& v : n->inputs) {
            if (v.node->pending) {
                inputs.push_back(
                    g.nodes[static_cast<size_t>(ids[static_cast<size_t>(v.node->local)])].outputs[v.index]);
            } else {
                auto at = static_cast<size_t>(v.node->local); // capture() numbered first results
                if (v.index != 0) {
                    at = static_cast<size_t>(std::find(c.inputs.begin(), c.inputs.end(), v) - c.inputs.begin());
                }
                inputs.push_back(g.inputs[at]);
            }
        }
        std::vector<graph::Type> types;
        for (uint32_t i = 0; i < n->num_outputs; ++i) types.push_back(n->outputs[i].type);
        g.phase = n->phase;
        ids.push_back(g.add_node(*n->op, n->attrs, inputs, types));
    }
    for (size_t i = 0; i < c.roots.size(); ++i) {
        const Root& r = c.roots[i];
        const ir::NodeId id = ids[static_cast<size_t>(r.value.node->local)];
        g.results.push_back(
            {g.nodes[static_cast<size_t>(id)].outputs[r.value.index], r.cell != nullptr, c.overwrites[i]});
    }
    return g;
}

} // namespace ingot::runtime
