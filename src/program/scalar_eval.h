// SPDX-License-Identifier: MIT
// One scalar of a program's value types and the exact meaning of each scalar function on it: floats by the reference
// column of the scalar table, integers in wrapping arithmetic of their width. Users: the interpreter and tests.
#pragma once

#include "graph/scalar.h"
#include <ingot/dtype.h>

namespace ingot::program {

/// A value: `f` for float types, `i` for integers and bool (0 or 1).
struct Value {
    double f = 0;
    int64_t i = 0;
};

/// `function` on arguments of type `type` (for where: the type of b and c). Division of integers by zero gives 0, its
/// remainder too, so that no input can trap.
Value apply(Scalar function, DType type, Value a, Value b, Value c);

/// float -> integer truncates toward zero, saturates at the integer's range and takes NaN to 0; i64 -> i32 wraps;
/// anything -> bool is a != 0; -> f32 rounds.
Value cast(DType from, DType to, Value a);

} // namespace ingot::program
