// SPDX-License-Identifier: MIT
// The single-threaded block product under the own matmul (matmul.cpp) and the own convolutions (conv_own.cpp): any strides for
// A and B, f32 and f64, SIMD chosen at run time (Highway). Pure functions; the caller gives scratch memory per thread.
// Bits: an element of C depends on its row of A and column of B alone, never on the block it was computed in, so callers may
// split m and n as they like. Only splitting k changes rounding.
#pragma once

#include "backend/cpu/primitive.h"

namespace ingot::cpu {

/// C[m, n] (+)= A[m, k] B[k, n]; then, if not null, bias[n] is added and act applied. C has unit column stride.
template <class T> struct Gemm {
    int64_t m = 0, n = 0, k = 0;
    const T* a = nullptr;
    int64_t a_row = 0, a_col = 0;
    const T* b = nullptr;
    int64_t b_row = 0, b_col = 0;
    T* c = nullptr;
    int64_t c_row = 0;
    bool accumulate = false;
    const T* bias = nullptr;
    Activation act = Activation::none;
    bool dots =
        false; ///< k is contiguous in A and B: dot products, without packing (rounds differently; right for few rows)
};

/// Bytes of scratch memory that gemm() needs for any product of at most these extents; 64-byte aligned.
size_t gemm_scratch_bytes(DType dtype, int64_t m, int64_t n, int64_t k);

void gemm(const Gemm<float>& g, void* scratch);
void gemm(const Gemm<double>& g, void* scratch);

/// to[i] += from[i].
void add_into(float* to, const float* from, int64_t count);
void add_into(double* to, const double* from, int64_t count);

/// p[i] = act(p[i]), as fused programs compute it: NaN stays NaN.
template <class T> void activate(T* p, int64_t count, Activation act);

} // namespace ingot::cpu
