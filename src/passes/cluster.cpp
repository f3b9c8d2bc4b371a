// SPDX-License-Identifier: MIT
#include "passes/cluster.h"

#include <algorithm>
#include <iterator>

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
    c.plain = !item.reduces && item.index_operand < 0;
    c.most_buffers = item.operands.size() + n.outputs.size();
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
    c.plain = true;
    c.most_buffers = 2;
    c.items.push_back(std::move(item));
    return c;
}

namespace {

using Known = std::vector<std::pair<ir::ValueId, const DimMaps*>>;

/// Every value a cluster reads or makes by plain index, with the axes of its dimensions (values met twice in different ways:
/// the first way). Ascending.
Known known_values(const ir::Graph& g, const Cluster& c) {
    Known known;
    for (const Item& item : c.items) {
        for (const ir::ValueId v : g.nodes[static_cast<size_t>(item.node)].outputs) known.emplace_back(v, &item.out);
        for (const Access& a : item.operands) {
            if (a.pure(g, c.extents)) known.emplace_back(a.base, &a.dims);
        }
    }
    std::stable_sort(known.begin(), known.end(), [](const auto& x, const auto& y) { return x.first < y.first; });
    known.erase(
        std::unique(known.begin(), known.end(), [](const auto& x, const auto& y) { return x.first == y.first; }),
        known.end());
    return known;
}

} // namespace

std::optional<Union> match_axes(const ir::Graph& g, const Cluster& producer, const Cluster& consumer) {
    Union u;
    u.to.assign(producer.extents.size(), -1);
    uint64_t taken = 0; // axes of the consumer
    auto identify = [&](const DimMaps& p, const DimMaps& c, bool must) {
        for (size_t d = 0; d < p.size(); ++d) {
            const int32_t pa = p[d].axis, ca = c[d].axis;
            if (pa < 0 || ca < 0) {
                if (pa != ca && must) return false;
                continue;
            }
            int32_t& slot = u.to[static_cast<size_t>(pa)];
            if (slot == ca) continue;
            if (slot >= 0 || (taken >> ca & 1)) {
                if (must) return false;
                continue;
            }
            slot = ca;
            taken |= uint64_t{1} << ca;
        }
        return true;
    };
    // What flows from the producer to the consumer binds; what both read may bind the axes that are left.
    for (const Item& item : consumer.items) {
        for (const Access& a : item.operands) {
            const int32_t maker = producer.find(g.values[static_cast<size_t>(a.base)].node);
            if (maker < 0) continue;
            if (!a.pure(g, consumer.extents) || !identify(producer.items[static_cast<size_t>(maker)].out, a.dims, true))
                return std::nullopt;
        }
    }
    if (std::find(u.to.begin(), u.to.end(), -1) != u.to.end()) {
        const Known mine = known_values(g, producer), theirs = known_values(g, consumer);
        auto it = theirs.begin();
        for (const auto& [v, dims] : mine) {
            while (it != theirs.end() && it->first < v) ++it;
            if (it != theirs.end() && it->first == v) identify(*dims, *it->second, false);
        }
    }
    u.extents = consumer.extents;
    for (size_t a = 0; a < u.to.size(); ++a) {
        if (u.to[a] >= 0) {
            if (producer.extents[a] != consumer.extents[static_cast<size_t>(u.to[a])]) return std::nullopt;
            continue;
        }
        u.to[a] = static_cast<int32_t>(u.extents.size());
        u.extents.push_back(producer.extents[a]);
    }
    if (u.extents.size() > 16) return std::nullopt;
    return u;
}

Cluster unite(const Union& axes, Cluster producer, Cluster consumer) {
    bool same = true;
    for (size_t a = 0; a < axes.to.size(); ++a) same = same && axes.to[a] == static_cast<int32_t>(a);
    const auto rename = [&](DimMap& d) {
        if (d.axis >= 0) d.axis = axes.to[static_cast<size_t>(d.axis)];
    };
    for (size_t i = 0; i < (same ? 0 : producer.items.size()); ++i) {
        Item& item = producer.items[i];
        std::for_each(item.out.begin(), item.out.end(), rename);
        for (Access& a : item.operands) {
            std::for_each(a.dims.begin(), a.dims.end(), rename);
            for (DimGuard& guard : a.guards) rename(guard.at);
        }
        uint64_t in = 0;
        for (size_t a = 0; a < axes.to.size(); ++a) {
            if (item.in_mask >> a & 1) in |= uint64_t{1} << axes.to[a];
        }
        item.in_mask = in;
        item.out_mask = mask_of(item.out);
    }
    Cluster u;
    u.extents = axes.extents;
    u.plain = is_plain_union(axes, producer, consumer);
    // Both lists ascend, and mostly one follows the other.
    u.items = std::move(producer.items);
    const auto middle = static_cast<std::ptrdiff_t>(u.items.size());
    std::move(consumer.items.begin(), consumer.items.end(), std::back_inserter(u.items));
    const auto before = [](const Item& a, const Item& b) { return a.node < b.node; };
    if (middle > 0 && before(u.items[static_cast<size_t>(middle)], u.items[static_cast<size_t>(middle) - 1]))
        std::inplace_merge(u.items.begin(), u.items.begin() + middle, u.items.end(), before);
    return u;
}

bool is_plain_union(const Union& axes, const Cluster& producer, const Cluster& consumer) {
    return producer.plain && consumer.plain && axes.extents.size() == consumer.extents.size() &&
           axes.extents.size() == producer.extents.size();
}

} // namespace ingot::passes
