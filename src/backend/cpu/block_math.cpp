// SPDX-License-Identifier: MIT
// Transcendental functions on blocks. f32: own vector code, at most 4 ulp from the true value over the whole range,
// infinities, NaN and subnormals included; polynomials are minimax fits (Remez) made for these ranges. f64, and
// machines without vectors that we know: the C library.
#include "base/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/block_math.cpp"
#include <hwy/foreach_target.h>

#include <cmath>
#include <cstdint>

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "backend/cpu/block-inl.h"
#include "backend/cpu/block_tables.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::cpu {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET != HWY_SCALAR
// x = k ln 2 + r, |r| <= ln 2 / 2 (Cody and Waite: ln 2 in two parts). |x| < 150. Adding 1.5 * 2^23 rounds to a whole
// number and leaves it in the low bits of the sum, so that 2^k needs no conversion.
template <class V> struct Reduced { V r, k, shifted; };
template <class D, class V> HWY_INLINE Reduced<V> reduce_exp(D d, V x) {
    const V magic = hn::Set(d, 12582912.0f);
    const V shifted = hn::MulAdd(x, hn::Set(d, 1.44269504f), magic);
    const V k = hn::Sub(shifted, magic);
    const V r = hn::NegMulAdd(k, hn::Set(d, 0.693359375f), x);
    return {hn::NegMulAdd(k, hn::Set(d, -2.12194440e-4f), r), k, shifted};
}

// v * 2^k for whole k, -160 <= k <= 160; overflows to infinity and underflows gradually.
template <class D, class V> HWY_INLINE V scale(D d, V v, V k) {
#if HWY_TARGET == HWY_AVX3
    (void)d;
    return V{_mm512_scalef_ps(v.raw, k.raw)};
#else
    const hn::RebindToSigned<D> di;
    const auto whole = hn::ConvertTo(di, k);
    const auto half = hn::ShiftRight<1>(whole);
    const auto bias = hn::Set(di, 127);
    const V first = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(half, bias)));
    const V second = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(hn::Sub(whole, half), bias)));
    return hn::Mul(hn::Mul(v, first), second);
#endif
}

// 2^k, -126 <= k <= 127.
template <class D, class V> HWY_INLINE V power_of_two(D d, const Reduced<V>& x) {
    const hn::RebindToSigned<D> di;
    return hn::BitCast(d, hn::Add(hn::ShiftLeft<23>(hn::BitCast(di, x.shifted)), hn::Set(di, 127 << 23)));
}

// 1 / v within 1 ulp, for v from 1 to 2^30.
template <class D, class V> HWY_INLINE V reciprocal(D d, V v) {
    const V one = hn::Set(d, 1.0f);
#if HWY_TARGET == HWY_AVX3 // 14 good bits to start from; one Newton step
    const V r = hn::ApproximateReciprocal(v);
    return hn::MulAdd(r, hn::NegMulAdd(v, r, one), r);
#else
    return hn::Div(one, v);
#endif
}

// exp(x) for -110 <= x <= 104 or NaN.
template <class D, class V> HWY_INLINE V exp_within(D d, V x) {
    const auto reduced = reduce_exp(d, x);
    const V r = reduced.r;
    V q = hn::Set(d, 0.00138145402f);
    q = hn::MulAdd(q, r, hn::Set(d, 0.00836874511f));
    q = hn::MulAdd(q, r, hn::Set(d, 0.0416683908f));
    q = hn::MulAdd(q, r, hn::Set(d, 0.166665204f));
    q = hn::MulAdd(q, r, hn::Set(d, 0.499999934f));
    const V one = hn::Set(d, 1.0f);
    q = hn::MulAdd(q, r, one);
    return scale(d, hn::MulAdd(q, r, one), reduced.k);
}

// exp(x) without the guard against large x: x <= 104.
template <class D, class V> HWY_INLINE V exp_below(D d, V x) {
    // An instruction that underflows takes some hundred cycles, and masked softmaxes are full of exp(-inf): those results are
    // made 0 without computing them.
    const V least = hn::Set(d, -87.3365f); // results below are not normal
    const auto below = hn::Lt(x, least);
    // The constant first: when x is NaN, the second operand is what comes out.
    const V y = exp_within(d, hn::Max(least, x));
    if (hn::AllFalse(d, below)) return y;
    if (hn::AllFalse(d, hn::And(below, hn::Gt(x, hn::Set(d, -104.0f))))) return hn::IfThenZeroElse(below, y);
    return hn::IfThenElse(below, exp_within(d, hn::Max(hn::Set(d, -110.0f), x)), y);
}

