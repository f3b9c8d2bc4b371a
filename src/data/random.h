// SPDX-License-Identifier: MIT
// A small pseudo-random generator for data: shuffles, augmentation, drawn pictures. Not std::distributions, whose
// results differ between standard libraries: the same seed gives the same data on every machine. Tensors' random
// numbers come from Philox (ops), not from here. A value; one per thread.
#pragma once

#include <cstdint>

#include "base/hash.h"

namespace ingot::data {

/// SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
class Random {
public:
    /// A stream of its own for every combination of the arguments.
    explicit Random(uint64_t seed, uint64_t a = 0, uint64_t b = 0)
        : state_(mix(mix(mix(seed + kGamma) + a + kGamma) + b + kGamma)) {}

    uint64_t next() { return mix(state_ += kGamma); }

    /// Uniform in [0, bound), bound > 0, without bias (Lemire 2019, "Fast random integer generation in an interval").
    uint64_t below(uint64_t bound) {
        base::Wide product = static_cast<base::Wide>(next()) * bound;
        if (static_cast<uint64_t>(product) < bound) {
            const uint64_t threshold = (0 - bound) % bound;
            while (static_cast<uint64_t>(product) < threshold) product = static_cast<base::Wide>(next()) * bound;
        }
        return static_cast<uint64_t>(product >> 64);
    }

    /// Uniform in [low, high].
    int64_t between(int64_t low, int64_t high) {
        return low + static_cast<int64_t>(below(static_cast<uint64_t>(high - low) + 1));
    }

private:
    static constexpr uint64_t kGamma = 0x9E3779B97F4A7C15ull;
    static constexpr uint64_t mix(uint64_t z) {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
        return z ^ (z >> 31);
    }
    uint64_t state_;
};

/// Fisher-Yates on [first, first + count).
template <class T> void shuffle(T* first, int64_t count, Random& random) {
    for (int64_t i = count - 1; i > 0; --i) {
        const auto j = static_cast<int64_t>(random.below(static_cast<uint64_t>(i) + 1));
        const T held = first[i];
        first[i] = first[j];
        first[j] = held;
    }
}

} // namespace ingot::data
