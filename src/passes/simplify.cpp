// SPDX-License-Identifier: MIT
// Local rewrites that make graphs smaller without changing values (up to the sign of zero): views that do nothing, views of
// views, neutral elements, reductions of one element each, transposes into matmul's flags.
#include <ingot/ops/elementwise.h>

#include "ops/creation.h"
#include "ops/elementwise.h"
#include "ops/movement.h"
#include "passes/constants.h"
#include "passes/pass.h"

namespace ingot::passes {

namespace {

using graph::Attrs;
using graph::Prim;
using ir::ValueId;

class Simplifier {
public:
    explicit Simplifier(const ir::Graph& g) : rw_(g), g_(rw_.out) {}

    ir::Graph run() {
        for (const ir::Node& n : rw_.old.nodes) {
            rw_.out.phase = n.phase;
            const ir::Ids in = rw_.mapped(n.inputs);
            if (n.prim() == Prim::moments && shape(in[0]) == rw_.old.type(n.outputs[0]).shape) {
                rw_.set(n.outputs[0], in[0]);
                // Not 0: the variance of an infinity is NaN.
                rw_.set(n.outputs[1], ir::append(g_, ops::elementwise(Scalar::sub), {}, {in[0], in[0]}));
                continue;
            }
            const ValueId replaced = n.outputs.size() == 1 ? rewrite(n, in, rw_.old.type(n.outputs[0])) : -1;
            if (replaced >= 0) {
                rw_.set(n.outputs[0], replaced);
            } else {
                rw_.copy(n);
            }
        }
        return rw_.finish();
    }

private:
    const Shape& shape(ValueId v) const { return g_.type(v).shape; }
    bool is_constant(ValueId v, double value) const {
        const auto c = constant_of(g_, v);
        return c && *c == value;
    }
    static Attrs attrs_of(const Shape& s) { return Attrs(s.begin(), s.end()); }

    /// The value that replaces the node's result, or -1.
    ValueId rewrite(const ir::Node& n, const ir::Ids& in, const graph::Type& type) {
        switch (n.prim()) {
        case Prim::identity: return in[0];
        case Prim::cast: return g_.type(in[0]).dtype == type.dtype ? in[0] : -1;
        case Prim::broadcast_to: return shape(in[0]) == type.shape ? in[0] : -1;
        case Prim::reshape: return reshape(in[0], type.shape);
        case Prim::permute: return permute(n, in[0], type.shape);
        case Prim::slice: return slice(n, in[0], type.shape);
        case Prim::pad: return shape(in[0]) == type.shape ? in[0] : -1;
        case Prim::concat: return in.size() == 1 ? in[0] : -1;
        case Prim::sum:
        case Prim::prod:
        case Prim::max:
        case Prim::min:
            if (shape(in[0]) != type.shape) return -1;
            return g_.type(in[0]).dtype == type.dtype
                       ? in[0]
                       : ir::append(g_, ops::kCast, {static_cast<int64_t>(type.dtype)}, {in[0]});
        case Prim::argmax:
        case Prim::argmin: return shape(in[0]) == type.shape ? add_constant(g_, ops::kConstant, type, 0) : -1;
        case Prim::matmul: return matmul(n, in);
        case Prim::elementwise: return elementwise(n, in, type);
        default: return -1;
        }
    }

    ValueId reshape(ValueId x, const Shape& to) {
        if (shape(x) == to) return x;
        const ir::Node* p = g_.producer(x);
        if (p && p->prim() == Prim::reshape) {
            const ValueId source = p->inputs[0];
            return shape(source) == to ? source : ir::append(g_, ops::kReshape, attrs_of(to), {source});
        }
        return -1;
    }

    ValueId permute(const ir::Node& n, ValueId x, const Shape& to) {
        Attrs perm = n.attrs;
        const ir::Node* p = g_.producer(x);
        if (p && p->prim() == Prim::permute) {
            for (int64_t& a : perm) a = p->attrs[static_cast<size_t>(a)];
            x = p->inputs[0];
        }
        bool same = true;
        int64_t last = -1;
        bool only_ones_move = true;
        for (size_t i = 0; i < perm.size(); ++i) {
            same = same && perm[i] == static_cast<int64_t>(i);
            if (shape(x)[static_cast<size_t>(perm[i])] == 1) continue;
            only_ones_move = only_ones_move && perm[i] > last;
            last = perm[i];
        }
        if (same) return x;
        if (only_ones_move) return ir::append(g_, ops::kReshape, attrs_of(to), {x});
        return perm == n.attrs ? -1 : ir::append(g_, ops::kPermute, perm, {x});
    }

