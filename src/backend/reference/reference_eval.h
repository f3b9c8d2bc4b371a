// SPDX-License-Identifier: MIT
// The oracle: evaluates one primitive at a time, in float64 for floats and exact integers for the rest, with loops that
// are obviously right and no care for speed. Users: the reference backend and tests. Pure functions, thread safe.
//
// Values of f32 are not rounded to f32; only an explicit cast to f16 or bf16 rounds (to what the type can hold).
#pragma once

#include <vector>

#include "graph/op_def.h"
#include "program/program.h"

namespace ingot::reference {

/// A value on the host, row-major: `f` for float dtypes, `i` for integers and bool.
struct HostArray {
    graph::Type type;
    std::vector<double> f;
    std::vector<int64_t> i;

    HostArray() = default;
    explicit HostArray(graph::Type t);
    bool floating() const { return is_float(type.dtype); }
    int64_t numel() const { return type.shape.numel(); }
    /// this[to] = from[at]; of one kind (floats or integers).
    void copy(int64_t to, const HostArray& from, int64_t at) {
        if (floating())
            f[static_cast<size_t>(to)] = from.f[static_cast<size_t>(at)];
        else
            i[static_cast<size_t>(to)] = from.i[static_cast<size_t>(at)];
    }
};

/// Evaluates op, any Prim but placeholder, fused and composites, and fills `outputs` (types included). A bad index is
/// clamped; the first one is reported in `error`. Errors: what op.infer throws.
void evaluate(const graph::OpDef& op, const graph::Attrs& attrs, const std::vector<HostArray>& inputs,
              std::vector<HostArray>& outputs, program::ErrorWord& error);

} // namespace ingot::reference
