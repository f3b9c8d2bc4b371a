// SPDX-License-Identifier: MIT
// How the evaluator is divided: one function per group of primitives, and the index arithmetic that they share. Private
// to backend/reference.
#pragma once

#include "backend/reference/reference_eval.h"

namespace ingot::reference {

using graph::Attrs;
using graph::Prim;
using Arrays = std::vector<HostArray>;

/// Calls f(index, position) for every element of `shape` in row-major order.
template <class F> void for_each(const Shape& shape, F&& f) {
    Ints index(shape.rank(), 0);
    const int64_t n = shape.numel();
    for (int64_t position = 0; position < n; ++position) {
        f(static_cast<const Ints&>(index), position);
        for (size_t i = shape.rank(); i-- > 0;) {
            if (++index[i] < shape[i]) break;
            index[i] = 0;
        }
    }
}

/// The row-major position of `index`, whose leading axes `shape` may lack and along whose axes of size 1 it does not
/// move.
inline int64_t position_of(const Ints& index, const Shape& shape) {
    int64_t position = 0;
    const size_t skip = index.size() - shape.rank();
    for (size_t i = 0; i < shape.rank(); ++i) position = position * shape[i] + (shape[i] == 1 ? 0 : index[skip + i]);
    return position;
}

/// An index limited to 0 <= i < bound; the first bad one is kept in `error`.
inline int64_t checked_index(int64_t index, int64_t bound, program::ErrorWord& error) {
    if (index >= 0 && index < bound) return index;
    if (error.code == 0) error = {1, index, bound};
    return index < 0 ? 0 : bound - 1;
}

void evaluate_reduction(Prim prim, const Attrs& attrs, const HostArray& x, Arrays& out);
void evaluate_movement(Prim prim, const Attrs& attrs, const Arrays& in, HostArray& y);
void evaluate_indexing(Prim prim, const Attrs& attrs, const Arrays& in, HostArray& y, program::ErrorWord& error);
void evaluate_matmul(const Attrs& attrs, const Arrays& in, HostArray& y);
void evaluate_conv(Prim prim, const Attrs& attrs, const Arrays& in, HostArray& y);
void evaluate_pool(Prim prim, const Attrs& attrs, const Arrays& in, Arrays& out);
void evaluate_custom(const graph::OpDef& op, const Attrs& attrs, const Arrays& in, Arrays& out);

/// The epilogue of contractions: 0 none, else 1 + Scalar.
double activate(double value, int64_t act);

} // namespace ingot::reference
