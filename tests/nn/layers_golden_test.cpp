// SPDX-License-Identifier: MIT
// Layers against values captured from PyTorch: outputs and all gradients, ten different inputs each.
#include <functional>
#include <memory>
#include <ostream>

#include <gtest/gtest.h>

#include <ingot/nn.h>
#include <ingot/ops.h>

#include "nn/golden.h"

using namespace ingot;

namespace {

struct Case {
    std::string file, variant;
    std::function<std::shared_ptr<nn::Module>()> make;
    bool integer_input = false;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.variant; }

template <class L, class... Args> Case layer(std::string file, std::string variant, Args... args) {
    return {std::move(file), std::move(variant), [=] { return std::make_shared<L>(args...); }};
}

void load_parameters(nn::Module& module, const golden::File& file, const std::string& variant) {
    for (const auto& [name, tensor] : module.named_parameters()) tensor.assign(file.at(variant + "/" + name));
}

/// One forward and backward with the values under `at`.
void compare_step(nn::Module& module, const golden::File& file, const std::string& at, bool integer_input) {
    Tensor x = file.at(at + "x").detach();
    if (!integer_input) x.set_requires_grad();
    module.zero_grad();
    const Tensor y = module(x);
    y.backward(file.at(at + "dy"));
    golden::expect_close(y, file.at(at + "y"), at + "y");
    if (!integer_input) golden::expect_close(x.grad(), file.at(at + "dx"), at + "dx");
    for (const auto& [name, tensor] : module.named_parameters())
        golden::expect_close(tensor.grad(), file.at(at + "d" + name), at + "d" + name);
}

class LayerGolden : public testing::TestWithParam<Case> {};

TEST_P(LayerGolden, MatchesPyTorch) {
    const Case& c = GetParam();
    const golden::File file(c.file);
    const auto module = c.make();
    load_parameters(*module, file, c.variant);
    for (int t = 0; t < golden::kSteps; ++t)
        compare_step(*module, file, c.variant + "/" + golden::step(t) + "/", c.integer_input);
}

using nn::Conv2dOptions;
const std::vector<Case> kCases{
    layer<nn::Linear>("linear_conv", "linear", 5, 3),
    layer<nn::Linear>("linear_conv", "linear.3d", 5, 4),
    layer<nn::Linear>("linear_conv", "linear.no_bias", 5, 3, nn::LinearOptions{.bias = false}),
    layer<nn::Conv2d>("linear_conv", "conv2d.basic", 3, 4, Conv2dOptions{}),
    layer<nn::Conv2d>("linear_conv", "conv2d.no_bias", 3, 4, Conv2dOptions{.padding = 1, .bias = false}),
    layer<nn::Conv2d>("linear_conv", "conv2d.padding", 3, 4, Conv2dOptions{.padding = 1}),
    layer<nn::Conv2d>("linear_conv", "conv2d.stride", 3, 4, Conv2dOptions{.stride = 2, .padding = 1}),
    layer<nn::Conv2d>("linear_conv", "conv2d.dilation", 3, 4, Conv2dOptions{.padding = 2, .dilation = 2}),
    layer<nn::Conv2d>("linear_conv", "conv2d.groups", 4, 6, Conv2dOptions{.padding = 1, .groups = 2}),
    layer<nn::Conv2d>("linear_conv", "conv2d.depthwise", 4, 8, Conv2dOptions{.stride = 2, .padding = 1, .groups = 4}),
    layer<nn::Conv2d>("linear_conv", "conv2d.pointwise", 3, 4, Conv2dOptions{.kernel = 1, .stride = 2}),
    layer<nn::Conv2d>("linear_conv", "conv2d.asymmetric", 3, 4,
                      Conv2dOptions{.kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 0}, .dilation = {1, 2}}),
    layer<nn::MaxPool2d>("pool_embedding", "max_pool2d.basic", 2),
    layer<nn::MaxPool2d>("pool_embedding", "max_pool2d.stride", 3, Pool2dOptions{.stride = 2}),
    layer<nn::MaxPool2d>("pool_embedding", "max_pool2d.padding", 3, Pool2dOptions{.stride = 2, .padding = 1}),
    layer<nn::MaxPool2d>("pool_embedding", "max_pool2d.ties", 3, Pool2dOptions{.stride = 2, .padding = 1}),
    layer<nn::AvgPool2d>("pool_embedding", "avg_pool2d.basic", 2),
    layer<nn::AvgPool2d>("pool_embedding", "avg_pool2d.stride", 3, Pool2dOptions{.stride = 2}),
    layer<nn::AvgPool2d>("pool_embedding", "avg_pool2d.padding", 3, Pool2dOptions{.stride = 2, .padding = 1}),
    layer<nn::AvgPool2d>("pool_embedding", "avg_pool2d.exclude_pad", 3,
                         Pool2dOptions{.stride = 2, .padding = 1, .count_include_pad = false}),
    layer<nn::AdaptiveAvgPool2d>("pool_embedding", "adaptive_avg_pool2d.1", 1),
    {"pool_embedding", "embedding", [] { return std::make_shared<nn::Embedding>(7, 4); }, true},
    layer<nn::LayerNorm>("norm", "layer_norm", 6),
    layer<nn::LayerNorm>("norm", "layer_norm.2d", Shape{3, 6}),
};

