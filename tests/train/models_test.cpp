// SPDX-License-Identifier: MIT
// Named models: keys, shapes and parameter counts are those of the PyTorch models they are named after.
#include <cstdlib>

#include <gtest/gtest.h>

#include <ingot/eval.h>
#include <ingot/nn.h>
#include <ingot/ops.h>
#include <ingot/optim.h>
#include <ingot/report.h>

#include "train/model_spec.h"
#include "train/models.h"

using namespace ingot;
using train::build_model;
using train::model_spec;

namespace {

std::vector<std::string> weights(const train::Model& model) {
    std::vector<std::string> out;
    for (const auto& name : model.net.named_parameters().names())
        if (name.ends_with("weight")) out.push_back(name);
    return out;
}

using Names = std::vector<std::string>;

TEST(Models, Lenet) {
    auto model = build_model(model_spec("lenet", {1, 28, 28}, 10));
    EXPECT_EQ(weights(model), (Names{"0.weight", "3.weight", "7.weight", "9.weight", "11.weight"}));
    EXPECT_EQ(model.net.num_parameters(), 61706);
    EXPECT_EQ(model.net.state_dict().at("7.weight").shape(), (Shape{120, 400}));
    EXPECT_EQ(model.net(zeros({2, 1, 28, 28})).shape(), (Shape{2, 10}));
}

TEST(Models, SizesFollowTheData) {
    auto model = build_model(model_spec("lenet", {3, 32, 32}, 7));
    EXPECT_EQ(model.net.state_dict().at("0.weight").shape(), (Shape{6, 3, 5, 5}));
    EXPECT_EQ(model.net.state_dict().at("7.weight").shape(), (Shape{120, 576}));
    EXPECT_EQ(model.output, (Shape{7}));
}

TEST(Models, Mlp) {
    auto model = build_model(model_spec("mlp", {1, 28, 28}, 10));
    EXPECT_EQ(weights(model), (Names{"0.weight", "2.weight", "4.weight"}));
    EXPECT_EQ(model.net.num_parameters(), 784 * 512 + 512 + 512 * 256 + 256 + 2560 + 10);
    EXPECT_EQ(model.net(zeros({2, 1, 28, 28})).shape(), (Shape{2, 10}));
}

TEST(Models, TinyCnn) {
    auto model = build_model(model_spec("tiny-cnn", {3, 32, 32}, 2));
    EXPECT_EQ(weights(model), (Names{"0.weight", "4.weight"}));
    EXPECT_EQ(model.net.num_parameters(), 3 * 8 * 9 + 8 + 16 + 2);
}

TEST(Models, CifarCnn) {
    auto model = build_model(model_spec("cifar-cnn", {3, 32, 32}, 10));
    EXPECT_EQ(weights(model),
              (Names{"0.weight", "1.weight", "3.weight", "5.weight", "7.weight", "10.weight", "13.weight"}));
    EXPECT_EQ(model.net.state_dict().at("10.weight").shape(), (Shape{128, 4096}));
}

TEST(Models, Resnet18) {
    auto model = build_model(model_spec("resnet18", {3, 32, 32}, 10));
    EXPECT_EQ(model.net.num_parameters(), 11173962); // torchvision's form with a 3x3 stem
    const StateDict state = model.net.state_dict();
    EXPECT_EQ(state.size(), 122u);
    for (const char* key : {"0.weight", "1.running_var", "3.conv1.weight", "3.bn2.num_batches_tracked",
                            "5.short.0.weight", "5.short.1.running_mean", "10.conv2.weight", "13.weight", "13.bias"})
        EXPECT_TRUE(state.contains(key)) << key;
    EXPECT_FALSE(state.contains("3.short.0.weight"));
    EXPECT_FALSE(state.contains("0.bias"));
    EXPECT_EQ(model.output, (Shape{10}));
}

TEST(Models, GptTiny) {
    const auto model = build_model(model_spec("gpt-tiny", {128}, 1000));
    EXPECT_EQ(model.net.num_parameters(), 3704320); // that of the benchmarks' PyTorch model
    const StateDict state = model.net.state_dict();
    EXPECT_EQ(state.size(), 53u);
    for (const char* key : {"tok.weight", "pos.weight", "layers.0.ln1.weight", "layers.3.qkv.bias",
                            "layers.3.proj.weight", "layers.2.up.weight", "layers.1.down.bias", "norm.weight"})
        EXPECT_TRUE(state.contains(key)) << key;
    EXPECT_FALSE(state.contains("head.bias"));
    EXPECT_EQ(state.at("pos.weight").shape(), (Shape{128, 256}));
    EXPECT_EQ(state.at("head.weight").shape(), (Shape{1000, 256}));
    EXPECT_TRUE(model.tokens);
    EXPECT_EQ(model.output, (Shape{128, 1000}));
}

TEST(Models, Gpt2) {
    const auto model = build_model(model_spec("gpt2", {16}, 30));
    const int64_t block = 768 * 768 * 12 + 768 * 9 + 768 * 4; // matrices, biases, norms
    EXPECT_EQ(model.net.num_parameters(), 30 * 768 + 16 * 768 + 12 * block + 2 * 768);
    const StateDict state = model.net.state_dict();
    for (const char* key : {"p", "e.weight", "b.11.l1.weight", "b.0.qkv.bias", "b.0.o.weight", "b.0.l2.bias",
                            "b.0.m.0.weight", "b.11.m.2.bias", "l.weight", "head.weight"})
        EXPECT_TRUE(state.contains(key)) << key;
    EXPECT_EQ(state.at("head.weight").node(), state.at("e.weight").node());
    EXPECT_EQ(max(abs(state.at("p"))).item(), 0);
    EXPECT_NEAR(ingot::std(state.at("e.weight")).item(), 0.02, 0.001);
}

TEST(Models, AdamIsOneLaunchOnResnet18) {
    if (std::getenv("INGOT_PASSES")) GTEST_SKIP() << "needs all passes, INGOT_PASSES is set";
    const auto model = build_model(model_spec("resnet18", {3, 32, 32}, 10));
    const auto params = model.net.parameters();
    optim::Adam optimizer(params);
    std::vector<Tensor> grads;
    for (const Tensor& p : params) {
        sum(p * 2).backward();
        grads.push_back(p.grad());
    }
    eval(grads); // so that the step's submission holds the update only
    optimizer.step();
    EXPECT_EQ(last_executable().launches(), 1) << last_executable().str();
    EXPECT_EQ(optimizer.state_dict().at("step").to_vector<int64_t>(), std::vector<int64_t>(62, 1));
}

TEST(Models, EveryNameBuilds) {
    for (const auto& name : train::model_names()) {
        const bool text = name.starts_with("gpt");
        const auto model = build_model(model_spec(name, text ? Shape{16} : Shape{1, 32, 32}, 3));
        EXPECT_EQ(model.output, (text ? Shape{16, 3} : Shape{3})) << name;
        EXPECT_EQ(build_model(model.spec).net.state_dict().names(), model.net.state_dict().names()) << name;
    }
}

TEST(Models, Errors) {
    EXPECT_THROW(model_spec("vgg", {3, 32, 32}, 10), Error);
    EXPECT_THROW(model_spec("lenet", {784}, 10), ShapeError);
    EXPECT_THROW(model_spec("gpt-tiny", {3, 32, 32}, 10), ShapeError);
    EXPECT_THROW(model_spec("lenet", {1, 28, 28}, 0), Error);
    EXPECT_THROW(build_model(model_spec("lenet", {1, 8, 8}, 10)), Error); // too small for its kernels
}

} // namespace
