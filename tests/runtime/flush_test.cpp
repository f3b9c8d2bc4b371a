// SPDX-License-Identifier: MIT
// Flushes (rule 3): what one submission computes, when submissions happen, and what they leave out.
#include "runtime/rules_testing.h"

#include <ingot/report.h>

using namespace ingot;
using namespace ingot::rulestest;

namespace {

int64_t submissions() { return eval_stats().submissions; }

TEST(Flush, RecordingSubmitsNothing) {
    const int64_t before = submissions(), recorded = eval_stats().recorded;
    const Tensor y = exp(vec({1, 2})) * 2 + 1;
    EXPECT_EQ(y.shape(), (Shape{2}));
    EXPECT_EQ(y.dtype(), f32);
    EXPECT_FALSE(y.str().empty());
    EXPECT_EQ(submissions(), before);
    y.eval();
    EXPECT_EQ(submissions() - before, 1);
    EXPECT_GE(eval_stats().recorded - recorded, 3); // counted when submitted
}

TEST(Flush, OneReadComputesEverythingThatIsHeld) {
    const Tensor x = vec({1, 2});
    const Tensor c = Tensor::buffer(zeros({2}));
    c.eval();
    const Tensor a = x + 1, b = x * 3;
    c.assign(a * b);
    const int64_t before = submissions();
    EXPECT_EQ(values(a), (Floats{2, 3}));
    EXPECT_EQ(submissions() - before, 1);
    EXPECT_EQ(values(b), (Floats{3, 6}));
    EXPECT_EQ(values(c), (Floats{6, 18}));
    EXPECT_EQ(submissions() - before, 1);
}

TEST(Flush, ReadingAgainSubmitsNothing) {
    const Tensor y = vec({1, 2}) * 2;
    values(y);
    const int64_t before = submissions();
    values(y);
    y.eval();
    submit_pending();
    submit_pending();
    eval({y});
    EXPECT_EQ(submissions(), before);
}

TEST(Flush, EvalOfSeveralTensorsIsOneSubmission) {
    const Tensor x = vec({1, 2});
    const std::vector<Tensor> ys{x + 1, exp(x), sum(x)};
    const int64_t before = submissions();
    eval(ys);
    EXPECT_EQ(submissions() - before, 1);
    EXPECT_EQ(values(ys[2]), (Floats{3}));
    EXPECT_EQ(submissions() - before, 1);
}

TEST(Flush, WhatNobodyHoldsIsNotComputed) {
    const Tensor x = pattern({32, 32});
    { const Tensor dropped = matmul(x, x); }
    const Tensor y = x + 1;
    y.eval();
    EXPECT_EQ(last_executable().launches(), 1);
    for (const auto& k : last_executable().kernels) EXPECT_EQ(k.ops.find("matmul"), std::string::npos) << k.ops;
}

TEST(Flush, AStepComputesWhatIsHeldWithIt) {
    auto model = mlp();
    optim::SGD opt(model.parameters(), {.lr = 0.1});
    const Tensor x = pattern({4, 6}), y = labels(4, 3);
    train_step(model, opt, x, y).item();
    const int64_t before = submissions();
    const Tensor other = exp(x);
    const Tensor loss = train_step(model, opt, x, y);
    EXPECT_EQ(submissions() - before, 1);
    EXPECT_GT(loss.item(), 0);
    EXPECT_NEAR(values(other)[0], std::exp(values(x)[0]), 1e-5);
    values(model.parameters()[0]);
    EXPECT_EQ(submissions() - before, 1);
}

TEST(Flush, AStepOfLenetIsOneSubmission) {
    auto model = lenet();
    optim::Adam opt(model.parameters());
    const Tensor x = pattern({16, 1, 28, 28}), y = labels(16, 10);
    for (int i = 0; i < 2; ++i) train_step(model, opt, x, y).item();
    int64_t before = submissions();
    for (int i = 0; i < 5; ++i) train_step(model, opt, x, y).item();
    EXPECT_EQ(submissions() - before, 5) << "plain";
    auto step = compile([&](const Tensor& a, const Tensor& b) { return train_step(model, opt, a, b); });
    for (int i = 0; i < 2; ++i) step(x, y).item();
    before = submissions();
    for (int i = 0; i < 5; ++i) step(x, y).item();
    EXPECT_EQ(submissions() - before, 5) << "compiled";
    EXPECT_EQ(step.executable().report().submissions, 1);
}

TEST(Flush, ACompiledStepOfLenetAllocatesNothing) {
    auto model = lenet();
    optim::Adam opt(model.parameters());
    const Tensor x = pattern({16, 1, 28, 28}), y = labels(16, 10);
    auto step = compile([&](const Tensor& a, const Tensor& b) { return train_step(model, opt, a, b); });
    for (int i = 0; i < 3; ++i) step(x, y).item();
    const int64_t before = memory_stats().num_allocations;
    for (int i = 0; i < 10; ++i) step(x, y).item();
    EXPECT_EQ(memory_stats().num_allocations, before);
}

// Plain style makes a new value for the loss at every step, out of the cache; nothing comes from the system.
TEST(Flush, APlainStepOfLenetTakesNoMemoryFromTheSystem) {
    auto model = lenet();
    optim::Adam opt(model.parameters());
    const Tensor x = pattern({16, 1, 28, 28}), y = labels(16, 10);
    for (int i = 0; i < 3; ++i) train_step(model, opt, x, y).item();
    const MemoryStats before = memory_stats();
    for (int i = 0; i < 10; ++i) train_step(model, opt, x, y).item();
    const MemoryStats after = memory_stats();
    EXPECT_EQ(after.num_pool_misses, before.num_pool_misses);
    EXPECT_EQ(after.total_memory, before.total_memory);
    EXPECT_EQ(after.live, before.live);
    EXPECT_LE(after.num_allocations - before.num_allocations, 20);
}

TEST(Flush, LoopsThatNeitherReadNorStepAreBounded) {
    const int64_t flushes = eval_stats().flushes;
    const int64_t live = memory_stats().live;
    Tensor y = zeros({1000});
    for (int i = 0; i < 20000; ++i) y = y + 1;
    EXPECT_GE(eval_stats().flushes - flushes, 2); // 20,000 nodes, at most 8,192 of them pending
    EXPECT_LE(memory_stats().live - live, 100);
    EXPECT_EQ(values(y), Floats(1000, 20000));
}

TEST(Flush, LoopsThatOnlyWriteACellAreBounded) {
    const Tensor b = Tensor::buffer(zeros({10}));
    const int64_t flushes = eval_stats().flushes;
    for (int i = 0; i < 20000; ++i) b.assign(b + 1);
    EXPECT_GE(eval_stats().flushes - flushes, 2);
    EXPECT_EQ(values(b), Floats(10, 20000));
}

TEST(Flush, SynchronizeWaitsWithoutSubmitting) {
    const Tensor y = vec({1}) + 1;
    const int64_t before = submissions();
    synchronize();
    EXPECT_EQ(submissions(), before);
    submit_pending();
    synchronize();
    EXPECT_EQ(submissions() - before, 1);
    EXPECT_EQ(values(y), (Floats{2}));
}

TEST(Flush, PendingWorkOnTwoDevices) {
    const Tensor a = vec({1, 2}) + 1, b = vec({1, 2}, {.device = Device::reference()}) * 3;
    EXPECT_EQ(values(a), (Floats{2, 3}));
    EXPECT_EQ(values(b), (Floats{3, 6}));
    const Tensor moved = (vec({1, 2}) * 2).to(Device::reference());
    EXPECT_EQ(moved.device(), Device::reference());
    EXPECT_EQ(values(moved + b), (Floats{5, 10}));
}

TEST(Flush, EmptyAndScalarTensors) {
    const Tensor none = zeros({0, 3}) + 1;
    EXPECT_EQ(values(none), Floats{});
    EXPECT_EQ(sum(none).item(), 0);
    EXPECT_EQ((Tensor::scalar(2) * 3).item(), 6);
    EXPECT_TRUE(fails_with([&] { none.item(); }, {"[0, 3]"}));
    EXPECT_FALSE(error_of([] { Tensor().shape(); }).empty());
}

TEST(Flush, WhatNobodyCanReadIsNotEvaluated) {
    const auto allocations = [](bool model) {
        if (model) nn::Sequential{nn::Linear(64, 64), nn::BatchNorm1d(64)};
        const int64_t before = memory_stats().num_allocations;
        EXPECT_EQ(sum(ones({3}) * 2).item(), 6);
        return memory_stats().num_allocations - before;
    };
    allocations(false);
    EXPECT_EQ(allocations(true), allocations(false));
    // What is left of a model counts, and has the values that it would have had.
    const auto second = [](bool drop) {
        manual_seed(4);
        Tensor weight;
        {
            nn::Linear first(8, 8), other(8, 8);
            if (!drop) first.weight.to_vector<float>();
            weight = other.weight;
        }
        return weight.to_vector<float>();
    };
    EXPECT_EQ(second(true), second(false));
}

} // namespace
