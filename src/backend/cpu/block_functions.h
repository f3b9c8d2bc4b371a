// SPDX-License-Identifier: MIT
// The CPU executor's vocabulary: functions over blocks of values, compiled for several instruction sets and chosen
// once. A block is a dense array; f32, f64, i32, i64 as they are, bool as one byte, 0 or 1. A destination may be one of
// the sources exactly (never shifted against it). All functions are pure and thread safe. Users: program_*.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include <ingot/dtype.h>

#include "graph/scalar.h"

namespace ingot::cpu {

/// dst[i] = f(a[i], b[i], c[i]) for 0 <= i < n. Unused arguments are null.
using MapFn = void (*)(void* dst, const void* a, const void* b, const void* c, size_t n);

/// `function` on blocks of `type` (for where: the type of b and c). Bits of `scalars` (1: a, 2: b, 4: c) mark arguments
/// that point to one element for all i. Null when there is no such variant: a function whose arguments are all scalar.
MapFn map_function(Scalar function, DType type, unsigned scalars);

/// Pairs of functions that are common enough to be one. fma, fms, fnma: a * b + c, a * b - c, c - a * b, rounded once;
/// add_relu: relu(a + b); exp_sub: exp(a - b), the heart of softmax. f32; the first three also f64. Bits of `scalars`
/// as above; null when there is no such variant.
enum class Pair : uint8_t { fma, fms, fnma, add_relu, exp_sub, count };
MapFn pair_function(Pair pair, DType type, unsigned scalars);

MapFn cast_function(DType from, DType to);
/// Code::RoundTo: f32 rounded to f16 or bf16, i32 wrapped to u8.
MapFn round_function(DType memory);
/// dst[i] = a[0].
MapFn splat_function(DType type);

/// Moves `rows` x `len` elements between memory and a dense block, converting: element (i, j) is at
/// memory[i * row_stride + j * lane_stride] and at block[i * len + j]. Strides in elements, any sign, 0 for a load.
using LoadFn = void (*)(void* block, const void* memory, int64_t rows, int64_t len, int64_t row_stride,
                        int64_t lane_stride);
using StoreFn = void (*)(const void* block, void* memory, int64_t rows, int64_t len, int64_t row_stride,
                         int64_t lane_stride);
LoadFn load_function(DType memory);
StoreFn store_function(DType memory);

/// Copies a block to memory past the caches.
void stream_copy(void* memory, const void* block, size_t bytes);
/// Makes them visible to other threads before whatever this thread writes next.
void stream_end();

/// dst[i] = random numbers of words base + a[i] under `seed` (see program::Code::Random).
void random_block(float* dst, const int64_t* a, uint64_t seed, uint64_t base, size_t n);

/// dst[s] = the sum, product, maximum or minimum of src[s * len .. (s + 1) * len), all of one type. len >= 1.
enum class Fold : uint8_t { sum, prod, max, min };
using FoldFn = void (*)(void* dst, const void* src, size_t segments, size_t len);
FoldFn fold_function(Fold fold, DType type);

/// M2 about given means: dst[s] = sum over segment s of (src - mean[s])^2. Floats only.
using SquaresFn = void (*)(void* dst, const void* src, const void* mean, size_t segments, size_t len);
SquaresFn squares_function(DType type);

/// Position of the first largest (or smallest) element of src[0 .. n), the first NaN if there is one. n >= 1.
using ArgFn = int64_t (*)(const void* src, size_t n);
ArgFn arg_function(bool largest, DType type);

/// Elementwise Welford over rows: mean[j], m2[j] take in x[j], the count-th element (count >= 1). Floats only.
using WelfordRowFn = void (*)(void* mean, void* m2, const void* x, double count, size_t n);
WelfordRowFn welford_row_function(DType type);
/// Chan: (mean, m2) of count elements take in (mean_b, m2_b) of count_b; elementwise.
using WelfordMergeFn = void (*)(void* mean, void* m2, const void* mean_b, const void* m2_b, double count,
                                double count_b, size_t n);
WelfordMergeFn welford_merge_function(DType type);
/// dst[j] = (x[j] - mean[j])^2.
MapFn squared_difference_function(DType type);
/// Elementwise arg-reduction over rows: where x[j] beats best[j] (or first), best[j] = x[j] and at[j] = position.
using ArgRowFn = void (*)(void* best, int64_t* at, const void* x, int64_t position, bool first, size_t n);
ArgRowFn arg_row_function(bool largest, DType type);

} // namespace ingot::cpu
