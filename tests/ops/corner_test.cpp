// SPDX-License-Identifier: MIT
// Corners that no row of the tables reaches: gradients at kinks and ties, where PyTorch's choices are the rule,
// promotion of dtypes, and what is recorded.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <ingot/grad.h>
#include <ingot/ops.h>

#include "passes/pass.h"

namespace ingot {

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

Tensor leaf(std::vector<double> v, Shape shape = {-1}) {
    if (shape == Shape{-1}) shape = {static_cast<int64_t>(v.size())};
    return Tensor::from<double>(v, shape, {.requires_grad = true});
}

std::vector<double> gradient(const Tensor& y, const Tensor& x) { return grad({sum(y)}, {x})[0].to_vector<double>(); }

using Values = std::vector<double>;

} // namespace

TEST(OpCorners, GradientsAtKinks) {
    const Tensor x = leaf({-1, 0, 2});
    EXPECT_EQ(gradient(relu(x), x), (Values{0, 0, 1}));
    EXPECT_EQ(gradient(abs(x), x), (Values{-1, 0, 1}));
    EXPECT_EQ(gradient(leaky_relu(x, 0.1), x), (Values{0.1, 0.1, 1}));
    EXPECT_EQ(gradient(pow(x, 2), x), (Values{-2, 0, 4}));
    EXPECT_EQ(gradient(pow(x, 1), x), (Values{1, 1, 1}));
    EXPECT_EQ(gradient(pow(x, 0), x), (Values{0, 0, 0}));
    EXPECT_EQ(gradient(pow(x, 4), x), (Values{-4, 0, 32}));
    EXPECT_EQ(gradient(clamp(x, 0, 2), x), (Values{0, 1, 1}));
    const Tensor zero = leaf({0});
    EXPECT_EQ(gradient(sqrt(zero), zero), (Values{kInf}));
    EXPECT_EQ(gradient(softplus(zero), zero), (Values{0.5}));
    EXPECT_EQ(gradient(bce_with_logits(zero, zeros_like(zero)), zero), (Values{0.5}));
    const Tensor zeros2 = leaf({0, 0});
    EXPECT_EQ(gradient(norm(zeros2), zeros2), (Values{0, 0}));
}

TEST(OpCorners, PowerWithTensorExponent) {
    const Tensor base = leaf({0, 0, 2}), exponent = leaf({0, 2, 3});
    const std::vector<Tensor> g = grad({sum(pow(base, exponent))}, {base, exponent});
    EXPECT_EQ(g[0].to_vector<double>(), (Values{0, 0, 12}));
    EXPECT_EQ(g[1].to_vector<double>()[0], 0);
    EXPECT_EQ(g[1].to_vector<double>()[1], 0);
    EXPECT_NEAR(g[1].to_vector<double>()[2], 8 * std::log(2.0), 1e-12);
}

TEST(OpCorners, TiesShareTheGradient) {
    const Tensor x = leaf({3, 1, 3, 3});
    const Values third{1.0 / 3, 0, 1.0 / 3, 1.0 / 3};
    EXPECT_EQ(gradient(max(x), x), third);
    EXPECT_EQ(gradient(max(x, 0), x), third);
    EXPECT_EQ(gradient(min(-x), x), (Values{-third[0], 0, -third[2], -third[3]}));
    const Tensor a = leaf({1, 2}), b = leaf({1, 3});
    const std::vector<Tensor> g = grad({sum(maximum(a, b))}, {a, b});
    EXPECT_EQ(g[0].to_vector<double>(), (Values{0.5, 0}));
    EXPECT_EQ(g[1].to_vector<double>(), (Values{0.5, 1}));
}

TEST(OpCorners, ProductWithTwoZeros) {
    const Tensor x = leaf({0, 5, 0});
    const Tensor g = grad({prod(x)}, {x}, {}, {.create_graph = true})[0];
    EXPECT_EQ(g.to_vector<double>(), (Values{0, 0, 0}));
    // d2(x0 x1 x2) / dx0 dx2 = x1
    EXPECT_EQ(gradient(select(g, 0, 0), x), (Values{0, 0, 5}));
}

TEST(OpCorners, DtypesPromoteAsInPyTorch) {
    const auto of = [](DType t, Shape s = {2}) { return ones(s, {.dtype = t}); };
    EXPECT_EQ((of(f32) + of(f64)).dtype(), f64);
    EXPECT_EQ((of(f16) + of(bf16)).dtype(), f32);
    EXPECT_EQ((of(i32) + of(i64)).dtype(), i64);
    EXPECT_EQ((of(u8) + of(i32)).dtype(), i32);
    EXPECT_EQ((of(i64) + of(f16)).dtype(), f16);
    // Scalars do not promote within a kind.
    EXPECT_EQ((of(f16) + of(f32, {})).dtype(), f16);
    EXPECT_EQ((of(f64, {}) * of(f32)).dtype(), f32);
    EXPECT_EQ((of(i32) + of(f64, {})).dtype(), f64);
    // Numbers: by kind.
    EXPECT_EQ((of(f16) * 2.5).dtype(), f16);
    EXPECT_EQ((of(i32) * 2).dtype(), i32);
    EXPECT_EQ((of(i32) * 2.0).dtype(), f32);
    EXPECT_EQ((of(u8) + 0.5).dtype(), f32);
    EXPECT_EQ((of(i64) / 2).dtype(), f32);
    EXPECT_EQ((of(i64) / of(i64)).dtype(), f32);
    EXPECT_EQ(sqrt(of(i64)).dtype(), f32);
    EXPECT_EQ((of(i64) < 3).dtype(), boolean);
    EXPECT_EQ(sum(of(boolean)).dtype(), i64);
    EXPECT_EQ(sum(of(i32)).dtype(), i64);
    EXPECT_EQ(sum(of(f16)).dtype(), f16);
    EXPECT_EQ(floor(of(i32)).dtype(), i32);
    EXPECT_EQ(full({2}, 1).dtype(), i64);
    EXPECT_EQ(full({2}, 1.0).dtype(), f32);
}

