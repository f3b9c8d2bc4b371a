// SPDX-License-Identifier: MIT
#include "backend/cpu/conv_narrow_kernels.h"

#include <algorithm>

#include "base/simd_targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/conv_narrow_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "backend/cpu/matmul_simd.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using Vec = hn::Vec<D>;

#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr bool kManyRegisters = true; // 32 vector registers; else 16
#else
constexpr bool kManyRegisters = false;
#endif
constexpr int kTapGroup = kManyRegisters ? 9 : 6, kWidthTapGroup = 3;
constexpr int kChannelGroup = kManyRegisters ? 8 : 4;

HWY_INLINE int64_t lanes() { return static_cast<int64_t>(hn::Lanes(D())); }
HWY_INLINE Vec relu(Vec v) {
    const Vec zero = hn::Zero(D());
    return hn::IfThenElse(hn::Lt(v, zero), zero, v); // keeps NaN
}

// --- Vectors over output channels ----------------------------------------------------------------------------------------

/// P pixels x V vectors of channels, from pixel `ox` of a row and channel `o` on.
template <int P, int V> HWY_NOINLINE void forward_tile(const NarrowForward& a, const float* x, float* y, int64_t o) {
    const D d;
    const int64_t n = lanes(), padded = (a.channels + n - 1) / n * n, pixel = a.x_pixel;
    Vec acc[P][V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
        const Vec b = a.bias ? hn::LoadU(d, a.bias + o + v * n) : hn::Zero(d);
#pragma GCC unroll 16
        for (int p = 0; p < P; ++p) acc[p][v] = b;
    }
    const float* w = a.w + o;
    for (int64_t t = 0; t < a.taps; ++t, w += padded) {
        const float* at = x + a.offsets[t];
        Vec wv[V];
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) {
            wv[v] = hn::LoadU(d, w + v * n);
            INGOT_KEEP(wv[v]);
        }
#pragma GCC unroll 16
        for (int p = 0; p < P; ++p) {
            const Vec xv = hn::Set(d, at[p * pixel]);
#pragma GCC unroll 4
            for (int v = 0; v < V; ++v) acc[p][v] = hn::MulAdd(xv, wv[v], acc[p][v]);
        }
    }
    const int64_t last = a.channels - o - (V - 1) * n; // channels of the last vector, if less than all
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) {
            const Vec r = a.relu ? relu(acc[p][v]) : acc[p][v];
            float* to = y + p * a.channels + o + v * n;
            if (v == V - 1 && last < n)
                store_first(r, d, to, last);
            else
                hn::StoreU(r, d, to);
        }
}

/// A row in tiles of P pixels; the last one is moved left to fit, computing some pixels twice (to the same bits).
template <int P, int V> void forward_row(const NarrowForward& a, const float* x, float* y, int64_t o) {
    for (int64_t ox = 0; ox < a.width; ox += P) {
        const int64_t at = std::min(ox, a.width - P);
        forward_tile<P, V>(a, x + at * a.x_pixel, y + at * a.channels, o);
    }
}

template <int V> void forward_channels(const NarrowForward& a, const float* x, float* y, int64_t o) {
    if constexpr (kManyRegisters) {
        // The tile that wastes least: overlapping pixels count, and so does starting a tile.
        const auto cost = [&](int64_t p) HWY_ATTR { return a.width < p ? INT64_MAX : (a.width + p - 1) / p * (p + 1); };
        const int64_t c14 = cost(14), c12 = cost(12), c8 = cost(8);
        if (c14 < INT64_MAX && c14 <= c12 && c14 <= c8) return forward_row<14, V>(a, x, y, o);
        if (c12 < INT64_MAX && c12 <= c8) return forward_row<12, V>(a, x, y, o);
        if (c8 < INT64_MAX) return forward_row<8, V>(a, x, y, o);
    } else if (a.width >= 6) {
        return forward_row<6, V>(a, x, y, o);
    }
    if (a.width >= 4) return forward_row<4, V>(a, x, y, o);
    forward_row<1, V>(a, x, y, o);
}

