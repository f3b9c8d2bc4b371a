// SPDX-License-Identifier: MIT
// A small way of writing graphs for the tests of passes: values are ids, operators are appended one by one.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "graph/ir.h"
#include "graph/node.h"
#include "ops/conv.h"
#include "ops/creation.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/movement.h"
#include "ops/pool.h"
#include "ops/reduce.h"
#include "passes/fused_op.h"
#include "passes/pass.h"

namespace ingot::passtest {

struct Build {
    ir::Graph g;
    using V = ir::ValueId;

    V input(Shape shape, DType dtype = f32) { return g.add_input({dtype, shape}); }
    V op(const graph::OpDef& def, ir::Ids inputs, graph::Attrs attrs = {}) { return ir::append(g, def, attrs, inputs); }
    V apply(Scalar f, ir::Ids inputs) { return op(ops::elementwise(f), inputs); }
    V constant(double value, Shape shape = {}, DType dtype = f32) {
        graph::Attrs attrs{static_cast<int64_t>(dtype), graph::pack(value)};
        for (const int64_t d : shape) attrs.push_back(d);
        return op(ops::kConstant, {}, attrs);
    }
    V reshape(V x, Shape to) { return op(ops::kReshape, {x}, graph::Attrs(to.begin(), to.end())); }
    V permute(V x, Ints perm) { return op(ops::kPermute, {x}, graph::Attrs(perm.begin(), perm.end())); }
    V broadcast(V x, Shape to) { return op(ops::kBroadcastTo, {x}, graph::Attrs(to.begin(), to.end())); }
    V sum(V x, Ints axes) { return op(ops::kSum, {x}, graph::Attrs(axes.begin(), axes.end())); }
    V matmul(V a, V b, bool ta = false, bool tb = false) { return op(ops::kMatmul, {a, b}, {ta, tb, 0}); }
    V conv(V x, V w, int64_t padding) { return op(ops::kConv2d, {x, w}, {1, 1, padding, padding, 1, 1, 1, 0}); }
    void result(V v, bool cell = false, int32_t overwrites = -1) { g.results.push_back({v, cell, overwrites}); }
};

/// The operators of a graph in order: "matmul add relu".
inline std::string names(const ir::Graph& g) {
    std::string text;
    for (const ir::Node& n : g.nodes) text += (text.empty() ? "" : " ") + std::string(n.op->name);
    return text;
}

inline target::Target cpu_target() { return target::cpu(true); }

} // namespace ingot::passtest
