// SPDX-License-Identifier: MIT
// Contractions and pooling in dtypes that the target's kernels do not take (f16 and bf16 on the CPU) run in f32: operands are cast
// before, the result after. Programs need no such thing: they convert when loading and storing.
#include "ops/elementwise.h"
#include "passes/pass.h"

namespace ingot::passes {

ir::Graph widen(const ir::Graph& g, const target::Target& target) {
    using graph::Kind;
    auto half = [](DType t) { return t == DType::f16 || t == DType::bf16; };
    ir::Rewriter rw(g);
    for (const ir::Node& n : g.nodes) {
        rw.out.phase = n.phase;
        const bool heavy = n.op->kind == Kind::contraction || n.op->kind == Kind::pooling;
        const DType dtype = g.type(n.outputs[0]).dtype;
        if (!heavy || !half(dtype) || target.can_contract(dtype)) {
            rw.copy(n);
            continue;
        }
        ir::Ids inputs;
        for (const ir::ValueId v : n.inputs) {
            const ir::ValueId mapped = rw.map(v);
            inputs.push_back(half(g.type(v).dtype)
                                 ? ir::append(rw.out, ops::kCast, {static_cast<int64_t>(DType::f32)}, {mapped})
                                 : mapped);
        }
        std::vector<graph::Type> types;
        for (const ir::ValueId v : n.outputs) {
            types.push_back(g.type(v));
            if (half(types.back().dtype)) types.back().dtype = DType::f32;
        }
        const ir::NodeId id = rw.out.add_node(*n.op, n.attrs, inputs, types);
        for (size_t i = 0; i < n.outputs.size(); ++i) {
            const ir::ValueId wide = rw.out.nodes[static_cast<size_t>(id)].outputs[i];
            const DType to = g.type(n.outputs[i]).dtype;
            rw.set(n.outputs[i], half(to) ? ir::append(rw.out, ops::kCast, {static_cast<int64_t>(to)}, {wide}) : wide);
        }
    }
    return rw.finish();
}

} // namespace ingot::passes
