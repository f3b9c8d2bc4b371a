// SPDX-License-Identifier: MIT
// Reductions on blocks: folds of consecutive segments, argmax and argmin, and Welford's and Chan's updates over rows.
// Sums run in many lanes that are combined pairwise, so that their error grows far slower than the length.
#include "base/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/block_reduce.cpp"
#include <hwy/foreach_target.h>

#include <cstdint>
#include <limits>
#include <type_traits>

#include <hwy/highway.h>

#include "backend/cpu/block-inl.h"
#include "backend/cpu/block_tables.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::cpu {
namespace HWY_NAMESPACE {
namespace {

using B = uint8_t;

template <class T> constexpr bool is_float = std::is_floating_point_v<T>;

template <Fold kFold, class T> HWY_INLINE T join(T a, T b) {
    if constexpr (kFold == Fold::sum || kFold == Fold::prod) {
        if constexpr (is_float<T>) {
            return kFold == Fold::sum ? a + b : a * b;
        } else {
            using U = std::make_unsigned_t<T>;
            const U x = static_cast<U>(a), y = static_cast<U>(b);
            return static_cast<T>(kFold == Fold::sum ? x + y : x * y);
        }
    } else if constexpr (kFold == Fold::max) {
        return a > b || a != a ? a : b;
    } else {
        return a < b || a != a ? a : b;
    }
}

template <Fold kFold, class D, class V> HWY_INLINE V join(D, V a, V b) {
    using T = hn::TFromD<D>;
    if constexpr (kFold == Fold::sum)
        return hn::Add(a, b);
    else if constexpr (kFold == Fold::prod)
        return hn::Mul(a, b);
    else if constexpr (kFold == Fold::max && is_float<T>)
        return hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(a)), a, b);
    else if constexpr (kFold == Fold::min && is_float<T>)
        return hn::IfThenElse(hn::Or(hn::Lt(a, b), hn::IsNaN(a)), a, b);
    else if constexpr (kFold == Fold::max)
        return hn::Max(a, b);
    else
        return hn::Min(a, b);
}

// Folds the lanes of v pairwise: halves, quarters, ...
template <Fold kFold, class D, class V, class T = hn::TFromD<D>> HWY_INLINE T join_lanes(D d, V v) {
    if constexpr (kFold == Fold::sum) {
        return hn::GetLane(hn::SumOfLanes(d, v));
    } else if constexpr (kFold == Fold::prod) {
        HWY_ALIGN T lanes[HWY_MAX_BYTES / sizeof(T)];
        hn::Store(v, d, lanes);
        for (size_t half = hn::Lanes(d) / 2; half > 0; half /= 2)
            for (size_t i = 0; i < half; ++i) lanes[i] = join<kFold>(lanes[i], lanes[i + half]);
        return lanes[0];
    } else {
        if constexpr (is_float<T>) { // the shuffles below would lose NaN
            if (HWY_UNLIKELY(!hn::AllFalse(d, hn::IsNaN(v)))) return std::numeric_limits<T>::quiet_NaN();
        }
        return hn::GetLane(kFold == Fold::max ? hn::MaxOfLanes(d, v) : hn::MinOfLanes(d, v));
    }
}

template <Fold kFold, class T> constexpr T identity() {
    using L = std::numeric_limits<T>;
    switch (kFold) {
    case Fold::sum: return T{0};
    case Fold::prod: return T{1};
    case Fold::max: return is_float<T> ? -L::infinity() : L::lowest();
    case Fold::min: return is_float<T> ? L::infinity() : L::max();
    }
}

template <Fold kFold, class T> HWY_INLINE T fold_each(const T* src, size_t n) {
    T result = src[0];
    for (size_t i = 1; i < n; ++i) result = join<kFold>(result, src[i]);
    return result;
}

template <Fold kFold, class T> HWY_INLINE T fold_run(const T* src, size_t n) {
    const hn::ScalableTag<T> d;
    const size_t lanes = hn::Lanes(d);
    if (n < lanes) { return fold_each<kFold>(src, n); }
    auto s0 = hn::LoadU(d, src);
    size_t i = lanes;
    if (n >= 4 * lanes) {
        auto s1 = hn::LoadU(d, src + lanes), s2 = hn::LoadU(d, src + 2 * lanes), s3 = hn::LoadU(d, src + 3 * lanes);
        for (i = 4 * lanes; i + 4 * lanes <= n; i += 4 * lanes) {
            s0 = join<kFold>(d, s0, hn::LoadU(d, src + i));
            s1 = join<kFold>(d, s1, hn::LoadU(d, src + i + lanes));
            s2 = join<kFold>(d, s2, hn::LoadU(d, src + i + 2 * lanes));
            s3 = join<kFold>(d, s3, hn::LoadU(d, src + i + 3 * lanes));
        }
        s0 = join<kFold>(d, join<kFold>(d, s0, s1), join<kFold>(d, s2, s3));
    }
    for (; i + lanes <= n; i += lanes) s0 = join<kFold>(d, s0, hn::LoadU(d, src + i));
    if (i < n) {
        const auto tail =
            hn::IfThenElse(hn::FirstN(d, n - i), load_tail(d, src + i, n - i), hn::Set(d, identity<kFold, T>()));
        s0 = join<kFold>(d, s0, tail);
    }
    return join_lanes<kFold>(d, s0);
}

