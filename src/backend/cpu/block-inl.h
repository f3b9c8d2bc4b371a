// SPDX-License-Identifier: MIT
// Loops that turn vector functions into block functions; included once per instruction set by block_*.cpp (Highway's
// foreach_target), hence no pragma once. Tails go through masked loads where those are safe, else through a small copy:
// nothing outside [0, n) is touched, because blocks may be the users' own memory.
#if defined(INGOT_BLOCK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef INGOT_BLOCK_INL_H_
#undef INGOT_BLOCK_INL_H_
#else
#define INGOT_BLOCK_INL_H_
#endif

#include <cstring>
#include <type_traits>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ingot::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D, class T = hn::TFromD<D>> HWY_INLINE hn::Vec<D> load_tail(D d, const T* p, size_t rest) {
#if HWY_MEM_OPS_MIGHT_FAULT
    HWY_ALIGN T copy[HWY_MAX_BYTES / sizeof(T)] = {};
    std::memcpy(copy, p, rest * sizeof(T));
    return hn::Load(d, copy);
#else
    return hn::MaskedLoad(hn::FirstN(d, rest), d, p);
#endif
}

template <class D, class T = hn::TFromD<D>> HWY_INLINE void store_tail(hn::Vec<D> v, D d, T* p, size_t rest) {
#if HWY_MEM_OPS_MIGHT_FAULT
    HWY_ALIGN T copy[HWY_MAX_BYTES / sizeof(T)];
    hn::Store(v, d, copy);
    std::memcpy(p, copy, rest * sizeof(T));
#else
    hn::BlendedStore(v, hn::FirstN(d, rest), d, p);
#endif
}

// Bools beside lanes of D: as many bytes as D has lanes.
template <class D> using BoolTag = hn::Rebind<uint8_t, D>;
template <class D> using Unsigned = hn::RebindToUnsigned<D>;

template <class D> HWY_INLINE hn::Vec<BoolTag<D>> load_bool_tail(D d, const uint8_t* p, size_t rest) {
    HWY_ALIGN uint8_t copy[HWY_MAX_BYTES] = {};
    std::memcpy(copy, p, rest);
    return hn::LoadU(BoolTag<D>(), copy + 0 * hn::Lanes(d));
}

template <class D> HWY_INLINE hn::Mask<D> to_mask(D d, hn::Vec<BoolTag<D>> b) {
    const Unsigned<D> du;
    if constexpr (sizeof(hn::TFromD<D>) == 4) {
        return hn::RebindMask(d, hn::Ne(hn::PromoteTo(du, b), hn::Zero(du)));
    } else {
        const hn::Rebind<uint32_t, D> d32;
        return hn::RebindMask(d, hn::Ne(hn::PromoteTo(du, hn::PromoteTo(d32, b)), hn::Zero(du)));
    }
}

template <class D> HWY_INLINE hn::Vec<BoolTag<D>> to_bool(D, hn::Mask<D> m) {
    const Unsigned<D> du;
    using TU = hn::TFromD<Unsigned<D>>;
    return hn::TruncateTo(BoolTag<D>(), hn::IfThenElseZero(hn::RebindMask(du, m), hn::Set(du, TU{1})));
}

// An argument: a block, or one element for all lanes.
template <bool kScalar, class D> struct Arg {
    using T = hn::TFromD<D>;
    HWY_INLINE Arg(D d, const void* q) : p(static_cast<const T*>(q)), v(kScalar ? hn::Set(d, *p) : hn::Zero(d)) {}
    HWY_INLINE hn::Vec<D> at(D d, size_t i) const {
        if constexpr (kScalar)
            return v;
        else
            return hn::LoadU(d, p + i);
    }
    HWY_INLINE hn::Vec<D> tail(D d, size_t i, size_t rest) const {
        if constexpr (kScalar)
            return v;
        else
            return load_tail(d, p + i, rest);
    }
    const T* p;
    hn::Vec<D> v;
};

// dst = F(a), F(a, b), F(a, b, c) on vectors of T.
template <class F, class T> void map1(void* dst, const void* a, const void*, const void*, size_t n) {
    const hn::ScalableTag<T> d;
    using D = decltype(d);
    const size_t lanes = hn::Lanes(d);
    const Arg<false, D> x(d, a);
    T* out = static_cast<T*>(dst);
    size_t i = 0;
    for (; i + lanes <= n; i += lanes) hn::StoreU(F::call(d, x.at(d, i)), d, out + i);
    if (i < n) store_tail(F::call(d, x.tail(d, i, n - i)), d, out + i, n - i);
}

