// SPDX-License-Identifier: MIT
#include "passes/cluster.h"

#include <algorithm>
#include <map>

#include "base/check.h"

namespace ingot::passes {

using graph::Prim;

namespace {

/// New axes for a shape: one per size other than 1.
DimMaps axes_for(const Shape& shape, std::vector<int64_t>& extents) {
    DimMaps dims(shape.rank());
    for (size_t d = 0; d < shape.rank(); ++d) {
        if (shape[d] == 1) continue;
        dims[d].axis = static_cast<int32_t>(extents.size());
        extents.push_back(shape[d]);
    }
    return dims;
}

uint64_t mask_of(const DimMaps& dims) {
    uint64_t m = 0;
    for (const DimMap& d : dims) {
        if (d.axis >= 0) m |= uint64_t{1} << d.axis;
    }
    return m;
}

/// The index of an operand that broadcasts to `out`: right-aligned, size 1 stretches.
DimMaps broadcast_dims(const Shape& operand, const DimMaps& out) {
    DimMaps dims(operand.rank());
    for (size_t d = 0; d < operand.rank(); ++d) {
        if (operand[d] != 1) dims[d] = out[out.size() - operand.rank() + d];
    }
    return dims;
}

} // namespace

bool is_fusible(const ir::Node& n) {
    switch (n.prim()) {
    case Prim::elementwise:
    case Prim::cast:
    case Prim::identity:
    case Prim::uniform:
    case Prim::gather:
    case Prim::index_select: return true;
    default: return n.op->kind == graph::Kind::reduction;
    }
}

Cluster make_cluster(const ir::Graph& g, ir::NodeId id) {
    const ir::Node& n = g.nodes[static_cast<size_t>(id)];
    const Shape& out = g.type(n.outputs[0]).shape;
    Cluster c;
    Item item;
    item.node = id;
    if (n.op->kind == graph::Kind::reduction) {
        const DimMaps in = axes_for(g.type(n.inputs[0]).shape, c.extents);
        item.out = in;
        for (const int64_t axis : n.attrs) item.out[static_cast<size_t>(axis)] = {};
        item.operands.push_back(resolve_access(g, n.inputs[0], in));
        item.in_mask = mask_of(in);
        item.reduces = mask_of(item.out) != item.in_mask;
    } else {
        item.out = axes_for(out, c.extents);
        item.in_mask = mask_of(item.out);
        switch (n.prim()) {
        case Prim::gather: {
            item.index_operand = 1;
            item.index_dim = static_cast<int32_t>(n.attrs[0]);
            Access x{n.inputs[0], item.out, {}, 0};
            x.dims[static_cast<size_t>(item.index_dim)] = {};
            item.operands = {x, resolve_access(g, n.inputs[1], item.out)};
            break;
        }
        case Prim::index_select: {
            const auto axis = static_cast<size_t>(n.attrs[0]);
            const size_t rank = g.type(n.inputs[0]).shape.rank();
            const size_t index_rank = g.type(n.inputs[1]).shape.rank();
            item.index_operand = 1;
            item.index_dim = static_cast<int32_t>(axis);
            Access x{n.inputs[0], DimMaps(rank), {}, 0};
            for (size_t d = 0; d < rank; ++d) {
                if (d != axis) x.dims[d] = item.out[d < axis ? d : d + index_rank - 1];
            }
            const auto first = item.out.begin() + static_cast<std::ptrdiff_t>(axis);
            item.operands = {
                x, resolve_access(g, n.inputs[1], DimMaps(first, first + static_cast<std::ptrdiff_t>(index_rank)))};
            break;
        }
        case Prim::uniform: item.operands.push_back({n.inputs[0], {DimMap{}}, {}, 0}); break;
        default:
            for (const ir::ValueId v : n.inputs) {
                item.operands.push_back(resolve_access(g, v, broadcast_dims(g.type(v).shape, item.out)));
            }
        }
    }
    item.out_mask = mask_of(item.out);
    c.items.push_back(std::move(item));
    return c;
}

Cluster make_copy(const ir::Graph& g, ir::NodeId id) {
    const ir::Node& n = g.nodes[static_cast<size_t>(id)];
    Cluster c;
    Item item;
    item.node = id;
    item.out = axes_for(g.type(n.outputs[0]).shape, c.extents);
    item.in_mask = item.out_mask = mask_of(item.out);
    item.operands.push_back(resolve_access(g, n.outputs[0], item.out));
    c.items.push_back(std::move(item));
    return c;
}

namespace {

/// Every value a cluster reads or makes by plain index, with the axes of its dimensions (values met twice in different ways:
/// the first way).
std::map<ir::ValueId, DimMaps> known_values(const ir::Graph& g, const Cluster& c, bool made) {
    std::map<ir::ValueId, DimMaps> known;
    for (const Item& item : c.items) {
        const ir::Node& n = g.nodes[static_cast<size_t>(item.node)];
        if (made) {
            for (const ir::ValueId v : n.outputs) known.emplace(v, item.out);
        }
        for (size_t i = 0; i < item.operands.size(); ++i) {
            if (item.operands[i].pure(g, c.extents)) known.emplace(item.operands[i].base, item.operands[i].dims);
        }
    }
    return known;
}

} // namespace

std::optional<Cluster> unite(const ir::Graph& g, const Cluster& producer, const Cluster& consumer) {
    // to[a]: the consumer's axis for the producer's axis a.
    std::vector<int32_t> to(producer.extents.size(), -1);
    std::vector<char> taken(consumer.extents.size(), 0);
    auto identify = [&](const DimMaps& p, const DimMaps& c, bool must) {
        for (size_t d = 0; d < p.size(); ++d) {
            const int32_t pa = p[d].axis, ca = c[d].axis;
            if (pa < 0 || ca < 0) {
                if (pa != ca && must) return false;
                continue;
            }
            int32_t& slot = to[static_cast<size_t>(pa)];
            if (slot == ca) continue;
            if (slot >= 0 || taken[static_cast<size_t>(ca)]) {
                if (must) return false;
                continue;
            }
            slot = ca;
            taken[static_cast<size_t>(ca)] = 1;
        }
        return true;
    };
    // What flows from the producer to the consumer binds; what both read may bind the axes that are left.
    std::map<ir::ValueId, DimMaps> made;
    for (const Item& item : producer.items) {
        for (const ir::ValueId v : g.nodes[static_cast<size_t>(item.node)].outputs) made.emplace(v, item.out);
    }
    for (const Item& item : consumer.items) {
        for (const Access& a : item.operands) {
            const auto it = made.find(a.base);
            if (it == made.end()) continue;
            if (!a.pure(g, consumer.extents) || !identify(it->second, a.dims, true)) return std::nullopt;
        }
    }
    const auto p_reads = known_values(g, producer, true), c_reads = known_values(g, consumer, true);
    for (const auto& [v, dims] : p_reads) {
        if (const auto it = c_reads.find(v); it != c_reads.end()) identify(dims, it->second, false);
    }
    Cluster u;
    u.extents = consumer.extents;
    for (size_t a = 0; a < to.size(); ++a) {
        if (to[a] >= 0) {
            if (producer.extents[a] != consumer.extents[static_cast<size_t>(to[a])]) return std::nullopt;
            continue;
        }
        to[a] = static_cast<int32_t>(u.extents.size());
        u.extents.push_back(producer.extents[a]);
    }
    if (u.extents.size() > 16) return std::nullopt;
    auto renamed = [&](DimMaps dims) {
        for (DimMap& d : dims) {
            if (d.axis >= 0) d.axis = to[static_cast<size_t>(d.axis)];
        }
        return dims;
    };
    u.items = consumer.items;
    for (const Item& item : producer.items) {
        Item moved = item;
        moved.out = renamed(item.out);
        for (Access& a : moved.operands) {
            a.dims = renamed(a.dims);
            for (DimGuard& guard : a.guards) {
                if (guard.at.axis >= 0) guard.at.axis = to[static_cast<size_t>(guard.at.axis)];
            }
        }
        uint64_t in = 0;
        for (size_t a = 0; a < to.size(); ++a) {
            if (item.in_mask >> a & 1) in |= uint64_t{1} << to[a];
        }
        moved.in_mask = in;
        moved.out_mask = mask_of(moved.out);
        u.items.push_back(std::move(moved));
    }
    std::sort(u.items.begin(), u.items.end(), [](const Item& a, const Item& b) { return a.node < b.node; });
    return u;
}

} // namespace ingot::passes
