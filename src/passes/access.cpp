// SPDX-License-Identifier: MIT
#include "passes/access.h"

namespace ingot::passes {

using graph::Prim;

namespace {

/// For reshapes that only add or drop axes of size 1: per axis of `from` the axis of `to`, -1 for size 1. Empty: another reshape.
bool match_ones(const Shape& from, const Shape& to, std::vector<int>& axis_of) {
    axis_of.assign(from.rank(), -1);
    size_t t = 0;
    for (size_t f = 0; f < from.rank(); ++f) {
        if (from[f] == 1) continue;
        while (t < to.rank() && to[t] == 1) ++t;
        if (t == to.rank() || to[t] != from[f]) return false;
        axis_of[f] = static_cast<int>(t++);
    }
    while (t < to.rank() && to[t] == 1) ++t;
    return t == to.rank();
}

} // namespace

bool is_view(const ir::Graph& g, const ir::Node& n) {
    switch (n.prim()) {
    case Prim::broadcast_to:
    case Prim::permute:
    case Prim::slice:
    case Prim::pad: return true;
    case Prim::reshape: {
        std::vector<int> axis_of;
        return match_ones(g.type(n.inputs[0]).shape, g.type(n.outputs[0]).shape, axis_of);
    }
    default: return false;
    }
}

bool Access::pure(const ir::Graph& g, const std::vector<int64_t>& extents) const {
    if (!guards.empty()) return false;
    const Shape& shape = g.type(base).shape;
    uint64_t seen = 0;
    for (size_t d = 0; d < dims.size(); ++d) {
        const DimMap& m = dims[d];
        if (m.axis < 0) {
            if (shape[d] != 1) return false;
            continue;
        }
        if (m.step != 1 || m.offset != 0 || extents[static_cast<size_t>(m.axis)] != shape[d]) return false;
        if (seen >> (m.axis % 64) & 1) {
            for (size_t e = 0; e < d; ++e) {
                if (dims[e].axis == m.axis) return false;
            }
        }
        seen |= uint64_t{1} << (m.axis % 64);
    }
    return true;
}

Access resolve_access(const ir::Graph& g, ir::ValueId v, DimMaps dims) {
    Access a{v, std::move(dims), {}, 0};
    while (const ir::Node* n = g.producer(a.base)) {
        if (!is_view(g, *n)) break;
        const ir::ValueId source = n->inputs[0];
        const Shape& in = g.type(source).shape;
        const Shape& out = g.type(a.base).shape;
        // Views keep the physical format of what they look at; a value in another format is in memory by itself.
        if (!g.values[static_cast<size_t>(a.base)].format.is_row_major()) break;
        DimMaps next(in.rank());
        const size_t rank = in.rank();
        switch (n->prim()) {
        case Prim::broadcast_to:
            for (size_t d = 0; d < rank; ++d) next[d] = in[d] == 1 && out[d] != 1 ? DimMap{} : a.dims[d];
            break;
        case Prim::permute:
            for (size_t d = 0; d < rank; ++d) next[static_cast<size_t>(n->attrs[d])] = a.dims[d];
            break;
        case Prim::reshape: {
            std::vector<int> axis_of;
            match_ones(in, out, axis_of);
            for (size_t d = 0; d < rank; ++d) {
                if (axis_of[d] >= 0) next[d] = a.dims[static_cast<size_t>(axis_of[d])];
            }
            break;
        }
        case Prim::slice:
            for (size_t d = 0; d < rank; ++d) {
                const int64_t start = n->attrs[d], step = n->attrs[rank + d];
                const DimMap& m = a.dims[d];
                next[d] = {m.axis, m.step * step, start + step * m.offset};
                if (m.axis < 0) next[d].step = 1;
            }
            break;
        case Prim::pad: {
            const double fill = graph::unpack(n->attrs[2 * rank]);
            if (!a.guards.empty() && a.fill != fill) return a;
            for (size_t d = 0; d < rank; ++d) {
                next[d] = {a.dims[d].axis, a.dims[d].step, a.dims[d].offset - n->attrs[d]};
                if (n->attrs[d] != 0 || n->attrs[rank + d] != 0) a.guards.push_back({next[d], in[d]});
            }
            a.fill = fill;
            break;
        }
        default: return a;
        }
        a.base = source;
        a.dims = std::move(next);
    }
    return a;
}

uint64_t Access::mask() const {
    uint64_t m = 0;
    for (const DimMap& d : dims) {
        if (d.axis >= 0) m |= uint64_t{1} << d.axis;
    }
    for (const DimGuard& guard : guards) {
        if (guard.at.axis >= 0) m |= uint64_t{1} << guard.at.axis;
    }
    return m;
}

} // namespace ingot::passes
