// SPDX-License-Identifier: MIT
// Random numbers (rule 6): a draw depends on the seed and the draws before it; not on style, order of evaluation, device,
// passes or thread.
#include "runtime/rules_testing.h"

#include <set>
#include <thread>

using namespace ingot;
using namespace ingot::rulestest;

namespace {

TEST(Random, TheSeedDecides) {
    manual_seed(7);
    const Floats a = values(randn({100})), b = values(rand({33}));
    manual_seed(7);
    EXPECT_EQ(values(randn({100})), a);
    EXPECT_EQ(values(rand({33})), b);
    manual_seed(8);
    EXPECT_NE(values(randn({100})), a);
}

TEST(Random, DrawsAreDifferentNumbers) {
    manual_seed(1);
    const Tensor a = rand({64}), b = rand({64}); // equal nodes, but not one value
    const Floats va = values(a), vb = values(b);
    std::set<float> all(va.begin(), va.end());
    all.insert(vb.begin(), vb.end());
    EXPECT_GE(all.size(), 126u); // of 2^24 numbers, 128 draws hardly ever meet twice
    EXPECT_EQ(values(a), va);    // and each stays what it is
}

TEST(Random, TheOrderOfReadingDoesNotMatter) {
    manual_seed(4);
    const Floats a = values(rand({5})), b = values(randn({5})), c = values(rand({5}));
    manual_seed(4);
    const Tensor ta = rand({5}), tb = randn({5}), tc = rand({5});
    EXPECT_EQ(values(tc), c);
    EXPECT_EQ(values(tb), b);
    EXPECT_EQ(values(ta), a);
    manual_seed(4);
    rand({5}); // nobody holds it, its counters are reserved all the same
    randn({5});
    EXPECT_EQ(values(rand({5})), c);
}

TEST(Random, CompiledAndPlainDrawTheSame) {
    const auto draw = [](const Tensor& x) { return x * 0 + rand({6}) + randn({6}); };
    const Tensor x = zeros({6}).eval();
    manual_seed(9);
    std::vector<Floats> plain;
    for (int i = 0; i < 4; ++i) plain.push_back(values(draw(x)));
    EXPECT_NE(plain[0], plain[1]);
    auto step = compile(draw);
    manual_seed(9);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(values(step(x)), plain[static_cast<size_t>(i)]) << i;
    manual_seed(9); // and now without tracing in the first call
    for (int i = 0; i < 4; ++i) EXPECT_EQ(values(step(x)), plain[static_cast<size_t>(i)]) << i;
    // The draw after compiled calls is the one that follows.
    manual_seed(9);
    values(step(x)), values(step(x));
    EXPECT_EQ(values(draw(x)), plain[2]);
}

TEST(Random, PassesAndDevicesDrawTheSame) {
    const auto draw = [](Device device) {
        manual_seed(12);
        const Tensor x = rand({1000}, {.device = device});
        const Tensor mask = dropout(ones({1000}, {.device = device}), 0.3);
        return std::pair(values(x), values(mask));
    };
    const auto [x, mask] = draw(Device::cpu());
    {
        const WithPasses none("none");
        const auto [x_none, mask_none] = draw(Device::cpu());
        EXPECT_EQ(x_none, x);
        EXPECT_EQ(mask_none, mask);
    }
    const auto [x_reference, mask_reference] = draw(Device::reference());
    EXPECT_EQ(x_reference, x);
    EXPECT_TRUE(near(mask_reference, mask, 1e-6));
}

TEST(Random, DropoutDrawsANewMaskEveryTime) {
    manual_seed(2);
    nn::Dropout layer(0.5);
    const Tensor x = ones({256});
    const Floats a = values(layer(x)), b = values(layer(x));
    EXPECT_NE(a, b);
    for (const float v : a) EXPECT_TRUE(v == 0 || v == 2);
    layer.eval();
    EXPECT_EQ(values(layer(x)), Floats(256, 1));
}

TEST(Random, TheMaskOfTheGradientIsTheMaskOfTheValue) {
    manual_seed(5);
    const Tensor x = param(Floats(512, 1));
    const Tensor y = dropout(x, 0.5);
    sum(y).backward();
    EXPECT_EQ(values(x.grad()), values(y));
}

TEST(Random, ThreadsHaveTheirOwnGenerators) {
    manual_seed(20);
    const Floats expected = values(rand({50}));
    manual_seed(20);
    Floats other;
    std::thread thread([&] {
        manual_seed(20);
        other = values(rand({50}));
    });
    thread.join();
    EXPECT_EQ(other, expected);
    EXPECT_EQ(values(rand({50})), expected); // the other thread drew nothing from this generator
}

TEST(Random, TwoRunsOfTrainingHaveTheSameBits) {
    const auto run = [] {
        auto model = small_cnn(31);
        optim::Adam opt(model.parameters());
        const Tensor x = pattern({6, 3, 8, 8}), y = labels(6, 5);
        std::vector<Floats> out;
        for (int i = 0; i < 4; ++i) out.push_back({train_step(model, opt, x, y).item<float>()});
        for (auto& v : state_of(model)) out.push_back(std::move(v));
        return out;
    };
    const auto first = run();
    EXPECT_EQ(run(), first);
}

} // namespace