template <Fold kFold, class T> void fold(void* dst, const void* src, size_t segments, size_t len) {
    // Highway has no product of 64-bit integers everywhere, and bools are few.
    constexpr bool kVector = !(kFold == Fold::prod && std::is_same_v<T, int64_t>)&&sizeof(T) >= 4;
    const T* x = static_cast<const T*>(src);
    T* out = static_cast<T*>(dst);
    if constexpr (kVector) {
        const hn::ScalableTag<T> d;
        const size_t lanes = hn::Lanes(d);
        if (len < lanes) {
            size_t s = 0;
            if constexpr (sizeof(T) == 4) { // many short segments: one segment per lane
                const hn::RebindToSigned<decltype(d)> di;
                const auto step = hn::Mul(hn::Iota(di, 0), hn::Set(di, static_cast<int32_t>(len)));
                for (; s + lanes <= segments; s += lanes) {
                    const T* base = x + s * len;
                    auto v = hn::GatherIndex(d, base, step);
                    for (size_t i = 1; i < len; ++i) v = join<kFold>(d, v, hn::GatherIndex(d, base + i, step));
                    hn::StoreU(v, d, out + s);
                }
            }
            for (; s < segments; ++s) out[s] = fold_each<kFold>(x + s * len, len);
            return;
        }
        for (size_t s = 0; s < segments; ++s) out[s] = fold_run<kFold>(x + s * len, len);
    } else {
        for (size_t s = 0; s < segments; ++s) out[s] = fold_each<kFold>(x + s * len, len);
    }
}

template <class T> void squares(void* dst, const void* src, const void* mean, size_t segments, size_t len) {
    const hn::ScalableTag<T> d;
    const size_t lanes = hn::Lanes(d);
    const T *x = static_cast<const T*>(src), *m = static_cast<const T*>(mean);
    T* out = static_cast<T*>(dst);
    for (size_t s = 0; s < segments; ++s, x += len) {
        const auto center = hn::Set(d, m[s]);
        auto s0 = hn::Zero(d), s1 = hn::Zero(d);
        size_t i = 0;
        for (; i + 2 * lanes <= len; i += 2 * lanes) {
            const auto v0 = hn::Sub(hn::LoadU(d, x + i), center), v1 = hn::Sub(hn::LoadU(d, x + i + lanes), center);
            s0 = hn::MulAdd(v0, v0, s0);
            s1 = hn::MulAdd(v1, v1, s1);
        }
        if (i + lanes <= len) {
            const auto v = hn::Sub(hn::LoadU(d, x + i), center);
            s0 = hn::MulAdd(v, v, s0);
            i += lanes;
        }
        if (i < len) {
            const auto v = hn::IfThenElseZero(hn::FirstN(d, len - i), hn::Sub(load_tail(d, x + i, len - i), center));
            s1 = hn::MulAdd(v, v, s1);
        }
        out[s] = join_lanes<Fold::sum>(d, hn::Add(s0, s1));
    }
}

template <bool kLargest, class T> HWY_INLINE bool beats(T a, T best) {
    if constexpr (is_float<T>) {
        if (best != best) return false;
        if (a != a) return true;
    }
    return kLargest ? a > best : a < best;
}

template <bool kLargest, class T> int64_t arg(const void* src, size_t n) {
    const T* x = static_cast<const T*>(src);
    size_t first = 0, end = n;
    if constexpr (sizeof(T) >= 4) { // the value first, in vectors; then its first place
        const hn::ScalableTag<T> d;
        if (n >= 4 * hn::Lanes(d)) {
            const T best = fold_run < kLargest ? Fold::max : Fold::min > (x, n);
            const auto wanted = hn::Set(d, best);
            size_t i = 0;
            if (best == best) {
                for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d))
                    if (!hn::AllFalse(d, hn::Eq(hn::LoadU(d, x + i), wanted))) break;
            }
            for (; i < n; ++i)
                if (x[i] == best || (best != best && x[i] != x[i])) return static_cast<int64_t>(i);
            end = 0; // not reached: the best value is one of them
        }
    }
    for (size_t i = 1; i < end; ++i)
        if (beats<kLargest>(x[i], x[first])) first = i;
    return static_cast<int64_t>(first);
}

template <bool kLargest, class T>
void arg_row(void* best, int64_t* at, const void* x, int64_t position, bool first, size_t n) {
    T* b = static_cast<T*>(best);
    const T* v = static_cast<const T*>(x);
    for (size_t i = 0; i < n; ++i) {
        if (first || beats<kLargest>(v[i], b[i])) {
            b[i] = v[i];
            at[i] = position;
        }
    }
}

