// SPDX-License-Identifier: MIT
// Modules: names, sharing, modes, state_dict and its errors, moving between devices, user-defined modules.
#include <cmath>

#include <gtest/gtest.h>

#include <ingot/nn.h>
#include <ingot/ops.h>

using namespace ingot;

namespace {

/// What f throws, as text; "" when it does not.
template <class F> std::string error_of(F&& f) {
    try {
        f();
    } catch (const Error& e) { return e.what(); }
    return "";
}

#define EXPECT_ERROR_HAS(expression, text)                                                                             \
    EXPECT_NE(error_of([&] { expression; }).find(text), std::string::npos) << error_of([&] { expression; })

/// y = relu(x W^T + b) * scale + x
class Block : public nn::Module {
public:
    explicit Block(int64_t size) : linear_(size, size) {
        register_module("linear", linear_);
        scale = register_parameter("scale", full({size}, 2.0));
        register_buffer("calls", zeros({}, {.dtype = i64}));
    }
    Tensor forward(Tensor x) override { return relu(linear_(x)) * scale + x; }
    Tensor scale;

private:
    nn::Linear linear_;
};

TEST(Module, KeysAreThoseOfPyTorch) {
    const nn::Sequential model{nn::Conv2d(1, 2), nn::BatchNorm2d(2), nn::ReLU(), nn::Flatten(),
                               nn::Linear(8, 3, {.bias = false})};
    EXPECT_EQ(model.state_dict().names(),
              (std::vector<std::string>{"0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var",
                                        "1.num_batches_tracked", "4.weight"}));
    EXPECT_EQ(model.named_parameters().names(),
              (std::vector<std::string>{"0.weight", "0.bias", "1.weight", "1.bias", "4.weight"}));
    EXPECT_EQ(model.parameters().size(), 5u);
    EXPECT_EQ(model.buffers().size(), 3u);
    EXPECT_EQ(model.num_parameters(), 2 * 9 + 2 + 2 + 2 + 24);
    EXPECT_TRUE(model.parameters()[0].requires_grad());
    EXPECT_FALSE(model.buffers()[0].requires_grad());
    EXPECT_EQ(model.state_dict().at("1.num_batches_tracked").dtype(), i64);
}

TEST(Module, UserModuleInSequential) {
    Block block(3);
    nn::Sequential model{block, nn::Linear(3, 1)};
    EXPECT_EQ(model.state_dict().names(), (std::vector<std::string>{"0.scale", "0.calls", "0.linear.weight",
                                                                    "0.linear.bias", "1.weight", "1.bias"}));
    // The block in the model and the one outside are the same parameters.
    block.scale.assign(zeros({3}));
    const Tensor x = Tensor::from(std::vector<float>{1, -2, 3}, {1, 3});
    EXPECT_EQ(model[0](x).to_vector<float>(), (std::vector<float>{1, -2, 3}));
}

TEST(Module, CopiesShareParametersAndMode) {
    nn::Linear a(2, 2);
    nn::Linear b = a;
    a.weight.assign(ones({2, 2}));
    EXPECT_EQ(b.weight.to_vector<float>(), std::vector<float>(4, 1));
    b.eval();
    EXPECT_FALSE(a.is_training());
    nn::Sequential model{a, nn::ReLU(), b}; // one layer in two places
    EXPECT_EQ(model.named_parameters().names(), (std::vector<std::string>{"0.weight", "0.bias"}));
    EXPECT_EQ(model.state_dict().names(), (std::vector<std::string>{"0.weight", "0.bias", "2.weight", "2.bias"}));
}

TEST(Module, SequentialCopyAndNesting) {
    nn::Sequential inner{nn::Linear(2, 2)};
    nn::Sequential copy = inner; // a copy, not a Sequential around it
    EXPECT_EQ(copy.size(), 1u);
    copy.add(nn::ReLU());
    EXPECT_EQ(inner.size(), 2u);
    nn::Sequential outer{inner, nn::Linear(2, 1)};
    EXPECT_EQ(outer.parameters().size(), 4u);
    EXPECT_EQ(outer.state_dict().names()[0], "0.0.weight");
    outer.add("head", std::make_shared<nn::Linear>(1, 1));
    EXPECT_TRUE(outer.state_dict().contains("head.weight"));
    EXPECT_EQ(outer.layer_name(2), "head");
}

TEST(Module, ModeReachesAllSubmodules) {
    nn::Sequential model{nn::Sequential{nn::Dropout(0.5), nn::ReLU()},
                         nn::Residual(nn::Sequential{nn::BatchNorm1d(2)})};
    EXPECT_TRUE(model.is_training());
    const uint64_t before = model.version();
    model.eval();
    EXPECT_NE(model.version(), before);
    EXPECT_FALSE(static_cast<nn::Sequential&>(model[0])[0].is_training());
    model.train();
    EXPECT_TRUE(static_cast<nn::Sequential&>(model[0])[0].is_training());
    EXPECT_EQ(model.version(), before); // a step compiled in training mode fits again
    model.add(nn::ReLU());
    EXPECT_NE(model.version(), before);
}

TEST(Module, TheEmptyNameAddsNoLevel) {
    nn::Module inner, outer;
    inner.register_parameter("", zeros({2}));
    inner.register_buffer("count", zeros({}));
    outer.register_module("pos", inner);
    outer.register_module("", nn::Linear(2, 3));
    outer.register_module("", nn::LayerNorm(4, {.elementwise_affine = false}));
    EXPECT_EQ(outer.state_dict().names(), (std::vector<std::string>{"pos", "pos.count", "weight", "bias"}));
    EXPECT_EQ(outer.named_parameters().names(), (std::vector<std::string>{"pos", "weight", "bias"}));
    outer.register_module("", nn::Linear(2, 3));
    EXPECT_ERROR_HAS(outer.state_dict(), "'weight' is there already");
}

TEST(Module, SharedParameters) {
    nn::Embedding table(5, 3, {.std = 0.1});
    nn::Linear head(table.weight, {.bias = false});
    nn::Sequential model;
    model.add("e", table).add("head", head);
    EXPECT_EQ(model.state_dict().names(), (std::vector<std::string>{"e.weight", "head.weight"}));
    EXPECT_EQ(model.named_parameters().names(), std::vector<std::string>{"e.weight"}); // one for optimizers
    EXPECT_EQ(model.num_parameters(), 15);
    head.weight.assign(full({5, 3}, 2.0));
    EXPECT_EQ(table.weight.to_vector<float>(), std::vector<float>(15, 2));
    sum(model(zeros({4}, {.dtype = i64}))).backward();
    // Of sum(head(e[0])): the rows' sum for row 0 of the table, e[0] for all rows of the head, 4 times each.
    auto expected = std::vector<float>(15, 8);
    for (int i = 0; i < 3; ++i) expected[static_cast<size_t>(i)] += 4 * 10;
    EXPECT_EQ(table.weight.grad().to_vector<float>(), expected);
    EXPECT_ERROR_HAS(head.share_parameter("x", zeros({2})), "'x' would not be a parameter");
    EXPECT_ERROR_HAS(nn::Linear(zeros({2})), "must be [out, in]");
    EXPECT_EQ(nn::Linear(table.weight).bias.shape(), (Shape{5}));
}

TEST(Module, RegistrationErrors) {
    nn::Linear layer(2, 2);
    EXPECT_ERROR_HAS(layer.register_parameter("weight", zeros({1})), "'weight' is taken by a parameter");
    EXPECT_ERROR_HAS(layer.register_buffer("a.b", zeros({1})), "holds a dot");
    EXPECT_ERROR_HAS(layer.register_module("self", layer), "would contain itself");
    EXPECT_ERROR_HAS(nn::Module()(zeros({1})), "not defined");
}

TEST(Module, LoadStateDict) {
    manual_seed(1);
    nn::Sequential a{nn::Linear(3, 4), nn::BatchNorm1d(4)}, b{nn::Linear(3, 4), nn::BatchNorm1d(4)};
    a(randn({8, 3})).eval(); // moves the running statistics
    ASSERT_EQ(a.state_dict().at("1.num_batches_tracked").item<int64_t>(), 1);
    const Tensor handle = b.parameters()[0];
    b.load_state_dict(a.state_dict());
    for (const auto& [name, tensor] : a.state_dict())
        EXPECT_EQ(tensor.to_vector<double>(), b.state_dict().at(name).to_vector<double>()) << name;
    EXPECT_EQ(handle.to_vector<float>(), a.parameters()[0].to_vector<float>()); // handles follow
    // f64 weights load into an f32 model
    b.load_state_dict({{"0.weight", full({4, 3}, 0.5, {.dtype = f64})}}, false);
    EXPECT_EQ(handle.dtype(), f32);
    EXPECT_EQ(handle.to_vector<float>(), std::vector<float>(12, 0.5f));
}

TEST(Module, LoadStateDictErrorsChangeNothing) {
    nn::Sequential model{nn::Linear(2, 1)};
    const auto before = model.parameters()[0].to_vector<float>();
    const Tensor weight = zeros({1, 2}), bias = zeros({1});
    EXPECT_ERROR_HAS(model.load_state_dict({{"0.weight", weight}, {"0.bias", zeros({3})}}),
                     "'0.bias' has shape [3], the model needs [1]");
    EXPECT_ERROR_HAS(model.load_state_dict({{"0.weight", weight}}), "missing 0.bias");
    EXPECT_ERROR_HAS(model.load_state_dict({{"0.weight", weight}, {"0.bias", bias}, {"7.x", bias}}), "unexpected 7.x");
    EXPECT_ERROR_HAS(model.load_state_dict({{"0.weight", weight}, {"0.bias", zeros({1}, {.dtype = i64})}}),
                     "'0.bias' is i64, the model needs f32");
    EXPECT_ERROR_HAS(model.load_state_dict({{"0.weight", weight}, {"0.bias", Tensor{}}}), "undefined");
    EXPECT_EQ(model.parameters()[0].to_vector<float>(), before);
}

TEST(Module, StateDictType) {
    StateDict state{{"b", zeros({1})}, {"a", ones({2})}};
    EXPECT_EQ(state.names(), (std::vector<std::string>{"b", "a"}));
    EXPECT_ERROR_HAS(state.add("a", zeros({1})), "'a' is there already");
    EXPECT_ERROR_HAS(static_cast<void>(state.at("c")), "no key 'c'");
    state["c"] = zeros({3});
    EXPECT_EQ(state.size(), 3u);
    EXPECT_EQ(state.at("c").shape(), Shape{3});
    const std::map<std::string, Tensor> map{{"x", zeros({1})}};
    EXPECT_TRUE(StateDict(map).contains("x"));
}

TEST(Module, MovesBetweenDevices) {
    manual_seed(4);
    nn::Sequential model{nn::Linear(3, 2), nn::BatchNorm1d(2)};
    const Tensor x = randn({5, 3});
    const Tensor weight = model.parameters()[0]; // as an optimizer would hold it
    const Tensor old_value = weight.detach();
    model.eval();
    const auto before = model(x).to_vector<double>();
    model.to(Device::reference());
    EXPECT_EQ(weight.device(), Device::reference());
    EXPECT_EQ(model.buffers()[0].device(), Device::reference());
    const auto there = model(x.to(Device::reference())).to_vector<double>();
    for (size_t i = 0; i < before.size(); ++i) EXPECT_NEAR(there[i], before[i], 1e-6);
    EXPECT_THROW(model(x).eval(), DeviceError);
    EXPECT_EQ(old_value.to_vector<float>(), weight.to_vector<float>());
    weight.assign(zeros({2, 3}, {.device = Device::reference()}));
    EXPECT_NE(old_value.to_vector<float>(), weight.to_vector<float>()); // values read before stay
    model.to(Device::cpu());
    EXPECT_EQ(weight.device(), Device::cpu());
    EXPECT_EQ(weight.to_vector<float>(), std::vector<float>(6, 0));
}

TEST(Module, GradientsReachParametersAndAreCleared) {
    nn::Linear layer(2, 1);
    sum(layer(ones({3, 2}))).backward();
    EXPECT_EQ(layer.weight.grad().to_vector<float>(), (std::vector<float>{3, 3}));
    EXPECT_EQ(layer.bias.grad().to_vector<float>(), std::vector<float>{3});
    layer.zero_grad();
    EXPECT_FALSE(layer.weight.grad().defined());
}

TEST(Residual, AddsShortcutThenAfter) {
    nn::Linear layer(2, 2), shortcut(2, 2);
    layer.weight.assign(Tensor::from(std::vector<float>{1, 0, 0, -1}, {2, 2}));
    layer.bias.assign(zeros({2}));
    shortcut.weight.assign(Tensor::from(std::vector<float>{0, 1, 0, -3}, {2, 2}));
    shortcut.bias.assign(zeros({2}));
    const Tensor x = Tensor::from(std::vector<float>{1, 2}, {1, 2});
    nn::Residual plain(nn::Sequential{layer, nn::Identity()});
    EXPECT_EQ(plain(x).to_vector<float>(), (std::vector<float>{2, 0}));
    nn::Residual full(nn::Sequential{layer, nn::Identity()}, nn::Sequential{shortcut, nn::Identity()},
                      nn::Sequential{nn::ReLU(), nn::Identity()});
    EXPECT_EQ(full(x).to_vector<float>(), (std::vector<float>{3, 0}));
    EXPECT_EQ(full.state_dict().names(),
              (std::vector<std::string>{"0.weight", "0.bias", "short.0.weight", "short.0.bias"}));
    nn::Residual wrong(nn::Sequential{nn::Linear(2, 3)});
    EXPECT_ERROR_HAS(wrong(x), "the layers give [1, 3], the shortcut [1, 2]");
}

TEST(Dropout, MaskInTrainingIdentityInEval) {
    manual_seed(9);
    nn::Dropout dropout(0.25);
    const Tensor x = ones({200, 100});
    const Tensor first = dropout(x), second = dropout(x);
    int zeros_seen = 0;
    for (const float v : first.to_vector<float>()) {
        if (v == 0) {
            ++zeros_seen;
        } else {
            EXPECT_FLOAT_EQ(v, 1 / 0.75f);
        }
    }
    EXPECT_NEAR(zeros_seen / 20000.0, 0.25, 0.015);
    EXPECT_NE(first.to_vector<float>(), second.to_vector<float>());
    dropout.eval();
    EXPECT_EQ(dropout(x).to_vector<float>(), x.to_vector<float>());
    EXPECT_THROW(nn::Dropout(1.5), Error);
}

TEST(BatchNorm, RefusesOtherShapes) {
    nn::BatchNorm2d norm(3);
    EXPECT_ERROR_HAS(norm(zeros({2, 4, 5, 5})), "x must be [N, 3, H, W], not [2, 4, 5, 5]");
    EXPECT_ERROR_HAS(nn::BatchNorm1d(3)(zeros({2, 3, 5, 5})), "BatchNorm1d(3)");
}

TEST(BatchNorm, WithoutTrackingUsesTheBatchInEval) {
    nn::BatchNorm1d norm(2, {.affine = false, .track_running_stats = false});
    norm.eval();
    EXPECT_TRUE(norm.state_dict().empty());
    const auto y = norm(Tensor::from(std::vector<float>{0, 10, 2, 30}, {2, 2})).to_vector<float>();
    EXPECT_NEAR(y[0], -1, 1e-4);
    EXPECT_NEAR(y[3], 1, 1e-4);
}

TEST(Layers, RefuseNumbersThatCannotBe) {
    const double nan = std::nan(""), inf = INFINITY;
    for (const double eps : {0.0, -1.0, nan, inf}) {
        EXPECT_ERROR_HAS(nn::BatchNorm1d(2, {.eps = eps}), "BatchNorm: eps must be a finite number above 0, not ");
        EXPECT_ERROR_HAS(nn::LayerNorm(2, {.eps = eps}), "LayerNorm: eps must be");
        EXPECT_ERROR_HAS(nn::GroupNorm(1, 2, {.eps = eps}), "GroupNorm: eps must be");
        EXPECT_ERROR_HAS(nn::InstanceNorm(2, {.eps = eps}), "InstanceNorm: eps must be");
        EXPECT_ERROR_HAS(nn::RMSNorm(2, {.eps = eps}), "RMSNorm: eps must be");
    }
    for (const double momentum : {-0.1, 1.5, nan})
        EXPECT_ERROR_HAS(nn::BatchNorm2d(2, {.momentum = momentum}), "BatchNorm: momentum must be from 0 to 1, not ");
    for (const double p : {-0.1, 1.5, nan}) EXPECT_ERROR_HAS(nn::Dropout{p}, "Dropout: p = ");
}

TEST(Layers, RefuseBadSizes) {
    EXPECT_THROW(nn::Linear(0, 3), ShapeError);
    EXPECT_THROW(nn::Conv2d(3, 4, {.groups = 2}), ShapeError);
    EXPECT_THROW(nn::Embedding(-1, 3), ShapeError);
    EXPECT_THROW(nn::AdaptiveAvgPool2d(0), ShapeError);
    EXPECT_THROW(nn::AdaptiveMaxPool1d(-1), ShapeError);
    EXPECT_THROW(nn::Conv1d(4, 6, {.groups = 4}), ShapeError);
    EXPECT_THROW(nn::ConvTranspose2d(4, 6, {.kernel = 0}), ShapeError);
    EXPECT_THROW(nn::ConvTranspose1d(0, 6), ShapeError);
    EXPECT_THROW(nn::PReLU(0), ShapeError);
    EXPECT_THROW(nn::GroupNorm(3, 4), ShapeError);
    EXPECT_THROW(nn::GroupNorm(2, 4)(zeros({3, 6})), ShapeError);
    EXPECT_THROW(nn::InstanceNorm(3)(zeros({3, 3})), ShapeError);
    EXPECT_THROW(nn::RMSNorm(Shape{}), ShapeError);
}

} // namespace
