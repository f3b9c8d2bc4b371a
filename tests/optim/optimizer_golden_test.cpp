// SPDX-License-Identifier: MIT
// Optimizers and gradient clipping against values captured from PyTorch, ten steps each.
#include <functional>
#include <memory>
#include <ostream>

#include <gtest/gtest.h>

#include <ingot/ops.h>
#include <ingot/optim.h>

#include "nn/golden.h"

using namespace ingot;

namespace {

// Of max(1, largest value): rounding in f32 and in f64.
constexpr double kTolerance = 2e-6, kTolerance64 = 1e-13;

std::string param(int i) { return "/param" + std::to_string(i); }

std::vector<Tensor> initial(const golden::File& file) {
    return {Tensor::parameter(file.at("init/param0")), Tensor::parameter(file.at("init/param1"))};
}

/// Gives the parameters the gradients `grads`, through a loss whose gradients they are.
void set_gradients(const std::vector<Tensor>& params, const std::vector<Tensor>& grads) {
    for (size_t i = 0; i < params.size(); ++i) {
        params[i].zero_grad();
        sum(params[i] * grads[i]).backward();
    }
}

std::vector<Tensor> gradients(const golden::File& file, const std::string& prefix, int t) {
    return {file.at(prefix + "/param0/" + golden::step(t)), file.at(prefix + "/param1/" + golden::step(t))};
}

void expect_params(const golden::File& file, const std::vector<Tensor>& params, const std::string& variant, int t,
                   double tolerance = kTolerance) {
    for (int i = 0; i < 2; ++i) {
        const std::string key = variant + param(i) + "/" + golden::step(t);
        golden::expect_close(params[static_cast<size_t>(i)], file.at(key), key, tolerance);
    }
}

struct Case {
    std::string variant;
    std::function<std::unique_ptr<optim::Optimizer>(const std::vector<Tensor>&)> make;
    std::function<void(optim::Optimizer&, int)> before;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.variant; }

template <class O> Case with(std::string variant, typename O::Options options) {
    return {
        std::move(variant), [options](const std::vector<Tensor>& p) { return std::make_unique<O>(p, options); }, {}};
}

class OptimizerGolden : public testing::TestWithParam<Case> {};

void compare(const Case& c, const std::string& values, double tolerance) {
    const golden::File file(values);
    const auto params = initial(file);
    const auto optimizer = c.make(params);
    for (int t = 0; t < golden::kSteps; ++t) {
        if (c.before) c.before(*optimizer, t);
        set_gradients(params, gradients(file, "grads", t));
        optimizer->step();
        expect_params(file, params, c.variant, t, tolerance);
    }
}

TEST_P(OptimizerGolden, Single) { compare(GetParam(), "optimizers", kTolerance); }
TEST_P(OptimizerGolden, Double) { compare(GetParam(), "optimizers_f64", kTolerance64); }

void later_rate(optim::Optimizer& optimizer, int t) { optimizer.set_lr(t < 4 ? 0.1 : 0.02); }

std::vector<Case> cases() {
    using namespace optim;
    std::vector<Case> out{
        with<RMSprop>("rmsprop.default", {}),
        with<RMSprop>("rmsprop.momentum", {.lr = 0.01, .alpha = 0.9, .weight_decay = 0.05, .momentum = 0.9}),
        with<RMSprop>("rmsprop.centered", {.lr = 0.01, .centered = true}),
        with<RMSprop>("rmsprop.both", {.lr = 0.02, .alpha = 0.8, .eps = 1e-3, .momentum = 0.5, .centered = true}),
        with<Adagrad>("adagrad.default", {}),
        with<Adagrad>(
            "adagrad.options",
            {.lr = 0.1, .lr_decay = 0.2, .weight_decay = 0.05, .initial_accumulator_value = 0.3, .eps = 1e-3}),
        with<Adadelta>("adadelta.default", {}),
        with<Adadelta>("adadelta.options", {.lr = 0.5, .rho = 0.7, .eps = 1e-3, .weight_decay = 0.05}),
        with<NAdam>("nadam.default", {}),
        with<NAdam>(
            "nadam.options",
            {.lr = 0.02, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-3, .weight_decay = 0.05, .momentum_decay = 0.1}),
        with<Adamax>("adamax.default", {}),
        with<Adamax>("adamax.options", {.lr = 0.02, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-3, .weight_decay = 0.05}),
        with<RAdam>("radam.default", {}),
        with<RAdam>("radam.options", {.lr = 0.02, .beta1 = 0.8, .beta2 = 0.9, .eps = 1e-3, .weight_decay = 0.05}),
        with<Lion>("lion.default", {}),
        with<Lion>("lion.options", {.lr = 0.01, .beta1 = 0.8, .beta2 = 0.95, .weight_decay = 0.1}),
        with<Muon>("muon.default", {}),
        with<Muon>("muon.options", {.lr = 0.05,
                                    .momentum = 0.8,
                                    .nesterov = false,
                                    .ns_steps = 3,
                                    .weight_decay = 0.1,
                                    .adamw_lr = 0.01,
                                    .beta1 = 0.8,
                                    .beta2 = 0.9,
                                    .eps = 1e-3}),

        with<SGD>("sgd.plain", {.lr = 0.1}),
        with<SGD>("sgd.weight_decay", {.lr = 0.1, .weight_decay = 0.05}),
        with<SGD>("sgd.momentum", {.lr = 0.1, .momentum = 0.9}),
        with<SGD>("sgd.dampening", {.lr = 0.1, .momentum = 0.9, .dampening = 0.3, .weight_decay = 0.05}),
        with<SGD>("sgd.nesterov", {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.05, .nesterov = true}),
        with<Adam>("adam.default", {}),
        with<Adam>("adam.options", {.lr = 0.02, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-3}),
        with<Adam>("adam.weight_decay", {.lr = 0.01, .weight_decay = 0.1}),
        with<AdamW>("adamw.default", {}),
        with<AdamW>("adamw.weight_decay", {.lr = 0.01, .weight_decay = 0.1}),
        with<SGD>("set_lr.sgd", {.lr = 0.1, .momentum = 0.9}),
        with<Adam>("set_lr.adam", {.lr = 0.1}),
    };
    out[out.size() - 2].before = out[out.size() - 1].before = later_rate;
    out.push_back({"groups.sgd",
                   [](const std::vector<Tensor>& p) {
                       return std::unique_ptr<optim::Optimizer>(
                           new SGD({{{p[0]}, {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.05}},
                                    {{p[1]}, {.lr = 0.01, .momentum = 0.9}}}));
                   },
                   {}});
    out.push_back({"groups.adam",
                   [](const std::vector<Tensor>& p) {
                       return std::unique_ptr<optim::Optimizer>(
                           new Adam({{{p[0]}, {.lr = 0.05, .weight_decay = 0.05}}, {{p[1]}, {.lr = 0.01}}}));
                   },
                   {}});
    return out;
}

INSTANTIATE_TEST_SUITE_P(All, OptimizerGolden, testing::ValuesIn(cases()), [](const auto& info) {
    std::string name = info.param.variant;
    std::replace(name.begin(), name.end(), '.', '_');
    return name;
});

TEST(ClipGradNormGolden, MatchesPyTorch) {
    const golden::File file("optimizers");
    const auto params = initial(file);
    optim::SGD optimizer(params, {.lr = 0.1, .momentum = 0.9});
    for (int t = 0; t < golden::kSteps; ++t) {
        set_gradients(params, gradients(file, "clip/before", t));
        const Tensor norm = optim::clip_grad_norm_(params, 1);
        optimizer.step();
        golden::expect_close(norm, file.at("clip/norm/" + golden::step(t)), "norm");
        for (int i = 0; i < 2; ++i) {
            const std::string key = "clip/after" + param(i) + "/" + golden::step(t);
            golden::expect_close(params[static_cast<size_t>(i)].grad(), file.at(key), key, kTolerance);
        }
        expect_params(file, params, "clip.sgd", t);
    }
}

} // namespace