void forward_channels_all(const NarrowForward& a) {
    for (int64_t r = 0; r < a.rows; ++r) {
        const float* x = a.x + r * a.x_row;
        float* y = a.y + r * a.y_row;
        int64_t o = 0;
        for (; o + lanes() < a.channels; o += 2 * lanes()) forward_channels<2>(a, x, y, o);
        if (o < a.channels) forward_channels<1>(a, x, y, o);
    }
}

/// kTapGroup taps x V vectors of channels, summed over all pixels of the image.
template <int V> HWY_NOINLINE void weight_tile(const NarrowWeightGrad& a, int64_t tap, int64_t o) {
    const D d;
    const int64_t n = lanes(), padded = (a.channels + n - 1) / n * n, last = a.channels - o - (V - 1) * n;
    const int64_t count = std::min(last, n);
    Vec acc[kTapGroup][V];
    int64_t off[kTapGroup];
#pragma GCC unroll 16
    for (int t = 0; t < kTapGroup; ++t) {
        off[t] = a.offsets[tap + t];
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) acc[t][v] = hn::Zero(d);
    }
    for (int64_t r = 0; r < a.rows; ++r) {
        const float* x = a.x + r * a.x_row;
        const float* gy = a.gy + r * a.y_row + o;
        for (int64_t p = 0; p < a.width; ++p, x += a.x_pixel, gy += a.channels) {
            Vec g[V];
#pragma GCC unroll 4
            for (int v = 0; v < V; ++v) {
                g[v] = v == V - 1 ? load_first(d, gy + v * n, count) : hn::LoadU(d, gy + v * n);
                INGOT_KEEP(g[v]);
            }
#pragma GCC unroll 16
            for (int t = 0; t < kTapGroup; ++t) {
                const Vec xv = hn::Set(d, x[off[t]]);
#pragma GCC unroll 4
                for (int v = 0; v < V; ++v) acc[t][v] = hn::MulAdd(xv, g[v], acc[t][v]);
            }
        }
    }
#pragma GCC unroll 16
    for (int t = 0; t < kTapGroup; ++t)
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) {
            float* to = a.sums + (tap + t) * padded + o + v * n;
            hn::StoreU(hn::Add(hn::LoadU(d, to), acc[t][v]), d, to);
        }
}

void weight_grad_channels_all(const NarrowWeightGrad& a) {
    const D d;
    const int64_t n = lanes();
    for (int64_t tap = 0; tap < a.taps; tap += kTapGroup) {
        int64_t o = 0;
        for (; o + n < a.channels; o += 2 * n) weight_tile<2>(a, tap, o);
        if (o < a.channels) weight_tile<1>(a, tap, o);
    }
    if (!a.bias_sums) return;
    for (int64_t o = 0; o < a.channels; o += n) {
        const int64_t count = std::min(n, a.channels - o);
        Vec even = hn::LoadU(d, a.bias_sums + o), odd = hn::Zero(d);
        for (int64_t r = 0; r < a.rows; ++r) {
            const float* gy = a.gy + r * a.y_row + o;
            int64_t p = 0;
            for (; p + 1 < a.width; p += 2) {
                even = hn::Add(even, load_first(d, gy + p * a.channels, count));
                odd = hn::Add(odd, load_first(d, gy + (p + 1) * a.channels, count));
            }
            if (p < a.width) even = hn::Add(even, load_first(d, gy + p * a.channels, count));
        }
        hn::StoreU(hn::Add(even, odd), d, a.bias_sums + o);
    }
}

// --- Vectors over the width -------------------------------------------------------------------------------------------------

/// C output channels x V vectors of pixels, whose sources and destinations may lie anywhere.
template <int C, int V>
HWY_NOINLINE void forward_width_tile(const NarrowForward& a, const float* w, const float* bias, const int64_t* x_at,
                                     const int64_t* y_at, int64_t o) {
    const D d;
    Vec acc[C][V];
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c)
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) acc[c][v] = bias ? hn::Set(d, bias[o + c]) : hn::Zero(d);
    const float* x[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) x[v] = a.x + x_at[v];
    for (int64_t t = 0; t < a.taps; ++t, w += C) {
        const int64_t off = a.offsets[t];
        Vec xv[V];
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) {
            xv[v] = hn::LoadU(d, x[v] + off);
            INGOT_KEEP(xv[v]);
        }
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) {
            const Vec wv = hn::Set(d, w[c]);
#pragma GCC unroll 4
            for (int v = 0; v < V; ++v) acc[c][v] = hn::MulAdd(wv, xv[v], acc[c][v]);
        }
    }
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c)
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v)
            hn::StoreU(a.relu ? relu(acc[c][v]) : acc[c][v], d, a.y + y_at[v] + (o + c) * a.y_channel);
}

