// SPDX-License-Identifier: MIT
// Groups of operators that become one fused program: their common axes, and whether they have the loop structure that programs
// know (P, A, R; see program/program.h). Used by passes/fuse and passes/emit only.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "graph/ir.h"
#include "passes/access.h"
#include "program/program.h"

namespace ingot::passes {

/// One operator inside a cluster. Axes are the cluster's.
struct Item {
    ir::NodeId node = -1;
    DimMaps out;                  ///< per axis of the (first) result: its cluster axis, -1 for size 1
    std::vector<Access> operands; ///< per input
    uint64_t out_mask = 0;
    uint64_t in_mask = 0;       ///< iteration: equals out_mask but for reductions
    int32_t index_operand = -1; ///< gathers: which operand is the index ...
    int32_t index_dim = -1;     ///< ... of which axis of operand 0
    bool reduces = false;       ///< false for reductions over axes of size 1: they are maps
};

/// Where an operator runs in the program.
struct Home {
    program::Level level = program::Level::Point;
    int32_t stage = 0;
    bool free = true; ///< depends on no reduction: may be evaluated at any level that has its axes
};

struct Structure {
    uint64_t p = 0, a = 0, r = 0; ///< axes of each group
    int32_t lane = -1;            ///< the axis that is contiguous in the largest operand
    int32_t stages = 1;
    std::vector<int32_t> order; ///< all axes: P, A, R, each outermost first
    std::vector<Home> homes;    ///< per item
};

struct Cluster {
    std::vector<int64_t> extents; ///< per axis
    std::vector<Item> items;      ///< ascending node order
    /// Every operator runs once per element of all axes, by plain index: the structure is a map, whatever joins.
    bool plain = false;
    size_t most_buffers = 0; ///< it touches no more buffers than this
    uint64_t all() const { return extents.size() >= 64 ? ~uint64_t{0} : (uint64_t{1} << extents.size()) - 1; }
    int64_t count(uint64_t mask) const {
        int64_t n = 1;
        for (size_t i = 0; i < extents.size(); ++i) {
            if (mask >> i & 1) n *= extents[i];
        }
        return n;
    }
    int32_t find(ir::NodeId node) const {
        const auto it = std::lower_bound(items.begin(), items.end(), node,
                                         [](const Item& item, ir::NodeId id) { return item.node < id; });
        return it != items.end() && it->node == node ? static_cast<int32_t>(it - items.begin()) : -1;
    }
};

/// The cluster of one operator. Errors: none; every fusible operator alone has a structure.
Cluster make_cluster(const ir::Graph& g, ir::NodeId node);
/// A cluster that copies a view (or constant) into memory.
Cluster make_copy(const ir::Graph& g, ir::NodeId node);
/// Operators that programs can express (views apart).
bool is_fusible(const ir::Node& n);

/// How a producer's axes become a consumer's.
struct Union {
    std::vector<int32_t> to;      ///< per axis of the producer: the axis of the union
    std::vector<int64_t> extents; ///< of the union: the consumer's axes, then those that only the producer has
};

/// The axes of both, identified through the values both know; nothing when they do not fit.
std::optional<Union> match_axes(const ir::Graph& g, const Cluster& producer, const Cluster& consumer);
Cluster unite(const Union& axes, Cluster producer, Cluster consumer);
/// The union needs no structure_of(): it is plain.
bool is_plain_union(const Union& axes, const Cluster& producer, const Cluster& consumer);

/// The loop structure, or nothing when the cluster has none. needed(v): the value must be stored.
template <class Needed>
std::optional<Structure> structure_of(const ir::Graph& g, const Cluster& c, const Needed& needed);

namespace detail {
std::optional<Structure> structure_of(const ir::Graph& g, const Cluster& c, const std::vector<char>& stored);
}
template <class Needed>
std::optional<Structure> structure_of(const ir::Graph& g, const Cluster& c, const Needed& needed) {
    std::vector<char> stored(c.items.size(), 0);
    for (size_t i = 0; i < c.items.size(); ++i) {
        for (const ir::ValueId v : g.nodes[static_cast<size_t>(c.items[i].node)].outputs) {
            if (needed(v, c)) stored[i] = 1;
        }
    }
    return detail::structure_of(g, c, stored);
}

/// The program of a cluster and the values it reads and makes.
struct Emitted {
    program::ProgramPtr program;
    ir::Ids inputs;
    std::vector<ir::ValueId> outputs;
    std::vector<const graph::OpDef*> ops;
};
Emitted emit(const ir::Graph& g, const Cluster& c, const Structure& s, const std::vector<ir::ValueId>& outputs);

} // namespace ingot::passes
