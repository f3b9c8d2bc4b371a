// SPDX-License-Identifier: MIT
#include "backend/cpu/pool_kernels.h"

#include <algorithm>
#include <type_traits>

#include "base/simd_targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/pool_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "backend/cpu/matmul_simd.h"

#ifndef INGOT_CPU_POOL_RANGES
#define INGOT_CPU_POOL_RANGES
namespace ingot::cpu {

/// Half-open.
struct Range {
    int64_t begin, end;
};
/// The taps of window `out` that lie inside an axis of `extent` elements.
inline Range taps(int64_t out, int64_t k, int64_t stride, int64_t padding, int64_t extent) {
    const int64_t from = out * stride - padding;
    return {std::max<int64_t>(0, -from), std::min(k, extent - from)};
}
/// The windows that hold element `in`.
inline Range windows(int64_t in, int64_t k, int64_t stride, int64_t padding, int64_t outputs) {
    const int64_t at = in + padding;
    return {at < k ? 0 : (at - k) / stride + 1, std::min(outputs, at / stride + 1)};
}

} // namespace ingot::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace ingot::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class T> using Tag = hn::ScalableTag<T>;
template <class T> using Vec = hn::Vec<Tag<T>>;

template <class T> HWY_INLINE int64_t lanes_of() { return static_cast<int64_t>(hn::Lanes(Tag<T>())); }

template <class T> HWY_INLINE Vec<T> load(const T* p, int64_t count) { return load_first(Tag<T>(), p, count); }
template <class T> HWY_INLINE void store(Vec<T> v, T* p, int64_t count) { store_first(v, Tag<T>(), p, count); }

/// Window positions are carried in lanes of T (at most 255: exact).
template <class T> HWY_INLINE void store_index(Vec<T> v, uint8_t* p, int64_t count) {
    const Tag<T> d;
    if constexpr (std::is_same_v<T, float>) {
        const hn::Rebind<uint8_t, Tag<T>> d8;
        const auto bytes = hn::DemoteTo(d8, hn::ConvertTo(hn::RebindToSigned<Tag<T>>(), v));
        return store_first(bytes, d8, p, count);
    }
    HWY_ALIGN T buffer[HWY_MAX_BYTES / sizeof(T)];
    hn::Store(v, d, buffer);
    for (int64_t i = 0; i < count; ++i) p[i] = static_cast<uint8_t>(buffer[i]);
}
template <class T> HWY_INLINE Vec<T> load_index(const uint8_t* p, int64_t count) {
    const Tag<T> d;
    if constexpr (std::is_same_v<T, float>) {
        const hn::Rebind<uint8_t, Tag<T>> d8;
        const hn::RebindToSigned<Tag<T>> d_int;
        return hn::ConvertTo(d, hn::PromoteTo(d_int, load_first(d8, p, count)));
    }
    HWY_ALIGN T buffer[HWY_MAX_BYTES / sizeof(T)] = {};
    for (int64_t i = 0; i < count; ++i) buffer[i] = static_cast<T>(p[i]);
    return hn::Load(d, buffer);
}

/// The running maximum: `v` at position `k` wins when it is larger, or the first NaN.
template <class T> HWY_INLINE void take_larger(Vec<T> v, int64_t k, Vec<T>& best, Vec<T>& index) {
    const auto wins =
        hn::AndNot(hn::VecFromMask(Tag<T>(), hn::Le(v, best)), hn::VecFromMask(Tag<T>(), hn::Eq(best, best)));
    const auto mask = hn::MaskFromVec(wins);
    best = hn::IfThenElse(mask, v, best);
    index = hn::IfThenElse(mask, hn::Set(Tag<T>(), static_cast<T>(k)), index);
}

// --- b channels side by side ------------------------------------------------------------------------------------------

template <class T> void max_channels(const PoolRow<T>& r) {
    const PoolSpec& s = *r.spec;
    const int64_t b = r.block, lanes = lanes_of<T>();
    const Range kh = taps(r.row, s.kh, s.stride[0], s.padding[0], s.h);
    const T* rows = r.in + (r.row * s.stride[0] - s.padding[0]) * s.w * b;
    for (int64_t ox = 0; ox < s.ow; ++ox) {
        const Range kw = taps(ox, s.kw, s.stride[1], s.padding[1], s.w);
        const int64_t out = (r.row * s.ow + ox) * b, x0 = ox * s.stride[1] - s.padding[1];
        for (int64_t j = 0; j < b; j += lanes) {
            const int64_t count = std::min(lanes, b - j);
            Vec<T> best = load(rows + (kh.begin * s.w + x0 + kw.begin) * b + j, count);
            Vec<T> index = hn::Set(Tag<T>(), static_cast<T>(kh.begin * s.kw + kw.begin));
            for (int64_t y = kh.begin; y < kh.end; ++y)
                for (int64_t x = kw.begin; x < kw.end; ++x)
                    take_larger<T>(load(rows + (y * s.w + x0 + x) * b + j, count), y * s.kw + x, best, index);
            store(best, r.out + out + j, count);
            store_index<T>(index, r.index + out + j, count);
        }
    }
}

