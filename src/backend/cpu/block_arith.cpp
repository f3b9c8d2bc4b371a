// SPDX-License-Identifier: MIT
// Arithmetic, comparison, selection and logic on blocks.
#include "base/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/block_arith.cpp"
#include <hwy/foreach_target.h>

#include <cmath>
#include <cstdint>
#include <type_traits>

#include <hwy/highway.h>

#include "backend/cpu/block-inl.h"
#include "backend/cpu/block_tables.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::cpu {
namespace HWY_NAMESPACE {
namespace {

// One vector function each; V is a vector of any number type that the table below uses it with.
#define INGOT_VECTOR1(name, expression)                                                                                \
    struct name {                                                                                                      \
        template <class D, class V> static HWY_INLINE V call([[maybe_unused]] D d, V a) { return expression; }         \
    };
#define INGOT_VECTOR2(name, expression)                                                                                \
    struct name {                                                                                                      \
        template <class D, class V> static HWY_INLINE V call([[maybe_unused]] D d, V a, V b) { return expression; }    \
    };
#define INGOT_COMPARE(name, expression)                                                                                \
    struct name {                                                                                                      \
        template <class D, class V>                                                                                    \
        static HWY_INLINE hn::Mask<D> call([[maybe_unused]] D d, V a, [[maybe_unused]] V b) {                          \
            return expression;                                                                                         \
        }                                                                                                              \
    };

INGOT_VECTOR1(Neg, hn::Neg(a))
INGOT_VECTOR1(Abs, hn::Abs(a))
// IfThenElse, not Max: NaN and -0 must stay.
INGOT_VECTOR1(Relu, hn::IfThenZeroElse(hn::Lt(a, hn::Zero(d)), a))
INGOT_VECTOR1(Sqrt, hn::Sqrt(a))
INGOT_VECTOR1(Rsqrt, hn::Div(hn::Set(d, hn::TFromD<D>{1}), hn::Sqrt(a)))
INGOT_VECTOR1(Reciprocal, hn::Div(hn::Set(d, hn::TFromD<D>{1}), a))
INGOT_VECTOR1(Floor, hn::Floor(a))
INGOT_VECTOR1(Ceil, hn::Ceil(a))
INGOT_VECTOR1(Round, hn::Round(a))
INGOT_VECTOR1(Trunc, hn::Trunc(a))
INGOT_VECTOR2(Add, hn::Add(a, b))
INGOT_VECTOR2(Sub, hn::Sub(a, b))
INGOT_VECTOR2(Mul, hn::Mul(a, b))
INGOT_VECTOR2(Div, hn::Div(a, b))
INGOT_VECTOR2(MaximumFloat, hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(a)), a, b))
INGOT_VECTOR2(MinimumFloat, hn::IfThenElse(hn::Or(hn::Lt(a, b), hn::IsNaN(a)), a, b))
INGOT_VECTOR2(MaximumInteger, hn::Max(a, b))
INGOT_VECTOR2(MinimumInteger, hn::Min(a, b))
INGOT_COMPARE(IsNan, hn::IsNaN(a))
INGOT_COMPARE(Eq, hn::Eq(a, b))
// hn::Ne is an ordered comparison on x86: false for NaN.
INGOT_COMPARE(Ne, hn::Not(hn::Eq(a, b)))
INGOT_COMPARE(Lt, hn::Lt(a, b))
INGOT_COMPARE(Le, hn::Le(a, b))
INGOT_COMPARE(Gt, hn::Gt(a, b))
INGOT_COMPARE(Ge, hn::Ge(a, b))
INGOT_COMPARE(LeInteger, hn::Not(hn::Gt(a, b)))
INGOT_COMPARE(GeInteger, hn::Not(hn::Lt(a, b)))

struct Sign {
    template <class D, class V> static HWY_INLINE V call(D d, V a) {
        const V zero = hn::Zero(d), one = hn::Set(d, hn::TFromD<D>{1});
        const V s = hn::Sub(hn::IfThenElseZero(hn::Gt(a, zero), one), hn::IfThenElseZero(hn::Lt(a, zero), one));
        if constexpr (std::is_floating_point_v<hn::TFromD<D>>)
            return hn::IfThenElse(hn::IsNaN(a), a, s);
        else
            return s;
    }
};

