// SPDX-License-Identifier: MIT
// What the Highway kernels of matmul, convolution and pooling share. Compiled once per target: include after <hwy/highway.h>, outside
// any namespace, in files that are re-included through foreach_target.h.
//   load_first / store_first: `count` <= lanes elements and not a byte more (Highway's masked accesses may need alignment or read
//     whole vectors on targets without masked instructions); the rest of a loaded vector is 0.
//   INGOT_KEEP(v): stops the compiler from reading a vector's memory again at each use, which binds loops to the load ports.
#if defined(INGOT_CPU_MATMUL_SIMD) == defined(HWY_TARGET_TOGGLE)
#ifdef INGOT_CPU_MATMUL_SIMD
#undef INGOT_CPU_MATMUL_SIMD
#else
#define INGOT_CPU_MATMUL_SIMD
#endif

#include <cstdint>
#include <cstring>

#undef INGOT_KEEP
#if HWY_TARGET <= HWY_SSE2 && defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define INGOT_KEEP(v) asm("" : "+v"((v).raw))
#else
#define INGOT_KEEP(v) ((void)0)
#endif

HWY_BEFORE_NAMESPACE();
namespace ingot::cpu::HWY_NAMESPACE {

/// Whether the target has instructions that touch only some elements of type T.
template <class T> constexpr bool kMaskedAccess = HWY_TARGET <= HWY_AVX3 || (HWY_TARGET <= HWY_AVX2 && sizeof(T) >= 4);

template <class D>
HWY_INLINE hwy::HWY_NAMESPACE::Vec<D> load_first(D d, const hwy::HWY_NAMESPACE::TFromD<D>* p, int64_t count) {
    namespace hn = hwy::HWY_NAMESPACE;
    using T = hn::TFromD<D>;
    if (count == static_cast<int64_t>(hn::Lanes(d))) return hn::LoadU(d, p);
    if constexpr (kMaskedAccess<T>) return hn::MaskedLoad(hn::FirstN(d, static_cast<size_t>(count)), d, p);
    HWY_ALIGN T buffer[HWY_MAX_BYTES / sizeof(T)] = {};
    std::memcpy(buffer, p, static_cast<size_t>(count) * sizeof(T));
    return hn::Load(d, buffer);
}

template <class D>
HWY_INLINE void store_first(hwy::HWY_NAMESPACE::Vec<D> v, D d, hwy::HWY_NAMESPACE::TFromD<D>* p, int64_t count) {
    namespace hn = hwy::HWY_NAMESPACE;
    using T = hn::TFromD<D>;
    if (count == static_cast<int64_t>(hn::Lanes(d))) return hn::StoreU(v, d, p);
    if constexpr (kMaskedAccess<T>) return hn::BlendedStore(v, hn::FirstN(d, static_cast<size_t>(count)), d, p);
    HWY_ALIGN T buffer[HWY_MAX_BYTES / sizeof(T)];
    hn::Store(v, d, buffer);
    std::memcpy(p, buffer, static_cast<size_t>(count) * sizeof(T));
}

} // namespace ingot::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