template <class T> void avg_channels(const PoolRow<T>& r) {
    const PoolSpec& s = *r.spec;
    const int64_t b = r.block, lanes = lanes_of<T>();
    const Range kh = taps(r.row, s.kh, s.stride[0], s.padding[0], s.h);
    const T* rows = r.in + (r.row * s.stride[0] - s.padding[0]) * s.w * b;
    for (int64_t ox = 0; ox < s.ow; ++ox) {
        const Range kw = taps(ox, s.kw, s.stride[1], s.padding[1], s.w);
        const int64_t out = (r.row * s.ow + ox) * b, x0 = ox * s.stride[1] - s.padding[1];
        const int64_t size = s.count_include_pad ? s.kh * s.kw : (kh.end - kh.begin) * (kw.end - kw.begin);
        for (int64_t j = 0; j < b; j += lanes) {
            const int64_t count = std::min(lanes, b - j);
            Vec<T> sum = hn::Zero(Tag<T>());
            for (int64_t y = kh.begin; y < kh.end; ++y)
                for (int64_t x = kw.begin; x < kw.end; ++x)
                    sum = hn::Add(sum, load(rows + (y * s.w + x0 + x) * b + j, count));
            store(hn::Div(sum, hn::Set(Tag<T>(), static_cast<T>(size))), r.out + out + j, count);
        }
    }
}

/// Both gradients: `kMax` takes gy only where the index says that this element won.
template <bool kMax, class T> void grad_channels(const PoolRow<T>& r) {
    const PoolSpec& s = *r.spec;
    const int64_t b = r.block, lanes = lanes_of<T>();
    const Range ys = windows(r.row, s.kh, s.stride[0], s.padding[0], s.oh);
    for (int64_t ix = 0; ix < s.w; ++ix) {
        const Range xs = windows(ix, s.kw, s.stride[1], s.padding[1], s.ow);
        for (int64_t j = 0; j < b; j += lanes) {
            const int64_t count = std::min(lanes, b - j);
            Vec<T> sum = hn::Zero(Tag<T>());
            for (int64_t oy = ys.begin; oy < ys.end; ++oy)
                for (int64_t ox = xs.begin; ox < xs.end; ++ox) {
                    const int64_t at = (oy * s.ow + ox) * b + j;
                    const Vec<T> g = load(r.in + at, count);
                    if constexpr (kMax) {
                        const int64_t k =
                            (r.row + s.padding[0] - oy * s.stride[0]) * s.kw + ix + s.padding[1] - ox * s.stride[1];
                        const auto won =
                            hn::Eq(load_index<T>(r.index + at, count), hn::Set(Tag<T>(), static_cast<T>(k)));
                        sum = hn::Add(sum, hn::IfThenElseZero(won, g));
                    } else {
                        const Range kh = taps(oy, s.kh, s.stride[0], s.padding[0], s.h),
                                    kw = taps(ox, s.kw, s.stride[1], s.padding[1], s.w);
                        const int64_t size =
                            s.count_include_pad ? s.kh * s.kw : (kh.end - kh.begin) * (kw.end - kw.begin);
                        sum = hn::Add(sum, hn::Div(g, hn::Set(Tag<T>(), static_cast<T>(size))));
                    }
                }
            store(sum, r.out + (r.row * s.w + ix) * b + j, count);
        }
    }
}

// --- Row-major: vectors over the width where stride and borders allow, else one element at a time -------------------------

/// The elements p[0], p[kStride], ... of `count` <= lanes outputs, kStride 1 or 2; reads nothing beyond the last of them.
template <int kStride, class T> HWY_INLINE Vec<T> load_every(const T* p, int64_t count) {
    if constexpr (kStride == 1) {
        return load(p, count);
    } else {
#if HWY_TARGET == HWY_SCALAR
        return load(p, count); // one lane
#else
        const int64_t lanes = lanes_of<T>(), span = 2 * count - 1;
        if (span <= lanes) return hn::ConcatEven(Tag<T>(), hn::Zero(Tag<T>()), load(p, span));
        return hn::ConcatEven(Tag<T>(), load(p + lanes, span - lanes), load(p, lanes));
#endif
    }
}

/// The outputs whose windows lie inside the row.
inline Range interior(const PoolSpec& s) {
    const int64_t stride = s.stride[1], lo = std::min((s.padding[1] + stride - 1) / stride, s.ow),
                  room = s.w + s.padding[1] - s.kw;
    return {lo, room < 0 ? lo : std::max(lo, std::min(s.ow, room / stride + 1))};
}

