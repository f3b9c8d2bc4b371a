// SPDX-License-Identifier: MIT
#include <algorithm>
#include <queue>

#include "base/check.h"
#include "runtime/plan.h"

namespace ingot::runtime {

namespace {

int64_t bytes_of(const ir::Graph& g, ir::ValueId v) {
    return g.type(v).shape.numel() * static_cast<int64_t>(size_of(g.type(v).dtype));
}

/// Edges "reader of a cell's old value -> its overwriter", unless they would close a cycle (then plan() copies).
std::vector<std::vector<int32_t>> overwrite_edges(const ir::Graph& g) {
    const size_t n = g.nodes.size();
    std::vector<std::vector<int32_t>> after(n);
    std::vector<int32_t> writer(g.inputs.size(), -1);
    bool any = false;
    for (const ir::Result& r : g.results) {
        if (r.overwrites < 0) continue;
        writer[static_cast<size_t>(r.overwrites)] = g.values[static_cast<size_t>(r.value)].node;
        any = true;
    }
    if (!any) return after;
    std::vector<int32_t> input_of(g.values.size(), -1);
    for (size_t i = 0; i < g.inputs.size(); ++i) input_of[static_cast<size_t>(g.inputs[i])] = static_cast<int32_t>(i);
    // A reader that comes later in record order than the writer may depend on it; only earlier readers are bound (record
    // order is topological, so these edges never close a cycle).
    for (size_t i = 0; i < n; ++i) {
        for (const ir::ValueId v : g.nodes[i].inputs) {
            const int32_t in = input_of[static_cast<size_t>(v)];
            if (in < 0 || writer[static_cast<size_t>(in)] < 0) continue;
            const int32_t w = writer[static_cast<size_t>(in)];
            if (w != static_cast<int32_t>(i) && static_cast<int32_t>(i) < w) after[i].push_back(w);
        }
    }
    return after;
}

} // namespace

std::vector<int32_t> schedule(const ir::Graph& g) {
    const size_t n = g.nodes.size();
    std::vector<int32_t> order;
    order.reserve(n);
    const auto extra = overwrite_edges(g);
    std::vector<int32_t> blocked(n, 0); ///< unfinished predecessors
    std::vector<std::vector<int32_t>> users(g.values.size());
    for (size_t i = 0; i < n; ++i) {
        for (const ir::ValueId v : g.nodes[i].inputs) {
            const int32_t p = g.values[static_cast<size_t>(v)].node;
            if (p >= 0) {
                users[static_cast<size_t>(v)].push_back(static_cast<int32_t>(i));
                ++blocked[i];
            }
        }
        for (const int32_t w : extra[i]) ++blocked[static_cast<size_t>(w)];
    }
    std::vector<int32_t> uses = g.use_counts();
    // What running a node frees minus what it allocates, at the time it becomes ready.
    auto gain = [&](int32_t i) {
        int64_t bytes = 0;
        const ir::Node& node = g.nodes[static_cast<size_t>(i)];
        for (const ir::ValueId v : node.inputs) {
            if (g.values[static_cast<size_t>(v)].node >= 0 && uses[static_cast<size_t>(v)] == 1)
                bytes += bytes_of(g, v);
        }
        for (const ir::ValueId v : node.outputs) bytes -= bytes_of(g, v);
        return bytes;
    };
    using Entry = std::pair<int64_t, int32_t>; // (gain, -node): larger gain first, then record order
    std::priority_queue<Entry> ready;
    // Nodes that allocate wait their turn in record order; those that free memory go first.
    auto push = [&](int32_t i) { ready.push({std::max<int64_t>(gain(i), -1), -i}); };
    for (size_t i = 0; i < n; ++i) {
        if (blocked[i] == 0) push(static_cast<int32_t>(i));
    }
    auto release = [&](int32_t i) {
        if (--blocked[static_cast<size_t>(i)] == 0) push(i);
    };
    while (!ready.empty()) {
        const int32_t i = -ready.top().second;
        ready.pop();
        order.push_back(i);
        for (const ir::ValueId v : g.nodes[static_cast<size_t>(i)].inputs) --uses[static_cast<size_t>(v)];
        for (const ir::ValueId v : g.nodes[static_cast<size_t>(i)].outputs) {
            for (const int32_t u : users[static_cast<size_t>(v)]) release(u);
        }
        for (const int32_t w : extra[static_cast<size_t>(i)]) release(w);
    }
    INGOT_ASSERT(order.size() == n, "the graph has a cycle");
    return order;
}

} // namespace ingot::runtime