// x / s for one s and many x without a division each: q = x * (1/s), then one correction with the exact remainder
// (Markstein, IBM J. Res. Dev. 34, 1990) gives the rounded quotient. Where the reciprocal or the quotient could leave
// the normal range, the caller or the lane divides.
template <class T> bool fast_divisor(T s) {
    const T magnitude = std::fabs(s);
    return magnitude > T(1e-30) && magnitude < T(1e30);
}

template <class T> void div_by_scalar(void* dst, const void* a, const void* b, const void* c, size_t n) {
    const T s = *static_cast<const T*>(b);
    if (HWY_NATIVE_FMA == 0 || n < 32 || !fast_divisor(s)) return map2<Div, T, 2>(dst, a, b, c, n);
    const hn::ScalableTag<T> d;
    const size_t lanes = hn::Lanes(d);
    const T* x = static_cast<const T*>(a);
    T* out = static_cast<T*>(dst);
    const auto divisor = hn::Set(d, s), reciprocal = hn::Set(d, T(1) / s);
    const auto low = hn::Set(d, T(1e-30)), high = hn::Set(d, T(1e30));
    size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        const auto v = hn::LoadU(d, x + i);
        const auto q = hn::Mul(v, reciprocal);
        const auto magnitude = hn::Abs(q);
        // Zeros are exact either way and common, so they do not count as out of range.
        const auto fine = hn::Or(hn::And(hn::Gt(magnitude, low), hn::Lt(magnitude, high)), hn::Eq(v, hn::Zero(d)));
        if (HWY_LIKELY(hn::AllTrue(d, fine)))
            hn::StoreU(hn::MulAdd(hn::NegMulAdd(q, divisor, v), reciprocal, q), d, out + i);
        else
            hn::StoreU(hn::Div(v, divisor), d, out + i);
    }
    if (i < n) store_tail(hn::Div(load_tail(d, x + i, n - i), divisor), d, out + i, n - i);
}

struct Fma {
    template <class D, class V> static HWY_INLINE V call(D, V a, V b, V c) { return hn::MulAdd(a, b, c); }
};
struct Fms {
    template <class D, class V> static HWY_INLINE V call(D, V a, V b, V c) { return hn::MulSub(a, b, c); }
};
struct Fnma {
    template <class D, class V> static HWY_INLINE V call(D, V a, V b, V c) { return hn::NegMulAdd(a, b, c); }
};
struct AddRelu {
    template <class D, class V> static HWY_INLINE V call(D d, V a, V b) { return Relu::call(d, hn::Add(a, b)); }
};

// One element at a time.
#define INGOT_EACH2(name, expression)                                                                                  \
    struct name {                                                                                                      \
        template <class T> static HWY_INLINE T call(T a, T b) { return expression; }                                   \
    };
#define INGOT_EACH1(name, expression)                                                                                  \
    struct name {                                                                                                      \
        template <class T> static HWY_INLINE T call(T a) { return expression; }                                        \
    };

template <class T> using Bits = std::make_unsigned_t<T>;
INGOT_EACH1(NegEach, static_cast<T>(Bits<T>{0} - static_cast<Bits<T>>(a)))
INGOT_EACH1(AbsEach, a < 0 ? static_cast<T>(Bits<T>{0} - static_cast<Bits<T>>(a)) : a)
INGOT_EACH1(SignEach, static_cast<T>((a > 0) - (a < 0)))
INGOT_EACH1(ReluEach, a < 0 ? T{0} : a)
INGOT_EACH1(FalseEach, static_cast<T>(0 * a))
INGOT_EACH2(MulEach, static_cast<T>(static_cast<Bits<T>>(a) * static_cast<Bits<T>>(b)))

