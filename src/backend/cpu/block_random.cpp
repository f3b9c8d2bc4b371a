// SPDX-License-Identifier: MIT
// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011), many counters at
// once.
#include "base/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/block_random.cpp"
#include <hwy/foreach_target.h>

#include <cstdint>

#include <hwy/highway.h>

#include "backend/cpu/block_functions.h"
#include "program/philox.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

HWY_INLINE float to_unit(uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }

HWY_INLINE float one(uint64_t seed, uint64_t word) { return to_unit(program::random_word(seed, word)); }

#if HWY_TARGET != HWY_SCALAR
// The words of counters first .. first + Lanes(u64) - 1, in order: 4 floats for each counter. Each 64-bit lane holds
// one 32-bit number in its lower half.
template <class D64> HWY_INLINE void generate(D64 d64, uint64_t seed, uint64_t first, float* out) {
    const hn::Repartition<uint32_t, D64> d32;
    const auto low = hn::Set(d64, 0xFFFFFFFFull);
    const auto counter = hn::Add(hn::Iota(d64, 0), hn::Set(d64, first));
    auto c0 = hn::And(counter, low), c1 = hn::ShiftRight<32>(counter), c2 = hn::Zero(d64), c3 = hn::Zero(d64);
    const auto m0 = hn::BitCast(d32, hn::Set(d64, 0xD2511F53ull)), m1 = hn::BitCast(d32, hn::Set(d64, 0xCD9E8D57ull));
    uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
        const auto p0 = hn::MulEven(hn::BitCast(d32, c0), m0), p1 = hn::MulEven(hn::BitCast(d32, c2), m1);
        c0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p1), c1), hn::Set(d64, uint64_t{k0}));
        c1 = hn::And(p1, low);
        c2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p0), c3), hn::Set(d64, uint64_t{k1}));
        c3 = hn::And(p0, low);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    // (c0 | c1 << 32), (c2 | c3 << 32) interleaved are the words in order.
    const auto a = hn::Or(c0, hn::ShiftLeft<32>(c1)), b = hn::Or(c2, hn::ShiftLeft<32>(c3));
    HWY_ALIGN uint64_t words[2 * HWY_MAX_BYTES / sizeof(uint64_t)];
    hn::StoreInterleaved2(a, b, d64, words);
    const hn::RebindToFloat<decltype(d32)> df;
    const hn::RebindToSigned<decltype(d32)> di;
    const auto unit = hn::Set(df, 0x1p-24f);
    const uint32_t* w = reinterpret_cast<const uint32_t*>(words);
    for (size_t i = 0; i < 2; ++i) {
        const auto v = hn::ShiftRight<8>(hn::Load(d32, w + i * hn::Lanes(d32)));
        hn::StoreU(hn::Mul(hn::ConvertTo(df, hn::BitCast(di, v)), unit), df, out + i * hn::Lanes(d32));
    }
}

// Length of the run of consecutive numbers at the start of a.
HWY_INLINE size_t run_length(const int64_t* a, size_t n) {
    const hn::ScalableTag<int64_t> d;
    const auto expected = hn::Add(hn::Iota(d, 0), hn::Set(d, a[0]));
    size_t i = 0;
    for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
        const auto want = hn::Add(expected, hn::Set(d, static_cast<int64_t>(i)));
        if (!hn::AllTrue(d, hn::Eq(hn::LoadU(d, a + i), want))) break;
    }
    while (i < n && a[i] == a[0] + static_cast<int64_t>(i)) ++i;
    return i;
}
#endif

} // namespace

void random_vectors(float* dst, const int64_t* a, uint64_t seed, uint64_t base, size_t n) {
#if HWY_TARGET == HWY_SCALAR
    for (size_t i = 0; i < n; ++i) dst[i] = one(seed, base + static_cast<uint64_t>(a[i]));
#else
    const hn::ScalableTag<uint64_t> d64;
    const size_t step = 4 * hn::Lanes(d64);
    for (size_t i = 0; i < n;) {
        size_t run = run_length(a + i, n - i);
        uint64_t word = base + static_cast<uint64_t>(a[i]);
        // Whole counters in vectors; the ends of a run one by one.
        while (run > 0 && (word & 3) != 0) dst[i++] = one(seed, word++), --run;
        for (; run >= step; run -= step, i += step, word += step) generate(d64, seed, word >> 2, dst + i);
        if (run > 0) {
            HWY_ALIGN float rest[4 * HWY_MAX_BYTES / sizeof(uint64_t)];
            generate(d64, seed, word >> 2, rest);
            for (size_t j = 0; j < run; ++j) dst[i++] = rest[j];
        }
    }
#endif
}

} // namespace HWY_NAMESPACE
} // namespace ingot::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::cpu {
HWY_EXPORT(random_vectors);
void random_block(float* dst, const int64_t* a, uint64_t seed, uint64_t base, size_t n) {
    HWY_DYNAMIC_DISPATCH(random_vectors)(dst, a, seed, base, n);
}
} // namespace ingot::cpu
#endif
