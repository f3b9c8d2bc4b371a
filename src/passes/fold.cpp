// SPDX-License-Identifier: MIT
// Operators on constants: a constant has one value for all elements, so elementwise operators, casts and views of constants are
// constants again. Values are rounded to their dtype as the device would.
#include <cmath>

#include "core/half.h"
#include "graph/convert.h"
#include "ops/creation.h"
#include "passes/constants.h"
#include "passes/pass.h"

namespace ingot::passes {

namespace {

/// `v` as it is after being stored in dtype `t`.
double rounded(double v, DType t) {
    alignas(8) unsigned char bits[8];
    graph::convert_elements(bits, t, &v, DType::f64, 1);
    double back = 0;
    graph::convert_elements(&back, DType::f64, bits, t, 1);
    return back;
}

} // namespace

ir::Graph fold(const ir::Graph& g) {
    ir::Rewriter rw(g);
    for (const ir::Node& n : g.nodes) {
        rw.out.phase = n.phase;
        double in[3] = {0, 0, 0};
        bool all = !n.inputs.empty() && n.inputs.size() <= 3;
        for (size_t i = 0; i < n.inputs.size() && all; ++i) {
            const auto c = constant_of(rw.out, rw.map(n.inputs[i]));
            all = c.has_value();
            if (all) in[i] = *c;
        }
        if (!all) {
            rw.copy(n);
            continue;
        }
        const graph::Type& type = g.type(n.outputs[0]);
        double value = in[0];
        switch (n.prim()) {
        case graph::Prim::elementwise:
            value = info(n.op->scalar).reference(in[0], in[1], in[2]);
            // i64 beyond what a double holds exactly stays with the device.
            if (is_integer(type.dtype) && !(std::fabs(value) < 9007199254740992.0)) {
                rw.copy(n);
                continue;
            }
            break;
        case graph::Prim::cast:
            if (std::isnan(in[0]) || (is_integer(type.dtype) && !(std::fabs(in[0]) < 2147483647.0))) {
                rw.copy(n);
                continue;
            }
            if (is_integer(type.dtype)) value = std::trunc(in[0]);
            if (type.dtype == DType::boolean) value = in[0] != 0;
            break;
        case graph::Prim::identity:
        case graph::Prim::reshape:
        case graph::Prim::permute:
        case graph::Prim::broadcast_to:
        case graph::Prim::slice: break;
        default: rw.copy(n); continue;
        }
        rw.set(n.outputs[0], add_constant(rw.out, ops::kConstant, type, rounded(value, type.dtype)));
    }
    return rw.finish();
}

} // namespace ingot::passes
