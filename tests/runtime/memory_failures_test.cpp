// SPDX-License-Identifier: MIT
// Running out of memory anywhere (rule 8): for every n the n-th allocation of a whole program - building a network and its
// optimizer, training steps with values that somebody holds on to, reading losses - fails once. What failed must leave
// everything as it was; repeated, it must give exactly what an undisturbed program computes; nothing may leak.
#include "runtime/rules_testing.h"

#include <memory>
#include <optional>

#include <ingot/memory.h>

#include "core/allocator.h"

using namespace ingot;
using namespace ingot::rulestest;

namespace {

enum class Style { plain, compiled };

/// A program in stages. A stage that runs out of memory is repeated.
class Program {
public:
    explicit Program(Style style) : style_(style) {}

    void run() {
        stage([&] {
            manual_seed(3);
            model_ = std::make_unique<nn::Sequential>(
                nn::Sequential{nn::Conv2d(3, 8, {.kernel = 3, .padding = 1}), nn::BatchNorm2d(8), nn::ReLU(),
                               nn::MaxPool2d(2), nn::Conv2d(8, 16, {.kernel = 3, .padding = 1}), nn::ReLU(),
                               nn::Flatten(), nn::Dropout(0.25), nn::Linear(16 * 4 * 4, 5)});
        });
        stage([&] { opt_ = std::make_unique<optim::AdamW>(model_->parameters()); });
        if (style_ == Style::compiled) compiled_.emplace(body());
        for (int64_t i = 0; i < 6; ++i) train(i);
        stage([&] { state_ = state_of(*model_); });
    }

    int failures() const { return failures_; }
    const std::vector<double>& losses() const { return losses_; }
    const std::vector<Floats>& state() const { return state_; }
    std::vector<Floats> held() const {
        std::vector<Floats> out;
        for (const auto& step : held_) {
            for (auto& v : values_of(step)) out.push_back(std::move(v));
        }
        return out;
    }

private:
    using Body = std::function<Tensor(const Tensor&, const Tensor&)>;
    Body body() {
        return [this](const Tensor& x, const Tensor& y) {
            const Tensor loss = nn::cross_entropy((*model_)(x), y);
            if (!compiling()) loss_ = loss;
            opt_->zero_grad();
            loss.backward();
            opt_->step();
            return loss;
        };
    }

    void train(int64_t i) {
        const std::vector<Floats> before = state_of(*model_);
        Tensor failed;
        loss_ = {};
        stage(
            [&] {
                manual_seed(static_cast<uint64_t>(100 + i)); // for dropout
                const Tensor x = pattern({4 + i % 2, 3, 8, 8}, i), y = labels(4 + i % 2, 5, i);
                // Old values that must survive the step: running statistics and moments as they are, and parameters by
                // way of an operator that is recorded before the step and evaluated with it.
                std::vector<Tensor> old;
                for (const auto& t : model_->buffers()) old.push_back(t.detach());
                for (const auto& [name, t] : opt_->state_dict()) old.push_back(t.detach());
                for (const auto& t : model_->parameters()) old.push_back(t.detach() * 2);
                const Tensor loss = compiled_ ? (*compiled_)(x, y) : body()(x, y);
                const double value = loss.item();
                held_.push_back(std::move(old)); // nothing below allocates
                losses_.push_back(value);
            },
            [&] {
                EXPECT_EQ(state_of(*model_), before) << "step " << i;
                failed = std::move(loss_);
            });
        // What was recorded and did not begin is computed when it is asked for again.
        if (failed.defined()) { EXPECT_NEAR(failed.item(), losses_.back(), 1e-5) << "step " << i; }
    }

    void stage(const std::function<void()>& f, const std::function<void()>& after_failure = {}) {
        try {
            f();
        } catch (const OutOfMemoryError& e) {
            ++failures_;
            EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
            if (after_failure) after_failure();
            f();
        }
    }