struct FloorDivideEach {
    template <class T> static T call(T a, T b) {
        if constexpr (std::is_floating_point_v<T>) {
            return static_cast<T>(std::floor(static_cast<double>(a) / static_cast<double>(b)));
        } else {
            if (b == 0) return 0;
            if (b == -1) return static_cast<T>(Bits<T>{0} - static_cast<Bits<T>>(a));
            const T q = static_cast<T>(a / b);
            return a % b != 0 && (a < 0) != (b < 0) ? static_cast<T>(q - 1) : q;
        }
    }
};
struct RemainderEach {
    template <class T> static T call(T a, T b) {
        if constexpr (std::is_floating_point_v<T>) { // in double: the quotient of large f32 would not be whole
            const double x = static_cast<double>(a), y = static_cast<double>(b);
            return static_cast<T>(x - std::floor(x / y) * y);
        } else {
            if (b == 0 || b == -1) return 0;
            const T r = static_cast<T>(a % b);
            return r != 0 && (r < 0) != (b < 0) ? static_cast<T>(r + b) : r;
        }
    }
};

// Bools are bytes 0 or 1.
using B = uint8_t;
INGOT_EACH1(NotBool, a == 0)
INGOT_EACH2(AndBool, a& b)
INGOT_EACH2(OrBool, a | b)
INGOT_EACH2(EqBool, a == b)
INGOT_EACH2(NeBool, a != b)
INGOT_EACH2(LtBool, a < b)
INGOT_EACH2(LeBool, a <= b)
INGOT_EACH2(GtBool, a > b)
INGOT_EACH2(GeBool, a >= b)

template <unsigned S> void select_bool(void* dst, const void* a, const void* b, const void* c, size_t n) {
    const B *x = static_cast<const B*>(a), *y = static_cast<const B*>(b), *z = static_cast<const B*>(c);
    B* out = static_cast<B*>(dst);
    for (size_t i = 0; i < n; ++i) out[i] = x[(S & 1) ? 0 : i] ? y[(S & 2) ? 0 : i] : z[(S & 4) ? 0 : i];
}

template <class T> void set_select(MapTable& t) {
    t.set(Scalar::where, dtype_of<T>(),
          {select<T, 0>, select<T, 1>, select<T, 2>, select<T, 3>, select<T, 4>, select<T, 5>, select<T, 6>});
}

template <class F, class T> void set3(MapTable& t, Pair pair) {
    t.set(pair, dtype_of<T>(),
          {map3<F, T, 0>, map3<F, T, 1>, map3<F, T, 2>, map3<F, T, 3>, map3<F, T, 4>, map3<F, T, 5>, map3<F, T, 6>});
}
template <class F, class T> void set2(MapTable& t, Scalar f) {
    t.set(f, dtype_of<T>(), {map2<F, T, 0>, map2<F, T, 1>, map2<F, T, 2>});
}
template <class F, class T> void set_compare(MapTable& t, Scalar f) {
    t.set(f, dtype_of<T>(), {compare<F, T, 0>, compare<F, T, 1>, compare<F, T, 2>});
}
template <class F, class T, class TO> void set_each2(MapTable& t, Scalar f, DType type) {
    t.set(f, type, {each2<F, T, TO, 0>, each2<F, T, TO, 1>, each2<F, T, TO, 2>});
}

template <class T> void set_float(MapTable& t) {
    const DType type = dtype_of<T>();
    t.set(Scalar::neg, type, {map1<Neg, T>});
    t.set(Scalar::abs, type, {map1<Abs, T>});
    t.set(Scalar::sign, type, {map1<Sign, T>});
    t.set(Scalar::relu, type, {map1<Relu, T>});
    t.set(Scalar::sqrt, type, {map1<Sqrt, T>});
    t.set(Scalar::rsqrt, type, {map1<Rsqrt, T>});
    t.set(Scalar::reciprocal, type, {map1<Reciprocal, T>});
    t.set(Scalar::floor, type, {map1<Floor, T>});
    t.set(Scalar::ceil, type, {map1<Ceil, T>});
    t.set(Scalar::round, type, {map1<Round, T>});
    t.set(Scalar::trunc, type, {map1<Trunc, T>});
    t.set(Scalar::isnan, type, {compare<IsNan, T, 0>});
    set2<Add, T>(t, Scalar::add);
    set2<Sub, T>(t, Scalar::sub);
    set2<Mul, T>(t, Scalar::mul);
    t.set(Scalar::div, type, {map2<Div, T, 0>, map2<Div, T, 1>, div_by_scalar<T>});
    set2<MaximumFloat, T>(t, Scalar::maximum);
    set2<MinimumFloat, T>(t, Scalar::minimum);
    set_each2<FloorDivideEach, T, T>(t, Scalar::floor_divide, type);
    set_each2<RemainderEach, T, T>(t, Scalar::remainder, type);
    set_compare<Eq, T>(t, Scalar::eq);
    set_compare<Ne, T>(t, Scalar::ne);
    set_compare<Lt, T>(t, Scalar::lt);
    set_compare<Le, T>(t, Scalar::le);
    set_compare<Gt, T>(t, Scalar::gt);
    set_compare<Ge, T>(t, Scalar::ge);
    set_select<T>(t);
    set3<Fma, T>(t, Pair::fma);
    set3<Fms, T>(t, Pair::fms);
    set3<Fnma, T>(t, Pair::fnma);
}

