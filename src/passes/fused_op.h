// SPDX-License-Identifier: MIT
// The operator that fusion makes: a node whose payload is a program::Program.
#pragma once

#include "graph/ir.h"
#include "program/program.h"

namespace ingot::passes {

extern const graph::OpDef kFused;

inline const program::Program& program_of(const ir::Node& n) {
    return *static_cast<const program::Program*>(n.payload.get());
}

} // namespace ingot::passes