template <class T> void max_one(const PoolRow<T>& r, Range kh, int64_t ox) {
    const PoolSpec& s = *r.spec;
    const Range kw = taps(ox, s.kw, s.stride[1], s.padding[1], s.w);
    const T* at = r.in + (r.row * s.stride[0] - s.padding[0]) * s.w + ox * s.stride[1] - s.padding[1];
    int64_t index = kh.begin * s.kw + kw.begin;
    T best = at[kh.begin * s.w + kw.begin];
    for (int64_t y = kh.begin; y < kh.end; ++y)
        for (int64_t x = kw.begin; x < kw.end; ++x) {
            const T v = at[y * s.w + x];
            if (!(v <= best) && best == best) best = v, index = y * s.kw + x;
        }
    r.out[r.row * s.ow + ox] = best;
    r.index[r.row * s.ow + ox] = static_cast<uint8_t>(index);
}

template <class T> void avg_one(const PoolRow<T>& r, Range kh, int64_t ox) {
    const PoolSpec& s = *r.spec;
    const Range kw = taps(ox, s.kw, s.stride[1], s.padding[1], s.w);
    const T* at = r.in + (r.row * s.stride[0] - s.padding[0]) * s.w + ox * s.stride[1] - s.padding[1];
    const int64_t size = s.count_include_pad ? s.kh * s.kw : (kh.end - kh.begin) * (kw.end - kw.begin);
    T sum = 0;
    for (int64_t y = kh.begin; y < kh.end; ++y)
        for (int64_t x = kw.begin; x < kw.end; ++x) sum += at[y * s.w + x];
    r.out[r.row * s.ow + ox] = sum / static_cast<T>(size);
}

/// Forward of both kinds over outputs [lo, hi), whole vectors inside the row.
template <bool kMax, int kStride, class T> void forward_inside(const PoolRow<T>& r, Range kh, Range inside) {
    const PoolSpec& s = *r.spec;
    const int64_t lanes = lanes_of<T>();
    const T* rows = r.in + (r.row * s.stride[0] - s.padding[0]) * s.w - s.padding[1];
    const int64_t size = s.count_include_pad ? s.kh * s.kw : (kh.end - kh.begin) * s.kw;
    for (int64_t ox = inside.begin; ox < inside.end; ox += lanes) {
        const T* at = rows + ox * kStride;
        const int64_t count = std::min(lanes, inside.end - ox);
        Vec<T> value = kMax ? load_every<kStride>(at + kh.begin * s.w, count) : hn::Zero(Tag<T>());
        Vec<T> index = hn::Set(Tag<T>(), static_cast<T>(kh.begin * s.kw));
        for (int64_t y = kh.begin; y < kh.end; ++y)
            for (int64_t x = 0; x < s.kw; ++x) {
                const Vec<T> v = load_every<kStride>(at + y * s.w + x, count);
                if constexpr (kMax)
                    take_larger<T>(v, y * s.kw + x, value, index);
                else
                    value = hn::Add(value, v);
            }
        const int64_t out = r.row * s.ow + ox;
        if constexpr (kMax)
            store_index<T>(index, r.index + out, count);
        else
            value = hn::Div(value, hn::Set(Tag<T>(), static_cast<T>(size)));
        store(value, r.out + out, count);
    }
}

template <bool kMax, class T> void forward_width(const PoolRow<T>& r) {
    const PoolSpec& s = *r.spec;
    const Range kh = taps(r.row, s.kh, s.stride[0], s.padding[0], s.h);
    Range inside{s.ow, s.ow};
    if (s.stride[1] == 1) {
        inside = interior(s);
        forward_inside<kMax, 1>(r, kh, inside);
    } else if (s.stride[1] == 2) {
        inside = interior(s);
        forward_inside<kMax, 2>(r, kh, inside);
    }
    const auto one = [&](int64_t ox) HWY_ATTR { kMax ? max_one(r, kh, ox) : avg_one(r, kh, ox); };
    for (int64_t ox = 0; ox < inside.begin; ++ox) one(ox);
    for (int64_t ox = inside.end; ox < s.ow; ++ox) one(ox);
}