struct Exp {
    template <class D, class V> static HWY_INLINE V call(D d, V x) {
        return exp_below(d, hn::Min(hn::Set(d, 104.0f), x));
    }
};

struct ExpSub {
    template <class D, class V> static HWY_INLINE V call(D d, V a, V b) { return Exp::call(d, hn::Sub(a, b)); }
};

// exp(r) - 1 for |r| <= ln 2 / 2.
template <class D, class V> HWY_INLINE V expm1_small(D d, V r) {
    V q = hn::Set(d, 0.00139464972f);
    q = hn::MulAdd(q, r, hn::Set(d, 0.0083666106f));
    q = hn::MulAdd(q, r, hn::Set(d, 0.0416662814f));
    q = hn::MulAdd(q, r, hn::Set(d, 0.166665428f));
    q = hn::MulAdd(q, r, hn::Set(d, 0.500000006f));
    return hn::MulAdd(hn::Mul(r, r), q, r);
}

struct Expm1 {
    template <class D, class V> static HWY_INLINE V call(D d, V x) {
        const auto reduced = reduce_exp(d, hn::Max(hn::Set(d, -20.0f), hn::Min(hn::Set(d, 88.8f), x)));
        // Half of the result, because 2^k alone would overflow at k = 128.
        const V half = hn::Set(d, 0.5f);
        const hn::RebindToSigned<D> di;
        const V s =
            hn::BitCast(d, hn::Add(hn::ShiftLeft<23>(hn::BitCast(di, reduced.shifted)), hn::Set(di, 126 << 23)));
        const V y = hn::MulAdd(s, expm1_small(d, reduced.r), hn::Sub(s, half));
        const V inf = hn::Set(d, hwy::HighestValue<float>() * 2);
        const V result = hn::IfThenElse(hn::Gt(x, hn::Set(d, 88.75f)), inf, hn::Add(y, y));
        return hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, result);
    }
};

struct Tanh {
    template <class D, class V> static HWY_INLINE V call(D d, V x) {
        // tanh(a) = m / (m + 2) with m = exp(2 a) - 1; from 9.1 on it rounds to 1.
        const V a = hn::Min(hn::Set(d, 9.1f), hn::Abs(x));
        const auto reduced = reduce_exp(d, hn::Add(a, a));
        const V s = power_of_two(d, reduced);
        const V m = hn::MulAdd(s, expm1_small(d, reduced.r), hn::Sub(s, hn::Set(d, 1.0f)));
        const V y = hn::Mul(m, reciprocal(d, hn::Add(m, hn::Set(d, 2.0f))));
        return hn::CopySignToAbs(hn::Min(hn::Set(d, 1.0f), y), x);
    }
};

struct Sigmoid {
    template <class D, class V> static HWY_INLINE V call(D d, V x) {
        // With e = exp(-|x|) both forms 1 / (1 + e) and e / (1 + e) are free of cancellation and overflow.
        const V e = exp_below(d, hn::Neg(hn::Abs(x)));
        const V s = reciprocal(d, hn::Add(hn::Set(d, 1.0f), e));
        return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Mul(e, s), s);
    }
};

// log(1 + f) for -1/3 <= f <= 1/3.
template <class D, class V> HWY_INLINE V log1p_small(D d, V f) {
    V q = hn::Set(d, -0.128937306f);
    q = hn::MulAdd(q, f, hn::Set(d, 0.139864495f));
    q = hn::MulAdd(q, f, hn::Set(d, -0.121838387f));
    q = hn::MulAdd(q, f, hn::Set(d, 0.140054968f));
    q = hn::MulAdd(q, f, hn::Set(d, -0.166805143f));
    q = hn::MulAdd(q, f, hn::Set(d, 0.200104261f));
    q = hn::MulAdd(q, f, hn::Set(d, -0.249997972f));
    q = hn::MulAdd(q, f, hn::Set(d, 0.333332157f));
    q = hn::MulAdd(q, f, hn::Set(d, -0.5f));
    return hn::MulAdd(hn::Mul(f, f), q, f);
}

