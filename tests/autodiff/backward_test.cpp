// SPDX-License-Identifier: MIT
// backward(): PyTorch's semantics on graphs of every form: diamonds, shared parameters, accumulation, what has no gradient.
#include "runtime/rules_testing.h"

#include <stdexcept>

using namespace ingot;
using namespace ingot::rulestest;

namespace {

TEST(Backward, ATensorUsedTwice) {
    const Tensor x = vec({2, 3}, {.requires_grad = true});
    sum(x * x).backward();
    EXPECT_EQ(values(x.grad()), (Floats{4, 6}));
    x.zero_grad();
    sum(x + x).backward();
    EXPECT_EQ(values(x.grad()), (Floats{2, 2}));
    x.zero_grad();
    sum(x - x).backward();
    EXPECT_EQ(values(x.grad()), (Floats{0, 0}));
    x.zero_grad();
    sum(concat({x, x, x * 2})).backward();
    EXPECT_EQ(values(x.grad()), (Floats{4, 4}));
}

TEST(Backward, ADiamond) {
    const Tensor x = vec({0.5, -1}, {.requires_grad = true});
    const Tensor y = x * 3;
    const Tensor z = exp(y) + y * y; // z = f(y) + g(y)
    sum(z).backward();
    const Floats got = values(x.grad());
    EXPECT_NEAR(got[0], 3 * (std::exp(1.5) + 3), 1e-4);
    EXPECT_NEAR(got[1], 3 * (std::exp(-3.0) - 6), 1e-4);
}

TEST(Backward, DiamondsOnDiamonds) {
    // 2^30 paths: exponential time would not end.
    const Tensor x = vec({1}, {.requires_grad = true});
    Tensor y = x;
    for (int i = 0; i < 30; ++i) y = y * 0.5 + y * 0.5;
    sum(y).backward();
    EXPECT_NEAR(x.grad().item(), 1, 1e-5);
}

TEST(Backward, BranchesOfDifferentLength) {
    const Tensor x = vec({2}, {.requires_grad = true});
    const Tensor a = x * x;     // 4
    const Tensor b = a * x;     // 8 = x^3
    const Tensor c = a * b + x; // x^5 + x
    (c * a + b).backward();     // x^7 + x^3 + x^3
    EXPECT_NEAR(x.grad().item(), 7 * 64 + 3 * 4 + 3 * 4, 1e-3);
}

TEST(Backward, AParameterSharedByTwoLayers) {
    manual_seed(1);
    nn::Linear layer(4, 4);
    nn::Sequential shared{layer, nn::Tanh(), layer};
    const Tensor x = pattern({3, 4});
    sum(shared(x)).backward();
    // The same net with two layers of equal weights: the gradients add up.
    nn::Linear first(4, 4), second(4, 4);
    first.load_state_dict(saved(layer));
    second.load_state_dict(saved(layer));
    nn::Sequential separate{first, nn::Tanh(), second};
    sum(separate(x)).backward();
    EXPECT_TRUE(near(values(layer.weight.grad()), values(first.weight.grad() + second.weight.grad()), 1e-5));
    EXPECT_TRUE(near(values(layer.bias.grad()), values(first.bias.grad() + second.bias.grad()), 1e-5));
    optim::SGD opt(shared.parameters(), {.lr = 1});
    EXPECT_EQ(opt.parameters().size(), 2u);
    const Floats expected = values(layer.weight - layer.weight.grad());
    opt.step();
    EXPECT_EQ(values(layer.weight), expected); // one update, not two
}

TEST(Backward, GradientsAccumulateOverThreeCalls) {
    for (const bool read_between : {false, true}) {
        const Tensor w = param({1, 2});
        for (int i = 1; i <= 3; ++i) {
            sum(w * w * i).backward();
            if (read_between) { EXPECT_EQ(values(w.grad()), (Floats{1.0f * i * (i + 1), 2.0f * i * (i + 1)})); }
        }
        EXPECT_EQ(values(w.grad()), (Floats{12, 24})) << read_between;
    }
}

TEST(Backward, AccumulationOverBatchesIsTheGradientOfTheSum) {
    auto model = mlp(), twin = mlp();
    const Tensor x = pattern({9, 6}), y = labels(9, 3);
    (nn::cross_entropy(model(x), y, {.reduction = Reduction::sum})).backward();
    for (int64_t i = 0; i < 9; i += 3) {
        nn::cross_entropy(twin(slice(x, 0, i, i + 3)), slice(y, 0, i, i + 3), {.reduction = Reduction::sum}).backward();
        if (i == 3) submit_pending();
    }
    EXPECT_TRUE(near(gradients_of(twin), gradients_of(model), 1e-5));
}

TEST(Backward, ZeroGradLeavesNoGradient) {
    const Tensor w = param({1, 2});
    EXPECT_FALSE(w.grad().defined());
    sum(w).backward();
    EXPECT_TRUE(w.grad().defined());
    w.zero_grad();
    EXPECT_FALSE(w.grad().defined());
    sum(w * 3).backward();
    EXPECT_EQ(values(w.grad()), (Floats{3, 3})); // nothing of before
    optim::SGD opt({w}, {.lr = 1});
    opt.zero_grad();
    EXPECT_FALSE(w.grad().defined());
    opt.step(); // nothing to do
    EXPECT_EQ(values(w), (Floats{1, 2}));
}

TEST(Backward, AGradientThatWasTakenStaysAsItWas) {
    const Tensor w = param({1, 2});
    optim::SGD opt({w}, {.lr = 1});
    sum(w * 2).backward();
    const Tensor first = w.grad();
    sum(w * 3).backward();
    const Tensor second = w.grad();
    opt.step();
    opt.zero_grad();
    sum(w * 7).backward();
    EXPECT_EQ(values(first), (Floats{2, 2}));
    EXPECT_EQ(values(second), (Floats{5, 5}));
    EXPECT_EQ(values(w.grad()), (Floats{7, 7}));
}

TEST(Backward, GradientsThatAreHeldOverSteps) {
    const Tensor w = param({1, 2});
    optim::SGD opt({w}, {.lr = 1});
    std::vector<Tensor> held;
    for (int i = 1; i <= 5; ++i) {
        opt.zero_grad();
        sum(w * i).backward();
        held.push_back(w.grad());
        opt.step();
    }
    for (int i = 1; i <= 5; ++i) EXPECT_EQ(values(held[static_cast<size_t>(i - 1)]), Floats(2, static_cast<float>(i)));
}

TEST(Backward, OnlyLeavesThatRequireItHaveGradients) {
    const Tensor w = param({1, 2}), frozen = Tensor::parameter(vec({3, 4}), false), data = vec({5, 6});
    const Tensor unused = param({1});
    const Tensor y = w * frozen * data;
    EXPECT_TRUE(y.requires_grad());
    EXPECT_FALSE((frozen * data).requires_grad());
    sum(y).backward();
    EXPECT_EQ(values(w.grad()), (Floats{15, 24}));
    EXPECT_FALSE(frozen.grad().defined());
    EXPECT_FALSE(data.grad().defined());
    EXPECT_FALSE(y.grad().defined());
    EXPECT_FALSE(unused.grad().defined());
    optim::SGD opt({w, unused}, {.lr = 1});
    opt.step();
    EXPECT_EQ(values(unused), Floats{1});
    EXPECT_EQ(values(w), (Floats{-14, -22}));
}

TEST(Backward, FreezingAndThawing) {
    Tensor w = param({1, 2});
    const Tensor v = param({1, 1});
    w.set_requires_grad(false);
    sum(w * v).backward();
    EXPECT_FALSE(w.grad().defined());
    w.set_requires_grad(true);
    sum(w * v).backward();
    EXPECT_EQ(values(w.grad()), (Floats{1, 1}));
    EXPECT_EQ(values(v.grad()), (Floats{2, 4}));
}

TEST(Backward, CopiesOfALeafShareItsGradient) {
    const Tensor x = vec({1, 2}, {.requires_grad = true}), copy = x;
    sum(copy * 2).backward();
    EXPECT_EQ(values(x.grad()), (Floats{2, 2}));
    copy.zero_grad();
    EXPECT_FALSE(x.grad().defined());
}

TEST(Backward, DetachCutsTheTape) {
    const Tensor x = vec({2, 3}, {.requires_grad = true});
    const Tensor d = (x * x).detach();
    EXPECT_FALSE(d.requires_grad());
    sum(x * d).backward();
    EXPECT_EQ(values(x.grad()), (Floats{4, 9}));
    EXPECT_FALSE(error_of([&] { sum(d).backward(); }).empty());
}

TEST(Backward, NoGradRecordsNoTape) {
    const Tensor x = vec({2, 3}, {.requires_grad = true});
    const Tensor y = no_grad([&] {
        EXPECT_FALSE(grad_enabled());
        return sum(x * x);
    });
    EXPECT_TRUE(grad_enabled());
    EXPECT_FALSE(y.requires_grad());
    EXPECT_FALSE(error_of([&] { y.backward(); }).empty());
    EXPECT_THROW(no_grad([&]() -> Tensor { throw std::runtime_error("out"); }), std::runtime_error);
    EXPECT_TRUE(grad_enabled());
    {
        const NoGrad outer;
        { const NoGrad inner; }
        EXPECT_FALSE(grad_enabled());
    }
    EXPECT_TRUE(grad_enabled());
}

TEST(Backward, RootsThatAreNotScalars) {
    const Tensor x = vec({2, 3}, {.requires_grad = true});
    const Tensor y = x * x;
    EXPECT_TRUE(fails_with([&] { y.backward(); }, {"[2]"}));
    EXPECT_TRUE(fails_with([&] { y.backward(ones({3})); }, {"[2]", "[3]"}));
    y.backward(vec({10, 100}));
    EXPECT_EQ(values(x.grad()), (Floats{40, 600}));
    x.zero_grad();
    const Tensor one = reshape(sum(x * 5), {1, 1});
    one.backward(); // one element of any shape
    EXPECT_EQ(values(x.grad()), (Floats{5, 5}));
    EXPECT_FALSE(error_of([&] { vec({1}).backward(); }).empty());
    x.zero_grad();
    sum(x).backward(Tensor::scalar(7));
    EXPECT_EQ(values(x.grad()), (Floats{7, 7}));
}

TEST(Backward, ALeafIsItsOwnRoot) {
    const Tensor w = Tensor::parameter(Tensor::scalar(3));
    w.backward();
    EXPECT_EQ(w.grad().item(), 1);
    w.backward();
    EXPECT_EQ(w.grad().item(), 2);
}

TEST(Backward, BroadcastsAreSummed) {
    const Tensor row = vec({1, 2, 3}, {.requires_grad = true});
    const Tensor column = Tensor::from(Floats{1, 2}, {2, 1}, {.requires_grad = true});
    const Tensor scalar = Tensor::scalar(2, {.requires_grad = true});
    sum(row * column * scalar).backward();
    EXPECT_EQ(values(row.grad()), (Floats{6, 6, 6}));
    EXPECT_EQ(column.grad().shape(), (Shape{2, 1}));
    EXPECT_EQ(values(column.grad()), (Floats{12, 12}));
    EXPECT_EQ(scalar.grad().shape(), Shape{});
    EXPECT_EQ(scalar.grad().item(), 18);
}

TEST(Backward, GradientsHaveTheDtypeOfTheirLeaf) {
    const Tensor half = Tensor::parameter(vec({1, 2}).to(f16));
    const Tensor wide = Tensor::parameter(vec({3, 4}).to(f64));
    sum(half.to(f64) * wide).backward();
    EXPECT_EQ(half.grad().dtype(), f16);
    EXPECT_EQ(values(half.grad()), (Floats{3, 4}));
    EXPECT_EQ(wide.grad().dtype(), f64);
    EXPECT_EQ(values(wide.grad()), (Floats{1, 2}));
}

TEST(Backward, IntegersCarryNoGradient) {
    const Tensor x = vec({1.5, 2.5}, {.requires_grad = true});
    const Tensor k = cast(x, i64);
    EXPECT_FALSE(k.requires_grad());
    sum(x * k).backward();
    EXPECT_EQ(values(x.grad()), (Floats{1, 2}));
    EXPECT_FALSE((x > 2).requires_grad());
    EXPECT_FALSE(argmax(x).requires_grad());
}

TEST(Backward, TwoRootsInOneSubmission) {
    const Tensor w = param({1, 2}), v = param({3, 4});
    const Tensor a = sum(w * w), b = sum(w * v);
    a.backward();
    b.backward();
    const int64_t before = eval_stats().submissions;
    EXPECT_EQ(values(w.grad()), (Floats{5, 8}));
    EXPECT_EQ(values(v.grad()), (Floats{1, 2}));
    EXPECT_EQ(eval_stats().submissions - before, 1);
}

TEST(Backward, UnderTheReferenceTheSame) {
    const auto gradient = [](Device device) {
        auto model = small_cnn(6);
        model.to(device);
        manual_seed(2);
        nn::cross_entropy(model(pattern({4, 3, 8, 8}).to(device)), labels(4, 5).to(device)).backward();
        return gradients_of(model);
    };
    EXPECT_TRUE(near(gradient(Device::cpu()), gradient(Device::reference()), 2e-5));
}

} // namespace
