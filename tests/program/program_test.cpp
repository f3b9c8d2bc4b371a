// SPDX-License-Identifier: MIT
// The form itself: equality, the verifier's rules, the printed text; and the interpreter on small known cases.
#include <gtest/gtest.h>

#include "program/builder.h"
#include "program/scalar_eval.h"

namespace ingot::program {
namespace {

Builder scaled(int64_t n) {
    Builder b({2}, {}, {n});
    const ValueId x = b.load(0, f32, {n, 1}), three = b.constant(f32, 3);
    b.store(1, f32, {n, 1}, b.apply(Scalar::mul, x, three));
    return b;
}

TEST(Program, EqualityIgnoresTheName) {
    Program a = *scaled(5).build(1, 1), b = a;
    b.name = "other";
    EXPECT_TRUE(a == b);
    b.code[1].imm = 4;
    EXPECT_FALSE(a == b);
    b = a;
    b.operands[0].at.coef[1] = 2;
    EXPECT_FALSE(a == b);
    b = a;
    b.axes[0] = 3;
    EXPECT_FALSE(a == b);
}

TEST(Program, PrintsOneInstructionALine) {
    Builder b({4}, {}, {10});
    b.raw().name = "softmax";
    Operand padded = b.operand(0, bf16, {10, 1}, -1);
    padded.guards = {b.guard({0, 1}, -1, 0, 10)};
    const ValueId x = b.load(padded);
    const ValueId m = b.reduce(Monoid::Max, Level::Point, 0, Level::Row, x);
    b.at(Level::Point, 1);
    b.store(1, f32, {10, 1}, b.apply(Scalar::sub, x, m));
    EXPECT_EQ(print(*b.build(1, 1)), "program softmax (p0=4, r0=10) inputs=1 outputs=1 stages=2\n"
                                     "  [point.0] %0:f32 = load in0:bf16[10*p0 + r0 - 1] if 0 <= r0 - 1 < 10 else 0\n"
                                     "  [row.0] %1:f32 = max over point.0 of %0\n"
                                     "  [point.1] %2:f32 = sub %0, %1\n"
                                     "  [point.1] store out0:f32[10*p0 + r0], %2\n");
}

using ProgramDeathTest = ::testing::Test;

TEST(ProgramDeathTest, VerifierRefusesWhatBreaksTheForm) {
    const auto broken = [](const auto& change) {
        Program p = *scaled(5).build(1, 1);
        change(p);
        verify(p);
    };
    EXPECT_DEATH(broken([](Program& p) { p.code[2].a = 7; }), "value id");
    EXPECT_DEATH(broken([](Program& p) { std::swap(p.code[0], p.code[2]); }), "used before it is defined");
    EXPECT_DEATH(broken([](Program& p) { p.code[2].dst = 0; }), "defined twice");
    EXPECT_DEATH(broken([](Program& p) { p.code[2].type = f64; }), "type of a result");
    EXPECT_DEATH(broken([](Program& p) { p.code[0].type = f64; }), "type of a load");
    EXPECT_DEATH(broken([](Program& p) { p.operands[0].buffer = 2; }), "operand's buffer");
    EXPECT_DEATH(broken([](Program& p) { p.operands[0].at.coef.pop_back(); }), "one coefficient per axis");
    EXPECT_DEATH(broken([](Program& p) { p.code[2].stage = 1; }), "stage of an instruction");
    EXPECT_DEATH(broken([](Program& p) { p.code[2].level = Level::Row; }),
                 "where it does not exist|order of execution");
    EXPECT_DEATH(broken([](Program& p) { p.code[2].c = 0; }), "number of arguments");
    EXPECT_DEATH(broken([](Program& p) { p.code[0].level = Level::Once; }), "an axis that its level does not have");
    EXPECT_DEATH(broken([](Program& p) { p.num_r = 2; }), "groups do not add up");
    EXPECT_DEATH(broken([](Program& p) { p.segments.push_back({3, {0, 1}}); }), "segments are maps");
}

TEST(ProgramDeathTest, VerifierRefusesPointsOfTheSameStageInARow) {
    Builder b({}, {}, {4});
    const ValueId x = b.load(0, f32, {1});
    const ValueId s = b.reduce(Monoid::Sum, Level::Point, 0, Level::Row, x);
    b.store(1, f32, {1}, b.apply(Scalar::sub, x, s)); // stage 0: the sum is not finished
    EXPECT_DEATH(b.build(1, 1), "used before it is defined|where it does not exist");
}

TEST(Interpret, SoftmaxOfASmallRow) {
    Builder b({1}, {}, {3});
    const ValueId x = b.load(0, f64, {3, 1});
    const ValueId m = b.reduce(Monoid::Max, Level::Point, 0, Level::Row, x);
    b.at(Level::Point, 1);
    const ValueId e = b.apply(Scalar::exp, b.apply(Scalar::sub, x, m));
    const ValueId s = b.reduce(Monoid::Sum, Level::Point, 1, Level::Row, e);
    b.at(Level::Point, 2).store(1, f64, {3, 1}, b.apply(Scalar::div, e, s));
    double in[3] = {1, 2, 3}, out[3] = {};
    void* buffers[2] = {in, out};
    interpret(*b.build(1, 1), buffers, nullptr);
    EXPECT_NEAR(out[0], 0.09003057317038046, 1e-15);
    EXPECT_NEAR(out[1], 0.24472847105479764, 1e-15);
    EXPECT_NEAR(out[2], 0.6652409557748218, 1e-15);
}

TEST(Interpret, LevelsOfReduction) {
    // x[p, a, r] = 100 p + 10 a + r over 2 x 3 x 4: sums by hand.
    Builder b({2}, {3}, {4});
    const ValueId x = b.cast(f64, b.iota({100, 10, 1}));
    const ValueId row = b.reduce(Monoid::Sum, Level::Point, 0, Level::Row, x);
    const ValueId total = b.reduce(Monoid::Sum, Level::Point, 0, Level::Final, x);
    const ValueId column = b.reduce(Monoid::Max, Level::Point, 0, Level::Column, x);
    b.at(Level::Row).store(0, f64, {3, 1, 0}, row);
    const ValueId last = b.reduce(Monoid::ArgMax, Level::Row, 0, Level::Final, row);
    b.at(Level::Final).store(1, f64, {1, 0, 0}, total);
    b.store(2, i64, {1, 0, 0}, last);
    b.at(Level::Column).store(3, f64, {4, 0, 1}, column);
    double rows[6], totals[2], columns[8];
    int64_t lasts[2];
    void* buffers[4] = {rows, totals, lasts, columns};
    interpret(*b.build(0, 4), buffers, nullptr);
    EXPECT_EQ(rows[0], 6);
    EXPECT_EQ(rows[5], 4 * 120 + 6);
    EXPECT_EQ(totals[0], 3 * 6 + 4 * 30);
    EXPECT_EQ(totals[1], 12 * 100 + 3 * 6 + 4 * 30);
    EXPECT_EQ(lasts[0], 2);
    EXPECT_EQ(columns[1], 21);
    EXPECT_EQ(columns[7], 123);
}

TEST(Interpret, IntegersAreExactAndWrap) {
    const auto i = [](int64_t v) { return Value{0, v}; };
    const int64_t big = (int64_t{1} << 62) + 1;
    EXPECT_EQ(apply(Scalar::add, i64, i(big), i(1), {}).i, big + 1);
    EXPECT_EQ(apply(Scalar::mul, i32, i(65536), i(65537), {}).i, 65536);
    EXPECT_EQ(apply(Scalar::floor_divide, i64, i(-7), i(2), {}).i, -4);
    EXPECT_EQ(apply(Scalar::remainder, i64, i(-7), i(2), {}).i, 1);
    EXPECT_EQ(apply(Scalar::floor_divide, i32, i(-2147483648ll), i(-1), {}).i, -2147483648ll);
    EXPECT_EQ(apply(Scalar::floor_divide, i64, i(5), i(0), {}).i, 0);
    EXPECT_EQ(cast(f64, i32, {1e20, 0}).i, 2147483647);
    EXPECT_EQ(cast(f64, i64, {-1e30, 0}).i, INT64_MIN);
    EXPECT_EQ(cast(f32, i32, {NAN, 0}).i, 0);
    EXPECT_EQ(cast(f32, i32, {-2.9, 0}).i, -2);
}

} // namespace
} // namespace ingot::program
