// SPDX-License-Identifier: MIT
// How a fused operator reads its operands: views (broadcast, permute, slice, pad, reshapes that only add or drop axes of size 1)
// between a value in memory and its reader become affine addressing. Used by passes/fuse only.
#pragma once

#include <vector>

#include "graph/ir.h"

namespace ingot::passes {

/// Where index `d` of the base value comes from: offset + step * (index of axis). axis -1: constant offset.
struct DimMap {
    int32_t axis = -1;
    int64_t step = 1;
    int64_t offset = 0;
    bool operator==(const DimMap&) const = default;
};

using DimMaps = SmallVector<DimMap, 4>;

/// Reads `base` only where 0 <= offset + step * axis < size; the fill value elsewhere.
struct DimGuard {
    DimMap at;
    int64_t size = 0;
    bool operator==(const DimGuard&) const = default;
};

struct Access {
    ir::ValueId base = -1;
    DimMaps dims; ///< one per axis of the base
    std::vector<DimGuard> guards;
    double fill = 0;
    bool operator==(const Access&) const = default;
    /// Every element of the base exactly by its own index: the reader may share a program with the maker.
    bool pure(const ir::Graph& g, const std::vector<int64_t>& extents) const;
    /// The axes that move the address.
    uint64_t mask() const;
};

/// Follows views from `v`, whose index is `dims`, to what lies in memory (or a constant or iota node).
Access resolve_access(const ir::Graph& g, ir::ValueId v, DimMaps dims);

/// True for nodes that resolve_access looks through.
bool is_view(const ir::Graph& g, const ir::Node& n);

} // namespace ingot::passes
