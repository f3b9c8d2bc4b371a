// SPDX-License-Identifier: MIT
// Drops nodes that no result needs.
#include "passes/pass.h"

namespace ingot::passes {

ir::Graph dce(ir::Graph g) {
    std::vector<char> live(g.values.size(), 0);
    for (const ir::Result& r : g.results) live[static_cast<size_t>(r.value)] = 1;
    bool dead = false;
    for (size_t i = g.nodes.size(); i-- > 0;) {
        const ir::Node& n = g.nodes[i];
        bool needed = false;
        for (const ir::ValueId v : n.outputs) needed = needed || live[static_cast<size_t>(v)];
        dead = dead || !needed;
        if (!needed) continue;
        for (const ir::ValueId v : n.inputs) live[static_cast<size_t>(v)] = 1;
    }
    if (!dead) return g;
    ir::Rewriter rw(g);
    for (const ir::Node& n : g.nodes) {
        bool needed = false;
        for (const ir::ValueId v : n.outputs) needed = needed || live[static_cast<size_t>(v)];
        if (needed) rw.copy(n);
    }
    return rw.finish();
}

} // namespace ingot::passes
