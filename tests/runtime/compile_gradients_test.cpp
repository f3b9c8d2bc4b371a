// SPDX-License-Identifier: MIT
// Gradients in compiled steps (rule 5): elided when nobody can want them, kept when they are read, returned or accumulated.
#include "runtime/rules_testing.h"

using namespace ingot;
using namespace ingot::rulestest;

namespace {

class CompiledGradients : public testing::Test {
protected:
    Tensor w = param({1, 2});
    Tensor frozen = Tensor::parameter(vec({5, 5}), false);
    optim::SGD opt{{w}, {.lr = 1}};
    Tensor x = vec({3, 4});
};

TEST_F(CompiledGradients, AreElidedByAWholeStep) {
    auto step = compile([&](const Tensor& a) {
        opt.zero_grad();
        sum(w * a * frozen).backward();
        opt.step();
    });
    for (int i = 1; i <= 3; ++i) {
        step(x);
        EXPECT_TRUE(fails_with([&] { w.grad(); }, {"compile"}));
        EXPECT_EQ(values(w), (Floats{1 - 15.0f * i, 2 - 20.0f * i}));
    }
    EXPECT_FALSE(frozen.grad().defined());
    // Plain style is not spoilt by it.
    opt.zero_grad();
    EXPECT_FALSE(w.grad().defined());
    sum(w * x).backward();
    EXPECT_EQ(values(w.grad()), (Floats{3, 4}));
}

TEST_F(CompiledGradients, AreKeptWhenReturned) {
    auto step = compile([&](const Tensor& a) {
        opt.zero_grad();
        sum(w * w * a).backward();
        opt.step();
        return w.grad();
    });
    Floats now{1, 2};
    for (int i = 0; i < 3; ++i) {
        const Tensor g = step(vec({0.25, 0.125}));
        const Floats expected{0.5f * now[0], 0.25f * now[1]};
        EXPECT_EQ(values(g), expected);
        EXPECT_EQ(values(w.grad()), expected);
        now = {now[0] - expected[0], now[1] - expected[1]};
        EXPECT_EQ(values(w), now);
    }
}

TEST_F(CompiledGradients, AreKeptWhenReadInside) {
    auto step = compile([&](const Tensor& a) {
        opt.zero_grad();
        sum(w * a).backward();
        const Tensor size = sum(square(w.grad()));
        opt.step();
        return size;
    });
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(step(x).item(), 25);
        EXPECT_EQ(values(w.grad()), (Floats{3, 4}));
    }
}

TEST_F(CompiledGradients, AreKeptWhenAccumulating) {
    auto accumulate = compile([&](const Tensor& a) {
        const Tensor loss = sum(w * a);
        loss.backward();
        return loss;
    });
    auto update = compile([&](const Tensor&) {
        opt.step();
        opt.zero_grad();
    });
    for (int round = 0; round < 2; ++round) {
        const Floats before = values(w);
        for (int i = 1; i <= 3; ++i) {
            accumulate(x);
            EXPECT_EQ(values(w.grad()), (Floats{3.0f * i, 4.0f * i}));
        }
        update(x);
        EXPECT_FALSE(w.grad().defined());
        EXPECT_EQ(values(w), (Floats{before[0] - 9, before[1] - 12}));
    }
    EXPECT_LE(accumulate.variants(), 2); // with and without a gradient to add to
}

TEST_F(CompiledGradients, AddToAGradientFromPlainStyle) {
    sum(w * x).backward();
    auto accumulate = compile([&](const Tensor& a) { sum(w * a).backward(); });
    accumulate(x);
    EXPECT_EQ(values(w.grad()), (Floats{6, 8}));
    sum(w * x).backward();
    EXPECT_EQ(values(w.grad()), (Floats{9, 12}));
    accumulate(x);
    EXPECT_EQ(values(w.grad()), (Floats{12, 16}));
}

TEST_F(CompiledGradients, StayWithoutAStep) {
    auto f = compile([&](const Tensor& a) {
        opt.zero_grad();
        sum(w * a).backward();
    });
    f(x);
    EXPECT_EQ(values(w.grad()), (Floats{3, 4}));
    f(x);
    EXPECT_EQ(values(w.grad()), (Floats{3, 4}));
    opt.step(); // a plain step takes them
    EXPECT_EQ(values(w), (Floats{-2, -2}));
}

TEST_F(CompiledGradients, ThatAPlainStepLeftBehindAreCleared) {
    sum(w * x).backward();
    auto step = compile([&](const Tensor& a) {
        opt.zero_grad();
        sum(w * a).backward();
        opt.step();
        opt.zero_grad();
    });
    step(x);
    EXPECT_FALSE(w.grad().defined());
    EXPECT_EQ(values(w), (Floats{-2, -2}));
}

TEST_F(CompiledGradients, FunctionalGradientsOfArguments) {
    auto f = compile([](const Tensor& a) {
        const Tensor leaf = a.detach().set_requires_grad();
        const Tensor first = grad({sum(leaf * leaf * leaf)}, {leaf}, {}, {.create_graph = true})[0];
        const Tensor second = grad({sum(first)}, {leaf})[0];
        return std::pair(first, second);
    });
    for (float k = 1; k < 3; ++k) {
        const auto [first, second] = f(vec({k, 2}));
        EXPECT_EQ(values(first), (Floats{3 * k * k, 12}));
        EXPECT_EQ(values(second), (Floats{6 * k, 12}));
    }
}

TEST_F(CompiledGradients, BackwardTwiceInsideThrows) {
    auto f = compile([&](const Tensor& a) {
        const Tensor loss = sum(w * w * a);
        loss.backward();
        loss.backward();
    });
    EXPECT_TRUE(fails_with([&] { f(x); }, {"retain_graph"}));
    EXPECT_FALSE(w.grad().defined());
}

TEST_F(CompiledGradients, ALossFromOutsideTheTraceIsRefusedOrRight) {
    const Tensor outside = sum(w * x);
    auto f = compile([&](const Tensor& a) {
        outside.backward();
        return a;
    });
    if (error_of([&] { f(x); }).empty()) { EXPECT_EQ(values(w.grad()), (Floats{3, 4})); }
}

TEST_F(CompiledGradients, PlainAndCompiledStepsTakeTurns) {
    auto model = small_cnn(8), twin = small_cnn(8);
    optim::AdamW a(model.parameters(), {.lr = 0.01}), b(twin.parameters(), {.lr = 0.01});
    auto step = compile([&](const Tensor& images, const Tensor& y) { return train_step(model, a, images, y); });
    const Tensor y = labels(4, 5);
    std::vector<double> mixed, plain;
    manual_seed(3);
    for (int i = 0; i < 6; ++i) {
        const Tensor images = pattern({4, 3, 8, 8}, i);
        mixed.push_back((i % 2 ? train_step(model, a, images, y) : step(images, y)).item());
    }
    manual_seed(3);
    for (int i = 0; i < 6; ++i) plain.push_back(train_step(twin, b, pattern({4, 3, 8, 8}, i), y).item());
    for (size_t i = 0; i < 6; ++i) EXPECT_NEAR(mixed[i], plain[i], 1e-4) << i;
    EXPECT_TRUE(near(state_of(model), state_of(twin), 1e-3));
}

} // namespace
