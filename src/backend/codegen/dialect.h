// SPDX-License-Identifier: MIT
// What differs between the C-like languages that fused programs are printed in: one Dialect per language. A new language
// is one table and one prelude here; the printer itself (print_kernel.h) names no language. Constant data.
//
// Every prelude defines, under these names, what the printed kernels call:
//   ig_thread(), ig_block()            index of the thread in its block, index of the block in the grid
//   ig_barrier()                       all threads of the block meet; shared memory written before is visible after
//   ig_shuffle_xor(v, offset, mask)    v of the lane (lane ^ offset); all lanes of `mask` call it. f32 f64 i32 i64 bool
//   ig_f32_from_f16/bf16(bits), ig_f16/bf16_from_f32(x)     conversions of storage types, to nearest even
//   ig_infinity_f32(), ig_nan_f32(), ig_infinity_f64(), ig_nan_f64()
//   ig_check_index(index, bound, error_word)     the index clamped to [0, bound); a bad one is noted in the error word
// and overloads for f32 and f64 of the functions that the spellings of graph/scalar.h use (exp, rsqrt, erf, ...).
#pragma once

#include <string>

#include <ingot/dtype.h>

#include "graph/scalar.h"

namespace ingot::codegen {

struct Dialect {
    const char* name;
    const char* prelude;  ///< printed once at the top of each source
    const char* function; ///< put before helper functions
    const char* kernel;   ///< put before a kernel's name; "$threads" stands for the threads of a block
    const char* shared;   ///< put before arrays shared by a block
    const char* unroll;   ///< the line before a loop of constant length that must be unrolled; empty: none
    const char* f32;      ///< type names
    const char* f64;
    const char* i32;
    const char* i64;
    const char* boolean;
    const char* u8; ///< 8 and 16 unsigned bits, for memory
    const char* u16;
    /// This language's spelling of a function over a, b, c in type `type`, or nullptr: as for every language.
    const char* (*spelling)(Scalar function, DType type);
};

/// CUDA C++ as NVRTC takes it (no headers): sm_70 and later.
const Dialect& cuda();

/// The C spelling of `function` over a, b, c computed in `type`: the dialect's, or the one that holds for integers, or
/// the row's in graph/scalar.h.
std::string spelling(const Dialect& dialect, Scalar function, DType type);

/// Helper functions in the common subset, needed by what the flags name.
struct Helpers {
    bool arg = false;     ///< ArgMax, ArgMin
    bool welford = false; ///< Welford
    bool philox = false;  ///< Random
    bool integer_division = false;
    bool float_to_integer = false; ///< Cast
};
std::string helper_text(const Dialect& dialect, const Helpers& helpers);

} // namespace ingot::codegen
