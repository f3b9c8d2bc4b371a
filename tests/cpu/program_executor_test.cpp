// SPDX-License-Identifier: MIT
// Programs of the kinds that networks are made of, against the interpreter.
#include "program_testing.h"

namespace ingot::cpu::testing {
namespace {

using namespace program;

TEST(Program, MapOfTwoDenseOperands) {
    for (int64_t n : {1, 7, 8, 9, 1000, 1025, 5000, 100000}) {
        Builder b({}, {}, {n});
        const ValueId x = b.load(0, f32, {1}), y = b.load(1, f32, {1});
        b.store(2, f32, {1}, b.apply(Scalar::add, b.apply(Scalar::mul, x, y), x));
        check(b.build(2, 1), {TestBuffer(f32, n).fill(1), TestBuffer(f32, n).fill(2), TestBuffer(f32, n)});
    }
}

TEST(Program, EmptyExtentDoesNothing) {
    Builder b({4}, {}, {0});
    b.store(1, f32, {0, 1}, b.load(0, f32, {0, 1}));
    check(b.build(1, 1), {TestBuffer(f32, 0), TestBuffer(f32, 0)});
}

// out[n, h, c] = relu(x[n, h, c] * s[c] + bias[c] + r[n]): channels-last bias with short rows, and a value per image.
TEST(Program, MapWithBroadcasts) {
    for (int64_t c : {1, 3, 6, 8, 10, 16, 64, 300, 1500}) {
        const int64_t n = 5, h = 37;
        Builder b({n, h}, {}, {c});
        const ValueId x = b.load(0, f32, {h * c, c, 1}), s = b.load(1, f32, {0, 0, 1}), t = b.load(2, f32, {0, 0, 1});
        const ValueId r = b.load(3, f32, {1, 0, 0});
        const ValueId y = b.apply(Scalar::add, b.apply(Scalar::add, b.apply(Scalar::mul, x, s), t), r);
        b.store(4, f32, {h * c, c, 1}, b.apply(Scalar::relu, y));
        check(b.build(4, 1), {TestBuffer(f32, n * h * c).fill(1), TestBuffer(f32, c).fill(2),
                              TestBuffer(f32, c).fill(3), TestBuffer(f32, n).fill(4), TestBuffer(f32, n * h * c)});
    }
}

TEST(Program, MapWithTransposedOperands) {
    for (auto [m, n] : {std::pair<int64_t, int64_t>{3, 5}, {17, 33}, {100, 1300}, {1300, 7}, {64, 64}, {257, 511}}) {
        Builder b({m}, {}, {n});
        const ValueId x = b.load(0, f32, {1, m}), y = b.load(1, f32, {n, 1});
        const ValueId sum = b.apply(Scalar::add, x, y);
        b.store(2, f32, {n, 1}, sum);
        b.store(3, f32, {1, m}, b.apply(Scalar::neg, sum));
        const TestBuffer any(f32, m * n);
        check(b.build(2, 2), {TestBuffer(f32, m * n).fill(1), TestBuffer(f32, m * n).fill(2), any, any});
    }
}

// A padded read: out[i, j] = x[i - 1, j - 2] inside, -7 outside; and a write that leaves the border alone.
TEST(Program, Guards) {
    const int64_t h = 9, w = 40;
    Builder b({h + 2}, {}, {w + 4});
    Operand in = b.operand(0, f32, {w, 1}, -w - 2);
    in.guards = {b.guard({1, 0}, -1, 0, h), b.guard({0, 1}, -2, 0, w)};
    in.fill = -7;
    const ValueId x = b.load(in);
    Operand out = b.operand(1, f32, {w + 4, 1});
    out.guards = {b.guard({0, 2}, 1, 6, 2 * w), b.guard({-3, 0}, 3 * h, 2, 3 * h)};
    b.store(out, x);
    check(b.build(1, 1), {TestBuffer(f32, h * w).fill(1), TestBuffer(f32, (h + 2) * (w + 4)).fill(2)});
}

TEST(Program, GatherRowsAndElements) {
    for (int64_t width : {1, 5, 64, 1500}) {
        const int64_t n = 50, rows = 20;
        Builder b({n}, {}, {width});
        const ValueId id = b.load(1, i64, {1, 0});
        Operand table = b.operand(0, f32, {0, 1});
        table.index = id;
        table.index_coef = width;
        table.index_bound = rows;
        const ValueId x = b.load(table);
        const ValueId lane = b.cast(i64, b.load(2, i32, {0, 1}));
        Operand pick = b.operand(0, f32, {0, 0});
        pick.index = lane;
        pick.index_coef = 1;
        pick.index_bound = rows * width;
        const ValueId y = b.load(pick);
        b.store(3, f32, {width, 1}, b.apply(Scalar::add, x, y));
        check(b.build(3, 1),
              {TestBuffer(f32, rows * width).fill(1), TestBuffer(i64, n).fill(2, 0, rows - 1),
               TestBuffer(i32, width).fill(3, 0, static_cast<double>(rows * width - 1)), TestBuffer(f32, n * width)});
    }
}

TEST(Program, BadIndexIsClampedAndReported) {
    Builder b({3}, {}, {4});
    Operand table = b.operand(0, f32, {0, 1});
    table.index = b.load(1, i64, {1, 0});
    table.index_coef = 4;
    table.index_bound = 5;
    b.store(2, f32, {4, 1}, b.load(table));
    Buffers buffers{TestBuffer(f32, 20).fill(1), TestBuffer(i64, 3), TestBuffer(f32, 12)};
    buffers[1].set(0, 2);
    buffers[1].set(1, -1);
    buffers[1].set(2, 4);
    const ProgramPtr p = b.build(2, 1);
    check(p, buffers);
    const ErrorWord error = execute(ProgramExecutor(p), buffers);
    EXPECT_EQ(error.code, 1);
    EXPECT_EQ(error.value, -1);
    EXPECT_EQ(error.bound, 5);
}

ProgramPtr softmax(int64_t rows, int64_t n, DType memory = f32) {
    Builder b({rows}, {}, {n});
    const ValueId x = b.load(0, memory, {n, 1});
    const ValueId m = b.reduce(Monoid::Max, Level::Point, 0, Level::Row, x);
    b.at(Level::Point, 1);
    const ValueId e = b.apply(Scalar::exp, b.apply(Scalar::sub, x, m));
    const ValueId s = b.reduce(Monoid::Sum, Level::Point, 1, Level::Row, e);
    b.at(Level::Point, 2);
    b.store(1, memory, {n, 1}, b.apply(Scalar::div, e, s));
    return b.build(1, 1);
}

TEST(Program, Softmax) {
    for (int64_t n : {1, 2, 7, 8, 9, 10, 64, 500, 1000, 1025, 5000, 300000}) {
        const int64_t rows = n > 100000 ? 2 : 33;
        check(softmax(rows, n), {TestBuffer(f32, rows * n).fill(1), TestBuffer(f32, rows * n)}, {4e-6, 1e-7});
    }
    check(softmax(9, 100, bf16), {TestBuffer(bf16, 900).fill(1), TestBuffer(bf16, 900)});
    check(softmax(9, 2000, f16), {TestBuffer(f16, 18000).fill(1), TestBuffer(f16, 18000)});
}

TEST(Program, SoftmaxInPlace) {
    for (int64_t n : {10, 1000, 5000, 300000}) {
        const int64_t rows = n > 100000 ? 2 : 7;
        check(softmax(rows, n), {TestBuffer(f32, rows * n).fill(1), TestBuffer(f32, 1)}, {4e-6, 1e-7}, {-1, 0});
    }
}

TEST(Program, LayerNorm) {
    for (int64_t n : {1, 8, 10, 100, 768, 1024, 1025, 5000}) {
        const int64_t rows = 21;
        Builder b({rows}, {}, {n});
        const ValueId x = b.load(0, f32, {n, 1});
        ValueId m2 = kNone;
        const ValueId mean = b.reduce(Monoid::Welford, Level::Point, 0, Level::Row, x, &m2);
        b.at(Level::Row, 0);
        const ValueId var = b.apply(Scalar::mul, m2, b.constant(f32, 1.0 / static_cast<double>(n)));
        const ValueId rstd = b.apply(Scalar::rsqrt, b.apply(Scalar::add, var, b.constant(f32, 1e-5)));
        b.store(4, f32, {1, 0}, mean);
        b.store(5, f32, {1, 0}, rstd);
        b.at(Level::Point, 1);
        const ValueId w = b.load(1, f32, {0, 1}), c = b.load(2, f32, {0, 1});
        const ValueId y = b.apply(Scalar::mul, b.apply(Scalar::sub, x, mean), rstd);
        b.store(3, f32, {n, 1}, b.apply(Scalar::add, b.apply(Scalar::mul, y, w), c));
        check(b.build(3, 3),
              {TestBuffer(f32, rows * n).fill(1, 90, 110), TestBuffer(f32, n).fill(2), TestBuffer(f32, n).fill(3),
               TestBuffer(f32, rows * n), TestBuffer(f32, rows), TestBuffer(f32, rows)},
              {2e-4, 2e-4});
    }
}

// dx, and the gradients of weight and bias accumulated over the rows.
TEST(Program, LayerNormBackward) {
    for (auto [rows, n] :
         {std::pair<int64_t, int64_t>{7, 5}, {300, 8}, {40, 100}, {500, 768}, {12, 3000}, {3000, 16}}) {
        Builder b({}, {rows}, {n});
        const ValueId x = b.load(0, f32, {n, 1}), dy = b.load(1, f32, {n, 1});
        const ValueId mean = b.load(2, f32, {1, 0}), rstd = b.load(3, f32, {1, 0}), w = b.load(4, f32, {0, 1});
        const ValueId xhat = b.apply(Scalar::mul, b.apply(Scalar::sub, x, mean), rstd);
        const ValueId g = b.apply(Scalar::mul, dy, w), gx = b.apply(Scalar::mul, g, xhat);
        const ValueId dyx = b.apply(Scalar::mul, dy, xhat);
        const ValueId s1 = b.reduce(Monoid::Sum, Level::Point, 0, Level::Row, g);
        const ValueId s2 = b.reduce(Monoid::Sum, Level::Point, 0, Level::Row, gx);
        const ValueId dw = b.reduce(Monoid::Sum, Level::Point, 0, Level::Column, dyx);
        const ValueId db = b.reduce(Monoid::Sum, Level::Point, 0, Level::Column, dy);
        b.at(Level::Row, 0);
        const ValueId inv = b.constant(f32, 1.0 / static_cast<double>(n));
        const ValueId m1 = b.apply(Scalar::mul, s1, inv), m2 = b.apply(Scalar::mul, s2, inv);
        b.at(Level::Point, 1);
        const ValueId dx = b.apply(
            Scalar::mul, b.apply(Scalar::sub, b.apply(Scalar::sub, g, m1), b.apply(Scalar::mul, xhat, m2)), rstd);
        b.store(5, f32, {n, 1}, dx);
        b.at(Level::Column);
        b.store(6, f32, {0, 1}, dw);
        b.store(7, f32, {0, 1}, db);
        check(b.build(5, 3),
              {TestBuffer(f32, rows * n).fill(1), TestBuffer(f32, rows * n).fill(2), TestBuffer(f32, rows).fill(3),
               TestBuffer(f32, rows).fill(4, 0.5, 1.5), TestBuffer(f32, n).fill(5), TestBuffer(f32, rows * n),
               TestBuffer(f32, n), TestBuffer(f32, n)},
              {1e-5, 2e-5});
    }
}

// Mean over rows of logsumexp(x) - x[label]: row reductions, a gather per row, and an accumulation of row values.
TEST(Program, CrossEntropy) {
    for (auto [rows, n] : {std::pair<int64_t, int64_t>{1, 2}, {64, 10}, {300, 100}, {20, 1500}, {5000, 10}}) {
        Builder b({}, {rows}, {n});
        const ValueId x = b.load(0, f32, {n, 1});
        const ValueId m = b.reduce(Monoid::Max, Level::Point, 0, Level::Row, x);
        b.at(Level::Point, 1);
        const ValueId e = b.apply(Scalar::exp, b.apply(Scalar::sub, x, m));
        const ValueId s = b.reduce(Monoid::Sum, Level::Point, 1, Level::Row, e);
        b.at(Level::Row, 1);
        Operand pick = b.operand(0, f32, {n, 0});
        pick.index = b.load(1, i64, {1, 0});
        pick.index_coef = 1;
        pick.index_bound = n;
        const ValueId loss = b.apply(Scalar::sub, b.apply(Scalar::add, b.apply(Scalar::log, s), m), b.load(pick));
        const ValueId total = b.reduce(Monoid::Sum, Level::Row, 1, Level::Final, loss);
        b.at(Level::Final);
        b.store(2, f32, {}, b.apply(Scalar::mul, total, b.constant(f32, 1.0 / static_cast<double>(rows))));
        check(b.build(2, 1), {TestBuffer(f32, rows * n).fill(1),
                              TestBuffer(i64, rows).fill(2, 0, static_cast<double>(n - 1)), TestBuffer(f32, 1)});
    }
}

struct Sizes {
    int64_t p, a, r;
};
const Sizes kSizes[] = {{1, 1, 1},    {1, 1, 7},    {1, 8, 1},      {9, 3, 5},     {2, 1000, 1}, {1, 1, 1025},
                        {1, 1025, 3}, {3, 50, 64},  {1, 5000, 16},  {40, 9, 6},    {700, 9, 8},  {1, 70, 2000},
                        {2, 4, 5000}, {600, 4, 16}, {1, 1, 200000}, {1, 300, 700}, {33, 1, 49},  {1, 20000, 10}};

// Every monoid into every level, for shapes that take each of the executor's ways.
TEST(Program, Reductions) {
    for (const Sizes& s : kSizes) {
        for (Monoid m :
             {Monoid::Sum, Monoid::Prod, Monoid::Max, Monoid::Min, Monoid::ArgMax, Monoid::ArgMin, Monoid::Welford}) {
            for (DType t : {f32, f64, i32, i64, boolean}) {
                if (!is_float(t) && m == Monoid::Welford) continue;
                if (t == boolean && m == Monoid::Prod) continue;
                if (t != f32 && s.p * s.a * s.r > 20000) continue;
                for (int which = 0; which < 3; ++which) {
                    const Level to = which == 0 ? Level::Row : which == 1 ? Level::Final : Level::Column;
                    Builder b({s.p}, {s.a}, {s.r});
                    const ValueId x = b.load(0, t, {s.a * s.r, s.r, 1});
                    ValueId second = kNone;
                    const ValueId out = b.reduce(m, Level::Point, 0, to, x, m == Monoid::Welford ? &second : nullptr);
                    b.at(to);
                    const Ints coef = which == 0 ? Ints{s.a, 1, 0} : which == 1 ? Ints{1, 0, 0} : Ints{s.r, 0, 1};
                    const int64_t count = which == 0 ? s.p * s.a : which == 1 ? s.p : s.p * s.r;
                    b.store(1, b.type(out), coef, out);
                    if (second != kNone) b.store(2, t, coef, second);
                    const bool prod = m == Monoid::Prod;
                    // Few different values, so that arg-reductions meet equals; products stay near one.
                    TestBuffer in(t, s.p * s.a * s.r);
                    in.fill(7, prod ? 0.99 : t == boolean ? 0 : -50, prod ? 1.01 : t == boolean ? 1 : 50);
                    if (is_float(t) && !prod && m != Monoid::Welford && m != Monoid::Sum)
                        for (int64_t i = 0; i < in.count; ++i) in.set(i, std::round(in.at(i)));
                    check(b.build(1, 2), {in, TestBuffer(b.type(out), count), TestBuffer(t, count)},
                          {m == Monoid::Sum ? 3e-6 : 1e-4, m == Monoid::Sum ? 2e-3 : 1e-4});
                    if (::testing::Test::HasFatalFailure()) {
                        ADD_FAILURE() << "p " << s.p << " a " << s.a << " r " << s.r << " monoid " << int(m) << " to "
                                      << which;
                        return;
                    }
                }
            }
        }
    }
}

// One Adam step over several tensors of very different sizes, in place: p, m and v are written where they are read.
TEST(Program, SegmentsInPlace) {
    const int64_t extents[] = {1, 100000, 64, 10, 0, 1500, 7};
    int64_t largest = 0;
    for (int64_t e : extents) largest = std::max(largest, e);
    Builder b({}, {}, {largest});
    b.at(Level::Once);
    const ValueId lr = b.load(0, f32, {0});
    b.at(Level::Point);
    const ValueId p = b.load(1, f32, {1}), g = b.load(2, f32, {1}), m = b.load(3, f32, {1}), v = b.load(4, f32, {1});
    const auto c = [&](double x) { return b.constant(f32, x); };
    const ValueId m1 = b.apply(Scalar::add, b.apply(Scalar::mul, m, c(0.9)), b.apply(Scalar::mul, g, c(0.1)));
    const ValueId v1 = b.apply(Scalar::add, b.apply(Scalar::mul, v, c(0.999)),
                               b.apply(Scalar::mul, b.apply(Scalar::mul, g, g), c(0.001)));
    const ValueId step = b.apply(Scalar::div, m1, b.apply(Scalar::add, b.apply(Scalar::sqrt, v1), c(1e-8)));
    b.store(3, f32, {1}, m1);
    b.store(4, f32, {1}, v1);
    b.store(1, f32, {1}, b.apply(Scalar::sub, p, b.apply(Scalar::mul, lr, step)));
    Buffers buffers{TestBuffer(f32, 1).fill(1, 0.001, 0.002)};
    for (int64_t e : extents) {
        const int32_t first = static_cast<int32_t>(buffers.size());
        b.segment(e, {0, first, first + 1, first + 2, first + 3, first + 2, first + 3, first});
        for (int i = 0; i < 4; ++i)
            buffers.push_back(TestBuffer(f32, e).fill(static_cast<uint32_t>(first + i), i == 3 ? 0.1 : -1, 1));
    }
    check(b.build(static_cast<int32_t>(buffers.size()), 0), buffers, {1e-5, 1e-6});
}

// Outputs that are written past the caches: whole lines in the middle, odd ends, memory that is not aligned.
TEST(Program, HugeMapsAreWholeAtTheirEnds) {
    const int64_t n = (9 << 20) + 5;
    Builder b({}, {}, {n});
    const ValueId x = b.load(0, f32, {1});
    b.store(1, f32, {1}, b.apply(Scalar::add, x, b.constant(f32, 1)), 3);
    Buffers buffers{TestBuffer(f32, n), TestBuffer(f32, n + 6)};
    for (int64_t i = 0; i < n; ++i) buffers[0].as<float>()[i] = static_cast<float>(i % 1000);
    execute(ProgramExecutor(b.build(1, 1)), buffers);
    EXPECT_TRUE(buffers[1].guards_intact());
    for (int64_t i = 0; i < n + 6; ++i)
        ASSERT_EQ(buffers[1].as<float>()[i], i < 3 || i >= n + 3 ? 0 : static_cast<float>((i - 3) % 1000 + 1)) << i;
}

// Values that depend on no axis, and a counter that is read by all and increased once.
TEST(Program, OnceValuesAndStores) {
    Builder b({3}, {}, {50});
    b.at(Level::Once);
    const ValueId t = b.load(0, i64, {0, 0});
    b.store(0, i64, {0, 0}, b.apply(Scalar::add, t, b.constant(i64, 1)));
    const ValueId scale = b.apply(Scalar::exp, b.apply(Scalar::neg, b.cast(f32, t)));
    b.at(Level::Point);
    b.store(1, f32, {50, 1}, b.apply(Scalar::mul, b.cast(f32, b.iota({50, 1})), scale));
    Buffers buffers{TestBuffer(i64, 1), TestBuffer(f32, 150)};
    buffers[0].set(0, 3);
    check(b.build(1, 1), buffers);
}

// y = x + x[label] in place of x: the gather must see the row before it is overwritten; and chains of aliases.
TEST(Program, AliasesThatNeedCare) {
    const int64_t n = 5000;
    Builder b({}, {}, {n});
    const ValueId x = b.load(0, f32, {1}), y = b.load(1, f32, {1});
    const ValueId sum = b.apply(Scalar::add, x, y);
    b.store(2, f32, {1}, sum);                          // in place of x or y
    b.store(3, f32, {1}, b.apply(Scalar::sub, x, sum)); // x is read after sum is made
    b.store(4, f32, {1}, b.apply(Scalar::mul, y, sum)); // y too
    const ProgramPtr p = b.build(2, 3);
    const Buffers buffers{TestBuffer(f32, n).fill(1), TestBuffer(f32, n).fill(2), TestBuffer(f32, n),
                          TestBuffer(f32, n), TestBuffer(f32, n)};
    // The interpreter runs in the order of the code, so it gets the stores last: all loads come first in this program.
    check(p, buffers);
    check(p, buffers, {}, {-1, -1, 0});
    check(p, buffers, {}, {-1, -1, 1});
    check(p, buffers, {}, {-1, -1, 1, 0});
    check(p, buffers, {}, {-1, -1, -1, 1, 0});
}

// 16M ones and a little: blocked sums keep their digits where a running f32 sum would stand still.
TEST(Program, LongSumsAreAccurate) {
    const int64_t n = 1 << 24;
    for (int which = 0; which < 3; ++which) {
        Builder b({}, which == 0 ? Ints{} : Ints{which == 1 ? n / 4096 : n / 8},
                  which == 0 ? Ints{n} : Ints{which == 1 ? 4096 : 8});
        const ValueId x = b.load(0, f32, which == 0 ? Ints{1} : Ints{which == 1 ? 4096 : 8, 1});
        const ValueId s = b.reduce(Monoid::Sum, Level::Point, 0, which == 2 ? Level::Column : Level::Final, x);
        b.at(which == 2 ? Level::Column : Level::Final).store(1, f32, which == 2 ? Ints{0, 1} : Ints{}, s);
        Buffers buffers{TestBuffer(f32, n), TestBuffer(f32, 8)};
        for (int64_t i = 0; i < n; ++i) buffers[0].as<float>()[i] = 1.0f + static_cast<float>(i % 7) * 0.01f;
        double exact[8] = {};
        for (int64_t i = 0; i < n; ++i) exact[which == 2 ? i % 8 : 0] += static_cast<double>(buffers[0].as<float>()[i]);
        execute(ProgramExecutor(b.build(1, 1)), buffers);
        for (int i = 0; i < (which == 2 ? 8 : 1); ++i) EXPECT_NEAR(buffers[1].at(i) / exact[i], 1.0, 1e-6);
    }
}

} // namespace
} // namespace ingot::cpu::testing
