// SPDX-License-Identifier: MIT
// Physical formats: images that convolutions and pooling work on stay channels-last from one to the next, through elementwise
// operators, forwards and backwards. Inputs and results of the graph are row-major; convolutions take either, everything else that
// needs row-major memory gets a reorder (an identity whose result has another format), which fuses with its neighbours.
#include <numeric>

#include "graph/node.h"
#include "passes/pass.h"

namespace ingot::passes {

namespace {

using graph::Prim;
using ir::ValueId;

bool is_pool(Prim p) {
    switch (p) {
    case Prim::max_pool2d:
    case Prim::max_pool2d_grad:
    case Prim::max_pool2d_gather:
    case Prim::avg_pool2d:
    case Prim::avg_pool2d_grad: return true;
    default: return false;
    }
}
bool is_map(Prim p) { return p == Prim::elementwise || p == Prim::cast || p == Prim::identity || p == Prim::uniform; }
bool is_fused_reader(const ir::Node& n) {
    switch (n.prim()) {
    case Prim::gather:
    case Prim::index_select:
    case Prim::permute:
    case Prim::broadcast_to:
    case Prim::slice:
    case Prim::pad: return true;
    default: return n.op->kind == graph::Kind::reduction || is_map(n.prim());
    }
}

class Layout {
public:
    Layout(const ir::Graph& g, const target::Target& target)
        : g_(g), target_(target), parent_(g.values.size()), image_(g.values.size(), 0) {
        std::iota(parent_.begin(), parent_.end(), 0);
    }

    ir::Graph run() {
        for (const ir::Node& n : g_.nodes) connect(n);
        for (const ir::Node& n : g_.nodes) {
            if (n.prim() == Prim::conv2d || n.prim() == Prim::conv2d_input_grad || n.prim() == Prim::conv2d_weight_grad)
                mark_convolution(n);
        }
        return rewrite();
    }

private:
    /// Images with more than one pixel and more than one channel: elsewhere both formats are the same memory.
    bool candidate(ValueId v) const {
        const Shape& s = g_.type(v).shape;
        return s.rank() == 4 && s[1] > 1 && s[2] * s[3] > 1;
    }
    int32_t find(int32_t v) {
        while (parent_[static_cast<size_t>(v)] != v)
            v = parent_[static_cast<size_t>(v)] = parent_[static_cast<size_t>(parent_[static_cast<size_t>(v)])];
        return v;
    }
    void join(ValueId a, ValueId b) {
        if (candidate(a) && candidate(b)) parent_[static_cast<size_t>(find(a))] = find(b);
    }

    void connect(const ir::Node& n) {
        if (is_map(n.prim())) {
            for (const ValueId v : n.inputs) {
                if (g_.type(v).shape == g_.type(n.outputs[0]).shape) join(v, n.outputs[0]);
            }
        } else if (is_pool(n.prim())) {
            for (const ValueId v : n.inputs) join(v, n.outputs[0]);
            for (const ValueId v : n.outputs) join(v, n.outputs[0]);
        }
    }
    void mark_convolution(const ir::Node& n) {
        // x and y are images; w is not.
        const ValueId images[] = {n.prim() == Prim::conv2d_input_grad ? n.inputs[1] : n.inputs[0],
                                  n.prim() == Prim::conv2d_weight_grad ? n.inputs[1] : n.outputs[0]};
        if (target_.prefers_rows(g_.type(images[0]).shape[1], g_.type(images[1]).shape[1])) return;
        for (const ValueId v : images) {
            if (candidate(v)) image_[static_cast<size_t>(find(v))] = 1;
        }
    }
    bool wanted(ValueId v) { return candidate(v) && image_[static_cast<size_t>(find(v))]; }

    ir::Graph rewrite() {
        ir::Rewriter rw(g_);
        auto format = [&](ValueId fresh) -> Format& { return rw.out.values[static_cast<size_t>(fresh)].format; };
        auto reordered = [&](ValueId fresh, Format to) {
            if (format(fresh) == to) return fresh;
            const ValueId v = ir::append(rw.out, graph::kIdentity, {}, {fresh});
            format(v) = to;
            return v;
        };
        for (const ir::Node& n : g_.nodes) {
            rw.out.phase = n.phase;
            const Prim p = n.prim();
            const bool conv = p == Prim::conv2d || p == Prim::conv2d_input_grad || p == Prim::conv2d_weight_grad;
            const bool image_out =
                wanted(n.outputs[0]) && (conv ? p != Prim::conv2d_weight_grad : is_map(p) || is_pool(p));
            if (!conv && !is_fused_reader(n)) {
                const Format to = is_pool(p) && pool_wants(n) ? Format::channels_last() : Format::row_major();
                for (const ValueId v : n.inputs) {
                    if (g_.type(v).shape.rank() == 4 && candidate(v)) rw.set(v, reordered(rw.map(v), to));
                }
            } else if (conv) {
                // Filters are read row-major.
                const size_t w = p == Prim::conv2d ? 1 : p == Prim::conv2d_input_grad ? 0 : n.inputs.size();
                if (w < n.inputs.size() && candidate(n.inputs[w]))
                    rw.set(n.inputs[w], reordered(rw.map(n.inputs[w]), Format::row_major()));
            }
            rw.copy(n);
            if (image_out || (is_pool(p) && pool_wants(n))) {
                for (const ValueId v : n.outputs) {
                    if (candidate(v)) format(rw.map(v)) = Format::channels_last();
                }
            }
        }
        for (const ir::Result& r : g_.results) {
            if (rw.map(r.value) >= 0) rw.set(r.value, reordered(rw.map(r.value), Format::row_major()));
        }
        return rw.finish();
    }

    /// All values of a pooling have one format; where one of them is a single pixel the others decide.
    bool pool_wants(const ir::Node& n) {
        for (const ValueId v : n.inputs) {
            if (wanted(v)) return true;
        }
        for (const ValueId v : n.outputs) {
            if (wanted(v)) return true;
        }
        return false;
    }

    const ir::Graph& g_;
    const target::Target& target_;
    std::vector<int32_t> parent_;
    std::vector<char> image_; ///< per component: a convolution reads or writes it
};

} // namespace

ir::Graph layout(const ir::Graph& g, const target::Target& target) {
    if (!target.channels_last) return g;
    return Layout(g, target).run();
}

} // namespace ingot::passes