template <bool kMax, class T> void grad_width(const PoolRow<T>& r) {
    const PoolSpec& s = *r.spec;
    const Range ys = windows(r.row, s.kh, s.stride[0], s.padding[0], s.oh);
    T* out = r.out + r.row * s.w;
    int64_t ix = 0;
#if HWY_TARGET != HWY_SCALAR
    // Windows of two columns that do not overlap: every gy goes to one of two neighbours.
    if (s.kw == 2 && s.stride[1] == 2 && s.padding[1] == 0 && s.kh <= s.stride[0]) {
        const int64_t lanes = lanes_of<T>();
        const Tag<T> d;
        const Range kh = ys.begin < ys.end ? taps(ys.begin, s.kh, s.stride[0], s.padding[0], s.h) : Range{0, 0};
        for (int64_t ox = 0; ox < s.ow; ox += lanes) {
            const int64_t count = std::min(lanes, s.ow - ox);
            Vec<T> even = hn::Zero(d), odd = hn::Zero(d);
            if (ys.begin < ys.end) {
                const int64_t at = ys.begin * s.ow + ox;
                const Vec<T> g = load(r.in + at, count);
                if constexpr (kMax) {
                    const int64_t k = (r.row + s.padding[0] - ys.begin * s.stride[0]) * 2;
                    const Vec<T> index = load_index<T>(r.index + at, count);
                    even = hn::IfThenElseZero(hn::Eq(index, hn::Set(d, static_cast<T>(k))), g);
                    odd = hn::IfThenElseZero(hn::Eq(index, hn::Set(d, static_cast<T>(k + 1))), g);
                } else {
                    const int64_t size = s.count_include_pad ? s.kh * 2 : (kh.end - kh.begin) * 2;
                    even = odd = hn::Div(g, hn::Set(d, static_cast<T>(size)));
                }
            }
            if (count == lanes) {
                hn::StoreInterleaved2(even, odd, d, out + 2 * ox);
            } else {
                HWY_ALIGN T buffer[2 * HWY_MAX_BYTES / sizeof(T)];
                hn::StoreInterleaved2(even, odd, d, buffer);
                store(hn::Load(d, buffer), out + 2 * ox, std::min(lanes, 2 * count));
                if (2 * count > lanes) store(hn::Load(d, buffer + lanes), out + 2 * ox + lanes, 2 * count - lanes);
            }
        }
        ix = 2 * s.ow;
    }
#endif
    for (; ix < s.w; ++ix) {
        const Range xs = windows(ix, s.kw, s.stride[1], s.padding[1], s.ow);
        T sum = 0;
        for (int64_t oy = ys.begin; oy < ys.end; ++oy)
            for (int64_t ox = xs.begin; ox < xs.end; ++ox) {
                const int64_t at = oy * s.ow + ox;
                if constexpr (kMax) {
                    const int64_t k =
                        (r.row + s.padding[0] - oy * s.stride[0]) * s.kw + ix + s.padding[1] - ox * s.stride[1];
                    if (r.index[at] == k) sum += r.in[at];
                } else {
                    const Range kh = taps(oy, s.kh, s.stride[0], s.padding[0], s.h),
                                kw = taps(ox, s.kw, s.stride[1], s.padding[1], s.w);
                    const int64_t size = s.count_include_pad ? s.kh * s.kw : (kh.end - kh.begin) * (kw.end - kw.begin);
                    sum += r.in[at] / static_cast<T>(size);
                }
            }
        out[ix] = sum;
    }
}

template <class T> void gather(const PoolRow<T>& r) {
    const PoolSpec& s = *r.spec;
    const int64_t b = r.block, top = r.row * s.stride[0] - s.padding[0];
    for (int64_t ox = 0; ox < s.ow; ++ox)
        for (int64_t j = 0; j < b; ++j) {
            const int64_t out = (r.row * s.ow + ox) * b + j, k = r.index[out];
            // An index that no maximum gave must not read outside.
            const int64_t y = std::clamp<int64_t>(top + k / s.kw, 0, s.h - 1);
            const int64_t x = std::clamp<int64_t>(ox * s.stride[1] - s.padding[1] + k % s.kw, 0, s.w - 1);
            r.out[out] = r.in[(y * s.w + x) * b + j];
        }
}

template <class T> void any_row(const PoolRow<T>& r) {
    const bool width = r.block == 1;
    switch (r.kind) {
    case PoolKind::max: return width ? forward_width<true>(r) : max_channels(r);
    case PoolKind::avg: return width ? forward_width<false>(r) : avg_channels(r);
    case PoolKind::max_grad: return width ? grad_width<true>(r) : grad_channels<true>(r);
    case PoolKind::avg_grad: return width ? grad_width<false>(r) : grad_channels<false>(r);
    case PoolKind::max_gather: return gather(r);
    }
}

void pool_row_f32(const PoolRow<float>& r) { any_row(r); }
void pool_row_f64(const PoolRow<double>& r) { any_row(r); }

} // namespace ingot::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::cpu {
HWY_EXPORT(pool_row_f32);
HWY_EXPORT(pool_row_f64);
void pool_row(const PoolRow<float>& r) { HWY_DYNAMIC_DISPATCH(pool_row_f32)(r); }
void pool_row(const PoolRow<double>& r) { HWY_DYNAMIC_DISPATCH(pool_row_f64)(r); }
} // namespace ingot::cpu
#endif
