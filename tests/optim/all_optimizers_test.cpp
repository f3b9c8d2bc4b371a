// SPDX-License-Identifier: MIT
// What every optimizer promises: one launch for all parameters, state that goes on exactly in another one, the same bits in
// plain and compiled style, a loss that falls, and errors for options that make no sense.
#include <cstdlib>
#include <functional>
#include <memory>
#include <ostream>

#include <gtest/gtest.h>

#include <ingot/compile.h>
#include <ingot/eval.h>
#include <ingot/nn.h>
#include <ingot/ops.h>
#include <ingot/optim.h>
#include <ingot/report.h>

using namespace ingot;

namespace {

using Params = std::vector<Tensor>;

struct Case {
    std::string name;
    std::function<std::unique_ptr<optim::Optimizer>(const Params&)> make;
    bool one_launch = true;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

template <class O> Case with(std::string name, typename O::Options options, bool one_launch = true) {
    return {std::move(name), [options](const Params& p) { return std::make_unique<O>(p, options); }, one_launch};
}

nn::Sequential make_model() {
    manual_seed(11);
    return nn::Sequential{
        nn::Conv2d(1, 3, {.kernel = 2}), nn::Flatten(), nn::Tanh(), nn::Linear(12, 5), nn::Tanh(), nn::Linear(5, 2)};
}

Tensor input() { return (arange(4 * 9).to(f32) / 18 - 1 + remainder(arange(36) * 7, 5).to(f32)) / 3; }
Tensor loss_of(nn::Sequential& model, const Tensor& x) {
    return nn::cross_entropy(model(reshape(x, {4, 1, 3, 3})), remainder(arange(4), 2));
}

void step(nn::Sequential& model, optim::Optimizer& optimizer) {
    optimizer.zero_grad();
    loss_of(model, input()).backward();
    optimizer.step();
}

std::vector<float> values(const nn::Sequential& model) {
    std::vector<float> out;
    for (const Tensor& p : model.parameters())
        for (const float v : p.to_vector<float>()) out.push_back(v);
    return out;
}

class AllOptimizers : public testing::TestWithParam<Case> {};

bool all_passes() { return std::getenv("INGOT_PASSES") == nullptr; }

/// Two steps of which the gradients are there already, so that the submissions hold the update only.
void expect_one_launch(const Params& params, optim::Optimizer& optimizer) {
    for (int i = 0; i < 2; ++i) {
        optimizer.zero_grad();
        std::vector<Tensor> grads;
        for (const Tensor& p : params) {
            sum(p * 2).backward();
            grads.push_back(p.grad());
        }
        eval(grads);
        optimizer.step();
        const Report report = last_executable();
        EXPECT_EQ(report.launches(), 1) << report.str();
        EXPECT_EQ(report.kernels.size(), 1u) << report.str();
    }
}

TEST_P(AllOptimizers, OneLaunchForAllParameters) {
    if (!GetParam().one_launch) GTEST_SKIP() << "its steps hold products of matrices";
    if (!all_passes()) GTEST_SKIP() << "needs all passes, INGOT_PASSES is set";
    const auto params = make_model().parameters();
    expect_one_launch(params, *GetParam().make(params));
}

TEST_P(AllOptimizers, StateGoesOnInAnotherOne) {
    auto a = make_model(), b = make_model();
    const auto first = GetParam().make(a.parameters()), second = GetParam().make(b.parameters());
    for (int i = 0; i < 7; ++i) step(a, *first); // past the steps in which RAdam only warms up
    first->set_lr(first->lr() / 2);
    b.load_state_dict(a.state_dict());
    second->load_state_dict(first->state_dict());
    EXPECT_EQ(second->lr(), first->lr());
    for (int i = 0; i < 3; ++i) {
        step(a, *first);
        step(b, *second);
    }
    EXPECT_EQ(values(a), values(b));
    // Without the state it would have gone elsewhere.
    auto c = make_model();
    c.load_state_dict(a.state_dict());
    const auto third = GetParam().make(c.parameters());
    third->set_lr(first->lr());
    step(a, *first);
    step(c, *third);
    EXPECT_NE(values(a), values(c));
}

TEST_P(AllOptimizers, CompiledAsInPlainStyle) {
    auto a = make_model(), b = make_model();
    const auto plain = GetParam().make(a.parameters()), compiled = GetParam().make(b.parameters());
    auto whole = compile([&](Tensor x) {
        const Tensor loss = loss_of(b, x);
        compiled->zero_grad();
        loss.backward();
        compiled->step();
        return loss;
    });
    const Tensor x = input().eval();
    for (int i = 0; i < 8; ++i) {
        step(a, *plain);
        whole(x);
    }
    EXPECT_EQ(whole.variants(), 1);
    EXPECT_EQ(values(a), values(b));
}

TEST_P(AllOptimizers, TheLossFalls) {
    auto model = make_model();
    const auto optimizer = GetParam().make(model.parameters());
    const double before = loss_of(model, input()).item();
    for (int i = 0; i < 40; ++i) step(model, *optimizer);
    EXPECT_LT(loss_of(model, input()).item(), 0.9 * before);
}

TEST_P(AllOptimizers, HalfPrecisionParameters) {
    const Params params{Tensor::parameter(full({3, 2}, 0.5, {.dtype = bf16}))};
    const auto optimizer = GetParam().make(params);
    sum(params[0] * 3).backward();
    optimizer->step();
    EXPECT_EQ(params[0].dtype(), bf16);
    for (const double v : params[0].to_vector<double>()) EXPECT_LT(v, 0.5);
    for (const auto& [key, tensor] : optimizer->state_dict())
        EXPECT_TRUE(tensor.dtype() == f32 || key == "step" || key == "lr") << key;
}

using namespace optim;
INSTANTIATE_TEST_SUITE_P(
    Each, AllOptimizers,
    testing::Values(with<SGD>("sgd", {.lr = 0.1, .momentum = 0.9}), with<Adam>("adam", {.lr = 0.02}),
                    with<AdamW>("adamw", {.lr = 0.02}),
                    with<RMSprop>("rmsprop", {.lr = 0.01, .momentum = 0.5, .centered = true}),
                    with<Adagrad>("adagrad", {.lr = 0.05, .lr_decay = 0.01, .initial_accumulator_value = 0.1}),
                    with<Adadelta>("adadelta", {.lr = 2, .eps = 1e-4}), with<NAdam>("nadam", {.lr = 0.02}),
                    with<Adamax>("adamax", {.lr = 0.02}), with<RAdam>("radam", {.lr = 0.02}),
                    with<Lion>("lion", {.lr = 0.01, .weight_decay = 0.1}),
                    with<Muon>("muon", {.lr = 0.02, .adamw_lr = 0.02}, false)),
    [](const auto& info) { return info.param.name; });

/// Further options, of which each adds something to the update.
class OptimizerVariants : public testing::TestWithParam<Case> {};

TEST_P(OptimizerVariants, OneLaunchForAllParameters) {
    if (!all_passes()) GTEST_SKIP() << "needs all passes, INGOT_PASSES is set";
    const auto params = make_model().parameters();
    expect_one_launch(params, *GetParam().make(params));
}

INSTANTIATE_TEST_SUITE_P(
    Each, OptimizerVariants,
    testing::Values(
        with<SGD>("sgd", {}), with<SGD>("sgd_decay", {.momentum = 0.9, .weight_decay = 0.1}),
        with<SGD>("sgd_nesterov", {.momentum = 0.9, .weight_decay = 0.1, .nesterov = true}),
        with<SGD>("sgd_dampening", {.momentum = 0.9, .dampening = 0.5}),
        with<Adam>("adam_decay", {.weight_decay = 0.1}), with<AdamW>("adamw_plain", {.weight_decay = 0}),
        with<RMSprop>("rmsprop", {}), with<RMSprop>("rmsprop_decay", {.weight_decay = 0.1}),
        with<RMSprop>("rmsprop_momentum", {.momentum = 0.9}), with<RMSprop>("rmsprop_centered", {.centered = true}),
        with<Adagrad>("adagrad_decay", {.weight_decay = 0.1}), with<Adadelta>("adadelta_decay", {.weight_decay = 0.1}),
        with<NAdam>("nadam_decay", {.weight_decay = 0.1}), with<Adamax>("adamax_decay", {.weight_decay = 0.1}),
        with<RAdam>("radam_decay", {.weight_decay = 0.1}), with<Lion>("lion_plain", {})),
    [](const auto& info) { return info.param.name; });

TEST(Optimizers, GroupsShareTheLaunch) {
    if (!all_passes()) GTEST_SKIP() << "needs all passes, INGOT_PASSES is set";
    const auto params = make_model().parameters();
    const Params first(params.begin(), params.begin() + 2), rest(params.begin() + 2, params.end());
    Adam optimizer({{first, {.lr = 0.1}}, {rest, {.lr = 0.01}}});
    expect_one_launch(params, optimizer);
}

TEST(Optimizers, MuonUpdatesVectorsInOneLaunch) {
    if (!all_passes()) GTEST_SKIP() << "needs all passes, INGOT_PASSES is set";
    Params vectors;
    for (const Tensor& p : make_model().parameters())
        if (p.rank() == 1) vectors.push_back(p);
    ASSERT_EQ(vectors.size(), 3u);
    Muon optimizer(vectors, {.weight_decay = 0.1});
    expect_one_launch(vectors, optimizer);
}

TEST(Optimizers, OptionsThatMakeNoSense) {
    const Params p{Tensor::parameter(zeros({2}))};
    EXPECT_THROW(RMSprop(p, {.alpha = 1}), Error);
    EXPECT_THROW(RMSprop(p, {.momentum = -1}), Error);
    EXPECT_THROW(Adagrad(p, {.lr_decay = -1}), Error);
    EXPECT_THROW(Adagrad(p, {.initial_accumulator_value = -1}), Error);
    EXPECT_THROW(Adadelta(p, {.rho = 1}), Error);
    EXPECT_THROW(NAdam(p, {.beta1 = 1}), Error);
    EXPECT_THROW(NAdam(p, {.momentum_decay = -1}), Error);
    EXPECT_THROW(Adamax(p, {.beta2 = -0.1}), Error);
    EXPECT_THROW(RAdam(p, {.eps = 0}), Error);
    EXPECT_THROW(Lion(p, {.beta2 = 1}), Error);
    EXPECT_THROW(Muon(p, {.momentum = 1}), Error);
    EXPECT_THROW(Muon(p, {.ns_steps = 0}), Error);
    EXPECT_THROW(Muon(p, {.lr = 0}), Error);
}

TEST(Optimizers, AdagradStartsFromItsInitialValue) {
    const Params p{Tensor::parameter(zeros({2}))};
    EXPECT_EQ(Adagrad(p, {.initial_accumulator_value = 0.25}).state_dict().at("0.sum").to_vector<float>(),
              std::vector<float>(2, 0.25f));
}

TEST(Optimizers, MuonKeepsMomentumOfMatricesAndMomentsOfTheRest) {
    const Params p{Tensor::parameter(zeros({4, 2, 3})), Tensor::parameter(zeros({4}))};
    const StateDict state = Muon(p).state_dict();
    EXPECT_EQ(state.names(),
              (std::vector<std::string>{"0.momentum_buffer", "1.exp_avg", "1.exp_avg_sq", "step", "lr"}));
    EXPECT_EQ(state.at("0.momentum_buffer").shape(), (Shape{4, 2, 3}));
}

} // namespace
