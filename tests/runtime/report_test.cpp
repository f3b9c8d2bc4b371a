// SPDX-License-Identifier: MIT
// What becomes one kernel: the promises about fusion, as reports show them. They hold with all passes on.
#include "runtime/rules_testing.h"

#include <chrono>

#include <ingot/graph.h>
#include <ingot/report.h>

using namespace ingot;
using namespace ingot::rulestest;

namespace {

class Fusion : public testing::Test {
protected:
    void SetUp() override {
        if (!WithPasses::asked().empty()) GTEST_SKIP() << "INGOT_PASSES switches passes off";
    }
    static Report report_of(const std::vector<Tensor>& tensors) {
        eval(tensors);
        return last_executable();
    }
};

TEST_F(Fusion, LinearBiasAndReluAreOneKernel) {
    const Tensor x = pattern({32, 64}), w = pattern({48, 64}, 2), b = pattern({48}, 3);
    const Tensor y = relu(linear(x, w, b));
    const Report report = report_of({y});
    EXPECT_EQ(report.kernels.size(), 1u) << report.str();
    EXPECT_EQ(report.launches(), 1) << report.str();
    EXPECT_EQ(report.submissions, 1);
    EXPECT_GE(report.kernels[0].flops, 2.0 * 32 * 64 * 48);
    EXPECT_GE(report.kernels[0].bytes, 4.0 * (32 * 64 + 48 * 64 + 48 + 32 * 48));
    EXPECT_GE(report.fused, 2);
    EXPECT_NE(report.str().find(report.kernels[0].name), std::string::npos);
}

TEST_F(Fusion, LinearBiasAndSigmoidAreOneKernel) {
    const Tensor x = pattern({32, 64}), w = pattern({48, 64}, 2), b = pattern({48}, 3);
    const Tensor y = sigmoid(linear(x, w, b));
    const Report report = report_of({y});
    EXPECT_EQ(report.launches(), 1) << report.str();
}

TEST_F(Fusion, LayersOfAModuleFuseToo) {
    nn::Linear layer(64, 48);
    const Tensor x = pattern({32, 64});
    const Tensor y = nn::ReLU()(layer(x));
    layer.weight.eval(), layer.bias.eval(), y.eval();
    const Tensor again = nn::ReLU()(layer(x));
    const Report report = report_of({again});
    EXPECT_EQ(report.launches(), 1) << report.str();
}

TEST_F(Fusion, ElementwiseChainsAreOneKernel) {
    const Shape shape{64, 128};
    const Tensor a = pattern(shape, 1), b = pattern(shape, 2), c = pattern(shape, 3), d = pattern(shape, 4);
    const Tensor y = sigmoid(a * b + c) * tanh(d);
    const Report report = report_of({y});
    EXPECT_EQ(report.kernels.size(), 1u) << report.str();
    EXPECT_EQ(report.launches(), 1) << report.str();
    EXPECT_NEAR(report.kernels[0].bytes, 4.0 * 5 * 64 * 128, 1024);
    const Floats va = values(a), vb = values(b), vc = values(c), vd = values(d), vy = values(y);
    for (size_t i = 0; i < vy.size(); i += 97) {
        EXPECT_NEAR(vy[i], std::tanh(vd[i]) / (1 + std::exp(-(va[i] * vb[i] + vc[i]))), 1e-5);
    }
}

class FusionSpeed : public Fusion {};

// bench/fusion.cpp measures the same at other sizes.
TEST_F(FusionSpeed, AnElementwiseChainIsTwiceAsFastAsItsOperators) {
    if (kSanitized) GTEST_SKIP() << "a sanitizer's own work hides what is measured";
    const int64_t count = int64_t{1} << 24;
    std::vector<Tensor> in;
    for (int i = 0; i < 4; ++i) in.push_back(rand({count}) - 0.5);
    eval(in);
    const auto body = [](const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d) {
        return sigmoid(a * b + c) * tanh(d);
    };
    auto fused = compile(body), unfused = compile(body);
    Tensor result, other;
    {
        const WithPasses without("-fuse");
        other = unfused(in[0], in[1], in[2], in[3]);
    }
    result = fused(in[0], in[1], in[2], in[3]);
    EXPECT_LT(max(abs(result - other)).item(), 1e-5);
    EXPECT_EQ(fused.executable().report().kernels.size(), 1u);
    EXPECT_EQ(unfused.executable().report().kernels.size(), 5u);
    double best[2] = {1e9, 1e9}; // in turn, since machines drift
    for (int i = 0; i < 7; ++i) {
        for (const int k : {0, 1}) {
            result = {}, other = {};
            const auto start = std::chrono::steady_clock::now();
            result = (k == 0 ? fused : unfused)(in[0], in[1], in[2], in[3]);
            synchronize();
            best[k] =
                std::min(best[k], std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        }
    }
    EXPECT_GE(best[1] / best[0], 2) << best[0] * 1e3 << " ms and " << best[1] * 1e3 << " ms";
}

TEST_F(Fusion, BroadcastsAndViewsDoNotBreakChains) {
    const Tensor a = pattern({32, 16, 8}), row = pattern({8}), column = pattern({16, 1});
    const Tensor y = reshape(exp(a * row) + column, {32, 128}) * 2;
    const Report report = report_of({y});
    EXPECT_EQ(report.launches(), 1) << report.str();
}

TEST_F(Fusion, SoftmaxCrossEntropyForwardAndBackwardAreAtMostTwoKernels) {
    const Tensor logits = Tensor::parameter(pattern({128, 10}));
    const Tensor y = labels(128, 10);
    logits.eval();
    for (int i = 0; i < 2; ++i) { // also when the gradient's slot exists
        logits.zero_grad();
        const Tensor loss = nn::cross_entropy(logits, y);
        loss.backward();
        const Report report = report_of({loss, logits.grad()});
        EXPECT_LE(report.launches(), 2) << report.str();
    }
}

TEST_F(Fusion, SoftmaxIsOneKernel) {
    const Report report = report_of({softmax(pattern({64, 100}) * 3)});
    EXPECT_EQ(report.launches(), 1) << report.str();
}

/// The shapes of resnet18's 62 parameters (He et al., 2016; with 10 classes), with channels divided by `narrow`.
std::vector<Shape> resnet18_shapes(int64_t narrow) {
    std::vector<Shape> out;
    const auto conv = [&](int64_t o, int64_t i, int64_t k) {
        out.push_back({o, i, k, k});
        out.push_back({o});
        out.push_back({o});
    };
    const int64_t width = 64 / narrow;
    conv(width, 3, 7);
    int64_t in = width;
    for (int64_t stage = 0; stage < 4; ++stage) {
        const int64_t channels = width << stage;
        for (int block = 0; block < 2; ++block) {
            conv(channels, in, 3);
            conv(channels, channels, 3);
            if (block == 0 && stage > 0) conv(channels, in, 1);
            in = channels;
        }
    }
    out.push_back({10, in});
    out.push_back({10});
    return out;
}

TEST_F(Fusion, AdamOverAllParametersOfResnet18IsOneLaunch) {
    std::vector<Tensor> params;
    for (const Shape& shape : resnet18_shapes(4)) params.push_back(Tensor::parameter(pattern(shape)));
    ASSERT_EQ(params.size(), 62u);
    optim::Adam opt(params, {.lr = 0.1});
    for (int i = 0; i < 2; ++i) {
        Tensor loss = Tensor::scalar(0);
        for (const Tensor& p : params) loss = loss + sum(p * 0.5);
        opt.zero_grad();
        loss.backward();
        std::vector<Tensor> gradients;
        for (const Tensor& p : params) gradients.push_back(p.grad());
        loss = Tensor();
        eval(gradients);
        const int64_t before = eval_stats().submissions;
        opt.step();
        EXPECT_EQ(eval_stats().submissions - before, 1);
        const Report report = last_executable();
        EXPECT_EQ(report.launches(), 1) << report.str();
    }
    // Adam with a constant gradient moves by the learning rate.
    for (const Tensor& p : params) { EXPECT_TRUE(near(values(p), values(pattern(p.shape()) - 0.2), 1e-4)) << p.str(); }
}

TEST_F(Fusion, TheReportOfACompiledStep) {
    auto model = lenet();
    optim::Adam opt(model.parameters());
    auto step = compile([&](const Tensor& x, const Tensor& y) { return train_step(model, opt, x, y); });
    EXPECT_TRUE(step.executable().report().kernels.empty());
    const Tensor x = pattern({16, 1, 28, 28}), y = labels(16, 10);
    step(x, y);
    const Report report = step.executable().report();
    EXPECT_EQ(report.submissions, 1);
    EXPECT_GT(report.arena_bytes, 0);
    EXPECT_GT(report.fused, 10);
    EXPECT_LE(report.launches(), 60) << report.str(); // 15 matrix and convolution products, the rest between them
    int64_t launches = 0;
    for (const auto& k : report.kernels) {
        EXPECT_FALSE(k.name.empty());
        EXPECT_FALSE(k.ops.empty()) << k.name;
        EXPECT_GT(k.bytes, 0) << k.name;
        launches += k.launches;
    }
    EXPECT_EQ(launches, report.launches());
    EXPECT_EQ(last_executable().str(), report.str());
}

TEST_F(Fusion, PassesOffMeansOneKernelPerOperator) {
    const WithPasses none("none");
    const Tensor a = pattern({8, 8}), b = pattern({8, 8}, 2);
    const Report report = report_of({sigmoid(a * b) + a});
    EXPECT_GE(report.launches(), 3) << report.str();
    EXPECT_EQ(report.fused, 0) << report.str();
}

} // namespace
