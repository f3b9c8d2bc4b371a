// SPDX-License-Identifier: MIT
// What optimizers promise beside their formulas: one structure for all steps, state that can be saved, clear errors.
#include <cmath>

#include <gtest/gtest.h>

#include <ingot/eval.h>
#include <ingot/nn.h>
#include <ingot/ops.h>
#include <ingot/optim.h>

using namespace ingot;

namespace {

template <class F> std::string error_of(F&& f) {
    try {
        f();
    } catch (const Error& e) { return e.what(); }
    return "";
}

void train_step(nn::Sequential& model, optim::Optimizer& optimizer, uint64_t seed) {
    manual_seed(seed);
    const Tensor x = randn({4, 3}), y = randn({4, 2});
    optimizer.zero_grad();
    nn::mse_loss(model(x), y).backward();
    optimizer.step();
}

nn::Sequential make_model() {
    manual_seed(11);
    return nn::Sequential{nn::Linear(3, 5), nn::Tanh(), nn::Linear(5, 2)};
}

TEST(Optimizer, ChangingTheRateNeverCompiles) {
    auto model = make_model();
    optim::AdamW optimizer(model.parameters());
    const Tensor x = ones({4, 3}).eval(), y = zeros({4, 2}).eval();
    const auto step = [&] {
        optimizer.zero_grad();
        nn::mse_loss(model(x), y).backward();
        optimizer.step();
    };
    step();
    step();
    const int64_t compiled = cache_stats().compiles;
    for (int i = 1; i <= 100; ++i) {
        optimizer.set_lr(1e-3 / i);
        step();
    }
    EXPECT_EQ(cache_stats().compiles, compiled);
}

TEST(Optimizer, FirstStepHasTheStructureOfTheOthers) {
    auto model = make_model();
    optim::Adam optimizer(model.parameters());
    const Tensor x = ones({4, 3}).eval(), y = zeros({4, 2}).eval();
    const auto step = [&] {
        optimizer.zero_grad();
        nn::mse_loss(model(x), y).backward();
        optimizer.step();
    };
    step();
    const int64_t compiled = cache_stats().compiles;
    step();
    step();
    EXPECT_EQ(cache_stats().compiles, compiled);
}

TEST(Optimizer, RateOfZeroFreezes) {
    auto model = make_model();
    optim::SGD optimizer(model.parameters(), {.lr = 0.1, .momentum = 0.9});
    train_step(model, optimizer, 1);
    const auto before = model.parameters()[0].to_vector<float>();
    optimizer.set_lr(0);
    train_step(model, optimizer, 2);
    EXPECT_EQ(model.parameters()[0].to_vector<float>(), before);
    optimizer.set_lr(0.1);
    train_step(model, optimizer, 3);
    EXPECT_NE(model.parameters()[0].to_vector<float>(), before);
}

TEST(Optimizer, OldHandlesKeepOldWeights) {
    const Tensor p = Tensor::parameter(ones({2}));
    optim::SGD optimizer({p}, {.lr = 0.5});
    const Tensor before = p * 1;
    sum(p).backward();
    optimizer.step();
    EXPECT_EQ(before.to_vector<float>(), (std::vector<float>{1, 1}));
    EXPECT_EQ(p.to_vector<float>(), (std::vector<float>{0.5, 0.5}));
}

TEST(Optimizer, ParametersWithoutGradientStay) {
    const Tensor a = Tensor::parameter(ones({2})), b = Tensor::parameter(ones({2}));
    optim::Adam optimizer({a, b}, {.lr = 0.1});
    sum(a).backward();
    optimizer.step();
    EXPECT_EQ(b.to_vector<float>(), (std::vector<float>{1, 1}));
    // b's first step is a first step: with bias correction it moves by lr.
    optimizer.zero_grad();
    sum(a + b).backward();
    optimizer.step();
    EXPECT_NEAR(b.to_vector<float>()[0], 0.9, 1e-5);
    EXPECT_NEAR(a.to_vector<float>()[0], 0.8, 1e-5);
    EXPECT_EQ(optimizer.state_dict().at("step").to_vector<int64_t>(), (std::vector<int64_t>{2, 1}));
}

TEST(Optimizer, StateMovesToAnotherOne) {
    auto a = make_model(), b = make_model();
    optim::AdamW first(a.parameters(), {.lr = 0.01});
    for (uint64_t t = 0; t < 3; ++t) train_step(a, first, t);
    first.set_lr(0.02);
    b.load_state_dict(a.state_dict());
    optim::AdamW second(b.parameters(), {.lr = 0.5});
    second.load_state_dict(first.state_dict());
    EXPECT_EQ(second.lr(), 0.02);
    for (uint64_t t = 3; t < 6; ++t) {
        train_step(a, first, t);
        train_step(b, second, t);
    }
    for (size_t i = 0; i < a.parameters().size(); ++i)
        EXPECT_EQ(a.parameters()[i].to_vector<float>(), b.parameters()[i].to_vector<float>()) << i;
    EXPECT_EQ(second.state_dict().at("step").to_vector<int64_t>(), std::vector<int64_t>(4, 6));
    EXPECT_EQ(second.state_dict().names()[0], "0.exp_avg");
}

TEST(Optimizer, StateErrors) {
    auto model = make_model();
    optim::SGD optimizer(model.parameters(), {.momentum = 0.9});
    StateDict state = optimizer.state_dict();
    state["1.momentum_buffer"] = zeros({7});
    EXPECT_NE(error_of([&] {
                  optimizer.load_state_dict(state);
              }).find("SGD.load_state_dict: '1.momentum_buffer' has shape [7], needed is [5]"),
              std::string::npos);
    EXPECT_NE(error_of([&] { optimizer.load_state_dict({}); }).find("'0.momentum_buffer' is missing"),
              std::string::npos);
    StateDict more = optimizer.state_dict();
    more.add("9.momentum_buffer", zeros({1}));
    EXPECT_NE(error_of([&] { optimizer.load_state_dict(more); }).find("'9.momentum_buffer' is unexpected"),
              std::string::npos);
}

TEST(Optimizer, ConstructionErrors) {
    const Tensor p = Tensor::parameter(ones({2}));
    EXPECT_NE(error_of([] { optim::SGD(std::vector<Tensor>{}); }).find("SGD: a parameter list is empty"),
              std::string::npos);
    EXPECT_NE(error_of([&] { optim::Adam({p, p}); }).find("twice"), std::string::npos);
    EXPECT_NE(error_of([] { optim::Adam({ones({2})}); }).find("not a parameter"), std::string::npos);
    EXPECT_NE(error_of([&] { optim::SGD({p}, {.nesterov = true}); }).find("nesterov"), std::string::npos);
    EXPECT_NE(error_of([&] { optim::Adam({p}, {.beta1 = 1}); }).find("beta1"), std::string::npos);
    optim::SGD optimizer({p});
    EXPECT_THROW(optimizer.lr(1), Error);
    EXPECT_THROW(optimizer.set_lr(1, 1), Error);
}

TEST(Optimizer, DoubleAndHalfParameters) {
    const Tensor wide = Tensor::parameter(ones({3}, {.dtype = f64})),
                 half = Tensor::parameter(ones({3}, {.dtype = bf16}));
    optim::Adam optimizer({wide, half}, {.lr = 0.25});
    for (int t = 0; t < 2; ++t) {
        optimizer.zero_grad();
        sum(wide * 3).backward();
        sum(half * 3).backward();
        optimizer.step();
    }
    EXPECT_NEAR(wide.to_vector<double>()[0], 0.5, 1e-8); // eps / 3 away
    EXPECT_EQ(half.to_vector<double>()[0], 0.5);
    EXPECT_EQ(optimizer.state_dict().at("0.exp_avg").dtype(), f64);
    EXPECT_EQ(optimizer.state_dict().at("1.exp_avg").dtype(), f32);
    EXPECT_EQ(optimizer.state_dict().at("step").to_vector<int64_t>(), (std::vector<int64_t>{2, 2}));
}

TEST(ClipGradNorm, WithoutGradientsIsZero) {
    const Tensor p = Tensor::parameter(ones({2})), q = Tensor::parameter(ones({2}));
    EXPECT_EQ(optim::clip_grad_norm_({p}, 1).item(), 0);
    sum(q * 3).backward();
    EXPECT_NEAR(optim::clip_grad_norm_({p, q}, 1e9).item(), std::sqrt(18.0), 1e-5);
    EXPECT_EQ(q.grad().to_vector<float>(), (std::vector<float>{3, 3}));
    EXPECT_THROW(optim::clip_grad_norm_({p}, -1), Error);
}

TEST(CosineWithWarmup, FollowsItsFormula) {
    const Tensor p = Tensor::parameter(ones({1})), q = Tensor::parameter(ones({1}));
    optim::SGD optimizer({{{p}, {.lr = 1}}, {{q}, {.lr = 0.1}}});
    optim::CosineWithWarmup schedule(optimizer, {.warmup_steps = 4, .total_steps = 14, .min_lr_ratio = 0.2});
    std::vector<double> rates;
    for (int t = 0; t < 16; ++t) {
        EXPECT_DOUBLE_EQ(optimizer.lr(1), 0.1 * optimizer.lr(0));
        rates.push_back(optimizer.lr());
        schedule.step();
    }
    EXPECT_DOUBLE_EQ(rates[0], 0.25);
    EXPECT_DOUBLE_EQ(rates[3], 1);
    EXPECT_DOUBLE_EQ(rates[4], 1);
    EXPECT_NEAR(rates[9], 0.6, 1e-12); // half way: the middle between 1 and 0.2
    EXPECT_NEAR(rates[14], 0.2, 1e-12);
    EXPECT_NEAR(rates[15], 0.2, 1e-12); // and stays
    EXPECT_THROW(optim::CosineWithWarmup(optimizer, {.warmup_steps = 5, .total_steps = 5}), Error);
    EXPECT_THROW(optim::CosineWithWarmup(optimizer, {.total_steps = 5, .min_lr_ratio = 2}), Error);
}

} // namespace
