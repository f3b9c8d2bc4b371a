// SPDX-License-Identifier: MIT
// The tests that every row of the op tables gets (op_case.h). Names: <what>/<op>[_variant].
#include <algorithm>
#include <limits>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include <ingot/compile.h>
#include <ingot/grad.h>

#include "ops/op_case.h"
#include "ops/tolerance.h"
#include "passes/pass.h"

namespace ingot::optest {

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

uint32_t seed_of(const OpCase& row) {
    uint32_t h = 2166136261u; // FNV-1a: a seed that depends on the name only
    for (const char c : row.id()) h = (h ^ static_cast<unsigned char>(c)) * 16777619u;
    return h;
}

std::vector<double> values_of(const Arg& arg, size_t number, std::mt19937& random) {
    const size_t n = static_cast<size_t>(arg.shape.numel());
    std::vector<double> v(n);
    if (arg.kind == Arg::Kind::real) {
        std::vector<size_t> order(n);
        for (size_t i = 0; i < n; ++i) order[i] = i;
        std::shuffle(order.begin(), order.end(), random);
        // Inputs have different offsets, so that no two values of two inputs are equal either.
        const double offset = 0.27 + 0.19 * static_cast<double>(number % 4);
        for (size_t i = 0; i < n; ++i)
            v[i] = arg.lo + (arg.hi - arg.lo) * (static_cast<double>(order[i]) + offset) / static_cast<double>(n);
    } else {
        std::uniform_int_distribution<int64_t> draw(static_cast<int64_t>(arg.lo), static_cast<int64_t>(arg.hi));
        for (double& x : v) x = static_cast<double>(draw(random));
    }
    return v;
}

Tensor make(const std::vector<double>& v, const Shape& shape, DType dtype, Device device) {
    return Tensor::from<double>(v, shape, {.dtype = dtype}).to(device);
}

struct Inputs {
    std::vector<std::vector<double>> values;
    std::vector<Shape> shapes;
    std::vector<DType> dtypes;

    In on(Device device) const {
        In in{{}, device};
        for (size_t i = 0; i < values.size(); ++i) in.args.push_back(make(values[i], shapes[i], dtypes[i], device));
        return in;
    }
};

/// `reals` replaces the dtype of real arguments.
Inputs inputs_of(const OpCase& row, DType reals) {
    Inputs inputs;
    std::mt19937 random(seed_of(row));
    for (size_t i = 0; i < row.args.size(); ++i) {
        Arg arg = row.args[i];
        if (arg.kind == Arg::Kind::real && is_integer(reals)) {
            arg.kind = Arg::Kind::integer;
            arg.lo = reals == DType::u8 ? 1 : -5;
            arg.hi = 6;
            arg.dtype = reals;
        }
        inputs.values.push_back(values_of(arg, i, random));
        inputs.shapes.push_back(arg.shape);
        inputs.dtypes.push_back(arg.kind == Arg::Kind::real ? reals : arg.dtype);
    }
    return inputs;
}

void expect_values(const std::vector<double>& got, const std::vector<double>& want, Tolerance t, double factor,
                   const std::string& what) {
    ASSERT_EQ(got.size(), want.size()) << what;
    for (size_t i = 0; i < got.size(); ++i)
        ASSERT_TRUE(agree(got[i], want[i], t, factor))
            << what << ", element " << i << ": " << got[i] << ", expected " << want[i];
}

void expect_same(const Tensor& got, const Tensor& want, double factor, const std::string& what) {
    ASSERT_EQ(got.shape(), want.shape()) << what << ": " << got.shape().str() << ", expected " << want.shape().str();
    ASSERT_EQ(got.dtype(), want.dtype()) << what << ": " << got.str() << ", expected " << want.str();
    expect_values(got.to_vector<double>(), want.to_vector<double>(), tolerance_of(got.dtype()), factor, what);
}

void compare_devices(const OpCase& row, const Inputs& inputs, const std::string& what) {
    const In reference = inputs.on(Device::reference());
    const In cpu = inputs.on(Device::cpu());
    expect_same(row.fn(cpu), row.fn(reference), row.factor, row.id() + ", " + what);
}

Cases rows_where(bool (*keep)(const OpCase&)) {
    Cases rows;
    for (const OpCase& row : all_cases())
        if (keep(row)) rows.push_back(row);
    return rows;
}

std::string name_of(const ::testing::TestParamInfo<OpCase>& info) { return info.param.id(); }

} // namespace

// Makes failures print the row's name.
void PrintTo(const OpCase& row, std::ostream* out) { *out << row.id(); }