template <class F, class T, unsigned S> void map2(void* dst, const void* a, const void* b, const void*, size_t n) {
    const hn::ScalableTag<T> d;
    using D = decltype(d);
    const size_t lanes = hn::Lanes(d);
    const Arg<(S & 1) != 0, D> x(d, a);
    const Arg<(S & 2) != 0, D> y(d, b);
    T* out = static_cast<T*>(dst);
    size_t i = 0;
    for (; i + lanes <= n; i += lanes) hn::StoreU(F::call(d, x.at(d, i), y.at(d, i)), d, out + i);
    if (i < n) store_tail(F::call(d, x.tail(d, i, n - i), y.tail(d, i, n - i)), d, out + i, n - i);
}

template <class F, class T, unsigned S> void map3(void* dst, const void* a, const void* b, const void* c, size_t n) {
    const hn::ScalableTag<T> d;
    using D = decltype(d);
    const size_t lanes = hn::Lanes(d);
    const Arg<(S & 1) != 0, D> x(d, a);
    const Arg<(S & 2) != 0, D> y(d, b);
    const Arg<(S & 4) != 0, D> z(d, c);
    T* out = static_cast<T*>(dst);
    size_t i = 0;
    for (; i + lanes <= n; i += lanes) hn::StoreU(F::call(d, x.at(d, i), y.at(d, i), z.at(d, i)), d, out + i);
    if (i < n) store_tail(F::call(d, x.tail(d, i, n - i), y.tail(d, i, n - i), z.tail(d, i, n - i)), d, out + i, n - i);
}

// dst (bool) = F(a, b), F a comparison that gives a mask.
template <class F, class T, unsigned S> void compare(void* dst, const void* a, const void* b, const void*, size_t n) {
    const hn::ScalableTag<T> d;
    using D = decltype(d);
    const BoolTag<D> db;
    const size_t lanes = hn::Lanes(d);
    const Arg<(S & 1) != 0, D> x(d, a);
    const Arg<(S & 2) != 0, D> y(d, b ? b : a);
    uint8_t* out = static_cast<uint8_t*>(dst);
    size_t i = 0;
    for (; i + lanes <= n; i += lanes) hn::StoreU(to_bool(d, F::call(d, x.at(d, i), y.at(d, i))), db, out + i);
    if (i < n) {
        HWY_ALIGN uint8_t copy[HWY_MAX_BYTES];
        hn::StoreU(to_bool(d, F::call(d, x.tail(d, i, n - i), y.tail(d, i, n - i))), db, copy);
        std::memcpy(out + i, copy, n - i);
    }
}

// dst = a ? b : c with bool a.
template <class T, unsigned S> void select(void* dst, const void* a, const void* b, const void* c, size_t n) {
    const hn::ScalableTag<T> d;
    using D = decltype(d);
    const BoolTag<D> db;
    const size_t lanes = hn::Lanes(d);
    const uint8_t* cond = static_cast<const uint8_t*>(a);
    const Arg<(S & 2) != 0, D> y(d, b);
    const Arg<(S & 4) != 0, D> z(d, c);
    const hn::Vec<BoolTag<D>> one = hn::Set(db, *cond);
    T* out = static_cast<T*>(dst);
    size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        const auto m = to_mask(d, (S & 1) ? one : hn::LoadU(db, cond + i));
        hn::StoreU(hn::IfThenElse(m, y.at(d, i), z.at(d, i)), d, out + i);
    }
    if (i < n) {
        const auto m = to_mask(d, (S & 1) ? one : load_bool_tail(d, cond + i, n - i));
        store_tail(hn::IfThenElse(m, y.tail(d, i, n - i), z.tail(d, i, n - i)), d, out + i, n - i);
    }
}

// Element loops for what has no vector form. TO: type of the result.
template <class F, class T, class TO, unsigned S>
void each1(void* dst, const void* a, const void*, const void*, size_t n) {
    const T* x = static_cast<const T*>(a);
    TO* out = static_cast<TO*>(dst);
    for (size_t i = 0; i < n; ++i) out[i] = static_cast<TO>(F::call(x[i]));
}

template <class F, class T, class TO, unsigned S>
void each2(void* dst, const void* a, const void* b, const void*, size_t n) {
    const T* x = static_cast<const T*>(a);
    const T* y = static_cast<const T*>(b);
    TO* out = static_cast<TO*>(dst);
    for (size_t i = 0; i < n; ++i) out[i] = static_cast<TO>(F::call(x[(S & 1) ? 0 : i], y[(S & 2) ? 0 : i]));
}

} // namespace HWY_NAMESPACE
} // namespace ingot::cpu
HWY_AFTER_NAMESPACE();

#endif