TEST(OpCorners, NumbersAreRoundedToTheTensorsPrecision) {
    for (const Device device : {Device::cpu(), Device::reference()}) {
        const Tensor tenth = Tensor::from<float>({0.1F}, {1}, {.device = device});
        EXPECT_FALSE((tenth > 0.1).item<bool>()) << device.str();
        EXPECT_TRUE(eq(tenth, 0.1).item<bool>()) << device.str();
        EXPECT_EQ((tenth - 0.1).item(), 0) << device.str();
        EXPECT_NE((tenth.to(f64) - 0.1).item(), 0) << device.str();
    }
}

TEST(OpCorners, IntegersHaveNoGradient) {
    const Tensor x = leaf({1.5, 2.5});
    EXPECT_FALSE(x.to(i64).requires_grad());
    EXPECT_FALSE((x > 2).requires_grad());
    EXPECT_FALSE(argmax(x).requires_grad());
    EXPECT_TRUE(x.to(f32).requires_grad());
}

TEST(OpCorners, ReductionsOfOneElementEach) {
    // Together with another reduction of the results, by the rewrite of graphs and without it.
    for (const char* switched : {"", "-simplify", "none"}) {
        passes::set_passes(switched);
        const Tensor x = leaf({-1, 2, kInf, 0, 5, 6, 7, 8}, {8, 1});
        EXPECT_EQ(mean(eq(argmax(x, 1), 0).to(f32)).item(), 1) << switched;
        EXPECT_EQ(max(argmin(x * 2.0, 1), 0).item<int64_t>(), 0) << switched;
        EXPECT_EQ(sum(prod(x > 0, 1), 0).item<int64_t>(), 6) << switched;
        EXPECT_EQ(min(sum(x, 1) + 1.0, 0).item(), 0) << switched;
        const std::vector<double> spread = var(x, 1, 0).to_vector<double>();
        EXPECT_EQ(spread[1], 0) << switched;
        EXPECT_TRUE(std::isnan(spread[2])) << switched;
        const Tensor weight = leaf({3}), bias = leaf({0.5});
        const Tensor y = layer_norm(slice(x, 0, 3, 8), {1}, weight, bias);
        EXPECT_EQ(mean(y).item(), 0.5) << switched;
        const std::vector<Tensor> g = grad({sum(y)}, {bias, weight});
        EXPECT_EQ(g[0].item(), 5) << switched;
        EXPECT_EQ(g[1].item(), 0) << switched;
    }
    passes::set_passes("");
}

TEST(OpCorners, HalfSumsAccumulateWide) {
    // 4000 ones: f16 counts to 2048 only when it accumulates in f16; 70000 is beyond its range.
    EXPECT_EQ(sum(ones({4000}, {.dtype = f16})).item(), 4000);
    EXPECT_EQ(mean(full({300}, 300.0, {.dtype = f16})).item(), 300);
}

TEST(OpCorners, RandomNumbersHaveTheirMoments) {
    manual_seed(5);
    const Tensor u = rand({20000}), n = randn({20000});
    EXPECT_NEAR(mean(u).item(), 0.5, 0.01);
    EXPECT_NEAR(var(u).item(), 1.0 / 12, 0.003);
    EXPECT_NEAR(mean(n).item(), 0, 0.03);
    EXPECT_NEAR(var(n).item(), 1, 0.05);
    EXPECT_LT(max(u).item(), 1);
    EXPECT_GE(min(u).item(), 0);
    EXPECT_LT(max(rand({100000}, {.dtype = f16})).item(), 1);
    EXPECT_LT(max(rand({100000}, {.dtype = bf16})).item(), 1);
    const Tensor i = randint(-2, 3, {5000});
    EXPECT_EQ(min(i).item<int64_t>(), -2);
    EXPECT_EQ(max(i).item<int64_t>(), 2);
    EXPECT_NEAR(mean(bernoulli({20000}, 0.3)).item(), 0.3, 0.02);
    const Tensor dropped = dropout(ones({20000}), 0.25);
    EXPECT_NEAR(mean(dropped).item(), 1, 0.02);
    EXPECT_NEAR(mean((dropped > 0).to(f32)).item(), 0.75, 0.02);
    EXPECT_FLOAT_EQ(max(dropped).item<float>(), 1 / 0.75F);
    // Two draws differ.
    EXPECT_NE(rand({8}).to_vector<float>(), rand({8}).to_vector<float>());
}

} // namespace ingot
