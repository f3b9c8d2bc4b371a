// SPDX-License-Identifier: MIT
// Threads (rule 10): recording is per thread, evaluated values are shared.
#include "runtime/rules_testing.h"

#include <atomic>
#include <mutex>
#include <thread>

#include <ingot/host_scalar.h>

#include "base/check.h"

using namespace ingot;
using namespace ingot::rulestest;

namespace {

std::vector<Floats> train(uint64_t seed, bool compiled, int steps) {
    auto model = noisy_mlp(seed);
    optim::Adam opt(model.parameters(), {.lr = 0.01});
    const auto body = [&](const Tensor& x, const Tensor& y) { return train_step(model, opt, x, y); };
    auto step = compile(body);
    std::vector<Floats> out(1);
    for (int i = 0; i < steps; ++i) {
        const Tensor x = pattern({8, 6}, i), y = labels(8, 3, i);
        out[0].push_back((compiled ? step(x, y) : body(x, y)).item<float>());
    }
    for (auto& v : state_of(model)) out.push_back(std::move(v));
    return out;
}

TEST(Threads, TrainSeparateModelsAtOnce) {
    const int steps = kSanitized ? 10 : 50;
    for (const bool compiled : {false, true}) {
        const auto first = train(1, compiled, steps), second = train(2, compiled, steps);
        std::vector<Floats> a, b;
        std::thread ta([&] { a = train(1, compiled, steps); }), tb([&] { b = train(2, compiled, steps); });
        ta.join();
        tb.join();
        EXPECT_TRUE(near(a, first, 1e-5)) << compiled;
        EXPECT_TRUE(near(b, second, 1e-5)) << compiled;
    }
}

TEST(Threads, ShareEvaluatedValues) {
    const Tensor x = exp(pattern({64, 64})).eval();
    const Tensor w = Tensor::parameter(pattern({64, 64}, 2));
    w.eval();
    const Floats expected = values(matmul(x, w) + x);
    std::vector<Floats> got(4);
    std::vector<std::thread> threads;
    for (size_t i = 0; i < got.size(); ++i) {
        threads.emplace_back([&, i] {
            for (int k = 0; k < 20; ++k) got[i] = values(matmul(x, w) + x);
        });
    }
    for (auto& t : threads) t.join();
    for (const auto& v : got) EXPECT_EQ(v, expected);
}

TEST(Threads, HandValuesOn) {
    Tensor shared;
    std::thread producer([&] { shared = (pattern({100}) * 2).eval(); });
    producer.join();
    EXPECT_EQ(values(shared / 2), values(pattern({100})));
}

TEST(Threads, PendingWorkOfOneIsNotSubmittedByAnother) {
    const Tensor pending = vec({1, 2}) + 1;
    std::thread other([] {
        EXPECT_EQ(sum(vec({1, 2})).item(), 3);
        submit_pending();
    });
    other.join();
    const int64_t before = eval_stats().submissions;
    EXPECT_EQ(values(pending), (Floats{2, 3}));
    EXPECT_EQ(eval_stats().submissions - before, 1);
}

TEST(Threads, FailuresStayInTheirThread) {
    const int rounds = kSanitized ? 10 : 50;
    std::atomic<int> failed = 0;
    std::thread bad([&] {
        for (int i = 0; i < rounds; ++i) {
            failed += !error_of([] { values(embedding(pattern({3, 2}), ids({5}))); }).empty();
            failed += !error_of([] { matmul(zeros({2, 3}), zeros({2, 3})); }).empty();
        }
    });
    for (int i = 0; i < rounds; ++i) EXPECT_EQ(sum(exp(zeros({10})) * i).item(), 10 * i);
    bad.join();
    EXPECT_EQ(failed, 2 * rounds);
}

TEST(Threads, NoGradIsPerThread) {
    const NoGrad guard;
    bool enabled = false;
    std::thread other([&] { enabled = grad_enabled(); });
    other.join();
    EXPECT_TRUE(enabled);
    EXPECT_FALSE(grad_enabled());
}

// Made by one thread and not even evaluated, moved and read by another, while the first goes on with work of its own.
TEST(Threads, MoveWhatAnotherMade) {
    manual_seed(8);
    nn::Linear model(4, 3);
    std::vector<Floats> moved;
    std::thread other([&] {
        model.to(Device::reference());
        moved = state_of(model);
    });
    for (int i = 0; i < 20; ++i) EXPECT_EQ(sum(exp(zeros({10})) * i).item(), 10 * i);
    other.join();
    manual_seed(8);
    const nn::Linear twin(4, 3);
    EXPECT_EQ(moved, state_of(twin));
}

// The value of a gradient's cell, held by a reader, while the next steps write the cell.
TEST(Threads, AValueIsReadWhileItsCellIsOverwritten) {
    struct Published {
        std::mutex mutex;
        Tensor gradient;
        Floats expected;
        bool done = false;
    } shared;
    constexpr int64_t kSize = 30000;
    std::thread trainer([&] {
        const Tensor w = Tensor::parameter(pattern({kSize}));
        optim::SGD opt({w}, {.lr = 0.01, .momentum = 0.9});
        for (int i = 0; i < (kSanitized ? 40 : 300); ++i) {
            opt.zero_grad();
            sum(w * w * (1.0 + 0.1 * (i % 5))).backward();
            const Tensor g = w.grad();
            opt.step();
            Floats expected = values(g);
            const std::lock_guard lock(shared.mutex);
            shared.gradient = g;
            shared.expected = std::move(expected);
        }
        const std::lock_guard lock(shared.mutex);
        shared.done = true;
    });
    int wrong = 0;
    for (bool done = false; !done;) {
        Tensor gradient;
        Floats expected;
        {
            const std::lock_guard lock(shared.mutex);
            gradient = shared.gradient;
            expected = shared.expected;
            done = shared.done;
        }
        for (int i = 0; gradient.defined() && i < 3; ++i) {
            wrong += values(gradient) != expected;
            wrong += values(gradient * 1.0) != expected;
            wrong += values(Tensor::buffer(gradient)) != expected;
            wrong += values(gradient.to(Device::reference())) != expected;
        }
    }
    trainer.join();
    EXPECT_EQ(wrong, 0);
}

TEST(Threads, EndWithPendingWorkAndHandles) {
    std::vector<Tensor> kept(1);
    std::thread other([&] {
        const Tensor w = Tensor::buffer(zeros({4}));
        w.assign(w + 1); // never submitted
        kept[0] = w;
        const Tensor dropped = exp(ones({100}));
    });
    other.join();
    // What is left of the thread's pending work either has its value or says that it has none.
    const std::string text = error_of([&] { EXPECT_EQ(values(kept[0]), Floats(4, 1)); });
    EXPECT_EQ(text.find('\n'), std::string::npos);
    EXPECT_EQ(values(vec({1}) + 1), Floats{2});
}

// A model that one thread made, and did not even evaluate, is trained by another while the first goes on with work of its own.
TEST(Threads, TrainWhatAnotherMade) {
    const auto make = [] {
        manual_seed(6);
        return nn::Sequential{nn::Linear(6, 16), nn::ReLU(), nn::Linear(16, 3)};
    };
    for (const bool compiled : {false, true}) {
        const auto train = [&](nn::Sequential& m) {
            optim::Adam opt(m.parameters(), {.lr = 0.01});
            const auto body = [&](const Tensor& x, const Tensor& y) { return train_step(m, opt, x, y); };
            auto step = compile(body);
            Floats losses;
            for (int i = 0; i < 5; ++i) {
                const Tensor x = pattern({8, 6}, i), y = labels(8, 3, i);
                losses.push_back((compiled ? step(x, y) : body(x, y)).item<float>());
            }
            return losses;
        };
        auto twin = make();
        const Floats expected = train(twin);
        for (int attempt = 0; attempt < 10; ++attempt) { // who submits the first values is a matter of luck
            auto model = make();
            Floats got;
            std::atomic<bool> done = false;
            std::thread other([&] {
                got = train(model);
                done = true;
            });
            for (int k = 1; k == 1 || !done; ++k) EXPECT_EQ(sum(exp(zeros({50000})) * k).item(), 50000 * k);
            other.join();
            EXPECT_TRUE(near(got, expected, 1e-5)) << compiled;
            EXPECT_TRUE(near(state_of(model), state_of(twin), 1e-5)) << compiled;
        }
    }
}

// An evaluation by one thread does not keep another from training the model that it made.
TEST(Threads, ReadWhatAnotherHasNotSubmitted) {
    manual_seed(7);
    const Tensor w = Tensor::parameter(randn({4}));
    Floats seen;
    std::thread reader([&] { seen = values(w); });
    reader.join();
    const Floats first = values(w);
    EXPECT_EQ(seen, first);
    for (int i = 0; i < 2; ++i) {
        w.assign(w + 1);
        const int64_t before = eval_stats().submissions;
        submit_pending();
        EXPECT_EQ(eval_stats().submissions - before, 1);
    }
    EXPECT_EQ(values(w)[0], first[0] + 1 + 1);
}

class OneCell : public testing::Test {
protected:
    void SetUp() override {
        if (!base::kDebugChecks) GTEST_SKIP() << "only builds with assertions (debug, sanitizers) look for two writers";
    }
    /// What another thread gets for f().
    template <class F> static std::string elsewhere(F f) {
        std::string text;
        std::thread other([&] { text = error_of(f); });
        other.join();
        return text;
    }
    static void expect_refused(const std::string& text) {
        EXPECT_NE(text.find("two threads write one cell (f32[2])"), std::string::npos) << text;
    }
    const Tensor w = param({1, 2});
};

TEST_F(OneCell, IsNotAssignedByTwoThreads) {
    w.assign(w * 3);
    expect_refused(elsewhere([&] { w.assign(w + 1); }));
    submit_pending();
    EXPECT_EQ(values(w), (Floats{3, 6}));
    EXPECT_EQ(elsewhere([&] {
                  w.assign(w + 1);
                  submit_pending();
              }),
              "");
    w.assign(w * 2); // handed back
    EXPECT_EQ(values(w), (Floats{8, 14}));
}

TEST_F(OneCell, DoesNotGetTwoGradients) {
    sum(w * w).backward();
    submit_pending();
    sum(w * w).backward();
    expect_refused(elsewhere([&] { sum(w).backward(); }));
    expect_refused(elsewhere([&] { w.zero_grad(); }));
    EXPECT_EQ(values(w.grad()), (Floats{4, 8}));
}

TEST_F(OneCell, IsNotAssignedWhileAnotherTracesIt) {
    std::string assigned, traced;
    auto step = compile([&] {
        w.assign(w + 1);
        assigned = elsewhere([&] { w.assign(w * 2); });
        auto inner = compile([&] { w.assign(w * 2); });
        traced = elsewhere([&] { inner(); });
    });
    step();
    expect_refused(assigned);
    expect_refused(traced);
    EXPECT_EQ(values(w), (Floats{2, 3}));
}

TEST_F(OneCell, IsNotWrittenByTwoCompiledSteps) {
    auto other = compile([&] { w.assign(w * 2); });
    other();
    std::string assigned, stepped;
    auto step = compile([&] {
        w.assign(w + host_scalar([&] { // asked while the step runs
                     assigned = elsewhere([&] { w.assign(vec({0, 0})); });
                     stepped = elsewhere([&] { other(); });
                     return 1.0;
                 }));
    });
    step();
    expect_refused(assigned);
    expect_refused(stepped);
    EXPECT_EQ(values(w), (Floats{3, 5}));
    other();
    EXPECT_EQ(values(w), (Floats{6, 10}));
}

} // namespace