template <int C> void forward_width_group(const NarrowForward& a, int64_t o) {
    const int64_t n = lanes(), per_row = (a.width + n - 1) / n, count = a.rows * per_row;
    const float* w = a.w + o * a.taps;
    // The last vector of a row is moved left to fit: some pixels are computed twice, to the same bits.
    int64_t x_at[3], y_at[3], row = 0, at = 0;
    const auto next = [&](int v) HWY_ATTR {
        const int64_t ox = std::min(at * n, a.width - n);
        x_at[v] = row * a.x_row + ox;
        y_at[v] = row * a.y_row + ox;
        if (++at == per_row) at = 0, ++row;
    };
    int64_t i = 0;
    for (; i + 3 <= count; i += 3) {
        next(0), next(1), next(2);
        forward_width_tile<C, 3>(a, w, a.bias, x_at, y_at, o);
    }
    for (; i < count; ++i) {
        next(0);
        forward_width_tile<C, 1>(a, w, a.bias, x_at, y_at, o);
    }
}

void forward_width_all(const NarrowForward& a) {
    for (int64_t o = 0; o < a.channels;) {
        const int64_t left = a.channels - o;
        if (kManyRegisters && left >= 8) {
            forward_width_group<8>(a, o), o += 8;
        } else if (kManyRegisters && left >= 6) {
            forward_width_group<6>(a, o), o += 6;
        } else if (left >= 4) {
            forward_width_group<4>(a, o), o += 4;
        } else if (left >= 2) {
            forward_width_group<2>(a, o), o += 2;
        } else {
            forward_width_group<1>(a, o), o += 1;
        }
    }
}

int64_t channel_group(int64_t left) {
    if (kManyRegisters && left >= 6) return left >= 8 ? 8 : 6;
    return left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

/// C output channels x 3 taps, each a vector of partial sums over all pixels of the image.
template <int C> HWY_NOINLINE void weight_width_tile(const NarrowWeightGrad& a, int64_t tap, int64_t o) {
    const D d;
    const int64_t n = lanes(), whole = a.width / n * n;
    // What is left of a row: a vector that ends with the row, its lanes that were counted already off.
    const auto tail = hn::Not(hn::FirstN(d, static_cast<size_t>(n - (a.width - whole))));
    Vec acc[C][3];
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c)
#pragma GCC unroll 4
        for (int t = 0; t < 3; ++t) acc[c][t] = hn::Zero(d);
    const int64_t off0 = a.offsets[tap], off1 = a.offsets[tap + 1], off2 = a.offsets[tap + 2];
    for (int64_t r = 0; r < a.rows; ++r) {
        const float* x = a.x + r * a.x_row;
        const float* gy = a.gy + r * a.y_row + o * a.y_channel;
        for (int64_t p = 0; p < whole; p += n) {
            const Vec x0 = hn::LoadU(d, x + p + off0), x1 = hn::LoadU(d, x + p + off1), x2 = hn::LoadU(d, x + p + off2);
#pragma GCC unroll 8
            for (int c = 0; c < C; ++c) {
                Vec g = hn::LoadU(d, gy + p + c * a.y_channel);
                INGOT_KEEP(g);
                acc[c][0] = hn::MulAdd(g, x0, acc[c][0]);
                acc[c][1] = hn::MulAdd(g, x1, acc[c][1]);
                acc[c][2] = hn::MulAdd(g, x2, acc[c][2]);
            }
        }
        if (whole < a.width) {
            const int64_t p = a.width - n;
            const Vec x0 = hn::IfThenElseZero(tail, hn::LoadU(d, x + p + off0)),
                      x1 = hn::IfThenElseZero(tail, hn::LoadU(d, x + p + off1)),
                      x2 = hn::IfThenElseZero(tail, hn::LoadU(d, x + p + off2));
#pragma GCC unroll 8
            for (int c = 0; c < C; ++c) {
                const Vec g = hn::IfThenElseZero(tail, hn::LoadU(d, gy + p + c * a.y_channel));
                acc[c][0] = hn::MulAdd(g, x0, acc[c][0]);
                acc[c][1] = hn::MulAdd(g, x1, acc[c][1]);
                acc[c][2] = hn::MulAdd(g, x2, acc[c][2]);
            }
        }
    }
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c)
#pragma GCC unroll 4
        for (int t = 0; t < 3; ++t) {
            float* to = a.sums + ((o + c) * a.taps + tap + t) * n;
            hn::StoreU(hn::Add(hn::LoadU(d, to), acc[c][t]), d, to);
        }
}