    ValueId slice(const ir::Node& n, ValueId x, const Shape& to) {
        if (shape(x) != to) return -1;
        const size_t rank = to.rank();
        for (size_t i = 0; i < rank; ++i) {
            if (to[i] > 1 && (n.attrs[i] != 0 || n.attrs[rank + i] != 1)) return -1;
        }
        return x;
    }

    /// A permute that swaps the last two axes becomes a flag.
    ValueId matmul(const ir::Node& n, const ir::Ids& in) {
        Attrs attrs = n.attrs;
        ir::Ids inputs = in;
        bool changed = false;
        for (size_t i = 0; i < 2; ++i) {
            const ir::Node* p = g_.producer(in[i]);
            if (!p || p->prim() != Prim::permute) continue;
            const size_t r = p->attrs.size();
            bool swaps =
                p->attrs[r - 1] == static_cast<int64_t>(r) - 2 && p->attrs[r - 2] == static_cast<int64_t>(r) - 1;
            for (size_t a = 0; a + 2 < r; ++a) swaps = swaps && p->attrs[a] == static_cast<int64_t>(a);
            if (!swaps) continue;
            inputs[i] = p->inputs[0];
            attrs[i] = attrs[i] == 0;
            changed = true;
        }
        return changed ? ir::append(g_, *n.op, attrs, inputs) : -1;
    }

    ValueId elementwise(const ir::Node& n, const ir::Ids& in, const graph::Type& type) {
        const Scalar f = n.op->scalar;
        auto keeps = [&](ValueId v) { return g_.type(v) == type; };
        if (in.size() == 2) {
            const bool right0 = is_constant(in[1], 0), right1 = is_constant(in[1], 1);
            if ((f == Scalar::add || f == Scalar::sub) && right0 && keeps(in[0])) return in[0];
            if (f == Scalar::add && is_constant(in[0], 0) && keeps(in[1])) return in[1];
            if ((f == Scalar::mul || f == Scalar::div || f == Scalar::pow) && right1 && keeps(in[0])) return in[0];
            if (f == Scalar::mul && is_constant(in[0], 1) && keeps(in[1])) return in[1];
            if (f == Scalar::pow && is_constant(in[1], 2) && keeps(in[0])) {
                return ir::append(g_, ops::elementwise(Scalar::mul), {}, {in[0], in[0]});
            }
        }
        if (f == Scalar::neg) {
            const ir::Node* p = g_.producer(in[0]);
            if (p && p->prim() == Prim::elementwise && p->op->scalar == Scalar::neg) return p->inputs[0];
        }
        if (f == Scalar::where) {
            const auto c = constant_of(g_, in[0]);
            if (c && keeps(in[*c != 0 ? 1 : 2])) return in[*c != 0 ? 1 : 2];
        }
        const ValueId dropped = drop_broadcasts(n, in, type);
        return dropped >= 0 ? dropped : sink_reshape(n, in, type);
    }

    /// f(reshape(x), reshape(y), scalar) = reshape(f(x, y, scalar)): the elementwise chain is not cut by the reshape.
    ValueId sink_reshape(const ir::Node& n, const ir::Ids& in, const graph::Type& type) {
        ir::Ids inputs = in;
        const Shape* source = nullptr;
        for (size_t i = 0; i < in.size(); ++i) {
            if (shape(in[i]).numel() == 1 && shape(in[i]).rank() == 0) continue;
            const ir::Node* p = g_.producer(in[i]);
            if (!p || p->prim() != Prim::reshape || shape(in[i]) != type.shape) return -1;
            if (source && !(*source == shape(p->inputs[0]))) return -1;
            inputs[i] = p->inputs[0];
            source = &shape(p->inputs[0]);
        }
        if (!source) return -1;
        const ValueId value = ir::append(g_, *n.op, n.attrs, inputs);
        return ir::append(g_, ops::kReshape, attrs_of(type.shape), {value});
    }

    /// Elementwise operators broadcast by themselves.
    ValueId drop_broadcasts(const ir::Node& n, const ir::Ids& in, const graph::Type& type) {
        ir::Ids inputs = in;
        bool changed = false;
        for (size_t i = 0; i < in.size(); ++i) {
            const ir::Node* p = g_.producer(in[i]);
            if (!p || p->prim() != Prim::broadcast_to) continue;
            inputs[i] = p->inputs[0];
            changed = true;
        }
        if (!changed) return -1;
        Shape all;
        for (const ValueId v : inputs) all = broadcast_shapes(all, shape(v), n.op->name);
        return all == type.shape ? ir::append(g_, *n.op, n.attrs, inputs) : -1;
    }

    ir::Rewriter rw_;
    ir::Graph& g_;
};

} // namespace

ir::Graph simplify(const ir::Graph& g) { return Simplifier(g).run(); }

} // namespace ingot::passes
