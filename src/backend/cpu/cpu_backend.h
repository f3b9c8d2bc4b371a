// SPDX-License-Identifier: MIT
// The CPU backend: fused programs through the block executor, everything else through primitives. Registered by
// runtime/register.cpp.
#pragma once

#include "backend/api/backend.h"

namespace ingot::cpu {

const backend::Backend& cpu_backend();

/// Kernels for contractions and pooling (lower_contraction.cpp), for data movement (lower_move.cpp) and for users' operators
/// (lower_custom.cpp); null when the node is of another kind.
backend::KernelPtr lower_contraction(const ir::Graph& g, const ir::Node& n);
backend::KernelPtr lower_move(const ir::Graph& g, const ir::Node& n);
backend::KernelPtr lower_custom(const ir::Graph& g, const ir::Node& n);

/// Bandwidth of a copy beyond all caches, and f32 multiply-adds per second with the widest vectors, on all threads (limits.cpp).
base::profile::Limits measure_limits();

} // namespace ingot::cpu
