// SPDX-License-Identifier: MIT
// Further layers, activations and losses against values captured from PyTorch: values, gradients and second gradients.
#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <ostream>

#include <gtest/gtest.h>

#include <ingot/grad.h>
#include <ingot/nn.h>
#include <ingot/ops.h>

#include "nn/golden.h"

using namespace ingot;

namespace {

constexpr int kSteps = 3;

Tensor leaf(const golden::File& file, const std::string& key) {
    Tensor x = file.at(key).detach();
    return x.set_requires_grad();
}

/// The gradient of sum(u * dx) in x, where the file has it (PyTorch 1.13 does not for all).
void expect_second(const golden::File& file, const std::string& at, const Tensor& x, const Tensor& dx) {
    if (!file.has(at + "u")) return;
    const Tensor expected = file.at(at + "ddx");
    x.zero_grad();
    const Tensor product = sum(file.at(at + "u") * dx);
    if (product.requires_grad()) product.backward();
    // Where dx does not depend on x there is none.
    golden::expect_close(x.grad().defined() ? x.grad() : zeros(x.shape()), expected, at + "ddx");
}

std::string test_name(std::string name) {
    std::replace(name.begin(), name.end(), '.', '_');
    return name;
}

struct Case {
    std::string variant;
    std::function<std::shared_ptr<nn::Module>()> make;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.variant; }
template <class L, class... Args> Case layer(std::string variant, Args... args) {
    return {std::move(variant), [=] { return std::make_shared<L>(args...); }};
}

// ------------------------------------------------------------------------------------------------------- layers

class MoreLayersGolden : public testing::TestWithParam<Case> {};

TEST_P(MoreLayersGolden, MatchesPyTorch) {
    const std::string& variant = GetParam().variant;
    const golden::File file("layers");
    const auto module = GetParam().make();
    for (const auto& [name, tensor] : module->named_parameters()) tensor.assign(file.at(variant + "/" + name));
    for (int t = 0; t < kSteps; ++t) {
        const std::string at = variant + "/" + golden::step(t) + "/";
        const Tensor x = leaf(file, at + "x");
        module->zero_grad();
        const Tensor y = (*module)(x);
        y.backward(file.at(at + "dy"), true, true);
        const Tensor dx = x.grad();
        golden::expect_close(y, file.at(at + "y"), at + "y");
        golden::expect_close(dx, file.at(at + "dx"), at + "dx");
        for (const auto& [name, tensor] : module->named_parameters())
            golden::expect_close(tensor.grad(), file.at(at + "d" + name), at + "d" + name);
        expect_second(file, at, x, dx);
    }
}

INSTANTIATE_TEST_SUITE_P(
    All, MoreLayersGolden,
    testing::Values(
        layer<nn::Conv1d>("conv1d", 3, 4),
        layer<nn::Conv1d>("conv1d.options", 4, 6,
                          nn::Conv1dOptions{.stride = 2, .padding = 2, .dilation = 2, .groups = 2, .bias = false}),
        layer<nn::ConvTranspose1d>("conv_transpose1d", 3, 4),
        layer<nn::ConvTranspose1d>("conv_transpose1d.options", 4, 6,
                                   nn::ConvTranspose1dOptions{.kernel = 4,
                                                              .stride = 3,
                                                              .padding = 1,
                                                              .output_padding = 2,
                                                              .dilation = 2,
                                                              .groups = 2,
                                                              .bias = false}),
        layer<nn::ConvTranspose2d>("conv_transpose2d", 3, 4, nn::ConvTranspose2dOptions{.kernel = {3, 2}}),
        layer<nn::ConvTranspose2d>("conv_transpose2d.options", 4, 6,
                                   nn::ConvTranspose2dOptions{.kernel = {3, 4},
                                                              .stride = {2, 3},
                                                              .padding = {1, 2},
                                                              .output_padding = {1, 2},
                                                              .dilation = {2, 1},
                                                              .groups = 2}),
        layer<nn::AdaptiveAvgPool2d>("adaptive_avg_pool2d.even", Int2(2, 3)),
        layer<nn::AdaptiveAvgPool2d>("adaptive_avg_pool2d.uneven", Int2(3, 4)),
        layer<nn::AdaptiveMaxPool2d>("adaptive_max_pool2d.even", Int2(2, 3)),
        layer<nn::AdaptiveMaxPool2d>("adaptive_max_pool2d.uneven", Int2(3, 4)),
        layer<nn::AdaptiveMaxPool2d>("adaptive_max_pool2d.ties", Int2(2, 3)),
        layer<nn::AdaptiveAvgPool1d>("adaptive_avg_pool1d", 3), layer<nn::AdaptiveMaxPool1d>("adaptive_max_pool1d", 3),
        layer<nn::MaxPool1d>("max_pool1d", 3, Pool1dOptions{.stride = 2, .padding = 1}),
        layer<nn::AvgPool1d>("avg_pool1d", 3, Pool1dOptions{.stride = 2, .padding = 1, .count_include_pad = false}),
        layer<nn::GroupNorm>("group_norm", 2, 4),
        layer<nn::GroupNorm>("group_norm.plain", 3, 12, nn::GroupNormOptions{.eps = 1e-3, .affine = false}),
        layer<nn::InstanceNorm>("instance_norm", 3, nn::InstanceNormOptions{.affine = true}),
        layer<nn::InstanceNorm>("instance_norm.1d", 3, nn::InstanceNormOptions{.eps = 1e-3}),
        layer<nn::RMSNorm>("rms_norm", 6),
        layer<nn::RMSNorm>("rms_norm.2d", Shape{2, 5}, nn::RMSNormOptions{.eps = 1e-2}), layer<nn::PReLU>("prelu", 3),
        layer<nn::PReLU>("prelu.one")),
    [](const auto& info) { return test_name(info.param.variant); });

// -------------------------------------------------------------------------------------------------- activations

class MoreActivationsGolden : public testing::TestWithParam<Case> {};

TEST_P(MoreActivationsGolden, MatchesPyTorch) {
    const golden::File file("activations_more");
    const auto module = GetParam().make();
    for (int t = 0; t < kSteps; ++t) {
        const std::string at = GetParam().variant + "/" + golden::step(t) + "/";
        const Tensor x = leaf(file, golden::step(t) + "/x");
        const Tensor y = (*module)(x);
        y.backward(file.at(at + "dy"), true, true);
        const Tensor dx = x.grad();
        golden::expect_close(y, file.at(at + "y"), at + "y");
        golden::expect_close(dx, file.at(at + "dx"), at + "dx");
        expect_second(file, at, x, dx);
    }
}

INSTANTIATE_TEST_SUITE_P(
    All, MoreActivationsGolden,
    testing::Values(layer<nn::ELU>("elu.1.5", 1.5), layer<nn::SELU>("selu"), layer<nn::CELU>("celu"),
                    layer<nn::CELU>("celu.0.5", 0.5), layer<nn::Softplus>("softplus.2", 2.0),
                    layer<nn::Softsign>("softsign"), layer<nn::Hardtanh>("hardtanh"),
                    layer<nn::Hardtanh>("hardtanh.range", -0.5, 2.0), layer<nn::ReLU6>("relu6"),
                    layer<nn::Hardsigmoid>("hardsigmoid"), layer<nn::Hardswish>("hardswish"), layer<nn::Mish>("mish"),
                    layer<nn::LogSigmoid>("logsigmoid"), layer<nn::Tanhshrink>("tanhshrink"),
                    layer<nn::GELU>("gelu.tanh", nn::Approximate::tanh), layer<nn::GLU>("glu"),
                    layer<nn::GLU>("glu.dim0", 0), layer<nn::Softmin>("softmin"), layer<nn::LogSoftmax>("log_softmax"),
                    layer<nn::LogSoftmax>("log_softmax.dim0", 0)),
    [](const auto& info) { return test_name(info.param.variant); });

// ------------------------------------------------------------------------------------------------------- losses

struct LossCase {
    std::string inputs, variant;
    std::function<Tensor(const Tensor& x, const Tensor& target)> loss;
};
void PrintTo(const LossCase& c, std::ostream* out) { *out << c.variant; }

class MoreLossesGolden : public testing::TestWithParam<LossCase> {};

void compare_loss(const golden::File& file, const std::string& at, const Tensor& x, const Tensor& value) {
    (value.rank() == 0 ? value : sum(value)).backward({}, true, true);
    const Tensor dx = x.grad();
    golden::expect_close(value, file.at(at + "value"), at + "value");
    golden::expect_close(dx, file.at(at + "dx"), at + "dx");
    expect_second(file, at, x, dx);
}

TEST_P(MoreLossesGolden, MatchesPyTorch) {
    const LossCase& c = GetParam();
    const golden::File file("losses_more");
    for (int t = 0; t < kSteps; ++t) {
        const std::string in = c.inputs + "/" + golden::step(t) + "/";
        const Tensor x = leaf(file, in + "x");
        compare_loss(file, c.variant + "/" + golden::step(t) + "/", x, c.loss(x, file.at(in + "target")));
    }
}

Tensor weight() { return golden::File("losses_more").at("weight"); }
LossCase cross(const char* inputs, const char* variant, double smoothing = 0, Reduction reduction = Reduction::mean) {
    return {inputs, std::string("cross_entropy.") + variant, [=](const Tensor& x, const Tensor& y) {
                return nn::cross_entropy(x, y,
                                         {.label_smoothing = smoothing, .reduction = reduction, .weight = weight()});
            }};
}
template <class Loss, class Options>
LossCase pair(const char* inputs, const char* variant, Loss loss, Options options) {
    return {inputs, variant, [=](const Tensor& x, const Tensor& y) { return loss(x, y, options); }};
}

constexpr Reduction kSum = Reduction::sum;
INSTANTIATE_TEST_SUITE_P(
    All, MoreLossesGolden,
    testing::Values(
        cross("classes", "weight"), cross("classes", "weight_sum", 0, kSum),
        cross("classes", "weight_none", 0, Reduction::none), cross("classes", "weight_smoothing", 0.2),
        cross("classes", "weight_smoothing_sum", 0.2, kSum), cross("pixels", "weight_pixels"),
        LossCase{
            "classes", "nll.weight",
            [](const Tensor& x, const Tensor& y) { return nn::nll_loss(log_softmax(x), y, {.weight = weight()}); }},
        LossCase{"classes", "nll", [](const Tensor& x, const Tensor& y) { return nn::nll_loss(log_softmax(x), y); }},
        pair("values", "huber", nn::huber_loss, HuberOptions{}),
        pair("values", "huber.0.5", nn::huber_loss, HuberOptions{.delta = 0.5}),
        pair("values", "huber.sum", nn::huber_loss, HuberOptions{.delta = 2, .reduction = kSum}),
        pair("values", "smooth_l1", nn::smooth_l1_loss, SmoothL1Options{}),
        pair("values", "smooth_l1.0.5", nn::smooth_l1_loss, SmoothL1Options{.beta = 0.5, .reduction = kSum}),
        pair("values", "smooth_l1.0", nn::smooth_l1_loss, SmoothL1Options{.beta = 0}),
        pair("probabilities", "bce.mean", nn::binary_cross_entropy, LossOptions{}),
        pair("probabilities", "bce.sum", nn::binary_cross_entropy, LossOptions{.reduction = kSum}),
        pair("divergence", "kl_div.mean", nn::kl_div, KlDivOptions{}),
        pair("divergence", "kl_div.sum", nn::kl_div, KlDivOptions{.reduction = kSum}),
        pair("divergence", "kl_div.batch_mean", nn::kl_div, KlDivOptions{.batch_mean = true}),
        LossCase{"divergence", "kl_div.log_target",
                 [](const Tensor& x, const Tensor& y) { return nn::kl_div(x, log(y + 0.1), {.log_target = true}); }},
        pair("hinge", "hinge_embedding", nn::hinge_embedding_loss, MarginOptions{.margin = 1}),
        pair("hinge", "hinge_embedding.0.4", nn::hinge_embedding_loss,
             MarginOptions{.margin = 0.4, .reduction = kSum})),
    [](const auto& info) { return test_name(info.param.variant); });

TEST(MoreLossesGolden, CosineEmbedding) {
    const golden::File file("losses_more");
    for (const auto& [variant, margin] : {std::pair{"cosine_embedding", 0.0}, std::pair{"cosine_embedding.0.3", 0.3}})
        for (int t = 0; t < kSteps; ++t) {
            const std::string in = "cosine/" + golden::step(t) + "/";
            const Tensor x = leaf(file, in + "x");
            const Tensor value =
                nn::cosine_embedding_loss(x, file.at(in + "other"), file.at(in + "target"), {.margin = margin});
            compare_loss(file, std::string(variant) + "/" + golden::step(t) + "/", x, value);
        }
}

// Values and gradients of PyTorch 1.13 in f64 at the corners: zero vectors, tiny vectors and a cosine that is the margin.
TEST(MoreLossesGolden, CosineOfZeroVectors) {
    const auto vectors = [](const std::vector<double>& v) { return Tensor::from(v, {5, 3}).set_requires_grad(true); };
    const auto expect = [](const Tensor& got, const std::vector<double>& wanted) {
        const auto values = got.to_vector<double>();
        ASSERT_EQ(values.size(), wanted.size());
        for (size_t i = 0; i < wanted.size(); ++i)
            EXPECT_NEAR(values[i], wanted[i], 1e-9 * std::max(1.0, std::abs(wanted[i]))) << i;
    };
    Tensor a = vectors({0, 0, 0, 0, 0, 0, 1e-7, 0, 0, 3, 4, 0, 0, 0, 0});
    Tensor b = vectors({1, 2, 3, 1, 2, 3, 3e-7, 4e-7, 0, 1, 2, 2, 0, 0, 0});
    const Tensor label = Tensor::from(std::vector<double>{1, -1, 1, -1, -1}, {5});
    const Tensor loss = nn::cosine_embedding_loss(a, b, label, {.reduction = Reduction::none});
    expect(loss, {1, 0, 0.9733003503351112, 0.7333333333332779, 0});
    sum(loss).backward();
    expect(a.grad(), {-267261.2424463765, -534522.484892753, -801783.7273391294, 267261.2424463765, 534522.484892753,
                      801783.7273391294, -264352.9669686388, -355995.3288651843, 0, -0.021333333333328208,
                      0.016000000000003484, 0.13333333333332326, 0, 0, 0});
    expect(b.grad(), {0, 0, 0, 0, 0, 0, -82590.91627623893, 8543.887920076178, 0, 0.11851851851851862,
                      0.10370370370371398, -0.16296296296293253, 0, 0, 0});

    Tensor c = vectors({0, 0, 0, 0, 0, 0, 1e-7, 0, 0, 3, 4, 0, 0, 0, 0});
    const Tensor similarity = cosine_similarity(c, b.detach());
    expect(similarity, {0, 0, 0.6, 0.7333333333333333, 0});
    sum(similarity).backward();
    expect(c.grad(),
           {26726124.191242438, 53452248.382484876, 80178372.57372732, 26726124.191242438, 53452248.382484876,
            80178372.57372732, 0, 8000000.000000001, 0, -0.02133333333333333, 0.016, 0.13333333333333333, 0, 0, 0});
    // Each norm counts as at least eps, not their product.
    EXPECT_NEAR(cosine_similarity(Tensor::from(std::vector<double>{1e-9, 0, 0}, {1, 3}),
                                  Tensor::from(std::vector<double>{1, 2, 3}, {1, 3}))
                    .item<double>(),
                0.026726124191242442, 1e-15);
}

TEST(MoreLossesGolden, HingeEmbeddingAtTheMargin) {
    Tensor x = Tensor::from(std::vector<float>{1, 1, 0.4f}, {3}).set_requires_grad(true);
    nn::hinge_embedding_loss(x, Tensor::from(std::vector<float>{-1, 1, -1}, {3}), {.margin = 1, .reduction = kSum})
        .backward();
    EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{-1, 1, -1})); // as PyTorch's
}

} // namespace
