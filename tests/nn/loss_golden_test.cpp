// SPDX-License-Identifier: MIT
// Losses against values captured from PyTorch: values and gradients, ten different inputs each.
#include <functional>
#include <ostream>

#include <gtest/gtest.h>

#include <ingot/nn.h>
#include <ingot/ops.h>

#include "nn/golden.h"

using namespace ingot;

namespace {

struct Case {
    std::string inputs, variant;
    std::function<Tensor(const Tensor& x, const Tensor& target)> loss;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.variant; }

class LossGolden : public testing::TestWithParam<Case> {};

TEST_P(LossGolden, MatchesPyTorch) {
    const Case& c = GetParam();
    const golden::File file("losses");
    for (int t = 0; t < golden::kSteps; ++t) {
        const std::string at = golden::step(t) + "/", result = c.variant + "/" + at;
        Tensor x = file.at(c.inputs + "/" + at + "x").detach();
        x.set_requires_grad();
        const Tensor value = c.loss(x, file.at(c.inputs + "/" + at + "target"));
        (value.rank() == 0 ? value : sum(value)).backward();
        golden::expect_close(value, file.at(result + "value"), result + "value");
        golden::expect_close(x.grad(), file.at(result + "dx"), result + "dx");
    }
}

Case cross(const char* inputs, const char* variant, CrossEntropyOptions options = {}) {
    return {inputs, std::string("cross_entropy.") + variant,
            [options](const Tensor& x, const Tensor& y) { return nn::cross_entropy(x, y, options); }};
}

INSTANTIATE_TEST_SUITE_P(
    All, LossGolden,
    testing::Values(
        cross("classes", "mean"), cross("classes", "sum", {.reduction = Reduction::sum}),
        cross("classes", "none", {.reduction = Reduction::none}),
        cross("classes", "label_smoothing", {.label_smoothing = 0.1}),
        cross("classes", "label_smoothing_sum", {.label_smoothing = 0.1, .reduction = Reduction::sum}),
        cross("ignored", "ignore_index"), cross("ignored", "ignore_index_sum", {.reduction = Reduction::sum}),
        cross("ignored", "ignore_index_smoothing", {.label_smoothing = 0.1}),
        Case{"classes", "nll", [](const Tensor& x, const Tensor& y) { return nn::nll_loss(log_softmax(x), y); }},
        Case{"values", "mse.mean", nn::mse_loss},
        Case{"values", "mse.sum",
             [](const Tensor& x, const Tensor& y) { return nn::mse_loss(x, y, {.reduction = Reduction::sum}); }},
        Case{"values", "l1.mean", nn::l1_loss},
        Case{"values", "l1.sum",
             [](const Tensor& x, const Tensor& y) { return nn::l1_loss(x, y, {.reduction = Reduction::sum}); }},
        Case{"binary", "bce_with_logits.mean", nn::bce_with_logits},
        Case{
            "binary", "bce_with_logits.sum",
            [](const Tensor& x, const Tensor& y) { return nn::bce_with_logits(x, y, {.reduction = Reduction::sum}); }}),
    [](const auto& info) {
        std::string name = info.param.variant;
        std::replace(name.begin(), name.end(), '.', '_');
        return name;
    });

} // namespace
