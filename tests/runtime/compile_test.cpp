// SPDX-License-Identifier: MIT
// compile() (rule 7): when it traces, what it captures, which results it gives, and that a trace that fails leaves nothing
// behind.
#include "runtime/rules_testing.h"

#include <stdexcept>

using namespace ingot;
using namespace ingot::rulestest;

namespace {

TEST(Compile, TracesOncePerSignature) {
    int traces = 0;
    auto f = compile([&](const Tensor& x) {
        ++traces;
        return x * 2 + 1;
    });
    EXPECT_EQ(f.variants(), 0);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(values(f(vec({1.0f * i, 1}))), (Floats{2.0f * i + 1, 3}));
    EXPECT_EQ(traces, 1);
    EXPECT_EQ(f.variants(), 1);
    EXPECT_EQ(values(f(vec({1, 2, 3}))), (Floats{3, 5, 7})); // shape
    EXPECT_EQ(traces, 2);
    const Tensor wide = f(Tensor::from(std::vector<double>{1, 2}, {2})); // dtype
    EXPECT_EQ(wide.dtype(), f64);
    EXPECT_EQ(values(wide), (Floats{3, 5}));
    EXPECT_EQ(traces, 3);
    EXPECT_EQ(values(f(vec({1, 2}, {.device = Device::reference()}))), (Floats{3, 5})); // device
    EXPECT_EQ(traces, 4);
    f(vec({1, 2}, {.requires_grad = true}));
    EXPECT_EQ(traces, 5); // requires_grad
    EXPECT_EQ(values(f(vec({7, 8}))), (Floats{15, 17}));
    EXPECT_EQ(traces, 5);
    EXPECT_EQ(f.variants(), 5);
}

TEST(Compile, OneCallIsOneSubmission) {
    const Tensor w = Tensor::buffer(zeros({2}));
    auto f = compile([&](const Tensor& x) {
        w.assign(w + x);
        return std::pair(exp(x), sum(w));
    });
    const Tensor x = vec({0, 1});
    f(x);
    const int64_t before = eval_stats().submissions, recorded = eval_stats().recorded;
    for (int i = 0; i < 5; ++i) f(x);
    EXPECT_EQ(eval_stats().submissions - before, 5);
    EXPECT_EQ(eval_stats().recorded, recorded); // nothing is traced again
    EXPECT_EQ(values(w), (Floats{0, 6}));
}

TEST(Compile, EveryFormOfResult) {
    const Tensor w = Tensor::buffer(zeros({}));
    auto nothing = compile([&](const Tensor& x) { w.assign(w + sum(x)); });
    auto list = compile([](const Tensor& x) { return std::vector<Tensor>{x + 1, x + 2, x + 3}; });
    auto tuple = compile([](const Tensor& x) { return std::tuple(x * 2, x * 3, std::pair(x * 4, x * 5)); });
    auto none = compile([&] { return w * 2; });
    for (int i = 1; i <= 3; ++i) {
        const Tensor x = vec({1.0f * i});
        nothing(x);
        EXPECT_EQ(w.item(), i * (i + 1) / 2);
        const auto l = list(x);
        ASSERT_EQ(l.size(), 3u);
        EXPECT_EQ(l[2].item(), i + 3);
        const auto [a, b, c] = tuple(x);
        EXPECT_EQ(a.item(), 2 * i);
        EXPECT_EQ(b.item(), 3 * i);
        EXPECT_EQ(c.second.item(), 5 * i);
        EXPECT_EQ(none().item(), i * (i + 1));
    }
}

TEST(Compile, ResultsThatAreNotComputed) {
    const Tensor captured = vec({7, 8});
    auto f = compile([&](const Tensor& x) { return std::vector<Tensor>{x, captured, x, full({2}, 3.0)}; });
    for (float i = 0; i < 3; ++i) {
        const auto out = f(vec({i, 1}));
        EXPECT_EQ(values(out[0]), (Floats{i, 1}));
        EXPECT_EQ(values(out[1]), (Floats{7, 8}));
        EXPECT_EQ(values(out[2]), (Floats{i, 1}));
        EXPECT_EQ(values(out[3]), (Floats{3, 3}));
    }
}

TEST(Compile, ResultsOfEarlierCallsStay) {
    auto f = compile([](const Tensor& x) { return std::pair(x * 2, exp(x) * 0 + sum(x)); });
    std::vector<std::pair<Tensor, Tensor>> kept;
    for (int i = 0; i < 20; ++i) kept.push_back(f(vec({1.0f * i, 1})));
    for (int i = 0; i < 20; ++i) {
        const auto& [a, b] = kept[static_cast<size_t>(i)];
        EXPECT_EQ(values(a), (Floats{2.0f * i, 2}));
        EXPECT_EQ(values(b), (Floats{i + 1.0f, i + 1.0f}));
    }
}

TEST(Compile, ResultsAreOrdinaryTensors) {
    auto f = compile([](const Tensor& x) { return x * 2; });
    Tensor h = vec({1, 2});
    for (int i = 0; i < 10; ++i) h = f(h); // its own results as arguments
    EXPECT_EQ(values(h), (Floats{1024, 2048}));
    const Tensor mixed = f(h + 1) - h; // pending arguments
    EXPECT_EQ(values(mixed), (Floats{1026, 2050}));
    const Tensor w = Tensor::buffer(vec({3, 4}));
    EXPECT_EQ(values(f(w)), (Floats{6, 8})); // a cell as an argument is its value
    w.assign(f(w));
    EXPECT_EQ(values(f(w)), (Floats{12, 16}));
}

TEST(Compile, OneTensorForTwoArguments) {
    auto f = compile([](const Tensor& a, const Tensor& b) { return a * 10 + b; });
    const Tensor x = vec({1, 2}), y = vec({3, 4});
    EXPECT_EQ(values(f(x, x)), (Floats{11, 22}));
    EXPECT_EQ(values(f(x, y)), (Floats{13, 24}));
    EXPECT_EQ(values(f(y, x)), (Floats{31, 42}));
    EXPECT_EQ(values(f(y, y)), (Floats{33, 44}));
}

TEST(Compile, CapturedTensorsAreBoundAsTheyWere) {
    Tensor c = vec({10, 20}), pending = exp(zeros({2})) * 3;
    const Tensor cell = Tensor::buffer(vec({1, 1}));
    auto f = compile([&](const Tensor& x) { return x + c + pending + cell; });
    const Tensor x = vec({0, 1});
    EXPECT_EQ(values(f(x)), (Floats{14, 25}));
    c = vec({100, 200}); // another handle in the variable; the step was traced with the old one
    pending = Tensor();
    EXPECT_EQ(values(f(x)), (Floats{14, 25}));
    cell.assign(vec({2, 3})); // cells are read at every call
    EXPECT_EQ(values(f(x)), (Floats{15, 27}));
    EXPECT_EQ(f.variants(), 1);
}

TEST(Compile, CellsAreWrittenAndReadInOrder) {
    const Tensor w = Tensor::buffer(zeros({2})), v = Tensor::buffer(ones({2}));
    auto f = compile([&](const Tensor& x) {
        const Tensor before = w * 1;
        w.assign(w + x);
        const Tensor between = w * 1;
        v.assign(v * 2);
        w.assign_slice({0}, {1}, slice(v, 0, 1, 2));
        return std::tuple(before, between, w * 1);
    });
    Floats now{0, 0};
    float doubled = 1;
    for (int i = 0; i < 4; ++i) {
        const auto [before, between, after] = f(vec({1, 5}));
        doubled *= 2;
        EXPECT_EQ(values(before), now);
        EXPECT_EQ(values(between), (Floats{now[0] + 1, now[1] + 5}));
        now = {doubled, now[1] + 5};
        EXPECT_EQ(values(after), now);
        EXPECT_EQ(values(w), now);
    }
}

TEST(Compile, CellsMadeInsideTheTraceAreRefusedOrKept) {
    // A module that is made inside is a mistake in most programs, but its first call must not give wrong numbers.
    auto f = compile([](const Tensor& x) { return x + Tensor::buffer(full({2}, 4.0)); });
    const std::string text = error_of([&] {
        EXPECT_EQ(values(f(vec({1, 2}))), (Floats{5, 6}));
        EXPECT_EQ(values(f(vec({2, 2}))), (Floats{6, 6}));
    });
    EXPECT_EQ(text.find('\n'), std::string::npos);
}

TEST(Compile, ReadingInsideThrowsAndNamesTheOp) {
    const Tensor w = param({1, 2});
    auto item = compile([&](const Tensor& x) {
        const Tensor y = exp(x);
        return y * y.detach().item();
    });
    auto vector = compile([&](const Tensor& x) {
        tanh(x).to_vector<float>();
        return x;
    });
    auto now = compile([&](const Tensor& x) { return erf(x).eval() * 2; });
    auto cell = compile([&](const Tensor& x) {
        w.assign(w + x);
        w.to_vector<float>();
        return x;
    });
    const Tensor x = vec({1, 2});
    EXPECT_TRUE(fails_with([&] { item(vec({1})); }, {"compile"}));
    EXPECT_TRUE(fails_with([&] { vector(x); }, {"tanh", "compile"}));
    EXPECT_TRUE(fails_with([&] { now(x); }, {"erf", "compile"}));
    EXPECT_TRUE(fails_with([&] { cell(x); }, {"compile"}));
    EXPECT_EQ(values(w), (Floats{1, 2}));
    EXPECT_EQ(values(exp(x) * 0 + w), (Floats{1, 2}));
}

TEST(Compile, ATracedValueThatEscapesCannotBeRead) {
    Tensor escaped;
    auto f = compile([&](const Tensor& x) {
        escaped = x * 3;
        return x;
    });
    f(vec({1, 2}));
    EXPECT_FALSE(error_of([&] { values(escaped); }).empty());
}

TEST(Compile, TrainAndEvalModeAreTwoVariants) {
    int traces = 0;
    auto model = noisy_mlp();
    auto f = compile([&](const Tensor& x) {
        ++traces;
        return model(x);
    });
    const Tensor x = pattern({8, 6});
    const Floats train = values(f(x));
    model.eval();
    const Floats eval1 = values(f(x)), eval2 = values(f(x));
    EXPECT_EQ(eval1, eval2); // no dropout
    EXPECT_NE(eval1, train);
    EXPECT_TRUE(near(eval1, values(model(x)), 1e-6));
    EXPECT_EQ(model.state_dict().at("1.num_batches_tracked").item<int64_t>(), 1);
    model.train();
    EXPECT_NE(values(f(x)), values(f(x)));
    EXPECT_EQ(model.state_dict().at("1.num_batches_tracked").item<int64_t>(), 3);
    EXPECT_EQ(f.variants(), 2);
    EXPECT_EQ(traces, 2);
}

TEST(Compile, AnotherStructureOfAModuleIsAnotherVariant) {
    nn::Sequential model{nn::ReLU()};
    auto f = compile([&](const Tensor& x) { return model(x); });
    const Tensor x = vec({-0.5, 0.5});
    EXPECT_EQ(values(f(x)), (Floats{0, 0.5}));
    model.add(nn::LeakyReLU()).add(nn::Sigmoid());
    EXPECT_TRUE(near(values(f(x)), {0.5, 0.62245933f}, 1e-6));
    EXPECT_EQ(f.variants(), 2);
}

TEST(Compile, GradModeIsAGuard) {
    const Tensor w = param({2, 3});
    auto f = compile([&](const Tensor& x) {
        if (grad_enabled()) return x * w;
        return x * w * 100;
    });
    const Tensor x = vec({1, 1});
    EXPECT_EQ(values(f(x)), (Floats{2, 3}));
    EXPECT_EQ(values(no_grad([&] { return f(x); })), (Floats{200, 300}));
    EXPECT_EQ(values(f(x)), (Floats{2, 3}));
    EXPECT_EQ(f.variants(), 2);
}

TEST(Compile, OwnGuards) {
    uint64_t mode = 0;
    int traces = 0;
    auto f = compile([&](const Tensor& x) {
        ++traces;
        compile_guard([&] { return mode; });
        return x * static_cast<double>(mode + 1);
    });
    const Tensor x = vec({1});
    compile_guard([]() -> uint64_t { throw std::logic_error("called outside of a trace"); }); // does nothing
    for (int round = 0; round < 2; ++round) {
        for (mode = 0; mode < 3; ++mode) EXPECT_EQ(f(x).item(), static_cast<double>(mode + 1));
    }
    EXPECT_EQ(traces, 3);
    EXPECT_EQ(f.variants(), 3);
}

TEST(Compile, WarnsAfterEightVariants) {
    auto f = compile([](const Tensor& x) { return x + 1; });
    testing::internal::CaptureStderr();
    for (int64_t n = 1; n <= 8; ++n) values(f(zeros({n})));
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    testing::internal::CaptureStderr();
    for (int64_t n = 9; n <= 10; ++n) EXPECT_EQ(values(f(zeros({n}))), Floats(static_cast<size_t>(n), 1));
    const std::string text = testing::internal::GetCapturedStderr();
    EXPECT_NE(text.find("compile"), std::string::npos) << text;
    EXPECT_NE(text.find("variants"), std::string::npos) << text;
}

TEST(Compile, NestedCompileInlines) {
    const Tensor w = Tensor::buffer(vec({1, 1}));
    w.eval();
    auto inner = compile([&](const Tensor& x) {
        w.assign(w + x);
        return x * 2;
    });
    auto outer = compile([&](const Tensor& x) { return inner(x + 1) + inner(x); });
    const Tensor x = vec({1, 2});
    for (int i = 1; i <= 3; ++i) {
        const int64_t before = eval_stats().submissions;
        const Tensor y = outer(x);
        EXPECT_EQ(values(y), (Floats{6, 10}));
        EXPECT_EQ(values(w), (Floats{1 + 3.0f * i, 1 + 5.0f * i}));
        EXPECT_EQ(eval_stats().submissions - before, 1);
    }
    EXPECT_EQ(values(inner(x)), (Floats{2, 4})); // and still works by itself
    EXPECT_EQ(values(w), (Floats{11, 18}));
}

TEST(Compile, KnowsThatItTraces) {
    bool inside = false;
    auto f = compile([&](const Tensor& x) {
        inside = compiling();
        submit_pending(); // does nothing in here
        return x + 1;
    });
    EXPECT_FALSE(compiling());
    EXPECT_EQ(f(vec({1})).item(), 2);
    EXPECT_TRUE(inside);
    EXPECT_FALSE(compiling());
}

TEST(Compile, WorkRecordedBeforeACallComesFirst) {
    const Tensor w = Tensor::buffer(vec({1}));
    auto f = compile([&](const Tensor& x) {
        w.assign(w * 10);
        return x + w;
    });
    for (int i = 0; i < 2; ++i) {
        w.assign(vec({3}));
        w.assign(w + 1);
        EXPECT_EQ(f(vec({1})).item(), 41);
        w.assign(w + 2);
        EXPECT_EQ(w.item(), 42);
    }
}

// What a failed trace must leave as it was: cells, gradients, the optimizer's clocks, modes.
class FailedTrace : public testing::Test {
protected:
    nn::Sequential model = noisy_mlp(5);
    optim::Adam opt{model.parameters(), {.lr = 0.1}};
    Tensor x = pattern({8, 6}), y = labels(8, 3);
    bool fail = true;