template <class T> void set_integer(MapTable& t) {
    const DType type = dtype_of<T>();
    t.set(Scalar::neg, type, {each1<NegEach, T, T, 0>});
    t.set(Scalar::abs, type, {each1<AbsEach, T, T, 0>});
    t.set(Scalar::sign, type, {each1<SignEach, T, T, 0>});
    t.set(Scalar::relu, type, {each1<ReluEach, T, T, 0>});
    t.set(Scalar::isnan, type, {each1<FalseEach, T, B, 0>});
    set2<Add, T>(t, Scalar::add);
    set2<Sub, T>(t, Scalar::sub);
    set_each2<MulEach, T, T>(t, Scalar::mul, type);
    set2<MaximumInteger, T>(t, Scalar::maximum);
    set2<MinimumInteger, T>(t, Scalar::minimum);
    set_each2<FloorDivideEach, T, T>(t, Scalar::floor_divide, type);
    set_each2<RemainderEach, T, T>(t, Scalar::remainder, type);
    set_compare<Eq, T>(t, Scalar::eq);
    set_compare<Ne, T>(t, Scalar::ne);
    set_compare<Lt, T>(t, Scalar::lt);
    set_compare<LeInteger, T>(t, Scalar::le);
    set_compare<Gt, T>(t, Scalar::gt);
    set_compare<GeInteger, T>(t, Scalar::ge);
    set_select<T>(t);
}

void set_bool(MapTable& t) {
    const DType type = DType::boolean;
    t.set(Scalar::isnan, type, {each1<FalseEach, B, B, 0>});
    t.set(Scalar::logical_not, type, {each1<NotBool, B, B, 0>});
    set_each2<AndBool, B, B>(t, Scalar::logical_and, type);
    set_each2<OrBool, B, B>(t, Scalar::logical_or, type);
    set_each2<NeBool, B, B>(t, Scalar::logical_xor, type);
    set_each2<OrBool, B, B>(t, Scalar::maximum, type);
    set_each2<AndBool, B, B>(t, Scalar::minimum, type);
    set_each2<EqBool, B, B>(t, Scalar::eq, type);
    set_each2<NeBool, B, B>(t, Scalar::ne, type);
    set_each2<LtBool, B, B>(t, Scalar::lt, type);
    set_each2<LeBool, B, B>(t, Scalar::le, type);
    set_each2<GtBool, B, B>(t, Scalar::gt, type);
    set_each2<GeBool, B, B>(t, Scalar::ge, type);
    t.set(Scalar::where, type,
          {select_bool<0>, select_bool<1>, select_bool<2>, select_bool<3>, select_bool<4>, select_bool<5>,
           select_bool<6>});
}

} // namespace

void add_arithmetic(MapTable& t) {
    set_float<float>(t);
    set_float<double>(t);
    t.set(Pair::add_relu, DType::f32, {map2<AddRelu, float, 0>, map2<AddRelu, float, 1>, map2<AddRelu, float, 2>});
    set_integer<int32_t>(t);
    set_integer<int64_t>(t);
    set_bool(t);
}

} // namespace HWY_NAMESPACE
} // namespace ingot::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::cpu {
HWY_EXPORT(add_arithmetic);
void add_arithmetic(MapTable& t) { HWY_DYNAMIC_DISPATCH(add_arithmetic)(t); }
} // namespace ingot::cpu
#endif
