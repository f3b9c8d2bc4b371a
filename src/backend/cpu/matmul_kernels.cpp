// SPDX-License-Identifier: MIT
// Blocked product in the manner of Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008): k in
// blocks of kK, B packed into panels of a few vectors, a register tile of kRows x kVecs vectors of C. A is read where it
// lies when its rows are contiguous (8 streams that L1 holds), else packed into panels of kRows rows.
#include "backend/cpu/matmul_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/simd_targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/matmul_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "backend/cpu/block_functions.h"
#include "backend/cpu/matmul_simd.h"

#ifndef INGOT_CPU_MATMUL_BLOCKS
#define INGOT_CPU_MATMUL_BLOCKS
namespace ingot::cpu {
constexpr int64_t kM = 128, kN = 384, kK = 256; // A block 128 KiB and B block 384 KiB in f32: both stay in L2
constexpr int64_t kPad = 64;                    // panels are padded to at most this many elements
} // namespace ingot::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace ingot::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr int kRows = 8, kVecs = 3; // 24 accumulators of 32 registers
#elif HWY_TARGET <= HWY_AVX2
constexpr int kRows = 4, kVecs = 3; // 12 of 16
#else
constexpr int kRows = 4, kVecs = 2;
#endif

/// What a register tile does besides the product.
template <class T> struct Tile {
    int64_t k;
    const T* a;
    int64_t a_row, a_col;
    const T* b;
    int64_t b_row;
    T* c;
    int64_t c_row;
    int64_t rows, cols; ///< stored; rows <= R, (V - 1) vectors < cols <= V vectors
    bool load, relu;
    const T* bias;
};

/// R x V vectors of C. Rows beyond t.rows are computed from the last valid row and dropped.
template <int R, int V, bool kTail, class T> HWY_NOINLINE void tile(const Tile<T>& t) {
    const hn::ScalableTag<T> d;
    using Vec = hn::Vec<decltype(d)>;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    Vec acc[R][V];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) acc[r][v] = hn::Zero(d);
    const T* a[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) a[r] = t.a + std::min<int64_t>(r, t.rows - 1) * t.a_row;
    const T* b = t.b;
    const int64_t a_col = t.a_col, b_row = t.b_row;
    int64_t at = 0;
    for (int64_t p = 0; p < t.k; ++p) {
        Vec bv[V];
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) {
            bv[v] = hn::LoadU(d, b + v * lanes);
            INGOT_KEEP(bv[v]);
        }
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
            const Vec av = hn::Set(d, a[r][at]);
#pragma GCC unroll 4
            for (int v = 0; v < V; ++v) acc[r][v] = hn::MulAdd(av, bv[v], acc[r][v]);
        }
        b += b_row;
        at += a_col;
    }
    const int64_t last = t.cols - (V - 1) * lanes; // columns of the last vector
    const Vec zero = hn::Zero(d);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
        if (r >= t.rows) break;
        T* c = t.c + r * t.c_row;
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) {
            const bool masked = kTail && v == V - 1;
            Vec x = acc[r][v];
            if (t.load) x = hn::Add(x, masked ? load_first(d, c + v * lanes, last) : hn::LoadU(d, c + v * lanes));
            if (t.bias)
                x = hn::Add(x, masked ? load_first(d, t.bias + v * lanes, last) : hn::LoadU(d, t.bias + v * lanes));
            if (t.relu) x = hn::IfThenElse(hn::Lt(x, zero), zero, x); // keeps NaN
            if (masked)
                store_first(x, d, c + v * lanes, last);
            else
                hn::StoreU(x, d, c + v * lanes);
        }
    }
}

template <int R, class T> void tile_rows(const Tile<T>& t, int64_t lanes) {
    const int64_t vecs = (t.cols + lanes - 1) / lanes;
    const bool tail = t.cols % lanes != 0;
    if (vecs == 1) return tail ? tile<R, 1, true>(t) : tile<R, 1, false>(t);
    if (vecs == 2) return tail ? tile<R, 2, true>(t) : tile<R, 2, false>(t);
#if HWY_TARGET <= HWY_AVX2 || HWY_TARGET == HWY_NEON
    return tail ? tile<R, 3, true>(t) : tile<R, 3, false>(t);
#endif
}

template <class T> void any_tile(const Tile<T>& t, int64_t lanes) {
    if (t.rows == 1) return tile_rows<1>(t, lanes);
    if (t.rows == 2) return tile_rows<2>(t, lanes);
    if constexpr (kRows == 8)
        if (t.rows > 4) return tile_rows<8>(t, lanes);
    tile_rows<4>(t, lanes);
}