// The whole k with v / 2^k in [2/3, 4/3), as an integer and for normal positive v.
template <class DI, class VI> HWY_INLINE VI log_exponent(DI di, VI bits) {
    return hn::ShiftRight<23>(hn::Sub(bits, hn::Set(di, 0x3F2AAAAB)));
}

// -inf at `pole`, NaN below it, +inf and NaN stay.
template <class D, class V> HWY_INLINE V log_limits(D d, V x, float pole, V result) {
    const V inf = hn::Set(d, hwy::HighestValue<float>() * 2);
    result = hn::IfThenElse(hn::Eq(x, hn::Set(d, pole)), hn::Neg(inf), result);
    result = hn::IfThenElse(hn::Lt(x, hn::Set(d, pole)), hn::NaN(d), result);
    return hn::IfThenElse(hn::Or(hn::IsNaN(x), hn::Eq(x, inf)), x, result);
}

struct Log {
    template <class D, class V> static HWY_INLINE V call(D d, V x) {
        const hn::RebindToSigned<D> di;
        const auto tiny = hn::Lt(x, hn::Set(d, 1.17549435e-38f));
        const V v = hn::IfThenElse(tiny, hn::Mul(x, hn::Set(d, 8388608.0f)), x);
        const auto bits = hn::BitCast(di, v);
        const auto k = log_exponent(di, bits);
        const V m = hn::BitCast(d, hn::Sub(bits, hn::ShiftLeft<23>(k)));
        const V kf = hn::Sub(hn::ConvertTo(d, k), hn::IfThenElseZero(tiny, hn::Set(d, 23.0f)));
        const V f = hn::Sub(m, hn::Set(d, 1.0f));
        return log_limits(d, x, 0.0f, hn::MulAdd(kf, hn::Set(d, 0.693147182f), log1p_small(d, f)));
    }
};

struct Log1p {
    template <class D, class V> static HWY_INLINE V call(D d, V x) {
        const hn::RebindToSigned<D> di;
        const V one = hn::Set(d, 1.0f);
        const V u = hn::Min(hn::Set(d, 1.0e38f), hn::Add(x, one));
        const auto k = log_exponent(di, hn::BitCast(di, u));
        const V kf = hn::ConvertTo(d, k);
        // f = (1 + x) / 2^k - 1, from x itself: what 1 + x rounds away is not lost.
        const V s = hn::BitCast(d, hn::ShiftLeft<23>(hn::Sub(hn::Set(di, 127), k)));
        const V f = hn::MulAdd(hn::Min(x, hn::Set(d, 1.0e38f)), s, hn::Sub(s, one));
        const V y = hn::MulAdd(kf, hn::Set(d, 0.693147182f), log1p_small(d, f));
        const V result = hn::IfThenElse(hn::Gt(x, hn::Set(d, 0.9e38f)), Log::call(d, x), y);
        return hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, log_limits(d, x, -1.0f, result));
    }
};

struct Erf {
    template <class D, class V> static HWY_INLINE V call(D d, V x) {
        const V t = hn::Min(hn::Set(d, 4.0f), hn::Abs(x)), s = hn::Mul(x, x);
        // Below 0.92: x + x P(x^2).
        V p = hn::Set(d, -0.000595374187f);
        p = hn::MulAdd(p, s, hn::Set(d, 0.00498594064f));
        p = hn::MulAdd(p, s, hn::Set(d, -0.0267617199f));
        p = hn::MulAdd(p, s, hn::Set(d, 0.112816825f));
        p = hn::MulAdd(p, s, hn::Set(d, -0.376124811f));
        p = hn::MulAdd(p, s, hn::Set(d, 0.128379148f));
        const V small = hn::MulAdd(p, x, x);
        // Above: 1 - exp(-Q(|x|)), Q the logarithm of the complement.
        V q = hn::Set(d, -0.000195937192f);
        q = hn::MulAdd(q, t, hn::Set(d, 0.00304321699f));
        q = hn::MulAdd(q, t, hn::Set(d, -0.0222269189f));
        q = hn::MulAdd(q, t, hn::Set(d, 0.103931594f));
        q = hn::MulAdd(q, t, hn::Set(d, 0.63718225f));
        q = hn::MulAdd(q, t, hn::Set(d, 1.12767562f));
        q = hn::MulAdd(q, t, hn::Set(d, 0.000195675967f));
        const V large = hn::Sub(hn::Set(d, 1.0f), exp_below(d, hn::Neg(q)));
        return hn::IfThenElse(hn::Lt(t, hn::Set(d, 0.925f)), small, hn::CopySignToAbs(large, x));
    }
};

