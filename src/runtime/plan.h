// SPDX-License-Identifier: MIT
// After lowering: the order of the kernels (schedule) and where every value lies (plan). Pure functions of the graph and its
// kernels; used by runtime/executable.cpp only.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/api/backend.h"
#include "graph/ir.h"

namespace ingot::runtime {

/// Where a value lies while an executable runs.
struct Place {
    enum class In : uint8_t { none, input, result, arena };
    In in = In::none;
    int32_t index = -1; ///< of the input or result
    int64_t offset = 0; ///< bytes, for the arena
};

struct Step {
    int32_t node = -1;       ///< in the graph
    std::vector<Place> args; ///< inputs, then outputs
    int64_t workspace = -1;  ///< arena offset, -1: none
};

/// dst <- src after the steps; through an arena copy when src is overwritten first.
struct Copy {
    Place from;
    int32_t result = -1;
    int64_t bytes = 0;
    int64_t saved = -1; ///< arena offset where the source is saved before the first step, -1: not needed
};

struct Plan {
    std::vector<Step> steps;
    std::vector<Copy> copies;
    int64_t arena_bytes = 0;
};

/// A node order that keeps dependencies, runs whoever reads a cell's old value before the kernel that overwrites it where
/// possible, and otherwise prefers what frees memory. Deterministic.
std::vector<int32_t> schedule(const ir::Graph& g);

/// kernels: one per node, null for views (reshape), which share their input's place.
Plan plan(const ir::Graph& g, const std::vector<int32_t>& order, const std::vector<backend::KernelPtr>& kernels);

/// True when the node may write output `out` over its input `in` (same place): only fused programs that read and write every
/// element at the same address, in one stage.
bool may_overwrite(const ir::Node& node, size_t in, size_t out);

} // namespace ingot::runtime
