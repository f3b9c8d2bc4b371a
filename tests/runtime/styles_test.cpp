// SPDX-License-Identifier: MIT
// One program, one result: plain style, compiled, with all or some passes off, on the CPU and on the reference give the same
// numbers, random numbers and running statistics included.
#include "runtime/rules_testing.h"

using namespace ingot;
using namespace ingot::rulestest;

namespace {

/// The losses of five steps, then the state of the model.
std::vector<Floats> run(bool compiled, Device device = Device::cpu(), int steps = 5) {
    auto model = small_cnn(17);
    model.to(device);
    optim::SGD opt(model.parameters(), {.lr = 0.05, .momentum = 0.9, .weight_decay = 1e-3});
    const auto body = [&](const Tensor& x, const Tensor& y) { return train_step(model, opt, x, y); };
    auto step = compile(body);
    manual_seed(99);
    std::vector<Floats> out(1);
    for (int i = 0; i < steps; ++i) {
        const Tensor x = pattern({6, 3, 8, 8}, i).to(device), y = labels(6, 5, i).to(device);
        out[0].push_back((compiled ? step(x, y) : body(x, y)).item<float>());
    }
    for (auto& v : state_of(model)) out.push_back(std::move(v));
    model.eval();
    out.push_back(values(model(pattern({2, 3, 8, 8}, 50).to(device))));
    return out;
}

class Styles : public testing::Test {
protected:
    static void SetUpTestSuite() { plain = run(false); }
    static std::vector<Floats> plain;
};
std::vector<Floats> Styles::plain;

TEST_F(Styles, PlainTrains) {
    auto model = small_cnn(17);
    EXPECT_EQ(plain[0].size(), 5u);
    EXPECT_LT(plain[0].back(), plain[0].front());
    const auto start = state_of(model);
    for (size_t i = 0; i < start.size(); ++i) EXPECT_NE(plain[i + 1], start[i]) << "tensor " << i << " did not change";
}

TEST_F(Styles, CompiledIsPlain) { EXPECT_TRUE(near(run(true), plain, 1e-5)); }

TEST_F(Styles, PlainWithoutPassesIsPlain) {
    const WithPasses none("none");
    EXPECT_TRUE(near(run(false), plain, 1e-5));
}

TEST_F(Styles, CompiledWithoutPassesIsPlain) {
    const WithPasses none("none");
    EXPECT_TRUE(near(run(true), plain, 1e-5));
}

TEST_F(Styles, EachPassCanBeSwitchedOff) {
    for (const char* pass : {"simplify", "fold", "cse", "layout", "fuse", "batch"}) {
        const WithPasses without(std::string("-") + pass);
        EXPECT_TRUE(near(run(false), plain, 1e-5)) << pass;
    }
}

TEST_F(Styles, UnknownPassesAreRefused) {
    EXPECT_TRUE(fails_with([] { passes::set_passes("-fuze"); }, {"fuze"}));
    passes::set_passes(WithPasses::asked());
}

TEST_F(Styles, TheReferenceIsPlain) { EXPECT_TRUE(near(run(false, Device::reference()), plain, 1e-4)); }

TEST_F(Styles, CompiledOnTheReferenceIsPlain) { EXPECT_TRUE(near(run(true, Device::reference()), plain, 1e-4)); }

TEST_F(Styles, ReadingInBetweenChangesNothing) {
    auto model = small_cnn(17);
    optim::SGD opt(model.parameters(), {.lr = 0.05, .momentum = 0.9, .weight_decay = 1e-3});
    manual_seed(99);
    Floats losses;
    for (int i = 0; i < 5; ++i) {
        const Tensor x = pattern({6, 3, 8, 8}, i), y = labels(6, 5, i);
        opt.zero_grad();
        const Tensor logits = model(x);
        logits.eval();
        const Tensor loss = nn::cross_entropy(logits, y);
        losses.push_back(loss.item<float>());
        loss.backward();
        gradients_of(model);
        opt.step();
        state_of(model);
    }
    EXPECT_TRUE(near(losses, plain[0], 1e-5));
    const auto state = state_of(model);
    for (size_t i = 0; i < state.size(); ++i) EXPECT_TRUE(near(state[i], plain[i + 1], 1e-5)) << i;
}

// What a library would do at the end of a product is not what it does elsewhere: max(NaN, 0), for one.
TEST_F(Styles, FusedActivationsTreatNaNAndInfinitiesAsOthers) {
    const float nan = std::nanf(""), inf = std::numeric_limits<float>::infinity();
    Floats special(64, 0.5f);
    special[1] = nan, special[2] = inf, special[3] = -inf, special[40] = nan;
    const Tensor bias = vec(special);
    Floats some = values(pattern({96, 64}));
    some[64 * 7 + 5] = nan; // in row 7
    const Tensor x = Tensor::from(some, {96, 64}), w = pattern({64, 64}, 2);
    const Tensor image = reshape(x, {2, 3, 32, 32}), filter = pattern({64, 3, 3, 3}, 3), wide = pattern({4, 64, 6, 6}),
                 square = pattern({64, 64, 3, 3}, 4);
    const std::vector<Tensor (*)(const Tensor&)> activations{relu, sigmoid, tanh};
    for (size_t k = 0; k < activations.size(); ++k) {
        const auto all = [&](Device device) {
            const auto on = [&](const Tensor& t) { return t.to(device); };
            return values_of({activations[k](linear(on(x), on(w), on(bias))),
                              activations[k](conv2d(on(image), on(filter), on(bias), {.padding = 1})),
                              activations[k](conv2d(on(wide), on(square), on(bias), {.padding = 1}))});
        };
        const auto got = all(Device::cpu()), expected = all(Device::reference());
        for (size_t t = 0; t < got.size(); ++t) {
            int64_t nans = 0;
            for (size_t i = 0; i < got[t].size(); ++i) {
                ASSERT_EQ(std::isnan(got[t][i]), std::isnan(expected[t][i])) << k << ", result " << t << " at " << i;
                nans += std::isnan(got[t][i]);
                if (!std::isfinite(expected[t][i])) continue;
                ASSERT_NEAR(got[t][i], expected[t][i], 1e-3) << k << ", result " << t << " at " << i;
            }
            EXPECT_GT(nans, 0) << k << ", result " << t;
        }
    }
}

TEST_F(Styles, CastsRoundAlsoWhenTheyAreFused) {
    const float tenth = 0.0999755859375f; // of f16
    EXPECT_EQ(values(vec({0.1f}).to(f16).to(f32)), Floats{tenth});
    EXPECT_EQ(values(exp(vec({0.1f}).to(f16).to(f32) * 0) * vec({0.1f}).to(f16).to(f32)), Floats{tenth});
    EXPECT_EQ(values((vec({3.7f}).to(i32).to(f32) + 1)), Floats{4});
    EXPECT_EQ(values((vec({0.1f}) * 1.0).to(bf16).to(f32)), Floats{0.10009765625f});
}

TEST_F(Styles, HalfPrecisionStorageAgrees) {
    const auto f = [](const Tensor& x) { return softmax(x * 2 + 1) * x - mean(x); };
    for (const DType dtype : {f16, bf16}) {
        const Tensor x = pattern({8, 32}).to(dtype);
        x.eval();
        auto compiled = compile(f);
        const Tensor a = f(x), b = compiled(x);
        EXPECT_EQ(a.dtype(), dtype);
        EXPECT_TRUE(near(values(a), values(b), dtype == f16 ? 1e-3 : 8e-3));
        EXPECT_TRUE(near(values(a), values(f(x.to(f32))), dtype == f16 ? 4e-3 : 3e-2));
    }
}

} // namespace