// Highway's reduction is good to 39,000; beyond, and for what is not finite, the C library serves lane by lane.
template <bool kSine> struct SinCos {
    template <class D, class V> static HWY_INLINE V call(D d, V x) {
        const auto fine = hn::Le(hn::Abs(x), hn::Set(d, 30000.0f));
        const V safe = hn::IfThenElseZero(fine, x);
        V y;
        if constexpr (kSine)
            y = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, hn::Sin(d, safe)); // -0 stays
        else
            y = hn::Cos(d, safe);
        if (HWY_LIKELY(hn::AllTrue(d, fine))) return y;
        HWY_ALIGN float in[HWY_MAX_BYTES / sizeof(float)];
        HWY_ALIGN float out[HWY_MAX_BYTES / sizeof(float)];
        hn::Store(x, d, in);
        for (size_t i = 0; i < hn::Lanes(d); ++i) out[i] = kSine ? std::sin(in[i]) : std::cos(in[i]);
        return hn::IfThenElse(fine, y, hn::Load(d, out));
    }
};

// x^y = exp(y log|x|) in double, where the error of f32's logarithm would be multiplied by y; with the sign of x when y
// is odd. Zeros to negative powers, infinities, NaN and negative numbers to broken powers go to the C library.
struct Pow {
    template <class D, class V> static HWY_INLINE V call(D d, V x, V y) {
#if HWY_TARGET == HWY_SCALAR
        return hn::Set(d, std::pow(hn::GetLane(x), hn::GetLane(y))); // one lane has no halves
#else
        const V zero = hn::Zero(d), top = hn::Set(d, 3.0e38f), half = hn::Set(d, 0.5f);
        const V magnitude = hn::Abs(x);
        const auto whole = hn::And(hn::Eq(hn::Round(y), y), hn::Lt(hn::Abs(y), hn::Set(d, 16777216.0f)));
        const V halved = hn::Mul(y, half);
        const auto odd = hn::And(whole, hn::Ne(hn::Round(halved), halved));
        const auto nothing = hn::And(hn::Eq(x, zero), hn::Gt(y, zero));
        const auto fine = hn::And(hn::And(hn::Lt(magnitude, top), hn::Lt(hn::Abs(y), top)),
                                  hn::Or(nothing, hn::Or(hn::Gt(x, zero), hn::And(hn::Lt(x, zero), whole))));
        const V safe = hn::IfThenElse(hn::And(fine, hn::Not(nothing)), magnitude, hn::Set(d, 1.0f));
        const hn::Half<D> dh;
        const hn::Repartition<double, D> dd;
        const auto power = [&](auto a, auto b) HWY_ATTR {
            const auto wide = hn::Mul(hn::PromoteTo(dd, b), hn::Log(dd, hn::PromoteTo(dd, a)));
            const auto limit = hn::Set(dd, 200.0);
            return hn::DemoteTo(dh, hn::Exp(dd, hn::Max(hn::Neg(limit), hn::Min(limit, wide))));
        };
        V r = hn::Combine(d, power(hn::UpperHalf(dh, safe), hn::UpperHalf(dh, y)),
                          power(hn::LowerHalf(dh, safe), hn::LowerHalf(dh, y)));
        r = hn::IfThenElse(nothing, zero, r);
        r = hn::IfThenElse(hn::And(odd, hn::Or(hn::Lt(x, zero), nothing)), hn::CopySignToAbs(r, x), r);
        if (HWY_LIKELY(hn::AllTrue(d, fine))) return r;
        HWY_ALIGN float a[HWY_MAX_BYTES / sizeof(float)];
        HWY_ALIGN float b[HWY_MAX_BYTES / sizeof(float)];
        hn::Store(x, d, a);
        hn::Store(y, d, b);
        for (size_t i = 0; i < hn::Lanes(d); ++i) a[i] = std::pow(a[i], b[i]);
        return hn::IfThenElse(fine, r, hn::Load(d, a));
#endif
    }
};

