// SPDX-License-Identifier: MIT
// compile(): what a traced step relied on is checked at every call, and gradients neither leak out of it nor get lost.
#include "runtime/rules_testing.h"

#include <thread>

#include <ingot/graph.h>

#include "graph/evaluator.h"

using namespace ingot;
using namespace ingot::rulestest;

namespace {

Tensor leaf(const Floats& v) { return vec(v, {.requires_grad = true}); }

TEST(CompileGuards, FreezingAParameterTracesAgain) {
    nn::Linear layer(2, 1);
    optim::SGD opt(layer.parameters(), {.lr = 0.1});
    auto step = compile([&](const Tensor& x) {
        const Tensor loss = sum(layer(x));
        opt.zero_grad();
        loss.backward();
        opt.step();
        return loss;
    });
    const Tensor x = reshape(vec({1, 2}), {1, 2});
    step(x);
    layer.weight.set_requires_grad(false);
    const Floats frozen = values(layer.weight), bias = values(layer.bias);
    step(x);
    EXPECT_EQ(values(layer.weight), frozen);
    EXPECT_NE(values(layer.bias), bias);
    layer.weight.set_requires_grad(true);
    step(x);
    EXPECT_NE(values(layer.weight), frozen);
}

TEST(CompileGuards, MovingAModelTracesAgain) {
    nn::Linear layer(2, 2);
    auto f = compile([&] { return layer.weight * 2; });
    const Floats expected = values(f());
    layer.to(Device::reference());
    const Tensor moved = f();
    EXPECT_EQ(moved.device(), Device::reference());
    EXPECT_EQ(values(moved), expected);
}

TEST(CompileGuards, OneStepRunsOnOneDevice) {
    const Tensor a = Tensor::buffer(zeros({1})), b = Tensor::buffer(zeros({1}, {.device = Device::reference()}));
    auto f = compile([&] {
        a.assign(a + 1);
        b.assign(b + 1);
    });
    EXPECT_TRUE(fails_with([&] { f(); }, {"compile", "cpu", "reference"}));
    EXPECT_EQ(values(a), (Floats{0}));
    EXPECT_EQ(values(b), (Floats{0}));
}

TEST(CompileGuards, GradientsDoNotLeaveThroughArguments) {
    auto f = compile([](const Tensor& a) {
        const Tensor l = sum(a * a);
        l.backward();
        return l;
    });
    const Tensor x = leaf({1, 2});
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(fails_with([&] { f(x); }, {"compile", "argument 0", "grad("}));
        EXPECT_FALSE(x.grad().defined());
    }
    EXPECT_TRUE(fails_with([&] { f(x * 2); }, {"argument 0"})); // also when it is no leaf
    auto functional = compile([](const Tensor& a) { return grad({sum(a * a)}, {a})[0]; });
    for (int i = 0; i < 3; ++i) EXPECT_EQ(values(functional(x)), (Floats{2, 4}));
}

TEST(CompileGuards, ACapturedLeafCollectsItsGradient) {
    auto w = leaf({1, 2});
    auto f = compile([w](const Tensor& a) { sum(a * w).backward(); });
    for (int i = 1; i <= 3; ++i) {
        f(vec({3, 4}));
        EXPECT_EQ(values(w.grad()), (Floats{3.0f * i, 4.0f * i}));
    }
    f(vec({3, 4}));
    w = Tensor(); // the step keeps what it writes
    f(vec({3, 4}));
}

TEST(CompileGuards, ALeafMadeInsideLivesInside) {
    auto f = compile([](const Tensor& a) {
        const Tensor w = ones({2}, {.requires_grad = true});
        sum(a * w).backward();
        return w.grad();
    });
    for (int i = 1; i <= 3; ++i) EXPECT_EQ(values(f(vec({1.0f * i, 4}))), (Floats{1.0f * i, 4}));
    EXPECT_EQ(f.executable().report().submissions, 1);
}

TEST(CompileGuards, AParameterAsArgumentIsPartOfTheSignature) {
    nn::Linear a(2, 1), b(2, 1);
    auto f = compile([](const Tensor& w) { sum(w * 3).backward(); });
    f(a.weight);
    f(b.weight);
    f(b.weight);
    EXPECT_EQ(values(a.weight.grad()), (Floats{3, 3}));
    EXPECT_EQ(values(b.weight.grad()), (Floats{6, 6}));
}

TEST(CompileGuards, ResultsRefuseToBeDifferentiated) {
    nn::Linear layer(2, 1);
    const Tensor x = reshape(vec({1, 2}), {1, 2});
    auto f = compile([&](const Tensor& in) { return layer(in); });
    for (int i = 0; i < 2; ++i) {
        const Tensor y = f(x);
        EXPECT_TRUE(y.requires_grad());
        EXPECT_TRUE(fails_with([&] { (sum(y) + sum(layer.weight)).backward(); }, {"backward", "compiled function"}));
        EXPECT_NO_THROW((sum(y.detach()) + sum(layer.weight)).backward());
    }
    auto step = compile([&](const Tensor& in) {
        const Tensor loss = sum(layer(in));
        loss.backward();
        return loss;
    });
    EXPECT_FALSE(step(x).requires_grad()); // its tape is used up
}

TEST(CompileGuards, ACellThatAnotherThreadAssigned) {
    const Tensor cell = Tensor::buffer(zeros({2}));
    auto f = compile([&] { return cell + 1; });
    EXPECT_EQ(values(f()), (Floats{1, 1}));
    std::thread([&] { cell.assign(ones({2}) * 7); }).join();
    EXPECT_EQ(values(f()), (Floats{8, 8}));
    EXPECT_EQ(values(f()), (Floats{8, 8}));
    cell.assign(cell + 1);
    EXPECT_EQ(values(f()), (Floats{9, 9}));
}

TEST(CompileGuards, DetachIsALeafOfItsOwn) {
    const Tensor x = vec({1, 2}), buffer = Tensor::buffer(vec({3, 4}));
    Tensor d = x.detach(), e = buffer.detach();
    d.set_requires_grad();
    e.set_requires_grad();
    EXPECT_FALSE(x.requires_grad());
    EXPECT_FALSE((buffer * 1.0).requires_grad());
    sum(d * 2 + e * 3).backward();
    EXPECT_EQ(values(d.grad()), (Floats{2, 2}));
    EXPECT_EQ(values(e.grad()), (Floats{3, 3}));
    EXPECT_FALSE(buffer.grad().defined());
    buffer.assign(buffer + 1); // the detached value is of before
    EXPECT_EQ(values(e), (Floats{3, 4}));
    EXPECT_EQ(values(buffer), (Floats{4, 5}));
}

TEST(CompileGuards, AFailedGraphCompilationLeavesItsPlaceholders) {
    Graph g;
    const Tensor x = g.placeholder({2}), z = g.placeholder({2});
    EXPECT_TRUE(fails_with([&] { g.compile(Device::cpu(), {x}, {x + z}); }, {"placeholder"}));
    EXPECT_TRUE(fails_with([&] { values(x + 1); }, {"traced"}));
    const GraphExecutable exe = g.compile(Device::cpu(), {x, z}, {x + z});
    EXPECT_EQ(values(exe.run({vec({1, 2}), vec({3, 4})})[0]), (Floats{4, 6}));
}

TEST(CompileGuards, NegativeSizesAreRefused) {
    EXPECT_TRUE(fails_with([] { Tensor::from(Floats{1, 2, 3}, {-1, -3}); }, {"[-1, -3]", "negative"}));
}

} // namespace
