// SPDX-License-Identifier: MIT
// Every scalar function on every type that it takes, casts, storage types and random numbers, through the executor.
#include <bit>
#include <limits>

#include "program/philox.h"
#include "program/scalar_eval.h"
#include "program_testing.h"

namespace ingot::cpu::testing {
namespace {

using namespace program;

const double kInf = std::numeric_limits<double>::infinity();
const double kNaN = std::numeric_limits<double>::quiet_NaN();

// |a - b| in units of the last place of f32 (or f64) at b.
double ulps(double got, double want, DType type) {
    if (got == want || (std::isnan(got) && std::isnan(want))) return 0;
    if (!std::isfinite(got) || !std::isfinite(want)) {
        // The largest number and infinity are neighbours.
        const double top = type == f32 ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
        return std::fabs(want) > top * 0.999999 && std::fabs(got) > top * 0.999999 && (got > 0) == (want > 0) ? 1
                                                                                                              : 1e30;
    }
    int exponent;
    std::frexp(want, &exponent);
    const double unit =
        type == f32 ? std::ldexp(1.0, std::max(exponent - 24, -149)) : std::ldexp(1.0, std::max(exponent - 53, -1074));
    return std::fabs(got - want) / unit;
}

std::vector<double> special_floats() {
    std::vector<double> v = {0.0,    -0.0,  kInf,   -kInf,         kNaN,   1e-45,
                             -1e-45, 1e-40, -1e-40, 1.1754944e-38, 3.4e38, -3.4e38};
    for (double x : {0.1,   0.3,  0.5,  0.62,  0.9,   0.92,  0.93,   1.0,     1.5,     2.0,  2.5,  3.0,  3.14159265,
                     4.0,   5.5,  7.0,  9.0,   9.2,   10.0,  16.6,   17.5,    20.0,    50.0, 87.0, 88.3, 88.7,
                     88.73, 88.8, 89.0, 100.0, 103.9, 104.5, 1000.0, 29999.0, 31000.0, 1e6,  1e10, 1e20, 1e30})
        for (double s : {1.0, -1.0}) v.push_back(s * x);
    return v;
}

// Special values, a sweep over all exponents, and a dense range.
TestBuffer arguments(DType type, uint32_t seed) {
    std::vector<double> v;
    if (is_float(type)) {
        v = special_floats();
        std::mt19937 rng(seed);
        for (int i = 0; i < 20000; ++i) {
            const double mantissa = 1 + static_cast<double>(rng() % 8388608) / 8388608, sign = rng() % 2 ? 1 : -1;
            v.push_back(sign * std::ldexp(mantissa, static_cast<int>(rng() % 254) - 126));
            v.push_back(sign * std::ldexp(mantissa, static_cast<int>(rng() % 12) - 6));
            v.push_back(static_cast<double>(static_cast<int>(rng() % 200001) - 100000) * 1e-3);
        }
    } else if (type == boolean) {
        for (int i = 0; i < 999; ++i) v.push_back(((static_cast<uint32_t>(i) * 2654435761u + seed) >> 9) & 1);
    } else {
        v = {0, 1, -1, 2, -2, 3, -3, 7, 100, -100, 2147483647.0, -2147483648.0};
        if (type == i64) v.insert(v.end(), {9007199254740992.0, -9007199254740992.0, 4294967296.0});
        std::mt19937 rng(seed);
        for (int i = 0; i < 2000; ++i) v.push_back(static_cast<double>(static_cast<int32_t>(rng() % 41) - 20));
    }
    TestBuffer b(type, static_cast<int64_t>(v.size()));
    for (size_t i = 0; i < v.size(); ++i)
        b.set(static_cast<int64_t>(i), type == f32 ? static_cast<double>(static_cast<float>(v[i])) : v[i]);
    return b;
}

Value value(DType t, const TestBuffer& b, int64_t i) {
    return is_float(t) ? Value{b.at(i), 0} : Value{0, t == i64 ? b.as<int64_t>()[i] : static_cast<int64_t>(b.at(i))};
}

double as_double(DType t, const Value& v) { return is_float(t) ? v.f : static_cast<double>(v.i); }

// Units of the last place that a function may be off; 0.5 plus the rounding of the reference is exact.
double allowed_ulps(Scalar f) {
    switch (f) {
    case Scalar::exp:
    case Scalar::log:
    case Scalar::expm1:
    case Scalar::log1p:
    case Scalar::sin:
    case Scalar::cos:
    case Scalar::tanh:
    case Scalar::erf:
    case Scalar::sigmoid:
    case Scalar::pow: return 4;
    case Scalar::rsqrt: return 1.5;
    default: return 0.51;
    }
}

// The way that the executor gives a function its arguments: blocks, or one of them a value that does not vary.
void run_function(Scalar f, DType t, unsigned scalars, double scalar) {
    const ScalarInfo& row = info(f);
    const TestBuffer x = arguments(t, 1), y = arguments(t, 2), cond = arguments(boolean, 3);
    const int64_t n = f == Scalar::where ? std::min(x.count, cond.count) : x.count;
    Builder b({}, {}, {n});
    const bool where = f == Scalar::where;
    Buffers buffers{x, y, cond, TestBuffer(t, 1)};
    buffers[3].set(0, scalar);
    // Another order for the second argument, so that pairs differ.
    const auto argument = [&](int i) {
        if (scalars >> i & 1) return b.load(where && i == 0 ? 2 : 3, where && i == 0 ? boolean : t, {0});
        if (where && i == 0) return b.load(2, boolean, {1});
        return i == (where ? 1 : 0) ? b.load(0, t, {1}) : b.load(1, t, {-1}, n - 1);
    };
    ValueId args[3] = {kNone, kNone, kNone};
    for (int i = 0; i < row.arity; ++i) args[i] = argument(i);
    const ValueId out = b.apply(f, args[0], args[1], args[2]);
    b.store(4, b.type(out), {1}, out);
    buffers.push_back(TestBuffer(b.type(out), n));
    const ProgramPtr program = b.build(4, 1);
    execute(ProgramExecutor(program), buffers);
    double worst = 0;
    for (int64_t i = 0; i < n; ++i) {
        const Value fixed = value(t, buffers[3], 0), first = value(t, x, i), second = value(t, y, n - 1 - i);
        Value a[3] = {scalars & 1 ? fixed : first, scalars & 2 ? fixed : second, second};
        if (where) {
            a[0] = value(boolean, cond, scalars & 1 ? 0 : i);
            a[1] = scalars & 2 ? fixed : first;
            a[2] = scalars & 4 ? fixed : second;
        }
        const DType result_type = b.type(out);
        const double want = as_double(result_type, program::apply(f, t, a[0], a[1], a[2]));
        const double got = as_double(result_type, value(result_type, buffers[4], i));
        const double rounded = result_type == f32 ? static_cast<double>(static_cast<float>(want)) : want;
        if (rounded == got || (std::isnan(rounded) && std::isnan(got))) {
            // Zeros have signs.
            if (is_float(result_type) && got == 0 && f != Scalar::maximum && f != Scalar::minimum &&
                f != Scalar::remainder) {
                ASSERT_EQ(std::signbit(got), std::signbit(rounded))
                    << row.name << "(" << a[0].f << ", " << a[1].f << ")";
            }
            continue;
        }
        ASSERT_TRUE(is_float(result_type)) << row.name << " " << name(t) << "(" << as_double(t, a[0]) << ", "
                                           << as_double(t, a[1]) << "): got " << got << ", want " << want;
        // a - floor(a / b) * b cancels: its error is one of a.
        if (f == Scalar::remainder && std::fabs(got - want) <= 3e-16 * std::fabs(a[0].f)) continue;
        const double off = ulps(got, want, result_type);
        worst = std::max(worst, off);
        ASSERT_LE(off, allowed_ulps(f)) << row.name << " " << name(t) << "(" << a[0].f << ", " << a[1].f << "): got "
                                        << got << ", want " << want << " (scalars " << scalars << ")";
    }
    if (row.arity == 1 && t == f32 && worst > 0.51) std::printf("%-10s worst %.2f ulp\n", row.name, worst);
}

TEST(ProgramFunctions, AllScalarsOnAllTypes) {
    for (int k = 0; k < static_cast<int>(Scalar::count); ++k) {
        const Scalar f = static_cast<Scalar>(k);
        const ScalarInfo& row = info(f);
        for (DType t : {f32, f64, i32, i64, boolean}) {
            if (row.kind == ScalarKind::flt && !is_float(t)) continue;
            if (row.kind == ScalarKind::log && t != boolean) continue;
            if (t == boolean && row.kind == ScalarKind::num && f != Scalar::where && f != Scalar::maximum &&
                f != Scalar::minimum)
                continue;
            const unsigned variants = row.arity == 1 ? 1 : row.arity == 2 ? 3 : 7;
            for (unsigned scalars = 0; scalars < variants; ++scalars)
                for (double s : {2.5, 3e37, 0.0, -3.0}) {
                    if (scalars == 0 && s != 2.5) continue;
                    run_function(f, t, scalars, t == boolean ? s > 0 : is_float(t) ? s : std::min(s, 7.0));
                    if (HasFatalFailure()) return;
                }
        }
    }
}

TEST(ProgramFunctions, Casts) {
    for (DType from : {f32, f64, i32, i64, boolean})
        for (DType to : {f32, f64, i32, i64, boolean}) {
            const TestBuffer x = arguments(from, 5);
            Builder b({}, {}, {x.count});
            b.store(1, to, {1}, b.cast(to, b.load(0, from, {1})));
            check(b.build(1, 1), {x, TestBuffer(to, x.count)}, {0, 0});
        }
}

// Every bit pattern of the 16-bit types goes to f32 and back unchanged; values between them round to even.
TEST(ProgramFunctions, StorageTypes) {
    for (DType t : {f16, bf16}) {
        Buffers buffers{TestBuffer(t, 65536),   TestBuffer(f32, 65536), TestBuffer(t, 65536),
                        TestBuffer(f32, 65536), TestBuffer(t, 65536),   TestBuffer(f32, 65536)};
        std::mt19937 rng(1);
        for (uint32_t i = 0; i < 65536; ++i) {
            buffers[0].as<uint16_t>()[i] = static_cast<uint16_t>(i);
            // A random f32 near the 16-bit type's range; every fourth one exactly between two neighbours.
            const float low =
                t == f16 ? core::f16_to_f32(static_cast<uint16_t>(i)) : core::bf16_to_f32(static_cast<uint16_t>(i));
            const float high = t == f16 ? core::f16_to_f32(static_cast<uint16_t>(i + 1))
                                        : core::bf16_to_f32(static_cast<uint16_t>(i + 1));
            buffers[3].as<float>()[i] =
                i % 4 == 0 ? (low + high) / 2 : std::bit_cast<float>(static_cast<uint32_t>(rng()));
        }
        Builder b({}, {}, {65536});
        const ValueId x = b.load(0, t, {1}), y = b.load(3, f32, {1});
        b.store(1, f32, {1}, x);
        b.store(2, t, {1}, x);
        b.store(4, t, {1}, y);
        b.store(5, f32, {1}, b.round_to(t, y));
        b.raw().name = "storage";
        const ProgramPtr p = b.build(6, 0);
        execute(ProgramExecutor(p), buffers);
        for (uint32_t i = 0; i < 65536; ++i) {
            const float wide =
                t == f16 ? core::f16_to_f32(static_cast<uint16_t>(i)) : core::bf16_to_f32(static_cast<uint16_t>(i));
            const bool nan = wide != wide;
            ASSERT_TRUE(nan ? buffers[1].as<float>()[i] != buffers[1].as<float>()[i]
                            : buffers[1].as<float>()[i] == wide)
                << i;
            if (!nan) { ASSERT_EQ(buffers[2].as<uint16_t>()[i], i); }
            const float f = buffers[3].as<float>()[i];
            const uint16_t want = t == f16 ? core::f32_to_f16(f) : core::f32_to_bf16(f);
            const float round = t == f16 ? core::f16_to_f32(want) : core::bf16_to_f32(want);
            if (f != f) {
                ASSERT_TRUE(std::isnan(buffers[4].at(i)) && std::isnan(buffers[5].at(i)));
            } else {
                ASSERT_EQ(buffers[4].as<uint16_t>()[i], want) << f;
                ASSERT_EQ(buffers[5].as<float>()[i], round) << f;
            }
        }
    }
    Builder b({}, {}, {600});
    const ValueId x = b.load(0, i32, {1});
    b.store(1, u8, {1}, x);
    b.store(2, i32, {1}, b.round_to(u8, x));
    check(b.build(1, 2), {TestBuffer(i32, 600).fill(1, -1000, 1000), TestBuffer(u8, 600), TestBuffer(i32, 600)});
}

// The vectors kat_vectors of Random123 1.14.0 for philox4x32 with 10 rounds.
TEST(ProgramFunctions, PhiloxKnownAnswers) {
    using Four = std::array<uint32_t, 4>;
    EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Four{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
    EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
              (Four{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
    EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
              (Four{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(ProgramFunctions, RandomIsPhiloxWordByWord) {
    for (int64_t step : {1, 3}) {
        const int64_t n = 5001;
        Builder b({}, {}, {n});
        b.store(1, f32, {1}, b.random(0, b.iota({step}, 5)));
        Buffers buffers{TestBuffer(i64, 2), TestBuffer(f32, n)};
        const int64_t seed = 0x123456789ABCDEF, base = 0x3FFFFFFFFLL - 7; // the counter's upper half comes in
        buffers[0].as<int64_t>()[0] = seed;
        buffers[0].as<int64_t>()[1] = base;
        const ProgramPtr p = b.build(1, 1);
        check(p, buffers, {0, 0});
        execute(ProgramExecutor(p), buffers);
        double mean = 0;
        for (int64_t i = 0; i < n; ++i) {
            const uint32_t word = random_word(static_cast<uint64_t>(seed), static_cast<uint64_t>(base + 5 + step * i));
            ASSERT_EQ(buffers[1].at(i), static_cast<double>(word >> 8) * 0x1p-24) << i;
            mean += buffers[1].at(i) / static_cast<double>(n);
        }
        EXPECT_NEAR(mean, 0.5, 0.02);
    }
}

// NaN wins every maximum, minimum and argument of them, wherever it is.
TEST(ProgramFunctions, NaNWinsReductions) {
    for (int64_t n : {5, 16, 100, 3000})
        for (int64_t place : {int64_t{0}, n / 2, n - 1})
            for (Monoid m : {Monoid::Max, Monoid::Min, Monoid::ArgMax, Monoid::ArgMin})
                for (const Level to : {Level::Row, Level::Column}) {
                    const bool row = to == Level::Row;
                    Builder b({}, row ? Ints{} : Ints{n}, row ? Ints{n} : Ints{2});
                    const ValueId x = row ? b.load(0, f32, {1}) : b.load(0, f32, {1, 0});
                    const ValueId v = b.reduce(m, Level::Point, 0, to, x);
                    b.at(to).store(1, b.type(v), row ? Ints{} : Ints{0, 1}, v);
                    Buffers buffers{TestBuffer(f32, n).fill(3), TestBuffer(b.type(v), 2)};
                    buffers[0].set(place, kNaN);
                    if (place + 1 < n) buffers[0].set(n - 1, kNaN);
                    check(b.build(1, 1), buffers, {0, 0});
                }
}

} // namespace
} // namespace ingot::cpu::testing
