// SPDX-License-Identifier: MIT
// The tape (rule 5): backward() after values were read, with the same random numbers and without repeating the writes of
// cells; what backward() frees and what it keeps.
#include "runtime/rules_testing.h"

using namespace ingot;
using namespace ingot::rulestest;

namespace {

struct Result {
    float loss = 0;
    std::vector<Floats> gradients, state;
};

/// One forward and backward of `model`; `between` runs after the forward part was recorded.
Result pass(nn::Sequential model, const Tensor& x, const Tensor& y,
            const std::function<void(const Tensor& logits, const Tensor& loss)>& between) {
    manual_seed(123);
    const Tensor logits = model(x), loss = nn::cross_entropy(logits, y);
    between(logits, loss);
    loss.backward();
    Result out;
    out.gradients = gradients_of(model);
    out.loss = loss.item<float>();
    out.state = state_of(model);
    return out;
}

void expect_same(const Result& got, const Result& expected) {
    EXPECT_NEAR(got.loss, expected.loss, 1e-5);
    EXPECT_TRUE(near(got.gradients, expected.gradients, 1e-5));
    EXPECT_TRUE(near(got.state, expected.state, 1e-5));
}

class AfterARead : public testing::TestWithParam<int> {
protected:
    static nn::Sequential make() { return GetParam() == 0 ? noisy_mlp(4) : small_cnn(4); }
    Tensor x = GetParam() == 0 ? pattern({8, 6}) : pattern({8, 3, 8, 8});
    Tensor y = GetParam() == 0 ? labels(8, 3) : labels(8, 5);
    Result expected = pass(make(), x, y, [](const Tensor&, const Tensor&) {});
};

TEST_P(AfterARead, StatisticsMoveOnce) {
    auto model = make();
    const Result got = pass(model, x, y, [](const Tensor&, const Tensor& loss) { loss.item(); });
    EXPECT_EQ(model.state_dict().at("1.num_batches_tracked").item<int64_t>(), 1);
    expect_same(got, expected);
}

TEST_P(AfterARead, OfTheLossTwice) {
    expect_same(pass(make(), x, y,
                     [](const Tensor&, const Tensor& loss) {
                         loss.item();
                         submit_pending();
                         loss.item();
                     }),
                expected);
}

TEST_P(AfterARead, OfTheLogits) {
    expect_same(pass(make(), x, y, [](const Tensor& logits, const Tensor&) { values(logits); }), expected);
}

TEST_P(AfterARead, OfPartsInTurn) {
    auto model = make();
    manual_seed(123);
    Tensor h = x;
    for (size_t i = 0; i < model.size(); ++i) {
        h = model[i](h);
        values(h); // the submissions end between any two layers
    }
    const Tensor loss = nn::cross_entropy(h, y);
    loss.item();
    loss.backward();
    EXPECT_NEAR(loss.item(), expected.loss, 1e-5);
    EXPECT_TRUE(near(gradients_of(model), expected.gradients, 1e-5));
    EXPECT_TRUE(near(state_of(model), expected.state, 1e-5));
}

TEST_P(AfterARead, AndOtherDraws) {
    expect_same(pass(make(), x, y,
                     [](const Tensor&, const Tensor& loss) {
                         loss.item();
                         values(rand({100}));
                         manual_seed(5);
                         values(randn({7}));
                     }),
                expected);
}

TEST_P(AfterARead, AndNewWeights) {
    // Tapes hold values, not cells: weights that change in between do not reach the gradient.
    auto model = make();
    manual_seed(123);
    const Tensor loss = nn::cross_entropy(model(x), y);
    loss.item();
    for (const Tensor& p : model.parameters()) p.assign(zeros(p.shape()));
    submit_pending();
    loss.backward();
    EXPECT_TRUE(near(gradients_of(model), expected.gradients, 1e-5));
    EXPECT_EQ(values(model.parameters()[0]), Floats(static_cast<size_t>(model.parameters()[0].numel()), 0));
}

TEST_P(AfterARead, AndAnotherForward) {
    auto model = make();
    manual_seed(123);
    const Tensor first = nn::cross_entropy(model(x), y);
    first.item();
    const Tensor second = nn::cross_entropy(model(x), y);
    second.item();
    first.backward();
    EXPECT_TRUE(near(gradients_of(model), expected.gradients, 1e-5));
    EXPECT_EQ(model.state_dict().at("1.num_batches_tracked").item<int64_t>(), 2);
    const auto before = gradients_of(model);
    second.backward(); // another mask
    EXPECT_NE(gradients_of(model), before);
}

TEST_P(AfterARead, TrainingIsTheSame) {
    auto model = make(), twin = make();
    optim::Adam a(model.parameters()), b(twin.parameters());
    manual_seed(6);
    std::vector<float> losses, twin_losses;
    for (int i = 0; i < 4; ++i) {
        a.zero_grad();
        const Tensor loss = nn::cross_entropy(model(x), y);
        losses.push_back(loss.item<float>()); // reads before backward
        loss.backward();
        a.step();
    }
    manual_seed(6);
    for (int i = 0; i < 4; ++i) twin_losses.push_back(train_step(twin, b, x, y).item<float>());
    EXPECT_TRUE(near(losses, twin_losses, 1e-4));
    EXPECT_TRUE(near(state_of(model), state_of(twin), 1e-3));
}

TEST_P(AfterARead, SteadyTrainingCompilesNothing) {
    auto model = make();
    optim::Adam opt(model.parameters());
    int64_t compiled = 0;
    for (int i = 0; i < 6; ++i) {
        opt.zero_grad();
        const Tensor loss = nn::cross_entropy(model(x), y);
        loss.item();
        loss.backward();
        opt.step();
        if (i == 1) compiled = cache_stats().compiles;
    }
    EXPECT_EQ(cache_stats().compiles, compiled);
}

INSTANTIATE_TEST_SUITE_P(Tape, AfterARead, testing::Values(0, 1),
                         [](const auto& info) { return info.param == 0 ? std::string("mlp") : std::string("cnn"); });

TEST(Tape, BackwardTwiceThrows) {
    const Tensor w = param({1, 2});
    const Tensor loss = sum(w * w);
    loss.backward();
    EXPECT_TRUE(fails_with([&] { loss.backward(); }, {"retain_graph"}));
    EXPECT_EQ(values(w.grad()), (Floats{2, 4}));
    EXPECT_EQ(loss.item(), 5);                                           // the value is still there
    EXPECT_TRUE(fails_with([&] { loss.backward(); }, {"retain_graph"})); // also when it is computed
}

TEST(Tape, BackwardTwiceThrowsAfterAStep) {
    auto model = mlp();
    optim::SGD opt(model.parameters(), {.lr = 0.1});
    const Tensor loss = train_step(model, opt, pattern({4, 6}), labels(4, 3));
    EXPECT_TRUE(fails_with([&] { loss.backward(); }, {"retain_graph"}));
}

TEST(Tape, RetainGraphKeepsIt) {
    const Tensor w = param({1, 2});
    const Tensor loss = sum(exp(w) * 2);
    loss.backward({}, true);
    const Floats once = values(w.grad());
    loss.item();
    loss.backward({}, true);
    EXPECT_TRUE(near(values(w.grad()), {2 * once[0], 2 * once[1]}, 1e-6));
    loss.backward(); // the last one frees it
    EXPECT_TRUE(near(values(w.grad()), {3 * once[0], 3 * once[1]}, 1e-6));
    EXPECT_TRUE(fails_with([&] { loss.backward(); }, {"retain_graph"}));
}

TEST(Tape, TwoLossesOverOneTrunk) {
    const Tensor w = param({1, 2});
    const Tensor trunk = exp(w);
    const Tensor a = sum(trunk * 2), b = sum(trunk * trunk);
    a.backward({}, true);
    b.backward();
    const Floats got = values(w.grad());
    for (size_t i = 0; i < 2; ++i) {
        const double e = std::exp(static_cast<double>(i + 1));
        EXPECT_NEAR(got[i] / (2 * e + 2 * e * e), 1, 1e-5);
    }
    EXPECT_FALSE(error_of([&] { a.backward(); }).empty()); // the trunk is gone
}

TEST(Tape, BackwardFreesTheMemoryOfActivations) {
    const Tensor w = Tensor::parameter(pattern({256, 256}));
    w.eval();
    const auto used = [] {
        synchronize();
        return memory_stats().used_memory;
    };
    Tensor loss;
    const auto step = [&] {
        loss = sum(tanh(matmul(tanh(matmul(w, w)), w)));
        loss.item();
        loss.backward();
        submit_pending();
        values(w.grad());
    };
    step(); // temporary memory is kept for the next run
    loss = Tensor();
    w.zero_grad();
    const int64_t before = used();
    step();
    EXPECT_LE(used() - before, (256 * 256 * 4) * 5 / 2); // the gradient, not the activations
    loss = Tensor();
    w.zero_grad();
}

TEST(Tape, DroppingTheLossFreesActivationsToo) {
    const Tensor w = Tensor::parameter(pattern({256, 256}));
    w.eval();
    for (int round = 0; round < 2; ++round) {
        synchronize();
        const int64_t live = memory_stats().live;
        {
            const Tensor loss = sum(tanh(matmul(tanh(matmul(w, w)), w)));
            loss.item();
        }
        synchronize();
        if (round == 1) { EXPECT_EQ(memory_stats().live, live); }
    }
}

TEST(Tape, CreateGraphInBackward) {
    const Tensor w = param({2, 3});
    const Tensor y = sum(w * w * w);
    y.backward({}, false, true);
    const Tensor g = w.grad();
    EXPECT_TRUE(g.requires_grad());
    EXPECT_EQ(values(g), (Floats{12, 27}));
    const auto second = grad({sum(g)}, {w});
    EXPECT_EQ(values(second[0]), (Floats{12, 18}));
}

} // namespace
