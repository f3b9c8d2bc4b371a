// SPDX-License-Identifier: MIT
// Initial values: the bounds and deviations that PyTorch uses, determinism, statistics.
#include <algorithm>
#include <cmath>
#include <functional>
#include <sstream>

#include <gtest/gtest.h>

#include <ingot/nn.h>
#include <ingot/ops.h>

#include "nn/golden.h"

using namespace ingot;

namespace {

Shape parse_shape(const std::string& text) { // "8x3x3x3"
    Shape shape;
    std::istringstream in(text);
    for (std::string size; std::getline(in, size, 'x');) shape.push_back(std::stoll(size));
    return shape;
}

/// fill() must give the same draws as rand or randn, scaled by the captured bound or deviation.
void expect_scaled(const std::function<void(const Tensor&)>& fill, const Shape& shape, double scale, bool uniform,
                   const std::string& what) {
    const Tensor t = Tensor::parameter(zeros(shape));
    manual_seed(7);
    fill(t);
    manual_seed(7);
    const Tensor expected = uniform ? (rand(shape) * 2 - 1) * scale : randn(shape) * scale;
    golden::expect_close(t, expected, what, 1e-6);
}

const char* const kShapes[] = {"30x20", "10x784", "8x3x3x3", "6x4x5x3"};

TEST(Init, XavierMatchesPyTorch) {
    const golden::File file("init");
    const std::pair<const char*, double> gains[] = {{"1", 1}, {"relu", std::sqrt(2.0)}, {"tanh", 5.0 / 3}};
    for (const auto& [name, gain] : gains) {
        for (const std::string shape : kShapes) {
            const std::string at = std::string("gain_") + name + "/" + shape;
            expect_scaled([&, g = gain](const Tensor& t) { nn::init::xavier_uniform(t, g); }, parse_shape(shape),
                          file.at("xavier_uniform/" + at + "/bound").item(), true, at);
            expect_scaled([&, g = gain](const Tensor& t) { nn::init::xavier_normal(t, g); }, parse_shape(shape),
                          file.at("xavier_normal/" + at + "/std").item(), false, at);
        }
    }
}

TEST(Init, KaimingMatchesPyTorch) {
    using enum nn::init::Nonlinearity;
    using nn::init::FanMode;
    const golden::File file("init");
    const std::pair<const char*, nn::init::KaimingOptions> kinds[] = {
        {"relu", {.nonlinearity = relu}},
        {"leaky_relu_0.2", {.a = 0.2}},
        {"leaky_relu_sqrt5", {.a = std::sqrt(5.0)}},
        {"linear", {.nonlinearity = linear}},
        {"tanh", {.nonlinearity = tanh}},
    };
    for (const auto& [mode, mode_name] :
         {std::pair{FanMode::fan_in, "fan_in"}, std::pair{FanMode::fan_out, "fan_out"}}) {
        for (const auto& [name, kind] : kinds) {
            for (const std::string shape : kShapes) {
                nn::init::KaimingOptions options = kind;
                options.mode = mode;
                const std::string at = std::string(mode_name) + "/" + name + "/" + shape;
                expect_scaled([&](const Tensor& t) { nn::init::kaiming_uniform(t, options); }, parse_shape(shape),
                              file.at("kaiming_uniform/" + at + "/bound").item(), true, at);
                expect_scaled([&](const Tensor& t) { nn::init::kaiming_normal(t, options); }, parse_shape(shape),
                              file.at("kaiming_normal/" + at + "/std").item(), false, at);
            }
        }
    }
}

TEST(Init, GainMatchesPyTorch) {
    using enum nn::init::Nonlinearity;
    const golden::File file("init");
    const auto expect = [&](const char* name, double gain) {
        EXPECT_NEAR(gain, file.at(std::string("gain/") + name).item(), 1e-6) << name;
    };
    expect("linear", nn::init::gain(linear));
    expect("sigmoid", nn::init::gain(sigmoid));
    expect("tanh", nn::init::gain(tanh));
    expect("relu", nn::init::gain(relu));
    expect("leaky_relu_0.01", nn::init::gain(leaky_relu));
    expect("leaky_relu_0.2", nn::init::gain(leaky_relu, 0.2));
}

/// All values within the bound, and some close to it: with n values the chance of none above 0.95 is 0.95^n.
void expect_fills_bound(const Tensor& t, double bound, const std::string& what) {
    double largest = 0, total = 0;
    for (const double v : t.to_vector<double>()) {
        largest = std::max(largest, std::abs(v));
        total += v;
    }
    EXPECT_LE(largest, bound * (1 + 1e-6)) << what;
    EXPECT_GT(largest, bound * (t.numel() > 100 ? 0.95 : 0.3)) << what;
    EXPECT_LT(std::abs(total / static_cast<double>(t.numel())),
              2.5 * bound / std::sqrt(3.0 * static_cast<double>(t.numel())))
        << what;
}

TEST(Init, LayersStartAsInPyTorch) {
    const golden::File file("init");
    const auto bound = [&](const std::string& key) { return file.at("default/" + key).item(); };
    manual_seed(3);
    for (const std::string shape : {"30x20", "10x784"}) {
        const Shape s = parse_shape(shape);
        const nn::Linear layer(s[1], s[0]);
        expect_fills_bound(layer.weight, bound("linear/" + shape + "/weight_bound"), shape);
        expect_fills_bound(layer.bias, bound("linear/" + shape + "/bias_bound"), shape);
    }
    const nn::Conv2d conv(3, 8, {.kernel = 3});
    expect_fills_bound(conv.weight, bound("conv2d/8x3x3x3/weight_bound"), "conv");
    expect_fills_bound(conv.bias, bound("conv2d/8x3x3x3/bias_bound"), "conv");
    const nn::Conv2d grouped(4, 8, {.kernel = {5, 3}, .groups = 2});
    EXPECT_EQ(grouped.weight.shape(), (Shape{8, 2, 5, 3}));
    expect_fills_bound(grouped.weight, bound("conv2d.groups2/8x2x5x3/weight_bound"), "grouped");
    expect_fills_bound(grouped.bias, bound("conv2d.groups2/8x2x5x3/bias_bound"), "grouped");
    EXPECT_EQ(bound("embedding/7x4/weight_std"), 1.0);
    const nn::Embedding embedding(200, 50);
    EXPECT_NEAR(mean(embedding.weight).item(), 0, 0.03);
    EXPECT_NEAR(ingot::std(embedding.weight).item(), 1, 0.03);
    const nn::BatchNorm2d norm(4);
    EXPECT_EQ(norm.weight.to_vector<float>(), std::vector<float>(4, 1));
    EXPECT_EQ(norm.bias.to_vector<float>(), std::vector<float>(4, 0));
    EXPECT_EQ(norm.running_var.to_vector<float>(), std::vector<float>(4, 1));
    EXPECT_EQ(norm.num_batches_tracked.dtype(), i64);
}

TEST(Init, SameSeedSameValues) {
    const auto draw = [](uint64_t seed) {
        manual_seed(seed);
        nn::Sequential model{nn::Linear(4, 5), nn::Conv2d(2, 3)};
        return model[1].parameters()[0].to_vector<float>();
    };
    const auto first = draw(1);
    EXPECT_EQ(first, draw(1));
    EXPECT_NE(first, draw(2));
}

TEST(Init, UniformNormalConstant) {
    manual_seed(5);
    const Tensor t = Tensor::parameter(zeros({100, 100}));
    nn::init::uniform(t, -2, 6);
    EXPECT_GE(min(t).item(), -2);
    EXPECT_LT(max(t).item(), 6);
    EXPECT_NEAR(mean(t).item(), 2, 0.1);
    nn::init::normal(t, 3, 0.5);
    EXPECT_NEAR(mean(t).item(), 3, 0.03);
    EXPECT_NEAR(ingot::std(t).item(), 0.5, 0.02);
    nn::init::constant(t, 2.5);
    EXPECT_EQ(min(t).item(), 2.5);
    EXPECT_EQ(max(t).item(), 2.5);
    nn::init::zeros(t);
    EXPECT_EQ(max(abs(t)).item(), 0);
    nn::init::ones(t);
    EXPECT_EQ(min(t).item(), 1);
}

/// m m^T for a wide matrix, m^T m for a tall one.
std::vector<double> products(const Tensor& t) {
    const Tensor m = flatten(t, 1);
    const Tensor p = m.size(0) > m.size(1) ? matmul(transpose(m, 0, 1), m) : matmul(m, transpose(m, 0, 1));
    return p.to_vector<double>();
}

TEST(Init, Orthogonal) {
    manual_seed(5);
    for (const Shape& shape : {Shape{6, 6}, Shape{4, 9}, Shape{9, 4}, Shape{3, 2, 2, 2}, Shape{10, 2, 3}}) {
        const Tensor t = Tensor::parameter(zeros(shape, {.dtype = f64}));
        nn::init::orthogonal(t, 3);
        const int64_t n = std::min(shape[0], shape.numel() / shape[0]);
        const auto p = products(t);
        for (int64_t i = 0; i < n * n; ++i)
            EXPECT_NEAR(p[static_cast<size_t>(i)], i % (n + 1) == 0 ? 9 : 0, 1e-12) << shape.str();
    }
    // Directions are random: signs of the first column of many 2 x 2 matrices.
    double sum = 0;
    const Tensor t = Tensor::parameter(zeros({2, 2}));
    for (int i = 0; i < 400; ++i) sum += nn::init::orthogonal(t).to_vector<double>()[0];
    EXPECT_NEAR(sum / 400, 0, 0.12);
}

TEST(Init, TruncatedNormal) {
    manual_seed(5);
    const Tensor t = Tensor::parameter(zeros({300, 300}));
    nn::init::trunc_normal(t, 1, 0.5, 0, 2.5); // from -2 to 3 deviations
    EXPECT_GE(min(t).item(), 0);
    EXPECT_LE(max(t).item(), 2.5);
    // With a = -2, b = 3: mean + std (f(a) - f(b)) / Z, and the variance of the truncated distribution.
    const auto density = [](double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0)); };
    const auto distribution = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
    const double z = distribution(3) - distribution(-2), shift = (density(-2) - density(3)) / z;
    const double variance = 1 + (-2 * density(-2) - 3 * density(3)) / z - shift * shift;
    EXPECT_NEAR(mean(t).item(), 1 + 0.5 * shift, 0.01);
    EXPECT_NEAR(ingot::std(t).item(), 0.5 * std::sqrt(variance), 0.01);
    // A quarter lies below the first quartile.
    const double quartile = 1 + 0.5 * -0.6745;
    const double below = mean((t < quartile).to(f32)).item();
    EXPECT_NEAR(below, (0.25 - distribution(-2)) / z, 0.01);
    EXPECT_THROW(nn::init::trunc_normal(t, 0, 0), Error);
    EXPECT_THROW(nn::init::trunc_normal(t, 0, 1, 2, 2), Error);
}

TEST(Init, RefusesWhatHasNoFans) {
    const Tensor bias = Tensor::parameter(zeros({4}));
    EXPECT_THROW(nn::init::xavier_uniform(bias), ShapeError);
    EXPECT_THROW(nn::init::kaiming_normal(bias), ShapeError);
    EXPECT_THROW(nn::init::orthogonal(bias), ShapeError);
    EXPECT_THROW(nn::init::ones(zeros({4})), Error); // not a cell
}

} // namespace
