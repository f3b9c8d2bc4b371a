// SPDX-License-Identifier: MIT
// What this machine can do at most, for profiles: independent multiply-adds in registers, and a copy of more memory than
// caches hold. Best of a few rounds, about 0.2 seconds in all.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <vector>

#include "base/simd_targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/limits.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "backend/cpu/cpu_backend.h"
#include "base/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// `rounds` times 12 independent multiply-adds; returns the operations and, so that nothing is left out, their sum in *sum.
double multiply_add(int64_t rounds, float* sum) {
    const hn::ScalableTag<float> d;
    const auto scale = hn::Set(d, 0.999f), shift = hn::Set(d, 0.001f);
    // Different values: compilers join computations that are equal.
    auto a0 = hn::Set(d, 0.0f), a1 = hn::Set(d, 0.1f), a2 = hn::Set(d, 0.2f), a3 = hn::Set(d, 0.3f);
    auto a4 = hn::Set(d, 0.4f), a5 = hn::Set(d, 0.5f), a6 = hn::Set(d, 0.6f), a7 = hn::Set(d, 0.7f);
    auto a8 = hn::Set(d, 0.8f), a9 = hn::Set(d, 0.9f), a10 = hn::Set(d, 1.0f), a11 = hn::Set(d, 1.1f);
    for (int64_t i = 0; i < rounds; ++i) {
        a0 = hn::MulAdd(a0, scale, shift);
        a1 = hn::MulAdd(a1, scale, shift);
        a2 = hn::MulAdd(a2, scale, shift);
        a3 = hn::MulAdd(a3, scale, shift);
        a4 = hn::MulAdd(a4, scale, shift);
        a5 = hn::MulAdd(a5, scale, shift);
        a6 = hn::MulAdd(a6, scale, shift);
        a7 = hn::MulAdd(a7, scale, shift);
        a8 = hn::MulAdd(a8, scale, shift);
        a9 = hn::MulAdd(a9, scale, shift);
        a10 = hn::MulAdd(a10, scale, shift);
        a11 = hn::MulAdd(a11, scale, shift);
    }
    const auto low = hn::Add(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)), hn::Add(a4, a5));
    const auto high = hn::Add(hn::Add(hn::Add(a6, a7), hn::Add(a8, a9)), hn::Add(a10, a11));
    *sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(low, high)));
    return static_cast<double>(rounds) * 12 * 2 * static_cast<double>(hn::Lanes(d));
}

} // namespace ingot::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::cpu {

HWY_EXPORT(multiply_add);

namespace {

constexpr int kRounds = 5;
constexpr int64_t kCopyBytes = int64_t{64} << 20; // read, and as many written
constexpr int64_t kMulAdds = 2'000'000;           // of 12 vectors per thread: some 8 ms

/// The shortest of a few runs, in seconds.
template <class F> double best_time(const F& f) {
    using Clock = std::chrono::steady_clock;
    double best = 1e30;
    for (int i = 0; i < kRounds; ++i) {
        const auto start = Clock::now();
        f();
        best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
    }
    return best;
}

} // namespace

base::profile::Limits measure_limits() {
    base::profile::Limits limits;
    const int threads = base::num_threads();
    struct alignas(64) Slot {
        double operations = 0;
        float sum = 0;
    };
    std::vector<Slot> slots(static_cast<size_t>(threads));
    const double arithmetic = best_time([&] {
        base::parallel_for(threads, 1, [&](int64_t first, int64_t last) {
            for (int64_t t = first; t < last; ++t) {
                Slot& slot = slots[static_cast<size_t>(t)];
                slot.operations = HWY_DYNAMIC_DISPATCH(multiply_add)(kMulAdds, &slot.sum);
            }
        });
    });
    double operations = 0;
    for (const Slot& slot : slots) operations += slot.operations;
    limits.flops_per_s = operations / arithmetic;

    // Filled by the threads that copy them, so that no page is touched for the first time while the clock runs.
    const std::unique_ptr<char[]> from(new char[kCopyBytes]), to(new char[kCopyBytes]);
    const auto each = [&](const auto& f) { base::parallel_for(kCopyBytes, kCopyBytes / (4 * threads), f); };
    each([&](int64_t begin, int64_t end) {
        std::memset(from.get() + begin, 1, static_cast<size_t>(end - begin));
        std::memset(to.get() + begin, 2, static_cast<size_t>(end - begin));
    });
    const double copying = best_time([&] {
        each([&](int64_t begin, int64_t end) {
            std::memcpy(to.get() + begin, from.get() + begin, static_cast<size_t>(end - begin));
        });
    });
    limits.bytes_per_s = 2.0 * static_cast<double>(kCopyBytes) / copying;
    return limits;
}

} // namespace ingot::cpu
#endif
