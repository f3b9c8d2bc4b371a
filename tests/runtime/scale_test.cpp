// SPDX-License-Identifier: MIT
// Long graphs and long runs: chains of 200,000 nodes are built, run, differentiated and released without deep recursion, and
// memory does not grow with the number of steps.
#include "runtime/rules_testing.h"

#include <ctime>

#include <ingot/graph.h>

using namespace ingot;
using namespace ingot::rulestest;

namespace {

constexpr int kChain = kSanitized ? 20000 : 200000;

TEST(Scale, ATapedChainIsBuiltRunDifferentiatedAndReleased) {
    const Tensor x = vec({0.5, -0.25}, {.requires_grad = true});
    double value = 0.5, slope = 1;
    {
        Tensor y = x;
        for (int i = 0; i < kChain; ++i) {
            y = tanh(y);
            value = std::tanh(value);
            slope *= 1 - value * value;
        }
        EXPECT_NEAR(values(y)[0], value, 1e-4);
        sum(y).backward();
        EXPECT_NEAR(values(x.grad())[0] / slope, 1, 0.02);
    }
    EXPECT_EQ(sum(x).item(), 0.25);
}

TEST(Scale, ATapedChainOfTwoOperatorsALink) {
    const Tensor x = vec({1, 2}, {.requires_grad = true});
    const double c = 1 - 1e-5, b = 2e-5;
    Tensor y = x;
    for (int i = 0; i < kChain / 2; ++i) y = y * c + b;
    // y -> 2 + (y - 2) c each time.
    const double power = std::pow(static_cast<double>(static_cast<float>(c)), kChain / 2);
    EXPECT_NEAR(values(y)[0], 2 - power, 0.02);
    sum(y).backward();
    EXPECT_NEAR(values(x.grad())[0], power, 0.01 * power);
}

TEST(Scale, AChainIsReleasedWithoutBeingRun) {
    const Tensor x = vec({0.5}, {.requires_grad = true});
    {
        Tensor y = x;
        for (int i = 0; i < kChain; ++i) y = sin(y);
    }
    {
        Tensor y = x;
        for (int i = 0; i < kChain; ++i) y = sin(y);
        submit_pending();
    }
    EXPECT_EQ(sum(x).item(), 0.5);
}

TEST(Scale, AChainInsideCompile) {
    const int links = kSanitized ? 1000 : 20000;
    auto f = compile([&](const Tensor& x) {
        Tensor y = x;
        for (int i = 0; i < links; ++i) y = tanh(y);
        return y;
    });
    double expected = 0.5;
    for (int i = 0; i < links; ++i) expected = std::tanh(expected);
    for (int i = 0; i < 2; ++i) EXPECT_NEAR(f(vec({0.5})).item(), expected, 1e-4);
}

TEST(Scale, AnExplicitGraphIsBuiltRunAndReleased) {
    double expected = 0.5;
    for (int i = 0; i < kChain; ++i) expected = std::tanh(expected);
    Graph g;
    const Tensor x = g.placeholder({2});
    Tensor y = x;
    for (int i = 0; i < kChain; ++i) y = g.tanh(y);
    const auto executable = g.compile(Device::cpu(), {x}, {y});
    for (int i = 0; i < 2; ++i) EXPECT_NEAR(values(executable.run({vec({0.5, -0.5})})[0])[0], expected, 1e-4);
}

/// Seconds of this thread's processor time.
double thread_seconds() {
    timespec t = {};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// What it costs to record, differentiate, compile and run a chain grows with its length, not faster.
TEST(ScaleSpeed, LongChainsCostPerLink) {
    if (kSanitized) GTEST_SKIP() << "a sanitizer's own work hides what is measured";
    const auto cost = [](int links) {
        const Tensor x = vec({0.5, -0.25}, {.requires_grad = true});
        const double start = thread_seconds();
        Tensor y = x;
        for (int i = 0; i < links; ++i) y = tanh(y);
        sum(y).backward();
        EXPECT_GT(values(x.grad())[0], 0);
        return (thread_seconds() - start) / links;
    };
    cost(1000);
    const double small = cost(5000), large = cost(40000);
    EXPECT_LT(large, 3 * small);
    EXPECT_LT(large, 200e-6); // some 30 us on the machine that it was written on
}

TEST(Scale, AWideSumOfManyTensors) {
    std::vector<Tensor> leaves;
    const int count = kSanitized ? 500 : 5000;
    for (int i = 0; i < count; ++i) leaves.push_back(vec({1.0f * static_cast<float>(i % 10)}, {.requires_grad = true}));
    Tensor total = leaves[0];
    for (size_t i = 1; i < leaves.size(); ++i) total = total + leaves[i] * 2;
    total.backward();
    EXPECT_EQ(total.item(), 2 * 4.5 * count);
    EXPECT_EQ(leaves[0].grad().item(), 1);
    EXPECT_EQ(leaves.back().grad().item(), 2);
}

// Plain steps with 50 batch sizes: after the first rounds nothing grows any more.
TEST(Scale, TenThousandStepsOfFiftySizesStayInBounds) {
    nn::Sequential model{nn::Linear(8, 16), nn::ReLU(), nn::Linear(16, 4)};
    optim::SGD opt(model.parameters(), {.lr = 0.01, .momentum = 0.9});
    const int64_t last = kSanitized ? 500 : 10000, first = last / 5;
    int64_t at_first = 0, compiles = 0;
    double loss_sum = 0;
    for (int64_t i = 1; i <= last; ++i) {
        const int64_t n = 1 + i % 50;
        const Tensor loss = train_step(model, opt, pattern({n, 8}, i), labels(n, 4, i));
        if (i % 3 == 0) loss_sum += loss.item();
        if (i == first) {
            synchronize();
            at_first = resident_bytes();
            compiles = cache_stats().compiles;
        }
    }
    synchronize();
    EXPECT_EQ(cache_stats().compiles, compiles);
    EXPECT_TRUE(std::isfinite(loss_sum));
    ASSERT_GT(at_first, 0);
    if (kSanitized) GTEST_SKIP() << "a sanitizer's own memory hides what is measured";
    EXPECT_LE(resident_bytes() - at_first, 5 << 20);
}

TEST(Scale, NewStructuresForEverStayInBounds) {
    // Every executable is used once: the cache evicts, and evicted ones give everything back.
    set_cache_capacity(16);
    const int64_t last = kSanitized ? 200 : 2000, first = last / 4;
    int64_t at_first = 0, live = 0;
    for (int64_t i = 1; i <= last; ++i) {
        EXPECT_EQ(sum(arange(i) * 0.0 + 1).item(), static_cast<double>(i));
        if (i == first) at_first = resident_bytes(), live = memory_stats().live;
    }
    EXPECT_LE(cache_stats().size, 16);
    EXPECT_LE(memory_stats().live - live, 16);
    set_cache_capacity(256);
    if (kSanitized) GTEST_SKIP() << "a sanitizer's own memory hides what is measured";
    EXPECT_LE(resident_bytes() - at_first, 8 << 20);
}

} // namespace
