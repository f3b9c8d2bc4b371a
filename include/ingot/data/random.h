// SPDX-License-Identifier: MIT
// A small pseudo-random generator for data: shuffles, augmentation, drawn pictures. Not std's distributions, whose
// results differ between standard libraries: the same seed gives the same data on every machine. Tensors' random
// numbers come from Philox (ops), not from here. A value; one per thread.
#pragma once

#include <cmath>
#include <cstdint>

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
        Wide product = static_cast<Wide>(next()) * bound;
        if (static_cast<uint64_t>(product) < bound) {
            const uint64_t threshold = (0 - bound) % bound;
            while (static_cast<uint64_t>(product) < threshold) product = static_cast<Wide>(next()) * bound;
        }
        return static_cast<uint64_t>(product >> 64);
    }

    /// Uniform in [low, high].
    int64_t between(int64_t low, int64_t high) {
        return low + static_cast<int64_t>(below(static_cast<uint64_t>(high - low) + 1));
    }

    /// Uniform in [0, 1), a multiple of 2^-53.
    double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
    /// Uniform in [low, high).
    double uniform(double low, double high) { return low + (high - low) * uniform(); }
    bool chance(double probability) { return uniform() < probability; }

    /// Standard normal (Box, Muller 1958); two draws each.
    double normal() {
        const double radius = std::sqrt(-2 * std::log(1 - uniform()));
        return radius * std::cos(6.283185307179586 * uniform());
    }

    /// Gamma(shape, 1), shape > 0 (Marsaglia, Tsang 2000, "A simple method for generating gamma variables").
    double gamma(double shape) {
        if (shape < 1) return gamma(shape + 1) * std::pow(1 - uniform(), 1 / shape);
        const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
        for (;;) {
            const double x = normal(), root = 1 + c * x;
            if (root <= 0) continue;
            const double v = root * root * root;
            if (std::log(1 - uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
        }
    }

    /// Beta(a, b); a, b > 0.
    double beta(double a, double b) {
        const double x = gamma(a), y = gamma(b);
        return x + y > 0 ? x / (x + y) : 0.5;
    }

private:
    __extension__ using Wide = unsigned __int128;
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
