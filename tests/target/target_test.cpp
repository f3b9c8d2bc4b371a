// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "base/parallel.h"
#include "target/target.h"

namespace ingot::target {
namespace {

TEST(Target, DTypeSetsHoldWhatTheyWereGiven) {
    constexpr DTypeSet some{f32, bf16, boolean};
    static_assert(some.has(f32) && some.has(bf16) && some.has(boolean));
    static_assert(!some.has(f64) && !some.has(f16) && !some.has(i32) && !some.has(i64) && !some.has(u8));
    for (const DType t : {f32, f64, f16, bf16, i32, i64, u8, boolean}) {
        EXPECT_TRUE(kAllDTypes.has(t)) << name(t);
        EXPECT_FALSE(DTypeSet{}.has(t)) << name(t);
    }
}

TEST(Target, TheCpuDescribesThisMachine) {
    const Target t = cpu(true);
    EXPECT_EQ(t.kind, Device::Kind::cpu);
    EXPECT_EQ(t.threads, base::num_threads());
    EXPECT_TRUE(t.vector_floats == 4 || t.vector_floats == 8 || t.vector_floats == 16);
    EXPECT_EQ(t.channel_block, t.vector_floats);
    EXPECT_GE(t.l1_bytes, 8 << 10);
    EXPECT_GE(t.l2_bytes, t.l1_bytes);
    EXPECT_TRUE(t.fusion);
    EXPECT_TRUE(t.prefers_rows(3, 8));
    EXPECT_FALSE(t.prefers_rows(3, 32));
    EXPECT_FALSE(t.prefers_rows(8, 8));
    EXPECT_TRUE(t.can_store(bf16));
    EXPECT_FALSE(t.can_compute(bf16));
    EXPECT_EQ(cpu(false).channel_block, 0);
}

TEST(Target, TheReferenceStoresEverythingAndFusesNothing) {
    const Target t = reference();
    EXPECT_EQ(t.kind, Device::Kind::reference);
    EXPECT_FALSE(t.fusion);
    EXPECT_EQ(t.channel_block, 0);
    EXPECT_FALSE(t.channels_last);
    EXPECT_FALSE(t.prefers_rows(1, 1));
    for (const DType d : {f32, f64, f16, bf16, i32, i64, u8, boolean}) EXPECT_TRUE(t.can_store(d)) << name(d);
}

} // namespace
} // namespace ingot::target
