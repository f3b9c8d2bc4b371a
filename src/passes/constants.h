// SPDX-License-Identifier: MIT
// Small questions that several passes ask about nodes.
#pragma once

#include <optional>

#include "graph/ir.h"

namespace ingot::passes {

/// The value that every element of `v` has, if it comes from a constant.
inline std::optional<double> constant_of(const ir::Graph& g, ir::ValueId v) {
    const ir::Node* n = g.producer(v);
    if (!n || n->prim() != graph::Prim::constant) return std::nullopt;
    return graph::unpack(n->attrs[1]);
}

/// Appends a constant of the type.
inline ir::ValueId add_constant(ir::Graph& g, const graph::OpDef& constant, const graph::Type& type, double value) {
    graph::Attrs attrs{static_cast<int64_t>(type.dtype), graph::pack(value)};
    for (const int64_t d : type.shape) attrs.push_back(d);
    return ir::append(g, constant, attrs, {});
}

} // namespace ingot::passes
