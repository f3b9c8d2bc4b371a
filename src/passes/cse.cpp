// SPDX-License-Identifier: MIT
// Equal nodes are computed once: same operator, attributes and inputs. Random operators have their key among the inputs, so
// two draws never meet here.
#include <unordered_map>

#include "base/hash.h"
#include "passes/pass.h"

namespace ingot::passes {

ir::Graph cse(const ir::Graph& g) {
    ir::Rewriter rw(g);
    std::unordered_multimap<uint64_t, ir::NodeId> seen;
    for (const ir::Node& n : g.nodes) {
        const ir::Ids inputs = rw.mapped(n.inputs);
        base::Hash128 h;
        h.add(reinterpret_cast<uint64_t>(n.op));
        for (const int64_t w : n.attrs) h.add(static_cast<uint64_t>(w));
        for (const ir::ValueId v : inputs) h.add(static_cast<uint64_t>(v));
        const ir::Node* same = nullptr;
        for (auto [it, end] = seen.equal_range(h.lo); it != end; ++it) {
            const ir::Node& other = rw.out.nodes[static_cast<size_t>(it->second)];
            if (other.op == n.op && other.attrs == n.attrs && other.inputs == inputs && other.payload == n.payload)
                same = &other;
        }
        if (same) {
            for (size_t i = 0; i < n.outputs.size(); ++i) rw.set(n.outputs[i], same->outputs[i]);
            continue;
        }
        rw.copy(n);
        seen.emplace(h.lo, static_cast<ir::NodeId>(rw.out.nodes.size()) - 1);
    }
    return rw.finish();
}

} // namespace ingot::passes