/// B[k, n] -> panels of `width` columns, [panel][k][width], the last one padded with zeros.
template <class T> void pack_b(const T* b, int64_t b_row, int64_t b_col, int64_t k, int64_t n, int64_t width, T* to) {
    for (int64_t j = 0; j < n; j += width, to += k * width) {
        const int64_t cols = std::min(width, n - j);
        const T* from = b + j * b_col;
        if (b_col == 1) {
            for (int64_t p = 0; p < k; ++p) {
                std::copy(from + p * b_row, from + p * b_row + cols, to + p * width);
                std::fill(to + p * width + cols, to + (p + 1) * width, T(0));
            }
            continue;
        }
        // Few rows of the panel at a time: they stay in L1 while the columns are written into them.
        for (int64_t p0 = 0; p0 < k; p0 += 16) {
            const int64_t p1 = std::min(p0 + 16, k);
            for (int64_t c = 0; c < cols; ++c) {
                const T* column = from + c * b_col;
                for (int64_t p = p0; p < p1; ++p) to[p * width + c] = column[p * b_row];
            }
            for (int64_t p = p0; p < p1; ++p) std::fill(to + p * width + cols, to + (p + 1) * width, T(0));
        }
    }
}

/// A[m, k] -> panels of kRows rows, [panel][k][kRows]; missing rows are left as they are (never stored).
template <class T> void pack_a(const T* a, int64_t a_row, int64_t a_col, int64_t m, int64_t k, T* to) {
    for (int64_t i = 0; i < m; i += kRows, to += k * kRows) {
        const int64_t rows = std::min<int64_t>(kRows, m - i);
        if (a_row == 1 && rows == kRows) {
            for (int64_t p = 0; p < k; ++p) std::memcpy(to + p * kRows, a + i + p * a_col, kRows * sizeof(T));
            continue;
        }
        for (int64_t p = 0; p < k; ++p)
            for (int64_t r = 0; r < rows; ++r) to[p * kRows + r] = a[(i + r) * a_row + p * a_col];
    }
}

/// C columns of one row of the result as dot products along contiguous k.
template <int C, class T> HWY_NOINLINE void dots(const Gemm<T>& g, int64_t i, int64_t j) {
    const hn::ScalableTag<T> d;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    const T* a = g.a + i * g.a_row;
    const T* b = g.b + j * g.b_col;
    hn::Vec<decltype(d)> even[C], odd[C]; // two chains per column hide the latency of the sum
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) even[c] = odd[c] = hn::Zero(d);
    int64_t p = 0;
    for (; p + 2 * lanes <= g.k; p += 2 * lanes) {
        const auto a0 = hn::LoadU(d, a + p), a1 = hn::LoadU(d, a + p + lanes);
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) {
            even[c] = hn::MulAdd(a0, hn::LoadU(d, b + c * g.b_col + p), even[c]);
            odd[c] = hn::MulAdd(a1, hn::LoadU(d, b + c * g.b_col + p + lanes), odd[c]);
        }
    }
    for (; p < g.k; p += lanes) {
        const int64_t count = std::min(lanes, g.k - p);
        const auto a0 = load_first(d, a + p, count);
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) even[c] = hn::MulAdd(a0, load_first(d, b + c * g.b_col + p, count), even[c]);
    }
    T* to = g.c + i * g.c_row + j;
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) {
        const T sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(even[c], odd[c])));
        to[c] = (g.accumulate ? to[c] : T(0)) + sum + (g.bias ? g.bias[j + c] : T(0));
    }
    activate(to, C, g.act);
}

template <class T> void gemm_dots(const Gemm<T>& g) {
    int64_t j = 0;
    for (; j + 4 <= g.n; j += 4)
        for (int64_t i = 0; i < g.m; ++i) dots<4>(g, i, j);
    for (; j < g.n; ++j)
        for (int64_t i = 0; i < g.m; ++i) dots<1>(g, i, j);
}