    Style style_;
    std::unique_ptr<nn::Sequential> model_;
    std::unique_ptr<optim::AdamW> opt_;
    std::optional<CompiledFunction<Body>> compiled_;
    Tensor loss_; ///< of the present plain step, from when it is recorded
    int failures_ = 0;
    std::vector<double> losses_;
    std::vector<Floats> state_;
    std::vector<std::vector<Tensor>> held_;
};

/// What is live when Ingot keeps nothing for itself: tensors.
MemoryStats settled() {
    submit_pending();
    synchronize();
    trim_memory();
    return memory_stats();
}

TEST(IdleMemory, IsGivenBack) {
    const Tensor x = pattern({512, 512});
    const auto compute = [&] {
        return sum(matmul(softmax(matmul(x, x), 1), x), {1});
    }; // 2 MB of temporaries, result 2 KB
    const Floats expected = values(compute());
    for (const bool all : {true, false}) {
        const MemoryStats idle = settled();
        values(compute());
        EXPECT_GE(memory_stats().used_memory - idle.used_memory, 1 << 20);
        EXPECT_GE(memory_stats().live - idle.live, 2); // the arena and the result
        const int64_t compiles = cache_stats().compiles;
        if (all) {
            clear_cache();
        } else {
            trim_memory();
            EXPECT_LE(memory_stats().total_memory, idle.total_memory);
        }
        EXPECT_EQ(memory_stats().live, idle.live);
        EXPECT_EQ(memory_stats().used_memory, idle.used_memory);
        EXPECT_EQ(values(compute()), expected);
        EXPECT_EQ(cache_stats().compiles - compiles, all ? 1 : 0); // trimming forgets no executable
    }
}

TEST(IdleMemory, OfACompiledStepIsGivenBackToo) {
    auto model = small_cnn();
    optim::Adam opt(model.parameters());
    auto step = compile([&](const Tensor& x, const Tensor& y) { return train_step(model, opt, x, y); });
    const Tensor x = pattern({8, 3, 8, 8}), y = labels(8, 5);
    manual_seed(1), step(x, y).item();
    const int64_t parameters = [&] {
        trim_memory();
        return memory_stats().live;
    }();
    manual_seed(2), step(x, y).item();
    EXPECT_GT(memory_stats().live, parameters);
    trim_memory();
    EXPECT_EQ(memory_stats().live, parameters);
    manual_seed(3), step(x, y).item();
    auto twin = small_cnn();
    optim::Adam twin_opt(twin.parameters());
    for (uint64_t i = 1; i <= 3; ++i) manual_seed(i), train_step(twin, twin_opt, x, y).item();
    EXPECT_TRUE(near(state_of(model), state_of(twin), 1e-4));
}

class FailEveryAllocation : public testing::TestWithParam<Style> {
protected:
    ~FailEveryAllocation() override { core::fail_allocation(0); }
};

TEST_P(FailEveryAllocation, LeavesAProgramThatTrainsOn) {
    constexpr int kAllocations = 200;
    settled();
    const int64_t start = memory_stats().num_allocations;
    Program undisturbed(GetParam());
    undisturbed.run();
    // Each of the first 200 really happens.
    ASSERT_GE(memory_stats().num_allocations - start, kAllocations);
    ASSERT_EQ(undisturbed.failures(), 0);
    const auto held = undisturbed.held();
    const MemoryStats idle = settled();
    for (int n = 1; n <= kAllocations; ++n) {
        SCOPED_TRACE("allocation " + std::to_string(n));
        {
            core::fail_allocation(n);
            Program disturbed(GetParam());
            disturbed.run();
            EXPECT_EQ(disturbed.failures(), 1);
            EXPECT_EQ(disturbed.losses(), undisturbed.losses());
            EXPECT_EQ(disturbed.state(), undisturbed.state());
            EXPECT_EQ(disturbed.held(), held);
        }
        const MemoryStats after = settled();
        EXPECT_EQ(after.live, idle.live);
        EXPECT_EQ(after.used_memory, idle.used_memory);
        if (HasFailure()) break; // the others would say the same
    }
}

// New cells get their first values in a submission of their own. When that fails, the writes recorded since are undone, too.
TEST(OutOfMemoryOfFirstValues, LeavesOtherCellsAsTheyWere) {
    const Tensor w = Tensor::buffer(vec({1, 2}));
    w.eval();
    manual_seed(5);
    const Tensor fresh = Tensor::buffer(randn({3}));
    w.assign(w + 1);
    fresh.assign(fresh + 1);
    core::fail_allocation(1);
    EXPECT_THROW(submit_pending(), OutOfMemoryError);
    EXPECT_EQ(values(w), (Floats{1, 2}));
    w.assign(w + 1);
    fresh.assign(fresh + 1);
    submit_pending();
    EXPECT_EQ(values(w), (Floats{2, 3}));
    manual_seed(5);
    EXPECT_EQ(values(fresh), values(randn({3}) + 1));
}

// A first gradient that could not be computed never was: nobody computes it later, and repeated it counts once.
TEST(OutOfMemoryOfFirstGradients, LeavesNone) {
    const Tensor w = param({1, 2});
    const auto record = [&] { sum(w * w).backward(); };
    record();
    core::fail_allocation(1);
    EXPECT_THROW(submit_pending(), OutOfMemoryError);
    EXPECT_FALSE(w.grad().defined());
    const int64_t before = eval_stats().submissions;
    submit_pending();
    EXPECT_EQ(eval_stats().submissions, before);
    record();
    submit_pending();
    EXPECT_EQ(values(w.grad()), (Floats{2, 4}));
    record();
    EXPECT_EQ(values(w.grad()), (Floats{4, 8}));
    auto twice = compile([&] { sum(w * w).backward(); });
    twice();
    EXPECT_EQ(values(w.grad()), (Floats{6, 12}));
}

// As a user meets it: under INGOT_MEMORY_LIMIT a batch is too large, the message says who holds what, and the same process
// trains on with a smaller one.
TEST(MemoryLimitDeathTest, ATooLargeStepFailsWithAReportAndTrainingGoesOn) {
    GTEST_FLAG_SET(death_test_style, "threadsafe"); // a fresh process, which has not read the environment yet
    const auto child = [](bool compiled) {
        setenv("INGOT_MEMORY_LIMIT", "64M", 1);
        setenv("INGOT_LEAK_CHECK", "1", 1);
        {
            auto model = small_cnn();
            optim::Adam opt(model.parameters(), {.lr = 1e-2});
            const auto body = [&](const Tensor& x, const Tensor& y) { return train_step(model, opt, x, y); };
            auto step = compile(body);
            const auto train = [&](int64_t batch) {
                const Tensor x = pattern({batch, 3, 8, 8}), y = labels(batch, 5);
                return (compiled ? step(x, y) : body(x, y)).item();
            };
            const double first = train(16);
            const auto before = state_of(model);
            const std::string text = error_of([&] { train(20000); }); // its data take 15 of the 64 MB
            double last = 0;
            const bool kept = state_of(model) == before;
            for (int i = 0; i < 60; ++i) last = train(16);
            std::fprintf(stderr, "%s; weights %s, loss %s, limit %lld, above it: %d\n", text.c_str(),
                         kept ? "kept" : "changed", last < first / 2 ? "fell" : "did not fall",
                         static_cast<long long>(memory_limit()), memory_stats().peak > memory_limit());
        }
        std::exit(0);
    };
    const char* expected =
        "^out of memory on cpu: cannot allocate .* for 'arena' \\(live .*, limit 64.0 MiB\\); held by "
        "'tensor' 14.[0-9] MiB in .*'parameter or state' .* in .*; use a smaller batch or raise the "
        "memory limit \\(INGOT_MEMORY_LIMIT\\); weights kept, loss fell, limit 67108864, above it: "
        "0\ningot: leak check: 0 bytes live\n$";
    EXPECT_EXIT(child(false), testing::ExitedWithCode(0), expected);
    EXPECT_EXIT(child(true), testing::ExitedWithCode(0), expected);
}

INSTANTIATE_TEST_SUITE_P(Styles, FailEveryAllocation, testing::Values(Style::plain, Style::compiled),
                         [](const auto& info) { return info.param == Style::plain ? "Plain" : "Compiled"; });

} // namespace
