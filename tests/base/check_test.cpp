// SPDX-License-Identifier: MIT
#include <cstdlib>

#include <gtest/gtest.h>

#include <ingot/error.h>

#include "base/check.h"
#include "base/env.h"
#include "base/ref.h"

namespace ingot {
namespace {

TEST(CheckDeath, AFailedAssertionNamesExpressionPlaceAndMessage) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const int two = 2;
    INGOT_ASSERT(two == 2, "never printed");
    EXPECT_DEATH(INGOT_ASSERT(two == 3, "arithmetic is broken"),
                 "arithmetic is broken \\(two == 3\\) at .*check_test.cpp:");
}

TEST(Env, UnsetAndEmptyAreNothing) {
    unsetenv("INGOT_TEST_VARIABLE");
    EXPECT_FALSE(base::env("INGOT_TEST_VARIABLE"));
    setenv("INGOT_TEST_VARIABLE", "", 1);
    EXPECT_FALSE(base::env("INGOT_TEST_VARIABLE"));
    setenv("INGOT_TEST_VARIABLE", "x y", 1);
    EXPECT_EQ(base::env("INGOT_TEST_VARIABLE"), "x y");
    unsetenv("INGOT_TEST_VARIABLE");
}

TEST(ParseBytes, UnitsArePowersOf1024) {
    EXPECT_EQ(base::parse_bytes("0", "v"), 0);
    EXPECT_EQ(base::parse_bytes("123", "v"), 123);
    EXPECT_EQ(base::parse_bytes("1K", "v"), 1024);
    EXPECT_EQ(base::parse_bytes("64M", "v"), 67108864);
    EXPECT_EQ(base::parse_bytes("2G", "v"), int64_t{2} << 30);
    EXPECT_EQ(base::parse_bytes("3k", "v"), 3072);
    EXPECT_EQ(base::parse_bytes("9223372036854775807", "v"), INT64_MAX);
}

TEST(ParseBytes, EverythingElseIsAnErrorThatNamesTheVariable) {
    for (const char* bad : {"", "M", "-1", "1.5G", "64MB", "64 M", " 64M", "64M ", "1T", "0x10", "+5", "ten",
                            "9223372036854775808", "9007199254740992K", "99999999999G"}) {
        try {
            base::parse_bytes(bad, "INGOT_MEMORY_LIMIT");
            ADD_FAILURE() << "accepted '" << bad << "'";
        } catch (const Error& e) {
            EXPECT_NE(std::string(e.what()).find("INGOT_MEMORY_LIMIT: '" + std::string(bad) + "'"), std::string::npos)
                << e.what();
        }
    }
}

struct Counted : RefCounted {
    explicit Counted(int& alive) : alive_(alive) { ++alive_; }
    ~Counted() { --alive_; }
    int& alive_;
};

TEST(Ref, CountsAndDisposesOnce) {
    int alive = 0;
    {
        Ref<Counted> a = make_ref<Counted>(alive);
        EXPECT_EQ(a->ref_count(), 1u);
        Ref<Counted> b = a;
        EXPECT_EQ(a->ref_count(), 2u);
        Ref<Counted> c = std::move(b);
        EXPECT_FALSE(b);
        EXPECT_EQ(a->ref_count(), 2u);
        const Ref<Counted>& same = c;
        c = same; // assignment to itself keeps it
        EXPECT_EQ(a->ref_count(), 2u);
        c = nullptr;
        EXPECT_EQ(a->ref_count(), 1u);
        a = make_ref<Counted>(alive);
        EXPECT_EQ(alive, 1);
    }
    EXPECT_EQ(alive, 0);
}

} // namespace
} // namespace ingot
