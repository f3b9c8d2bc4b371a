// SPDX-License-Identifier: MIT
// Steady structure and keys (rules 4 and 9): what may change without compiling, what must not be confused, and the cache's
// bounds.
#include "runtime/rules_testing.h"

#include <ingot/host_scalar.h>

using namespace ingot;
using namespace ingot::rulestest;

namespace {

int64_t compiles() { return cache_stats().compiles; }

/// Runs `steps` steps and returns how many executables were compiled after the first one.
int64_t compiles_after_first(nn::Sequential model, optim::Optimizer& opt, const Tensor& x, const Tensor& y, int steps) {
    train_step(model, opt, x, y).item();
    const int64_t first = compiles();
    for (int i = 1; i < steps; ++i) train_step(model, opt, x, y).item();
    return compiles() - first;
}

TEST(Structure, StepsOneAndTwoShareAKeyWithSgd) {
    auto model = noisy_mlp();
    optim::SGD opt(model.parameters(), {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true});
    EXPECT_EQ(compiles_after_first(model, opt, pattern({8, 6}), labels(8, 3), 5), 0);
}

TEST(Structure, StepsOneAndTwoShareAKeyWithAdam) {
    auto model = noisy_mlp();
    optim::Adam opt(model.parameters());
    EXPECT_EQ(compiles_after_first(model, opt, pattern({8, 6}), labels(8, 3), 5), 0);
}

TEST(Structure, StepsOneAndTwoShareAKeyWithAdamWAndClipping) {
    auto model = small_cnn();
    optim::AdamW opt(model.parameters());
    const Tensor x = pattern({4, 3, 8, 8}), y = labels(4, 5);
    int64_t first = 0;
    for (int i = 0; i < 5; ++i) {
        opt.zero_grad();
        const Tensor loss = nn::cross_entropy(model(x), y);
        loss.backward();
        optim::clip_grad_norm_(model.parameters(), 1.0);
        opt.step();
        loss.item();
        if (i == 0) first = compiles();
    }
    EXPECT_EQ(compiles(), first);
}

TEST(Structure, FreshBatchesShareAKey) {
    auto model = mlp();
    optim::SGD opt(model.parameters(), {.lr = 0.1});
    int64_t first = 0;
    for (int i = 0; i < 5; ++i) {
        train_step(model, opt, pattern({8, 6}, i), labels(8, 3, i));
        if (i == 0) first = compiles();
    }
    EXPECT_EQ(compiles(), first);
}

TEST(Structure, TheLearningRateChangesAThousandTimes) {
    const Tensor w = param({1});
    optim::SGD opt({w}, {.lr = 1});
    double expected = 1;
    int64_t first = 0;
    for (int i = 1; i <= 1000; ++i) {
        opt.set_lr(1.0 / i);
        opt.zero_grad();
        sum(w * 0.5).backward();
        opt.step();
        expected -= 0.5 / i;
        if (i == 1) first = compiles();
    }
    EXPECT_EQ(compiles(), first);
    EXPECT_NEAR(values(w)[0], expected, 1e-4);
}

TEST(Structure, TheLearningRateChangesAThousandTimesInACompiledStep) {
    const Tensor w = param({1});
    optim::Adam opt({w}, {.lr = 1});
    auto step = compile([&](const Tensor& x) {
        opt.zero_grad();
        sum(w * x).backward();
        opt.step();
    });
    // Adam with a constant gradient moves by the learning rate.
    double expected = 1;
    const Tensor half = vec({0.5});
    int64_t first = 0;
    for (int i = 1; i <= 1000; ++i) {
        opt.set_lr(0.1 / i);
        step(half);
        expected -= 0.1 / i;
        if (i == 1) first = compiles();
    }
    EXPECT_EQ(compiles(), first);
    EXPECT_EQ(step.variants(), 1);
    EXPECT_NEAR(values(w)[0], expected, 1e-4);
}

TEST(Structure, HostScalarsAreInputs) {
    double value = 0;
    const Tensor x = vec({1, 2});
    int64_t first = 0;
    for (int i = 0; i < 20; ++i) {
        value = 0.5 * i;
        const Tensor y = x * host_scalar([&] { return value; });
        value = -1; // plain style called the source when recording
        EXPECT_EQ(values(y), (Floats{0.5f * i, 1.0f * i}));
        if (i == 0) first = compiles();
    }
    EXPECT_EQ(compiles(), first);
    EXPECT_EQ((host_scalar([] { return 3e9; }, i64) * 2).item<int64_t>(), 6000000000);
    EXPECT_EQ((host_scalar([] { return 1e-300; }, f64) * 2).item<double>(), 2e-300);
}

TEST(Structure, CompiledStepsCallTheSourceAtEachCall) {
    double a = 1, b = 10;
    auto step = compile([&](const Tensor& x) {
        const Tensor first = host_scalar([&] { return a; }), second = host_scalar([&] { return b; });
        return x * first - second;
    });
    const Tensor x = vec({2});
    EXPECT_EQ(values(step(x)), (Floats{-8}));
    const int64_t compiled = compiles();
    a = 5, b = 3;
    EXPECT_EQ(values(step(x)), (Floats{7}));
    a = 3, b = 5;
    EXPECT_EQ(values(step(x)), (Floats{1}));
    EXPECT_EQ(compiles(), compiled);
}

TEST(Structure, EqualStructuresHitTheCache) {
    const auto f = [](const Tensor& x) { return exp(x * 2) - sum(x); };
    values(f(pattern({5, 7}, 1)));
    const CacheStats before = cache_stats();
    values(f(pattern({5, 7}, 2)));
    const CacheStats after = cache_stats();
    EXPECT_EQ(after.compiles, before.compiles);
    EXPECT_EQ(after.misses, before.misses);
    EXPECT_EQ(after.hits - before.hits, 1);
    values(f(pattern({5, 8}, 2)));
    EXPECT_EQ(cache_stats().misses - after.misses, 1);
}

// Pairs that a careless key would take for one another: each is evaluated alone and compared with what it is.
TEST(Structure, WhatDiffersIsNotConfused) {
    const Tensor a = Tensor::from(Floats{1, 2, 3, 4}, {2, 2}), b = Tensor::from(Floats{5, 6, 7, 8}, {2, 2});
    const Tensor c = Tensor::from(Floats{-1, 0.5, 2, -3}, {2, 2});
    using Make = std::function<Tensor()>;
    constexpr float kNearTwo = 2.0000002f; // the next float
    const std::vector<std::pair<Make, Floats>> rows = {
        {[&] { return a * 2; }, {2, 4, 6, 8}},
        {[&] { return a * 3; }, {3, 6, 9, 12}},
        {[&] { return a * kNearTwo; }, {kNearTwo, 2 * kNearTwo, 3 * kNearTwo, 4 * kNearTwo}},
        {[&] { return a - b; }, {-4, -4, -4, -4}},
        {[&] { return b - a; }, {4, 4, 4, 4}},
        {[&] { return a - a; }, {0, 0, 0, 0}},
        {[&] { return a + b; }, {6, 8, 10, 12}},
        {[&] { return a + a; }, {2, 4, 6, 8}},
        {[&] { return a * b + c; }, {4, 12.5, 23, 29}},
        {[&] { return a * c + b; }, {4, 7, 13, -4}},
        {[&] { return b * c + a; }, {-4, 5, 17, -20}},
        {[&] { return matmul(a, b); }, {19, 22, 43, 50}},
        {[&] { return matmul(b, a); }, {23, 34, 31, 46}},
        {[&] { return matmul(a, transpose(b, 0, 1)); }, {17, 23, 39, 53}},
        {[&] { return matmul(transpose(a, 0, 1), b); }, {26, 30, 38, 44}},
        {[&] { return sum(a, 0); }, {4, 6}},
        {[&] { return sum(a, 1); }, {3, 7}},
        {[&] { return max(a, 1); }, {2, 4}},
        {[&] { return min(a, 1); }, {1, 3}},
        {[&] { return slice(a, 1, 0, 1); }, {1, 3}},
        {[&] { return slice(a, 1, 1, 2); }, {2, 4}},
        {[&] { return slice(a, 0, 0, 1); }, {1, 2}},
        {[&] {
             return concat({a, b}, 0);
         },
         {1, 2, 3, 4, 5, 6, 7, 8}},
        {[&] {
             return concat({b, a}, 0);
         },
         {5, 6, 7, 8, 1, 2, 3, 4}},
        {[&] {
             return concat({a, b}, 1);
         },
         {1, 2, 5, 6, 3, 4, 7, 8}},
        {[&] {
             return pad(sum(a, 0), {1, 0});
         },
         {0, 4, 6}},
        {[&] {
             return pad(sum(a, 0), {0, 1});
         },
         {4, 6, 0}},
        {[&] {
             return pad(sum(a, 0), {0, 1}, 5);
         },
         {4, 6, 5}},
        {[&] { return where(a > b, a, b); }, {5, 6, 7, 8}},
        {[&] { return where(a < b, a, b); }, {1, 2, 3, 4}},
        {[&] { return clamp(a, 2, 3); }, {2, 2, 3, 3}},
        {[&] { return clamp(a, 2, 4); }, {2, 2, 3, 4}},
        {[&] { return leaky_relu(c, 0.5); }, {-0.5, 0.5, 2, -1.5}},
        {[&] { return leaky_relu(c, 0.25); }, {-0.25, 0.5, 2, -0.75}},
        {[&] { return 1 / (a * 0.0); }, Floats(4, INFINITY)},
        {[&] { return 1 / (a * -0.0); }, Floats(4, -INFINITY)},
        {[&] { return cast(cast(c, i32), f32); }, {-1, 0, 2, -3}},
        {[&] { return cast(cast(c, boolean), f32); }, {1, 1, 1, 1}},
        {[&] { return full({2}, 1.5); }, {1.5, 1.5}},
        {[&] { return full({2}, 2.5); }, {2.5, 2.5}},
        {[&] { return arange(0, 4, 2) * 1.0; }, {0, 2}},
        {[&] { return arange(1, 5, 2) * 1.0; }, {1, 3}},
        {[&] {
             return one_hot(ids({1, 0}), 2) * 1.0;
         },
         {0, 1, 1, 0}},
        {[&] {
             return one_hot(ids({0, 1}), 2) * 1.0;
         },
         {1, 0, 0, 1}},
    };
    for (int round = 0; round < 2; ++round) {
        for (size_t i = 0; i < rows.size(); ++i) {
            EXPECT_EQ(values(rows[i].first()), rows[i].second) << "round " << round << ", row " << i;
        }
    }
}

TEST(Structure, WhatIsAskedForIsPartOfTheKey) {
    const Tensor x = vec({1, 2});
    for (int round = 0; round < 2; ++round) {
        {
            const Tensor z = (x + 1) * 2;
            EXPECT_EQ(values(z), (Floats{4, 6}));
        }
        {
            const Tensor y = x + 1, z = y * 2;
            EXPECT_EQ(values(z), (Floats{4, 6}));
            const int64_t before = eval_stats().submissions;
            EXPECT_EQ(values(y), (Floats{2, 3}));
            EXPECT_EQ(eval_stats().submissions, before); // y was held, so it came along
        }
    }
}

TEST(Structure, SharedAndSeparateInputsAreNotConfused) {
    const auto f = [](const Tensor& a, const Tensor& b) { return a * 10 + b; };
    const Tensor x = vec({1, 2}), y = vec({3, 4});
    EXPECT_EQ(values(f(x, y)), (Floats{13, 24}));
    EXPECT_EQ(values(f(x, x)), (Floats{11, 22}));
    EXPECT_EQ(values(f(y, x)), (Floats{31, 42}));
    const Tensor w = Tensor::buffer(x), v = Tensor::buffer(y);
    EXPECT_EQ(values(f(w, v)), (Floats{13, 24}));
    EXPECT_EQ(values(f(v, w)), (Floats{31, 42}));
    EXPECT_EQ(values(f(w, x)), (Floats{11, 22}));
    w.assign(f(w, v));
    EXPECT_EQ(values(w), (Floats{13, 24}));
    v.assign(f(w, v));
    EXPECT_EQ(values(v), (Floats{133, 244}));
}

TEST(Structure, TheCacheIsBounded) {
    clear_cache();
    set_cache_capacity(4);
    const CacheStats before = cache_stats();
    EXPECT_EQ(before.size, 0);
    const auto run = [](int64_t n) { return sum(ones({n}) + arange(n) * 1.0).item(); };
    for (int64_t n = 1; n <= 10; ++n) EXPECT_EQ(run(n), static_cast<double>(n + n * (n - 1) / 2));
    CacheStats after = cache_stats();
    EXPECT_LE(after.size, 4);
    EXPECT_GE(after.evictions - before.evictions, 6);
    EXPECT_EQ(after.compiles - before.compiles, 10);
    run(10); // still there
    EXPECT_EQ(cache_stats().compiles, after.compiles);
    run(7), run(8), run(9); // all four have been used again now, so the least recently used one is 10
    EXPECT_EQ(cache_stats().compiles, after.compiles);
    run(1); // was evicted
    EXPECT_EQ(cache_stats().compiles, after.compiles + 1);
    run(9), run(8), run(7);
    EXPECT_EQ(cache_stats().compiles, after.compiles + 1);
    run(10);
    EXPECT_EQ(cache_stats().compiles, after.compiles + 2);
    set_cache_capacity(256);
    after = cache_stats();
    EXPECT_GE(after.hits + after.misses, after.compiles);
}

TEST(Structure, AShrunkCacheEvictsAndGoesOn) {
    for (int64_t n = 1; n <= 20; ++n) (ones({n}) * 2).eval();
    set_cache_capacity(2);
    EXPECT_LE(cache_stats().size, 2);
    auto model = mlp();
    optim::SGD opt(model.parameters(), {.lr = 0.1});
    const Tensor x = pattern({4, 6}), y = labels(4, 3);
    auto step = compile([&](const Tensor& a, const Tensor& b) { return train_step(model, opt, a, b); });
    double last = step(x, y).item();
    for (int i = 0; i < 5; ++i) {
        for (int64_t n = 1; n <= 5; ++n) (ones({n}) * 3).eval(); // pushes everything else out
        const double loss = step(x, y).item();
        EXPECT_LT(loss, last);
        last = loss;
    }
    set_cache_capacity(256);
}

} // namespace
