// SPDX-License-Identifier: MIT
// Bias and activation move into the product or convolution that makes their input, when nothing else needs what lies between:
// linear + bias + relu is one kernel. Only activations whose gradient uses the result (relu, sigmoid, tanh) get here in
// training; others keep their input alive anyway.
#include "passes/pass.h"

namespace ingot::passes {

namespace {

using graph::Prim;

bool is_contraction(const ir::Node* n) { return n && (n->prim() == Prim::matmul || n->prim() == Prim::conv2d); }
size_t act_slot(const ir::Node& n) { return n.prim() == Prim::matmul ? 2 : 7; }

/// Position of the axis that a bias runs along, counted from the last axis: matmul [.., n], convolution [N, O, H, W].
bool is_bias(const ir::Graph& g, const ir::Node& contraction, ir::ValueId bias) {
    const Shape& b = g.type(bias).shape;
    const Shape& y = g.type(contraction.outputs[0]).shape;
    const size_t from_end = contraction.prim() == Prim::matmul ? 0 : 2;
    const int64_t n = y[y.rank() - 1 - from_end];
    if (b.numel() != n || b.rank() > y.rank() || b.rank() < from_end + 1) return false;
    return b[b.rank() - 1 - from_end] == n;
}

} // namespace

ir::Graph epilogue(const ir::Graph& g, const target::Target& target) {
    ir::Rewriter rw(g);
    std::vector<int32_t> uses = g.use_counts();
    auto only_use = [&](ir::ValueId old) { return uses[static_cast<size_t>(old)] == 1; };
    for (const ir::Node& n : g.nodes) {
        if (n.prim() != Prim::elementwise) {
            rw.copy(n);
            continue;
        }
        const Scalar f = n.op->scalar;
        bool done = false;
        for (size_t side = 0; side < n.inputs.size() && !done; ++side) {
            const ir::ValueId old = n.inputs[side];
            const ir::NodeId maker = rw.out.values[static_cast<size_t>(rw.map(old))].node;
            if (maker < 0 || !only_use(old)) continue;
            ir::Node& c = rw.out.nodes[static_cast<size_t>(maker)];
            if (!is_contraction(&c) || c.outputs[0] != rw.map(old)) continue;
            if (!(c.prim() == Prim::matmul ? target.fused_matmul_epilogue : target.fused_conv_epilogue)) continue;
            if (!target.can_contract(rw.out.type(c.outputs[0]).dtype)) continue;
            const bool plain = c.attrs[act_slot(c)] == 0;
            if (f == Scalar::add && n.inputs.size() == 2 && plain && c.inputs.size() == 2) {
                const ir::ValueId bias = rw.map(n.inputs[1 - side]);
                // The contraction moves no earlier than its bias: only biases that exist already.
                const ir::NodeId from = rw.out.values[static_cast<size_t>(bias)].node;
                if (!is_bias(rw.out, c, bias) || from > maker || g.type(n.outputs[0]) != g.type(old)) continue;
                c.inputs.push_back(bias);
                rw.set(n.outputs[0], rw.map(old));
                done = true;
            } else if ((f == Scalar::relu || f == Scalar::sigmoid || f == Scalar::tanh) && plain) {
                c.attrs[act_slot(c)] = 1 + static_cast<int64_t>(f);
                rw.set(n.outputs[0], rw.map(old));
                done = true;
            }
        }
        if (!done) rw.copy(n);
    }
    return rw.finish();
}

} // namespace ingot::passes
