// SPDX-License-Identifier: MIT
// Optimizers inside compile(): the same numbers as in plain style, with everything that changes from step to step live.
#include <gtest/gtest.h>

#include <ingot/compile.h>
#include <ingot/eval.h>
#include <ingot/nn.h>
#include <ingot/ops.h>
#include <ingot/optim.h>

using namespace ingot;

namespace {

nn::Sequential make_model() {
    manual_seed(21);
    return nn::Sequential{nn::Linear(3, 6), nn::BatchNorm1d(6), nn::ReLU(), nn::Linear(6, 2)};
}

struct Batch {
    Tensor x, y;
};

std::vector<Batch> batches(int count) {
    manual_seed(22);
    std::vector<Batch> out;
    for (int i = 0; i < count; ++i) out.push_back({randn({8, 3}).eval(), randn({8, 2}).eval()});
    return out;
}

/// Eight steps with a falling rate; the losses and, at the end, all state.
template <class O> std::vector<std::vector<double>> run(typename O::Options options, bool compiled) {
    auto model = make_model();
    O optimizer(model.parameters(), options);
    const auto body = [&](const Tensor& x, const Tensor& y) {
        const Tensor loss = nn::mse_loss(model(x), y);
        optimizer.zero_grad();
        loss.backward();
        optim::clip_grad_norm_(model.parameters(), 0.5);
        optimizer.step();
        return loss;
    };
    auto step = compile(body);
    std::vector<std::vector<double>> out;
    int t = 0;
    for (const auto& [x, y] : batches(8)) {
        optimizer.set_lr(0.1 / ++t);
        out.push_back({(compiled ? step(x, y) : body(x, y)).item()});
    }
    EXPECT_EQ(step.variants(), compiled ? 1 : 0);
    for (const StateDict& state : {model.state_dict(), optimizer.state_dict()}) {
        for (const Tensor& tensor : state.tensors()) out.push_back(tensor.to_vector<double>());
    }
    return out;
}

template <class Optimizer> void expect_same(typename Optimizer::Options options) {
    const auto plain = run<Optimizer>(options, false), compiled = run<Optimizer>(options, true);
    ASSERT_EQ(plain.size(), compiled.size());
    for (size_t i = 0; i < plain.size(); ++i) {
        ASSERT_EQ(plain[i].size(), compiled[i].size());
        for (size_t k = 0; k < plain[i].size(); ++k) EXPECT_NEAR(plain[i][k], compiled[i][k], 1e-5) << i << " " << k;
    }
}

TEST(CompiledOptimizer, SgdAsInPlainStyle) {
    expect_same<optim::SGD>({.momentum = 0.9, .dampening = 0.1, .weight_decay = 0.01});
}
TEST(CompiledOptimizer, AdamAsInPlainStyle) { expect_same<optim::Adam>({}); }
TEST(CompiledOptimizer, AdamWAsInPlainStyle) { expect_same<optim::AdamW>({.weight_decay = 0.1}); }

TEST(CompiledOptimizer, StepsAreCountedAndStateGoesOn) {
    const Tensor p = Tensor::parameter(ones({2}));
    optim::Adam optimizer({p}, {.lr = 0.1});
    const auto body = [&](const Tensor& x) {
        const Tensor loss = sum(p * x);
        optimizer.zero_grad();
        loss.backward();
        optimizer.step();
        return loss;
    };
    auto step = compile(body);
    const Tensor x = ones({2}).eval();
    for (int i = 0; i < 3; ++i) step(x);
    body(x); // plain style may come between
    step(x);
    EXPECT_EQ(optimizer.state_dict().at("step").to_vector<int64_t>(), std::vector<int64_t>{5});
    EXPECT_NEAR(p.to_vector<double>()[0], 0.5, 1e-5); // equal gradients: every step moves by lr
    StateDict state = optimizer.state_dict();
    state["step"] = Tensor::from(std::vector<int64_t>{0}, {1});
    state["0.exp_avg"] = zeros({2});
    state["0.exp_avg_sq"] = zeros({2});
    optimizer.load_state_dict(state);
    step(x);
    EXPECT_NEAR(p.to_vector<double>()[0], 0.4, 1e-5); // a first step again
    EXPECT_EQ(step.variants(), 1);
}

TEST(CompiledOptimizer, OtherParametersMakeAnotherVariant) {
    const Tensor a = Tensor::parameter(ones({2})), b = Tensor::parameter(ones({2}));
    optim::Adam optimizer({a, b}, {.lr = 0.1});
    auto both = compile([&](const Tensor& x) {
        optimizer.zero_grad();
        sum((a + b) * x).backward();
        optimizer.step();
    });
    const Tensor x = ones({2}).eval();
    both(x);
    both(x);
    optimizer.zero_grad();
    sum(a * x).backward();
    optimizer.step(); // only a, whose step count goes its own way from here on
    both(x);
    EXPECT_EQ(optimizer.state_dict().at("step").to_vector<int64_t>(), (std::vector<int64_t>{4, 3}));
    EXPECT_NEAR(a.to_vector<double>()[0], 0.6, 1e-5);
    EXPECT_NEAR(b.to_vector<double>()[0], 0.7, 1e-5);
    EXPECT_EQ(both.variants(), 2);
}

TEST(CompiledModule, SwitchingModeMakesTwoVariants) {
    manual_seed(2);
    nn::Sequential model{nn::BatchNorm1d(3), nn::Dropout(0.5)};
    auto forward = compile([&](const Tensor& x) { return model(x); });
    const Tensor x = (rand({16, 3}) + 4).eval();
    for (int round = 0; round < 3; ++round) {
        model.train();
        const auto first = forward(x).to_vector<float>(), second = forward(x).to_vector<float>();
        EXPECT_NE(first, second); // a new mask each time
        model.eval();
        EXPECT_EQ(forward(x).to_vector<float>(), forward(x).to_vector<float>());
    }
    EXPECT_EQ(forward.variants(), 2);
    EXPECT_EQ(model.buffers()[2].item<int64_t>(), 6);
}

TEST(CompiledModule, CannotBeMovedInside) {
    nn::Linear layer(2, 2);
    auto moved = compile([&](const Tensor& x) {
        layer.to(Device::reference());
        return x + 1;
    });
    EXPECT_THROW(moved(zeros({1, 2}).eval()), Error);
    EXPECT_EQ(layer.weight.device(), Device::cpu());
}

} // namespace