#endif // vectors

#define INGOT_EACH1(name, expression)                                                                                  \
    struct name {                                                                                                      \
        template <class T> static T call(T a) { return expression; }                                                   \
    };
INGOT_EACH1(ExpEach, std::exp(a))
INGOT_EACH1(Expm1Each, std::expm1(a))
INGOT_EACH1(LogEach, std::log(a))
INGOT_EACH1(Log1pEach, std::log1p(a))
INGOT_EACH1(SinEach, std::sin(a))
INGOT_EACH1(CosEach, std::cos(a))
INGOT_EACH1(TanhEach, std::tanh(a))
INGOT_EACH1(ErfEach, std::erf(a))
INGOT_EACH1(SigmoidEach, 1 / (1 + std::exp(-a)))
struct PowEach {
    template <class T> static T call(T a, T b) { return std::pow(a, b); }
};

template <class T> [[maybe_unused]] void set_each(MapTable& t, DType type) {
    t.set(Scalar::exp, type, {each1<ExpEach, T, T, 0>});
    t.set(Scalar::expm1, type, {each1<Expm1Each, T, T, 0>});
    t.set(Scalar::log, type, {each1<LogEach, T, T, 0>});
    t.set(Scalar::log1p, type, {each1<Log1pEach, T, T, 0>});
    t.set(Scalar::sin, type, {each1<SinEach, T, T, 0>});
    t.set(Scalar::cos, type, {each1<CosEach, T, T, 0>});
    t.set(Scalar::tanh, type, {each1<TanhEach, T, T, 0>});
    t.set(Scalar::erf, type, {each1<ErfEach, T, T, 0>});
    t.set(Scalar::sigmoid, type, {each1<SigmoidEach, T, T, 0>});
    t.set(Scalar::pow, type, {each2<PowEach, T, T, 0>, each2<PowEach, T, T, 1>, each2<PowEach, T, T, 2>});
}

} // namespace

void add_math(MapTable& t) {
    const DType single = DType::f32, twice = DType::f64;
#if HWY_TARGET == HWY_SCALAR
    set_each<float>(t, single);
#else
    t.set(Scalar::exp, single, {map1<Exp, float>});
    t.set(Scalar::expm1, single, {map1<Expm1, float>});
    t.set(Scalar::log, single, {map1<Log, float>});
    t.set(Scalar::log1p, single, {map1<Log1p, float>});
    t.set(Scalar::sin, single, {map1<SinCos<true>, float>});
    t.set(Scalar::cos, single, {map1<SinCos<false>, float>});
    t.set(Scalar::tanh, single, {map1<Tanh, float>});
    t.set(Scalar::erf, single, {map1<Erf, float>});
    t.set(Scalar::sigmoid, single, {map1<Sigmoid, float>});
    t.set(Scalar::pow, single, {map2<Pow, float, 0>, map2<Pow, float, 1>, map2<Pow, float, 2>});
    t.set(Pair::exp_sub, single, {map2<ExpSub, float, 0>, map2<ExpSub, float, 1>, map2<ExpSub, float, 2>});
#endif
    set_each<double>(t, twice);
}

} // namespace HWY_NAMESPACE
} // namespace ingot::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::cpu {

HWY_EXPORT(add_math);
void add_math(MapTable& t) { HWY_DYNAMIC_DISPATCH(add_math)(t); }

namespace {
MapTable& table() {
    static MapTable t = [] {
        MapTable fresh;
        add_arithmetic(fresh);
        add_math(fresh);
        return fresh;
    }();
    return t;
}
} // namespace

MapFn map_function(Scalar function, DType type, unsigned scalars) { return table().get(function, type, scalars); }
MapFn pair_function(Pair pair, DType type, unsigned scalars) { return table().get(pair, type, scalars); }

} // namespace ingot::cpu
#endif
