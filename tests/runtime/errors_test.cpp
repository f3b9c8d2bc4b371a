// SPDX-License-Identifier: MIT
// Errors (rule 8): shapes and devices when recording; memory before a submission, which leaves everything as it was; bad
// indices after it, which everything that depends on it reports until the cells are given new values.
#include "runtime/rules_testing.h"

#include <map>
#include <optional>

#include <sys/resource.h>
#include <unistd.h>

#include <ingot/host_scalar.h>

using namespace ingot;
using namespace ingot::rulestest;

namespace {

TEST(Errors, ShapesAreCheckedWhenRecording) {
    const Tensor a = zeros({2, 3}), b = zeros({4, 5});
    const int64_t before = eval_stats().submissions;
    EXPECT_TRUE(fails_with([&] { matmul(a, b); }, {"matmul", "[2, 3]", "[4, 5]"}));
    EXPECT_TRUE(fails_with([&] { add(a, b); }, {"add", "[2, 3]", "[4, 5]"}));
    EXPECT_TRUE(fails_with([&] { concat({a, b}); }, {"concat", "[2, 3]", "[4, 5]"}));
    EXPECT_TRUE(fails_with([&] { a.to_vector<float>(), reshape(a, {5}); }, {"reshape", "[2, 3]", "[5]"}));
    EXPECT_THROW(matmul(a, b), ShapeError);
    EXPECT_LE(eval_stats().submissions - before, 1); // the one that was asked for
}

TEST(Errors, ARecordingErrorLeavesAHalfRecordedStepHarmless) {
    auto model = mlp();
    optim::SGD opt(model.parameters(), {.lr = 0.1});
    const auto before = state_of(model);
    EXPECT_TRUE(fails_with([&] { train_step(model, opt, pattern({4, 7}), labels(4, 3)); }, {"[4, 7]", "[8, 6]"}));
    EXPECT_EQ(state_of(model), before);
    EXPECT_GT(train_step(model, opt, pattern({4, 6}), labels(4, 3)).item(), 0);
    EXPECT_NE(state_of(model), before);
}

TEST(Errors, OperandsOnTwoDevicesAreNamed) {
    const Tensor a = zeros({2, 2}), b = zeros({2, 2}, {.device = Device::reference()});
    const std::vector<std::function<void()>> mixes = {
        [&] { add(a, b); },
        [&] { matmul(b, a); },
        [&] {
            concat({a, b});
        },
        [&] { where(a > 0, a, b); },
        [&] { linear(a, a, zeros({2}, {.device = Device::reference()})); },
        [&] {
            gather(b, 0, zeros({2, 2}, {.dtype = i64}));
        },
        [&] { Tensor::buffer(a).assign(b); },
    };
    for (size_t i = 0; i < mixes.size(); ++i) {
        EXPECT_TRUE(fails_with(mixes[i], {"cpu", "reference"})) << i;
        EXPECT_THROW(mixes[i](), DeviceError) << i;
    }
    EXPECT_EQ(values(b * 2 + 1), Floats(4, 1)); // numbers go anywhere
    EXPECT_EQ(values(b + host_scalar([] { return 3.0; })), Floats(4, 3));
    EXPECT_EQ(values(a + b.to(Device::cpu())), Floats(4, 0));
}

class BadIndex : public testing::Test {
protected:
    nn::Embedding table{10, 4};
    optim::SGD opt{table.parameters(), {.lr = 0.1}};
    Tensor good = ids({1, 2}), bad = ids({1, 99});
};

TEST_F(BadIndex, IsReportedByTheReadWithIndexAndBound) {
    const Tensor rows = table(bad);
    EXPECT_EQ(rows.shape(), (Shape{2, 4}));
    EXPECT_TRUE(fails_with([&] { values(rows); }, {"99", "10"}));
    EXPECT_TRUE(fails_with([&] { values(gather(vec({1, 2, 3}), 0, ids({-1}))); }, {"-1", "3"}));
    EXPECT_TRUE(fails_with([&] { values(index_select(pattern({4, 2}), 0, ids({4}))); }, {"4"}));
    EXPECT_TRUE(fails_with([&] { nn::cross_entropy(pattern({2, 3}), ids({0, 3})).item(); }, {"3"}));
    EXPECT_EQ(values(table(good)).size(), 8u);
}

TEST_F(BadIndex, IsReportedWithTheOperator) {
    const auto in_backward = [&] {
        opt.zero_grad();
        const Tensor loss = sum(table(bad)); // its gradient adds at the same indices
        loss.backward();
        opt.step();
        loss.item();
    };
    EXPECT_TRUE(fails_with(in_backward, {"index 99 is out of range [0, 10) in index_select;"}));
    const Tensor bystander = randn({3});
    const Tensor loss = nn::cross_entropy(pattern({2, 3}), ids({0, 3}));
    const std::string text =
        "index 3 is out of range [0, 3) in cross_entropy; every value of the same submission fails with it";
    EXPECT_EQ(error_of([&] { loss.item(); }), text);
    EXPECT_EQ(error_of([&] { values(bystander); }), text);
    const Tensor first = gather(vec({1, 2}), 0, ids({2})), second = nn::cross_entropy(pattern({2, 3}), ids({0, 0}));
    EXPECT_TRUE(
        fails_with([&] { values(first + second); }, {"index 2 is out of range [0, 2) in gather or cross_entropy;"}));
}

TEST_F(BadIndex, TwoFailedStepsAreCuredByNewValues) {
    const StateDict weights = table.state_dict();
    std::map<std::string, Tensor> copy;
    for (const auto& [name, tensor] : weights) copy.emplace(name, Tensor::from(values(tensor), tensor.shape()));
    const auto step = [&](const Tensor& rows) {
        opt.zero_grad();
        const Tensor loss = sum(table(rows));
        loss.backward();
        opt.step();
        return loss;
    };
    EXPECT_TRUE(fails_with([&] { step(bad).item(); }, {"99"}));
    EXPECT_TRUE(fails_with([&] { step(good).item(); }, {"99"}));
    EXPECT_TRUE(fails_with([&] { step(good).item(); }, {"99"}));
    table.load_state_dict(StateDict(copy));
    step(good).item();
    const int64_t compiles = cache_stats().compiles;
    for (int i = 0; i < 10; ++i) step(good).item();
    EXPECT_LE(cache_stats().compiles - compiles, 1); // no history is recorded again
    auto compiled = compile(step);
    EXPECT_LT(compiled(good).item(), step(good).item() + 10);
}

TEST_F(BadIndex, IsReportedForConstantsToo) {
    // Every row is the same, so nothing need be read; the index is wrong all the same.
    EXPECT_TRUE(fails_with([&] { values(embedding(zeros({3, 2}), ids({5}))); }, {"5", "3"}));
    EXPECT_TRUE(fails_with([&] { nn::cross_entropy(zeros({2, 3}), ids({0, 3})).item(); }, {"3"}));
}

TEST_F(BadIndex, ReachesDependentsWithTheSameMessage) {
    const Tensor rows = table(bad), total = sum(rows);
    submit_pending();
    const Tensor later = total * 2, unrelated = sum(table(good));
    const std::string text = error_of([&] { total.item(); });
    EXPECT_NE(text.find("99"), std::string::npos) << text;
    EXPECT_EQ(error_of([&] { values(rows); }), text);
    EXPECT_EQ(error_of([&] { later.item(); }), text);
    EXPECT_EQ(error_of([&] { (later + 1).item(); }), text);
    EXPECT_EQ(error_of([&] { total.item(); }), text); // and stays
    EXPECT_EQ(error_of([&] { unrelated.item(); }), "");
}

TEST_F(BadIndex, ReachesAllValuesOfTheSubmission) {
    const Tensor earlier = exp(vec({0})).eval();
    const Tensor rows = table(bad), neighbour = exp(vec({0}));
    const std::string text = error_of([&] { values(rows); });
    EXPECT_NE(text, "");
    EXPECT_EQ(error_of([&] { values(neighbour); }), text);
    EXPECT_EQ(values(earlier), Floats{1});
    EXPECT_EQ(values(exp(vec({0}))), Floats{1}); // recorded anew
}

TEST_F(BadIndex, ReachesTheCellsUntilTheyAreAssigned) {
    const Tensor other = Tensor::buffer(vec({1, 2}));
    other.eval();
    const Tensor loss = sum(table(bad));
    loss.backward();
    opt.step();
    const std::string text = error_of([&] { loss.item(); });
    EXPECT_NE(text.find("99"), std::string::npos) << text;
    EXPECT_EQ(error_of([&] { values(table.weight); }), text);
    EXPECT_EQ(error_of([&] { sum(table(good)).item(); }), text);
    EXPECT_EQ(values(other), (Floats{1, 2}));
    table.weight.assign(ones({10, 4}));
    EXPECT_EQ(values(table.weight), Floats(40, 1));
    opt.zero_grad();
    const Tensor fine = sum(table(good));
    fine.backward();
    opt.step();
    EXPECT_EQ(fine.item(), 8);
    EXPECT_NEAR(values(table.weight)[4], 0.9, 1e-6);
}

TEST_F(BadIndex, StepsSubmittedBeforeTheReadFailToo) {
    const auto step = [&](const Tensor& index) {
        opt.zero_grad();
        const Tensor loss = sum(table(index));
        loss.backward();
        opt.step();
        return loss;
    };
    std::string text;
    std::vector<Tensor> losses;
    // Nothing is read in between; a step that is submitted after the failure is known may throw at once.
    for (const Tensor& index : {good, bad, good, good}) {
        const std::string now = error_of([&] { losses.push_back(step(index)); });
        if (!now.empty()) text = now;
    }
    ASSERT_GE(losses.size(), 2u);
    EXPECT_EQ(error_of([&] { losses[0].item(); }), "");
    const std::string failed = error_of([&] { losses[1].item(); });
    EXPECT_NE(failed.find("99"), std::string::npos) << failed;
    if (!text.empty()) { EXPECT_EQ(text, failed); }
    for (size_t i = 2; i < losses.size(); ++i) EXPECT_EQ(error_of([&] { losses[i].item(); }), failed) << i;
    EXPECT_EQ(error_of([&] { values(table.weight); }), failed);
    table.weight.assign(zeros({10, 4}));
    opt.zero_grad();
    EXPECT_EQ(step(good).item(), 0);
}

class BadLabel : public testing::Test {
protected:
    nn::Sequential model = noisy_mlp(2), twin = noisy_mlp(2);
    Tensor x = pattern({4, 6}), y = labels(4, 3), wrong = ids({0, 1, 7, 2});
};

TEST_F(BadLabel, InPlainStyleIsRepairedByLoadStateDict) {
    optim::SGD opt(model.parameters(), {.lr = 0.1}), twin_opt(twin.parameters(), {.lr = 0.1});
    const StateDict before = saved(model);
    const Tensor loss = train_step(model, opt, x, wrong);
    EXPECT_TRUE(fails_with([&] { loss.item(); }, {"7", "3"}));
    EXPECT_TRUE(fails_with([&] { values(model.parameters()[0]); }, {"7", "3"}));
    EXPECT_TRUE(fails_with([&] { values(model.state_dict().at("1.running_mean")); }, {"7", "3"}));
    model.load_state_dict(before);
    for (int i = 0; i < 3; ++i) {
        manual_seed(10 + static_cast<uint64_t>(i));
        const double a = train_step(model, opt, x, y).item();
        manual_seed(10 + static_cast<uint64_t>(i));
        EXPECT_NEAR(a, train_step(twin, twin_opt, x, y).item(), 1e-6) << i;
    }
    EXPECT_TRUE(near(state_of(model), state_of(twin), 1e-6));
}

TEST_F(BadLabel, InACompiledStepIsRepairedByLoadStateDict) {
    optim::Adam opt(model.parameters(), {.lr = 0.1}), twin_opt(twin.parameters(), {.lr = 0.1});
    auto step = compile([&](const Tensor& a, const Tensor& b) { return train_step(model, opt, a, b); });
    manual_seed(10), step(x, y).item();
    manual_seed(10), train_step(twin, twin_opt, x, y).item();
    const StateDict before = saved(model);
    StateDict optimizer_before;
    for (const auto& [name, t] : opt.state_dict()) {
        optimizer_before.add(name, t.dtype() == i64   ? Tensor::from(t.to_vector<int64_t>(), t.shape())
                                   : t.dtype() == f64 ? Tensor::from(t.to_vector<double>(), t.shape())
                                                      : Tensor::from(t.to_vector<float>(), t.shape()));
    }
    const Tensor loss = step(x, wrong);
    EXPECT_TRUE(fails_with([&] { loss.item(); }, {"7", "3"}));
    EXPECT_TRUE(fails_with([&] { values(model.parameters()[0]); }, {"7", "3"}));
    model.load_state_dict(before);
    opt.load_state_dict(optimizer_before);
    for (int i = 0; i < 3; ++i) {
        manual_seed(20 + static_cast<uint64_t>(i));
        const double a = step(x, y).item();
        manual_seed(20 + static_cast<uint64_t>(i));
        EXPECT_NEAR(a, train_step(twin, twin_opt, x, y).item(), 1e-5) << i;
    }
    EXPECT_TRUE(near(state_of(model), state_of(twin), 1e-4));
}

/// Leaves `bytes` of memory beside what is in use.
class MemoryLimit {
public:
    explicit MemoryLimit(int64_t bytes) {
        synchronize();
        trim_memory();
        set_memory_limit(memory_stats().total_memory + bytes);
    }
    ~MemoryLimit() { set_memory_limit(before_); }
    MemoryLimit(const MemoryLimit&) = delete;
    MemoryLimit& operator=(const MemoryLimit&) = delete;

private:
    int64_t before_ = memory_limit();
};

constexpr int64_t kMegabyte = 1 << 20;

TEST(OutOfMemory, LeavesCellsAsTheyWereAndTrainingGoesOn) {
    const auto make = [] {
        manual_seed(4);
        return nn::Sequential{nn::Linear(6, 64), nn::BatchNorm1d(64), nn::Tanh(), nn::Linear(64, 64),
                              nn::Linear(64, 3)};
    };
    auto model = make(), twin = make();
    optim::Adam opt(model.parameters()), twin_opt(twin.parameters());
    const Tensor x = pattern({8, 6}), y = labels(8, 3);
    train_step(model, opt, x, y).item();
    train_step(twin, twin_opt, x, y).item();
    const Tensor large = pattern({200000, 6}), large_y = labels(200000, 3); // activations of 50 MB a layer
    const auto before = state_of(model), gradients = gradients_of(model);
    {
        const MemoryLimit limit(16 * kMegabyte);
        EXPECT_THROW(train_step(model, opt, large, large_y), OutOfMemoryError);
        EXPECT_EQ(state_of(model), before);
        EXPECT_EQ(gradients_of(model), gradients);
        EXPECT_THROW(train_step(model, opt, large, large_y), OutOfMemoryError);
        for (int i = 0; i < 3; ++i) { // a smaller batch fits
            EXPECT_NEAR(train_step(model, opt, x, y).item(), train_step(twin, twin_opt, x, y).item(), 1e-5) << i;
        }
    }
    EXPECT_NEAR(train_step(model, opt, large, large_y).item(), train_step(twin, twin_opt, large, large_y).item(), 1e-4);
}

TEST(OutOfMemory, InACompiledStep) {
    auto model = mlp(), twin = mlp();
    optim::Adam opt(model.parameters()), twin_opt(twin.parameters());
    auto step = compile([&](const Tensor& a, const Tensor& b) { return train_step(model, opt, a, b); });
    const Tensor x = pattern({8, 6}), y = labels(8, 3);
    step(x, y).item();
    train_step(twin, twin_opt, x, y).item();
    const Tensor large = pattern({1000000, 6}), large_y = labels(1000000, 3);
    {
        const auto before = state_of(model);
        const MemoryLimit limit(4 * kMegabyte);
        EXPECT_THROW(step(large, large_y), OutOfMemoryError);
        EXPECT_EQ(state_of(model), before);
        for (int i = 0; i < 3; ++i) {
            EXPECT_NEAR(step(x, y).item(), train_step(twin, twin_opt, x, y).item(), 1e-5) << i;
        }
    }
    EXPECT_GT(step(large, large_y).item(), 0);
}

TEST(OutOfMemory, OfAReadCanBeTriedAgain) {
    const Tensor row = pattern({4000}), column = pattern({4000, 1});
    std::optional<MemoryLimit> limit(8 * kMegabyte);
    const Tensor product = row * column + 1; // 64 MB
    EXPECT_TRUE(fails_with([&] { product.eval(); }, {"memory"}));
    EXPECT_THROW(product.eval(), OutOfMemoryError);
    // Whoever holds it does not make other submissions fail.
    EXPECT_EQ(values(row * 2)[1], 2 * values(row)[1]);
    limit.reset();
    EXPECT_EQ(product.to_vector<float>().size(), 16000000u);
}

TEST(OutOfMemory, OfDataFromTheHost) {
    const std::vector<float> data(4000000, 1.0f);
    const MemoryLimit limit(kMegabyte);
    EXPECT_THROW(Tensor::from(data, {4000000}).eval(), OutOfMemoryError);
    EXPECT_EQ(sum(vec({1, 2})).item(), 3);
}

TEST(TooLarge, ReadingIsOutOfMemory) {
    EXPECT_THROW(zeros({int64_t{1} << 40}).to_vector<float>(), OutOfMemoryError);
    if (kSanitized) GTEST_SKIP() << "sanitizers reserve address space";
    // The value fits, a vector of doubles does not.
    const Tensor bytes = ones({64 << 20}, {.dtype = u8}).eval();
    int64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
    rlimit small = before;
    small.rlim_cur = static_cast<rlim_t>(pages * sysconf(_SC_PAGESIZE) + (128 << 20));
    ASSERT_EQ(setrlimit(RLIMIT_AS, &small), 0);
    const std::string text = error_of([&] { bytes.to_vector<double>(); });
    ASSERT_EQ(setrlimit(RLIMIT_AS, &before), 0);
    EXPECT_EQ(text, "to_vector: no memory for a vector of 67108864 elements of 8 bytes (Tensor u8 [67108864] cpu)");
    EXPECT_EQ(bytes.to_vector<uint8_t>()[5], 1);
}

} // namespace