template <int C> void weight_width_group(const NarrowWeightGrad& a, int64_t o) {
    for (int64_t tap = 0; tap < a.taps; tap += 3) weight_width_tile<C>(a, tap, o);
}

void weight_grad_width_all(const NarrowWeightGrad& a) {
    const D d;
    const int64_t n = lanes(), whole = a.width / n * n;
    for (int64_t o = 0; o < a.channels;) {
        const int64_t group = channel_group(a.channels - o);
        switch (group) {
        case 8: weight_width_group<kChannelGroup>(a, o); break;
        case 6: weight_width_group<kManyRegisters ? 6 : 4>(a, o); break;
        case 4: weight_width_group<4>(a, o); break;
        case 2: weight_width_group<2>(a, o); break;
        default: weight_width_group<1>(a, o); break;
        }
        o += group;
    }
    if (!a.bias_sums) return;
    const auto tail = hn::Not(hn::FirstN(d, static_cast<size_t>(n - (a.width - whole))));
    for (int64_t o = 0; o < a.channels; ++o) {
        Vec sum = hn::LoadU(d, a.bias_sums + o * n), rest = hn::Zero(d);
        for (int64_t r = 0; r < a.rows; ++r) {
            const float* gy = a.gy + r * a.y_row + o * a.y_channel;
            for (int64_t p = 0; p < whole; p += n) sum = hn::Add(sum, hn::LoadU(d, gy + p));
            if (whole < a.width) rest = hn::Add(rest, hn::IfThenElseZero(tail, hn::LoadU(d, gy + a.width - n)));
        }
        hn::StoreU(hn::Add(sum, rest), d, a.bias_sums + o * n);
    }
}

void sum_lanes(const float* in, int64_t count, float* out) {
    const D d;
    for (int64_t i = 0; i < count; ++i) out[i] = hn::GetLane(hn::SumOfLanes(d, hn::LoadU(d, in + i * lanes())));
}

int64_t lanes_of_target() { return lanes(); }
int64_t tap_group(bool width) { return width ? kWidthTapGroup : kTapGroup; }

} // namespace ingot::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::cpu {
HWY_EXPORT(forward_channels_all);
HWY_EXPORT(forward_width_all);
HWY_EXPORT(weight_grad_channels_all);
HWY_EXPORT(weight_grad_width_all);
HWY_EXPORT(sum_lanes);
HWY_EXPORT(lanes_of_target);
HWY_EXPORT(tap_group);
HWY_EXPORT(channel_group);

int64_t narrow_lanes() { return HWY_DYNAMIC_DISPATCH(lanes_of_target)(); }
int64_t narrow_tap_group(bool width_path) { return HWY_DYNAMIC_DISPATCH(tap_group)(width_path); }
int64_t narrow_channel_group(int64_t left) { return HWY_DYNAMIC_DISPATCH(channel_group)(left); }
void narrow_forward_channels(const NarrowForward& a) { HWY_DYNAMIC_DISPATCH(forward_channels_all)(a); }
void narrow_forward_width(const NarrowForward& a) { HWY_DYNAMIC_DISPATCH(forward_width_all)(a); }
void narrow_weight_grad_channels(const NarrowWeightGrad& a) { HWY_DYNAMIC_DISPATCH(weight_grad_channels_all)(a); }
void narrow_weight_grad_width(const NarrowWeightGrad& a) { HWY_DYNAMIC_DISPATCH(weight_grad_width_all)(a); }
void narrow_sum_lanes(const float* in, int64_t count, float* out) { HWY_DYNAMIC_DISPATCH(sum_lanes)(in, count, out); }
} // namespace ingot::cpu
#endif
