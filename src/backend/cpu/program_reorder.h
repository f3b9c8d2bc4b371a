// SPDX-License-Identifier: MIT
// Another order of a map's axes. Every point of a map is independent, so its axes may be merged, split and permuted;
// what an operand that is laid out across the others needs is that neighbouring rows of a block are its neighbours in
// memory.
#pragma once

#include "program/program.h"

namespace ingot::cpu {

/// The same map with merged axes, in an order that suits operands laid out across the lanes; or `program` itself when
/// it is no map or has none.
program::ProgramPtr reorder_map(const program::ProgramPtr& program);

} // namespace ingot::cpu
