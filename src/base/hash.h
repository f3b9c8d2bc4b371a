// SPDX-License-Identifier: MIT
// A fast 128-bit hash of 64-bit words for executable keys (never for untrusted data; equality is always compared in full).
#pragma once

#include <cstddef>
#include <cstdint>

namespace ingot::base {

__extension__ using Wide = unsigned __int128;

struct Hash128 {
    uint64_t lo = 0x9E3779B97F4A7C15ull, hi = 0xC2B2AE3D27D4EB4Full;
    void add(uint64_t word) {
        const Wide a = static_cast<Wide>(lo ^ word) * 0xA0761D6478BD642Full;
        const Wide b = static_cast<Wide>(hi + word) * 0xE7037ED1A0B428DBull;
        lo = static_cast<uint64_t>(a) ^ static_cast<uint64_t>(b >> 64);
        hi = static_cast<uint64_t>(b) ^ static_cast<uint64_t>(a >> 64);
    }
    bool operator==(const Hash128&) const = default;
};

} // namespace ingot::base