    std::function<Tensor(const Tensor&, const Tensor&)> body(std::function<void()> thrower) {
        return [this, thrower](const Tensor& a, const Tensor& b) {
            const Tensor loss = train_step(model, opt, a, b);
            if (fail) thrower();
            return loss;
        };
    }
};

TEST_F(FailedTrace, RestoresCellsAndGradients) {
    nn::cross_entropy(model(x), y).backward();
    const auto state = state_of(model), gradients = gradients_of(model);
    const auto optimizer_state = values_of(opt.state_dict().tensors());
    auto step = compile(body([] { matmul(zeros({2, 3}), zeros({4, 5})); }));
    EXPECT_TRUE(fails_with([&] { step(x, y); }, {"matmul", "[2, 3]", "[4, 5]"}));
    EXPECT_FALSE(compiling());
    EXPECT_EQ(state_of(model), state);
    EXPECT_EQ(gradients_of(model), gradients);
    EXPECT_EQ(values_of(opt.state_dict().tensors()), optimizer_state);
}

TEST_F(FailedTrace, RestoresThatThereWereNoGradients) {
    auto step = compile(body([] { throw std::runtime_error("stop"); }));
    EXPECT_THROW(step(x, y), std::runtime_error);
    for (const Tensor& p : model.parameters()) EXPECT_FALSE(p.grad().defined());
}

TEST_F(FailedTrace, OtherExceptionsPassThroughUnchanged) {
    struct Own {
        int code;
    };
    auto step = compile(body([] { throw Own{42}; }));
    try {
        step(x, y);
        FAIL() << "nothing was thrown";
    } catch (const Own& e) { EXPECT_EQ(e.code, 42); }
    EXPECT_FALSE(compiling());
}

TEST_F(FailedTrace, TrainingGoesOnAsIfNothingHadHappened) {
    auto twin = noisy_mlp(5);
    optim::Adam twin_opt(twin.parameters(), {.lr = 0.1});
    auto step = compile(body([] { throw Error("no"); }));
    EXPECT_THROW(step(x, y), Error);
    EXPECT_THROW(step(x, y), Error);
    fail = false;
    manual_seed(77);
    std::vector<double> losses, twin_losses;
    for (int i = 0; i < 4; ++i) losses.push_back(step(x, y).item());
    manual_seed(77);
    for (int i = 0; i < 4; ++i) twin_losses.push_back(train_step(twin, twin_opt, x, y).item());
    for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(losses[i], twin_losses[i], 1e-5) << i;
    EXPECT_TRUE(near(state_of(model), state_of(twin), 1e-5));
}

TEST_F(FailedTrace, AnEarlierVariantStaysUsable) {
    fail = false;
    auto step = compile(body([] { throw Error("no"); }));
    step(x, y);
    fail = true;
    EXPECT_GT(step(x, y).item(), 0); // not traced, so it cannot fail
    EXPECT_THROW(step(pattern({4, 6}), labels(4, 3)), Error);
    EXPECT_GT(step(x, y).item(), 0);
    EXPECT_EQ(step.variants(), 1);
    EXPECT_EQ(model.state_dict().at("1.num_batches_tracked").item<int64_t>(), 3);
}

} // namespace
