// SPDX-License-Identifier: MIT
// Equal nodes are computed once: same operator, attributes and inputs. Random operators have their key among the inputs, so
// two draws never meet here.
#include <bit>
#include <vector>

#include "base/hash.h"
#include "passes/pass.h"

namespace ingot::passes {

namespace {

/// Nodes of the new graph by hash: open addressing, at most half full.
class Table {
public:
    explicit Table(size_t nodes) : slots_(std::bit_ceil(2 * nodes + 2)) {}
    /// The node for which equal(node) holds, or nothing: then `fresh` is remembered.
    template <class Equal> ir::NodeId find_or_add(uint64_t hash, ir::NodeId fresh, const Equal& equal) {
        for (size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
            Slot& s = slots_[at];
            if (s.node < 0) {
                s = {hash, fresh};
                return -1;
            }
            if (s.hash == hash && equal(s.node)) return s.node;
        }
    }

private:
    struct Slot {
        uint64_t hash = 0;
        ir::NodeId node = -1;
    };
    std::vector<Slot> slots_;
};

} // namespace

ir::Graph cse(const ir::Graph& g) {
    ir::Rewriter rw(g);
    Table seen(g.nodes.size());
    for (const ir::Node& n : g.nodes) {
        const ir::Ids inputs = rw.mapped(n.inputs);
        base::Hash128 h;
        h.add(reinterpret_cast<uint64_t>(n.op));
        for (const int64_t w : n.attrs) h.add(static_cast<uint64_t>(w));
        for (const ir::ValueId v : inputs) h.add(static_cast<uint64_t>(v));
        const auto equal = [&](ir::NodeId id) {
            const ir::Node& other = rw.out.nodes[static_cast<size_t>(id)];
            return other.op == n.op && other.attrs == n.attrs && other.inputs == inputs && other.payload == n.payload;
        };
        const ir::NodeId same = seen.find_or_add(h.lo, static_cast<ir::NodeId>(rw.out.nodes.size()), equal);
        if (same < 0) {
            rw.copy(n);
            continue;
        }
        const ir::Ids& outputs = rw.out.nodes[static_cast<size_t>(same)].outputs;
        for (size_t i = 0; i < n.outputs.size(); ++i) rw.set(n.outputs[i], outputs[i]);
    }
    return rw.finish();
}

} // namespace ingot::passes