std::string case_name(const testing::TestParamInfo<Case>& info) {
    std::string name = info.param.variant;
    std::replace(name.begin(), name.end(), '.', '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(All, LayerGolden, testing::ValuesIn(kCases), case_name);

// ------------------------------------------------------------------------------------------------- activations

struct Activation {
    std::string variant;
    std::function<std::shared_ptr<nn::Module>()> make;
};

void PrintTo(const Activation& a, std::ostream* out) { *out << a.variant; }

class ActivationGolden : public testing::TestWithParam<Activation> {};

TEST_P(ActivationGolden, MatchesPyTorch) {
    const golden::File file("activations");
    const auto module = GetParam().make();
    for (int t = 0; t < golden::kSteps; ++t) {
        const std::string at = golden::step(t) + "/", result = GetParam().variant + "/" + at;
        Tensor x = file.at(at + "x").detach();
        x.set_requires_grad();
        const Tensor y = (*module)(x);
        y.backward(file.at(at + "dy"));
        golden::expect_close(y, file.at(result + "y"), result + "y");
        golden::expect_close(x.grad(), file.at(result + "dx"), result + "dx");
    }
}

INSTANTIATE_TEST_SUITE_P(All, ActivationGolden,
                         testing::Values(Activation{"relu", [] { return std::make_shared<nn::ReLU>(); }},
                                         Activation{"leaky_relu", [] { return std::make_shared<nn::LeakyReLU>(); }},
                                         Activation{"leaky_relu.0.2",
                                                    [] { return std::make_shared<nn::LeakyReLU>(0.2); }},
                                         Activation{"gelu", [] { return std::make_shared<nn::GELU>(); }},
                                         Activation{"silu", [] { return std::make_shared<nn::SiLU>(); }},
                                         Activation{"sigmoid", [] { return std::make_shared<nn::Sigmoid>(); }},
                                         Activation{"tanh", [] { return std::make_shared<nn::Tanh>(); }},
                                         Activation{"softmax", [] { return std::make_shared<nn::Softmax>(); }},
                                         Activation{"softmax.dim0", [] { return std::make_shared<nn::Softmax>(0); }}),
                         [](const auto& info) {
                             std::string name = info.param.variant;
                             std::replace(name.begin(), name.end(), '.', '_');
                             return name;
                         });

// --------------------------------------------------------------------------------------------------- batch norm

class BatchNormGolden : public testing::TestWithParam<Case> {};

TEST_P(BatchNormGolden, TrainThenEvalMatchPyTorch) {
    const Case& c = GetParam();
    const golden::File file("norm");
    const auto module = c.make();
    load_parameters(*module, file, c.variant);
    const StateDict buffers = module->named_buffers();
    for (int t = 0; t < golden::kSteps; ++t) {
        const std::string at = c.variant + "/" + golden::step(t) + "/";
        compare_step(*module, file, at, false);
        golden::expect_close(buffers.at("running_mean"), file.at(at + "running_mean"), at + "running_mean");
        golden::expect_close(buffers.at("running_var"), file.at(at + "running_var"), at + "running_var");
        EXPECT_EQ(buffers.at("num_batches_tracked").item<int64_t>(), t + 1);
    }
    const auto mean = buffers.at("running_mean").to_vector<float>(), var = buffers.at("running_var").to_vector<float>();
    module->eval();
    compare_step(*module, file, c.variant + "/eval/", false);
    EXPECT_EQ(buffers.at("running_mean").to_vector<float>(), mean);
    EXPECT_EQ(buffers.at("running_var").to_vector<float>(), var);
    EXPECT_EQ(buffers.at("num_batches_tracked").item<int64_t>(), golden::kSteps);
}

INSTANTIATE_TEST_SUITE_P(All, BatchNormGolden,
                         testing::Values(layer<nn::BatchNorm1d>("norm", "batch_norm1d", 4),
                                         layer<nn::BatchNorm1d>("norm", "batch_norm1d.3d", 3),
                                         layer<nn::BatchNorm2d>("norm", "batch_norm2d", 3),
                                         layer<nn::BatchNorm2d>("norm", "batch_norm2d.options", 3,
                                                                nn::BatchNormOptions{.eps = 1e-3, .momentum = 0.3})),
                         case_name);

} // namespace
