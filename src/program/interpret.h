// SPDX-License-Identifier: MIT
// The oracle for programs: one element at a time, floats in double, integers exact (wrapping at the width of their
// type). Used by the reference backend and by every test of an executor. Slow by design; thread safe (no state).
#pragma once

#include "program/program.h"

namespace ingot::program {

/// Runs `program` on buffers (inputs first, then outputs). Bad indices are clamped and reported in `error` (may be
/// null). With `round_f32`, every f32 result is rounded to f32, so that comparisons and floors fall as they do in an
/// f32 executor.
void interpret(const Program& program, void* const* buffers, ErrorWord* error, bool round_f32 = false);

/// The type that values read from memory of type `memory` have: f16, bf16 -> f32; u8 -> i32.
DType value_type(DType memory);

/// The type of every value; `program` must be verified.
std::vector<DType> value_types(const Program& program);

} // namespace ingot::program
