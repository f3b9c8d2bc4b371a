// SPDX-License-Identifier: MIT
// Composites become primitives: their decompositions are recorded on placeholders, as a user would, and copied in.
#include <algorithm>
#include <unordered_map>

#include "base/check.h"
#include "graph/node.h"
#include "passes/pass.h"

namespace ingot::passes {

namespace {

using graph::Recorder;

/// Recording for ourselves: no tape, no trace, no flush.
class Internal {
public:
    Internal()
        : r_(Recorder::current()), grad_(r_.grad_mode), trace_(r_.trace), cell_(r_.cell_hook), slot_(r_.slot_hook),
          scalars_(r_.trace_scalars) {
        r_.grad_mode = false;
        r_.trace = nullptr;
        r_.cell_hook = nullptr;
        r_.slot_hook = nullptr;
        r_.trace_scalars = nullptr;
        ++r_.internal;
    }
    ~Internal() {
        --r_.internal;
        r_.grad_mode = grad_;
        r_.trace = trace_;
        r_.cell_hook = cell_;
        r_.slot_hook = slot_;
        r_.trace_scalars = scalars_;
    }
    Internal(const Internal&) = delete;
    Internal& operator=(const Internal&) = delete;

private:
    Recorder& r_;
    bool grad_;
    void* trace_;
    graph::CellHook cell_;
    graph::SlotHook slot_;
    std::vector<graph::Value>* scalars_;
};

class Expander {
public:
    explicit Expander(const ir::Graph& g) : rewriter_(g) {}

    ir::Graph run() {
        for (const ir::Node& n : rewriter_.old.nodes) {
            if (n.prim() != graph::Prim::none) {
                rewriter_.copy(n);
                continue;
            }
            rewriter_.out.phase = n.phase;
            const ir::Ids results = inline_composite(*n.op, n.attrs, rewriter_.mapped(n.inputs));
            for (size_t i = 0; i < n.outputs.size(); ++i) rewriter_.set(n.outputs[i], results[i]);
        }
        return rewriter_.finish();
    }

private:
    ir::Ids inline_composite(const graph::OpDef& op, const graph::Attrs& attrs, const ir::Ids& inputs) {
        INGOT_ASSERT(op.decompose, op.name);
        std::vector<Tensor> stand_ins;
        std::unordered_map<graph::Node*, ir::Ids> ids; ///< node -> its results in the new graph
        for (const ir::ValueId v : inputs) {
            const graph::Value p = graph::make_placeholder(rewriter_.out.type(v), Device::cpu());
            ids.emplace(p.node.get(), ir::Ids{v});
            stand_ins.emplace_back(p);
        }
        const std::vector<Tensor> results = op.decompose(stand_ins, attrs);
        // Copy what was recorded, in order; composites inside are expanded in turn.
        std::vector<graph::Node*> stack, found;
        for (const Tensor& t : results) stack.push_back(graph::resolve(t, op.name).node.get());
        std::unordered_map<graph::Node*, bool> seen;
        while (!stack.empty()) {
            graph::Node* n = stack.back();
            stack.pop_back();
            if (ids.contains(n) || !seen.emplace(n, true).second) continue;
            found.push_back(n);
            for (const graph::Value& v : n->inputs) stack.push_back(v.node.get());
        }
        std::sort(found.begin(), found.end(), [](auto* a, auto* b) { return a->sequence < b->sequence; });
        for (graph::Node* n : found) {
            INGOT_ASSERT(n->pending, "a decomposition may not capture values");
            ir::Ids in;
            for (const graph::Value& v : n->inputs) in.push_back(ids.at(v.node.get())[v.index]);
            if (n->op->prim == graph::Prim::none) {
                ids.emplace(n, inline_composite(*n->op, n->attrs, in));
                continue;
            }
            std::vector<graph::Type> types;
            for (uint32_t i = 0; i < n->num_outputs; ++i) types.push_back(n->outputs[i].type);
            const ir::NodeId id = rewriter_.out.add_node(*n->op, n->attrs, in, types);
            ids.emplace(n, rewriter_.out.nodes[static_cast<size_t>(id)].outputs);
        }
        ir::Ids out;
        for (const Tensor& t : results) {
            const graph::Value v = graph::resolve(t, op.name);
            out.push_back(ids.at(v.node.get())[v.index]);
        }
        return out;
    }

    Internal internal_;
    ir::Rewriter rewriter_;
};

} // namespace

ir::Graph expand(const ir::Graph& g) { return Expander(g).run(); }

} // namespace ingot::passes