#define INGOT_OP_TEST(suite, condition)                                                                                \
    class suite : public ::testing::TestWithParam<OpCase> {};                                                          \
    GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(suite);                                                              \
    INSTANTIATE_TEST_SUITE_P(                                                                                          \
        Op, suite, ::testing::ValuesIn(rows_where([]([[maybe_unused]] const OpCase& row) { return condition; })),      \
        name_of);                                                                                                      \
    TEST_P(suite, Row)

TEST(OpTable, NamesAreUnique) {
    std::set<std::string> seen;
    for (const OpCase& row : all_cases()) EXPECT_TRUE(seen.insert(row.id()).second) << row.id();
}

INGOT_OP_TEST(Forward, true) {
    const OpCase& row = GetParam();
    compare_devices(row, inputs_of(row, DType::f32), "f32");
}

INGOT_OP_TEST(Expected, row.oracle != nullptr) {
    const OpCase& row = GetParam();
    const Inputs inputs = inputs_of(row, DType::f64);
    std::vector<Array> arrays;
    for (size_t i = 0; i < inputs.values.size(); ++i) arrays.push_back({inputs.shapes[i], inputs.values[i]});
    expect_values(row.fn(inputs.on(Device::reference())).to_vector<double>(), row.oracle(arrays), kOracle, 1, row.id());
}

INGOT_OP_TEST(DTypes, true) {
    const OpCase& row = GetParam();
    std::vector<DType> dtypes{DType::f64};
    if (row.halves) dtypes.insert(dtypes.end(), {DType::f16, DType::bf16});
    if (row.integers) dtypes.insert(dtypes.end(), {DType::i32, DType::i64, DType::u8});
    for (const DType dtype : dtypes) compare_devices(row, inputs_of(row, dtype), name(dtype));
}

// Scalars, nothing, one element, sizes that no vector width divides.
INGOT_OP_TEST(Shapes, row.elementwise) {
    OpCase row = GetParam();
    for (const Shape& shape :
         {Shape{}, Shape{0}, Shape{3, 0, 2}, Shape{1}, Shape{1, 1, 1}, Shape{67}, Shape{2, 3, 1, 5, 2}}) {
        for (Arg& arg : row.args) arg.shape = shape;
        compare_devices(row, inputs_of(row, DType::f32), shape.str());
    }
    if (row.args.size() < 2) return;
    const std::vector<std::vector<Shape>> broadcasts{{{2, 3}, {}, {3}},
                                                     {{3}, {2, 3}, {1}},
                                                     {{2, 1, 4}, {3, 1}, {1, 1}},
                                                     {{1, 5}, {5, 1}, {5}},
                                                     {{0, 3}, {1, 3}, {3}}};
    for (const std::vector<Shape>& shapes : broadcasts) {
        for (size_t i = 0; i < row.args.size(); ++i) row.args[i].shape = shapes[i];
        compare_devices(row, inputs_of(row, DType::f32), shapes[0].str() + " with " + shapes[1].str());
    }
}

// The same values, but as the transpose, the inside or every second element of something else.
INGOT_OP_TEST(MemoryOrders, !row.args.empty()) {
    const OpCase& row = GetParam();
    const Inputs inputs = inputs_of(row, DType::f32);
    const Tensor want = row.fn(inputs.on(Device::reference()));
    const auto transposed = [](const Tensor& t) {
        Axes reversed;
        for (int64_t i = t.rank(); i-- > 0;) reversed.push_back(i);
        const Tensor other = permute(t, reversed).eval();
        return permute(other, reversed);
    };
    const auto inside = [](const Tensor& t) {
        Tensor around = pad(t, Ints(2 * static_cast<size_t>(t.rank()), 1), t.dtype() == DType::boolean ? 1 : 77).eval();
        for (int64_t a = 0; a < t.rank(); ++a) around = slice(around, a, 1, t.size(a) + 1);
        return around;
    };
    const auto every_second = [](const Tensor& t) {
        if (t.rank() == 0) return t;
        const Tensor doubled = stack({t, zeros_like(t)}, -1);
        Shape wide = t.shape();
        wide[wide.rank() - 1] *= 2;
        return slice(reshape(doubled, wide).eval(), -1, 0, wide.back(), 2);
    };
    const std::pair<const char*, std::function<Tensor(const Tensor&)>> orders[] = {
        {"transposed", transposed}, {"inside", inside}, {"every second", every_second}};
    for (const auto& [what, order] : orders) {
        In in = inputs.on(Device::cpu());
        for (Tensor& t : in.args) t = order(t);
        expect_same(row.fn(in), want, row.factor, row.id() + ", " + what);
    }
}

