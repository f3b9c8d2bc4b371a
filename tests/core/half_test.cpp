// SPDX-License-Identifier: MIT
// Every 16-bit pattern, against values computed by other means (ldexp), and rounding of everything between neighbours.
#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include "core/half.h"

namespace ingot::core {
namespace {

/// The value of a pattern with `exponent_bits` and `mantissa_bits`, from the definition of the formats.
double value_of(uint16_t bits, int exponent_bits, int mantissa_bits) {
    const double sign = bits & 0x8000 ? -1 : 1;
    const int exponent = (bits & 0x7FFF) >> mantissa_bits;
    const int mantissa = bits & ((1 << mantissa_bits) - 1);
    const int bias = (1 << (exponent_bits - 1)) - 1;
    if (exponent == (1 << exponent_bits) - 1) {
        if (mantissa != 0) return std::numeric_limits<double>::quiet_NaN();
        return sign * std::numeric_limits<double>::infinity();
    }
    if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - mantissa_bits);
    return sign * std::ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits);
}

struct Format {
    int exponent_bits, mantissa_bits;
    float (*widen)(uint16_t);
    uint16_t (*narrow)(float);
    uint16_t infinity;
};
constexpr Format kF16{5, 10, f16_to_f32, f32_to_f16, 0x7C00};
constexpr Format kBf16{8, 7, bf16_to_f32, f32_to_bf16, 0x7F80};

class Half : public testing::TestWithParam<Format> {};

TEST_P(Half, AllPatternsHaveTheirValueAndComeBack) {
    const Format& f = GetParam();
    for (uint32_t i = 0; i <= 0xFFFF; ++i) {
        const auto bits = static_cast<uint16_t>(i);
        const double expected = value_of(bits, f.exponent_bits, f.mantissa_bits);
        const float value = f.widen(bits);
        if (std::isnan(expected)) {
            ASSERT_TRUE(std::isnan(value)) << i;
            ASSERT_TRUE(std::isnan(f.widen(f.narrow(value)))) << i;
            ASSERT_EQ(f.narrow(value) & 0x8000, bits & 0x8000) << i;
            continue;
        }
        ASSERT_EQ(static_cast<double>(value), expected) << i;
        ASSERT_EQ(std::signbit(value), (bits & 0x8000) != 0) << i;
        ASSERT_EQ(f.narrow(value), bits) << i;
    }
}

TEST_P(Half, BetweenNeighboursTheNearestIsTakenAndTiesGoToEven) {
    const Format& f = GetParam();
    for (uint32_t i = 0; i < f.infinity; ++i) {
        const auto low = static_cast<uint16_t>(i), high = static_cast<uint16_t>(i + 1);
        // Beyond the largest finite value the tie lies where the next value would be.
        const double a = f.widen(low);
        const double step = high == f.infinity ? a - f.widen(static_cast<uint16_t>(i - 1)) : f.widen(high) - a;
        const auto middle = static_cast<float>(a + step / 2);
        if (static_cast<double>(middle) != a + step / 2) continue; // f32 cannot hold the tie (deepest bf16 subnormals)
        for (const float sign : {1.0f, -1.0f}) {
            const uint16_t s = sign < 0 ? 0x8000 : 0;
            ASSERT_EQ(f.narrow(sign * middle), s | (i % 2 == 0 ? low : high)) << i;
            ASSERT_EQ(f.narrow(sign * std::nextafterf(middle, 0.0f)), s | low) << i;
            ASSERT_EQ(f.narrow(sign * std::nextafterf(middle, INFINITY)), s | high) << i;
        }
    }
}

TEST_P(Half, Extremes) {
    const Format& f = GetParam();
    EXPECT_EQ(f.narrow(INFINITY), f.infinity);
    EXPECT_EQ(f.narrow(-INFINITY), f.infinity | 0x8000);
    EXPECT_EQ(f.narrow(std::numeric_limits<float>::max()), f.infinity);
    EXPECT_EQ(f.narrow(0.0f), 0);
    EXPECT_EQ(f.narrow(-0.0f), 0x8000);
    EXPECT_EQ(f.narrow(std::numeric_limits<float>::denorm_min()), 0);
    // A NaN whose payload lies only in the bits that go away must not become infinity.
    EXPECT_TRUE(std::isnan(f.widen(f.narrow(std::bit_cast<float>(0x7F800001u)))));
    EXPECT_TRUE(std::isnan(f.widen(f.narrow(std::bit_cast<float>(0x7FFFFFFFu)))));
}

INSTANTIATE_TEST_SUITE_P(Formats, Half, testing::Values(kF16, kBf16),
                         [](const auto& info) { return info.param.mantissa_bits == 10 ? "f16" : "bf16"; });

} // namespace
} // namespace ingot::core