template <class T> void gemm_any(const Gemm<T>& g, T* scratch) {
    if (g.dots) return gemm_dots(g);
    const hn::ScalableTag<T> d;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), width = kVecs * lanes;
    // Packing pays when a panel is used by several register tiles.
    const bool b_direct = g.b_col == 1 && g.m <= 2 * kRows;
    const bool a_direct = g.a_col == 1;
    T* const packed_b = scratch;
    T* const packed_a = scratch + std::min(kK, g.k) * (std::min(kN, g.n) + kPad);
    for (int64_t pc = 0; pc < g.k; pc += kK) {
        const int64_t k = std::min(kK, g.k - pc);
        const bool first = pc == 0, final = pc + k == g.k;
        for (int64_t jc = 0; jc < g.n; jc += kN) {
            const int64_t n = std::min(kN, g.n - jc);
            const T* b = g.b + pc * g.b_row + jc * g.b_col;
            const int64_t direct_n = b_direct ? n / width * width : 0; // whole panels only: no read past a row's end
            if (direct_n < n) pack_b(b + direct_n * g.b_col, g.b_row, g.b_col, k, n - direct_n, width, packed_b);
            for (int64_t ic = 0; ic < g.m; ic += kM) {
                const int64_t m = std::min(kM, g.m - ic);
                const T* a = g.a + ic * g.a_row + pc * g.a_col;
                if (!a_direct) pack_a(a, g.a_row, g.a_col, m, k, packed_a);
                for (int64_t j = 0; j < n; j += width) {
                    Tile<T> t{};
                    t.k = k;
                    t.b = j < direct_n ? b + j : packed_b + (j - direct_n) * k;
                    t.b_row = j < direct_n ? g.b_row : width;
                    t.c_row = g.c_row;
                    t.cols = std::min(width, n - j);
                    t.load = g.accumulate || !first;
                    t.relu = final && g.act == Activation::relu;
                    t.bias = final && g.bias ? g.bias + jc + j : nullptr;
                    for (int64_t i = 0; i < m; i += kRows) {
                        t.rows = std::min<int64_t>(kRows, m - i);
                        t.a = a_direct ? a + i * g.a_row : packed_a + i * k;
                        t.a_row = a_direct ? g.a_row : 1;
                        t.a_col = a_direct ? 1 : kRows;
                        t.c = g.c + (ic + i) * g.c_row + jc + j;
                        any_tile(t, lanes);
                        if (final && g.act > Activation::relu)
                            for (int64_t r = 0; r < t.rows; ++r) activate(t.c + r * t.c_row, t.cols, g.act);
                    }
                }
            }
        }
    }
}

template <class T> void add_any(T* to, const T* from, int64_t count) {
    const hn::ScalableTag<T> d;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    int64_t i = 0;
    for (; i + lanes <= count; i += lanes) hn::StoreU(hn::Add(hn::LoadU(d, to + i), hn::LoadU(d, from + i)), d, to + i);
    for (; i < count; ++i) to[i] += from[i];
}
void add_f32(float* to, const float* from, int64_t count) { add_any(to, from, count); }
void add_f64(double* to, const double* from, int64_t count) { add_any(to, from, count); }

void gemm_f32(const Gemm<float>& g, float* scratch) { gemm_any(g, scratch); }
void gemm_f64(const Gemm<double>& g, double* scratch) { gemm_any(g, scratch); }

} // namespace ingot::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::cpu {

HWY_EXPORT(gemm_f32);
HWY_EXPORT(gemm_f64);
HWY_EXPORT(add_f32);
HWY_EXPORT(add_f64);

namespace {

/// The product over nothing: C = act(0 + bias), or C += bias.
template <class T> void gemm_empty(const Gemm<T>& g) {
    for (int64_t i = 0; i < g.m; ++i) {
        T* c = g.c + i * g.c_row;
        for (int64_t j = 0; j < g.n; ++j) c[j] = (g.accumulate ? c[j] : T(0)) + (g.bias ? g.bias[j] : T(0));
        activate(c, g.n, g.act);
    }
}

} // namespace

size_t gemm_scratch_bytes(DType dtype, int64_t m, int64_t n, int64_t k) {
    const int64_t k_block = std::min(kK, k);
    const int64_t elements = k_block * (std::min(kN, n) + kPad) + k_block * (std::min(kM, m) + kPad);
    return (static_cast<size_t>(elements) * size_of(dtype) + 63) / 64 * 64;
}

template <class T> void activate(T* p, int64_t count, Activation act) {
    constexpr Scalar kFunctions[] = {Scalar::relu, Scalar::sigmoid, Scalar::tanh};
    if (act == Activation::none || count <= 0) return;
    map_function(kFunctions[static_cast<int>(act) - 1], sizeof(T) == 4 ? f32 : f64, 0)(p, p, nullptr, nullptr,
                                                                                       static_cast<size_t>(count));
}
template void activate(float* p, int64_t count, Activation act);
template void activate(double* p, int64_t count, Activation act);

void add_into(float* to, const float* from, int64_t count) { HWY_DYNAMIC_DISPATCH(add_f32)(to, from, count); }
void add_into(double* to, const double* from, int64_t count) { HWY_DYNAMIC_DISPATCH(add_f64)(to, from, count); }

void gemm(const Gemm<float>& g, void* scratch) {
    if (g.k == 0) return gemm_empty(g);
    HWY_DYNAMIC_DISPATCH(gemm_f32)(g, static_cast<float*>(scratch));
}
void gemm(const Gemm<double>& g, void* scratch) {
    if (g.k == 0) return gemm_empty(g);
    HWY_DYNAMIC_DISPATCH(gemm_f64)(g, static_cast<double*>(scratch));
}

} // namespace ingot::cpu
#endif