// NaN, infinities and zeros in all combinations.
INGOT_OP_TEST(Specials, row.specials) {
    const OpCase& row = GetParam();
    const double special[] = {kNaN, kInf, -kInf, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5};
    constexpr size_t kCount = std::size(special);
    Inputs inputs = inputs_of(row, DType::f32);
    for (size_t i = 0; i < inputs.values.size(); ++i) {
        if (row.args[i].kind != Arg::Kind::real) continue;
        if (row.elementwise) {
            inputs.shapes[i] = {static_cast<int64_t>(kCount), static_cast<int64_t>(kCount)};
            inputs.values[i].clear();
            for (size_t k = 0; k < kCount * kCount; ++k)
                inputs.values[i].push_back(special[i == 0 ? k / kCount : k % kCount]);
        } else {
            for (size_t k = 0; k < inputs.values[i].size(); k += 4) inputs.values[i][k] = special[k / 4 % kCount];
        }
    }
    for (size_t i = 0; i < inputs.values.size(); ++i) { // conditions beside them
        if (row.args[i].kind == Arg::Kind::real || !row.elementwise) continue;
        inputs.shapes[i] = {static_cast<int64_t>(kCount), static_cast<int64_t>(kCount)};
        inputs.values[i].resize(kCount * kCount);
        for (size_t k = 0; k < kCount * kCount; ++k) inputs.values[i][k] = static_cast<double>(k % 3 % 2);
    }
    compare_devices(row, inputs, "specials");
}

INGOT_OP_TEST(Errors, !row.bad.empty()) {
    for (const Bad& bad : GetParam().bad) {
        try {
            bad.run();
            ADD_FAILURE() << "no error; expected: " << bad.text;
        } catch (const Error& e) { EXPECT_EQ(std::string(e.what()), bad.text); }
    }
}

namespace {

/// A number per element, for directions and weights.
std::vector<double> noise(const Shape& shape, std::mt19937& random) {
    std::uniform_real_distribution<double> draw(-1, 1);
    std::vector<double> v(static_cast<size_t>(shape.numel()));
    for (double& x : v) x = draw(random);
    return v;
}

/// A row as a function of its real inputs only, in f64 on the reference, with one number as its result.
class Scalarized {
public:
    Scalarized(const OpCase& row, uint32_t seed) : row_(row), inputs_(inputs_of(row, DType::f64)), random_(seed) {
        for (size_t i = 0; i < row.args.size(); ++i)
            if (row.args[i].kind == Arg::Kind::real) real_.push_back(i);
        for (const size_t i : real_) direction_.push_back(noise(inputs_.shapes[i], random_));
        for (const size_t i : real_) second_.push_back(noise(inputs_.shapes[i], random_));
    }

    /// The inputs moved by `step` along the direction; leaves.
    In at(double step) const {
        Inputs moved = inputs_;
        for (size_t k = 0; k < real_.size(); ++k)
            for (size_t j = 0; j < direction_[k].size(); ++j) moved.values[real_[k]][j] += step * direction_[k][j];
        In in = moved.on(Device::reference());
        for (const size_t i : real_) in.args[i].set_requires_grad(true);
        return in;
    }
    /// The weighted sum of the result.
    Tensor value(const In& in) {
        const Tensor y = row_.fn(in);
        if (weights_.empty()) weights_ = noise(y.shape(), random_);
        return sum(y * make(weights_, y.shape(), DType::f64, Device::reference()));
    }
    std::vector<Tensor> gradient(const In& in, bool create_graph) {
        return grad({value(in)}, leaves(in), {}, {.create_graph = create_graph, .allow_unused = true});
    }
    /// The derivative along the second direction, itself a function of the inputs.
    Tensor slope(const In& in, bool create_graph) { return along(gradient(in, create_graph), second_); }
    Tensor along_direction(const std::vector<Tensor>& grads) const { return along(grads, direction_); }
    std::vector<Tensor> leaves(const In& in) const {
        std::vector<Tensor> list;
        for (const size_t i : real_) list.push_back(in.args[i]);
        return list;
    }

private:
    Tensor along(const std::vector<Tensor>& grads, const std::vector<std::vector<double>>& direction) const {
        Tensor total = zeros({}, {.dtype = DType::f64, .device = Device::reference()});
        for (size_t k = 0; k < grads.size(); ++k)
            if (grads[k].defined())
                total = total + sum(grads[k] * make(direction[k], grads[k].shape(), DType::f64, Device::reference()));
        return total;
    }