template <class T> void welford_row(void* mean, void* m2, const void* x, double count, size_t n) {
    const hn::ScalableTag<T> d;
    const size_t lanes = hn::Lanes(d);
    T *m = static_cast<T*>(mean), *s = static_cast<T*>(m2);
    const T* v = static_cast<const T*>(x);
    const T weight = static_cast<T>(1.0 / count);
    const auto w = hn::Set(d, weight);
    size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        const auto value = hn::LoadU(d, v + i), old = hn::LoadU(d, m + i);
        const auto delta = hn::Sub(value, old);
        const auto next = hn::MulAdd(delta, w, old);
        hn::StoreU(next, d, m + i);
        hn::StoreU(hn::MulAdd(delta, hn::Sub(value, next), hn::LoadU(d, s + i)), d, s + i);
    }
    for (; i < n; ++i) {
        const T delta = v[i] - m[i];
        m[i] += delta * weight;
        s[i] += delta * (v[i] - m[i]);
    }
}

// Chan, Golub, LeVeque: Updating formulae and a pairwise algorithm for computing sample variances (1979).
template <class T>
void welford_merge(void* mean, void* m2, const void* mean_b, const void* m2_b, double count, double count_b, size_t n) {
    T *m = static_cast<T*>(mean), *s = static_cast<T*>(m2);
    const T *mb = static_cast<const T*>(mean_b), *sb = static_cast<const T*>(m2_b);
    const T weight = static_cast<T>(count_b / (count + count_b));
    const T cross = static_cast<T>(count * count_b / (count + count_b));
    const hn::ScalableTag<T> d;
    const size_t lanes = hn::Lanes(d);
    const auto w = hn::Set(d, weight), c = hn::Set(d, cross);
    size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        const auto old = hn::LoadU(d, m + i);
        const auto delta = hn::Sub(hn::LoadU(d, mb + i), old);
        hn::StoreU(hn::MulAdd(delta, w, old), d, m + i);
        const auto sum = hn::Add(hn::LoadU(d, s + i), hn::LoadU(d, sb + i));
        hn::StoreU(hn::MulAdd(hn::Mul(delta, delta), c, sum), d, s + i);
    }
    for (; i < n; ++i) {
        const T delta = mb[i] - m[i];
        m[i] += delta * weight;
        s[i] += sb[i] + delta * delta * cross;
    }
}

struct SquaredDifference {
    template <class D, class V> static HWY_INLINE V call(D, V a, V b) {
        const V delta = hn::Sub(a, b);
        return hn::Mul(delta, delta);
    }
};

template <class T> void set_folds(ReduceTable& t, DType type) {
    const size_t i = static_cast<size_t>(type);
    t.fold[0][i] = fold<Fold::sum, T>;
    t.fold[1][i] = fold<Fold::prod, T>;
    t.fold[2][i] = fold<Fold::max, T>;
    t.fold[3][i] = fold<Fold::min, T>;
    t.arg[0][i] = arg<false, T>;
    t.arg[1][i] = arg<true, T>;
    t.arg_row[0][i] = arg_row<false, T>;
    t.arg_row[1][i] = arg_row<true, T>;
}

template <class T> void set_floats(ReduceTable& t, DType type) {
    const size_t i = static_cast<size_t>(type);
    t.squares[i] = squares<T>;
    t.welford_row[i] = welford_row<T>;
    t.welford_merge[i] = welford_merge<T>;
    t.squared_difference[i] = map2<SquaredDifference, T, 0>;
}

} // namespace

void fill_reduce(ReduceTable& t) {
    set_folds<float>(t, DType::f32);
    set_folds<double>(t, DType::f64);
    set_folds<int32_t>(t, DType::i32);
    set_folds<int64_t>(t, DType::i64);
    set_folds<B>(t, DType::boolean);
    set_floats<float>(t, DType::f32);
    set_floats<double>(t, DType::f64);
}

} // namespace HWY_NAMESPACE
} // namespace ingot::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::cpu {

HWY_EXPORT(fill_reduce);

namespace {
const ReduceTable& table() {
    static const ReduceTable t = [] {
        ReduceTable fresh;
        HWY_DYNAMIC_DISPATCH(fill_reduce)(fresh);
        return fresh;
    }();
    return t;
}
size_t at(DType t) { return static_cast<size_t>(t); }
} // namespace

FoldFn fold_function(Fold fold, DType type) { return table().fold[static_cast<size_t>(fold)][at(type)]; }
SquaresFn squares_function(DType type) { return table().squares[at(type)]; }
ArgFn arg_function(bool largest, DType type) { return table().arg[largest][at(type)]; }
ArgRowFn arg_row_function(bool largest, DType type) { return table().arg_row[largest][at(type)]; }
WelfordRowFn welford_row_function(DType type) { return table().welford_row[at(type)]; }
WelfordMergeFn welford_merge_function(DType type) { return table().welford_merge[at(type)]; }
MapFn squared_difference_function(DType type) { return table().squared_difference[at(type)]; }

} // namespace ingot::cpu
#endif