    const OpCase& row_;
    Inputs inputs_;
    std::mt19937 random_;
    std::vector<size_t> real_;
    std::vector<std::vector<double>> direction_, second_;
    std::vector<double> weights_;
};

constexpr double kStep = 1e-5;

} // namespace

INGOT_OP_TEST(Gradient, row.differentiable()) {
    const OpCase& row = GetParam();
    const uint32_t seed = seed_of(row) + 1;
    Scalarized f(row, seed);
    const double difference =
        (f.value(f.at(kStep)).item<double>() - f.value(f.at(-kStep)).item<double>()) / (2 * kStep);
    const double slope = f.along_direction(f.gradient(f.at(0), false)).item<double>();
    EXPECT_TRUE(agree(slope, difference, kDifference, row.factor))
        << row.id() << ", direction " << seed << ": gradient " << slope << ", central difference " << difference;
    EXPECT_NE(slope, 0) << row.id() << ": a gradient of 0 proves nothing";
}

INGOT_OP_TEST(SecondGradient, row.differentiable() && row.no_second.empty()) {
    const OpCase& row = GetParam();
    const uint32_t seed = seed_of(row) + 2;
    Scalarized f(row, seed);
    const double difference =
        (f.slope(f.at(kStep), false).item<double>() - f.slope(f.at(-kStep), false).item<double>()) / (2 * kStep);
    const In in = f.at(0);
    const Tensor slope = f.slope(in, true);
    // Functions that are linear have a slope without inputs.
    const double second =
        slope.requires_grad()
            ? f.along_direction(grad({slope}, f.leaves(in), {}, {.allow_unused = true})).item<double>()
            : 0;
    EXPECT_TRUE(agree(second, difference, kDifference, row.factor))
        << row.id() << ", direction " << seed << ": second gradient " << second << ", central difference "
        << difference;
}

// The gradient's own operators, on the CPU in f32.
INGOT_OP_TEST(GradientOnCpu, row.differentiable()) {
    const OpCase& row = GetParam();
    const Inputs inputs = inputs_of(row, DType::f32);
    std::vector<std::vector<Tensor>> results;
    for (const Device device : {Device::cpu(), Device::reference()}) {
        In in = inputs.on(device);
        std::vector<Tensor> leaves;
        for (size_t i = 0; i < row.args.size(); ++i)
            if (row.args[i].kind == Arg::Kind::real) leaves.push_back(in.args[i].set_requires_grad(true));
        const Tensor y = row.fn(in);
        std::mt19937 random(seed_of(row));
        results.push_back(
            grad({y}, leaves, {make(noise(y.shape(), random), y.shape(), y.dtype(), device)}, {.allow_unused = true}));
    }
    for (size_t i = 0; i < results[0].size(); ++i) {
        ASSERT_EQ(results[0][i].defined(), results[1][i].defined());
        if (!results[0][i].defined()) continue;
        expect_same(results[0][i], results[1][i], 4 * row.factor, row.id() + ", gradient " + std::to_string(i));
    }
}

namespace {
class PassesOff {
public:
    PassesOff() { passes::set_passes("none"); }
    ~PassesOff() { passes::set_passes(""); }
    PassesOff(const PassesOff&) = delete;
    PassesOff& operator=(const PassesOff&) = delete;
};
} // namespace

INGOT_OP_TEST(Modes, row.modes) {
    const OpCase& row = GetParam();
    const Inputs inputs = inputs_of(row, DType::f32);
    const In in = inputs.on(Device::cpu());
    const Tensor lazy = row.fn(in).eval();
    Compiled step([&](const std::vector<Tensor>& args) { return std::vector<Tensor>{row.fn({args, Device::cpu()})}; });
    for (int call = 0; call < 2; ++call) {
        const Tensor compiled = step.call(in.args)[0];
        ASSERT_EQ(compiled.shape(), lazy.shape());
        const std::vector<double> got = compiled.to_vector<double>(), want = lazy.to_vector<double>();
        for (size_t i = 0; i < got.size(); ++i)
            ASSERT_TRUE(got[i] == want[i] || (got[i] != got[i] && want[i] != want[i]))
                << row.id() << ", compiled, element " << i << ": " << got[i] << " is not exactly " << want[i];
    }
    const PassesOff guard;
    expect_same(row.fn(in), lazy, row.factor, row.id() + ", without optional passes");
}

} // namespace ingot::optest
