// SPDX-License-Identifier: MIT
// Transformer layers against values captured from PyTorch: outputs and all gradients; and what they promise beyond that.
#include <cmath>
#include <functional>
#include <memory>

#include <gtest/gtest.h>

#include <ingot/compile.h>
#include <ingot/nn.h>
#include <ingot/ops.h>

#include "nn/golden.h"

using namespace ingot;

namespace {

constexpr int kSteps = 3;

void load_parameters(nn::Module& module, const golden::File& file, const std::string& variant) {
    for (const auto& [name, tensor] : module.named_parameters()) tensor.assign(file.at(variant + "/" + name));
}

Tensor leaf(const golden::File& file, const std::string& key) {
    Tensor x = file.at(key).detach();
    return x.set_requires_grad();
}

void expect_gradients(const nn::Module& module, const golden::File& file, const std::string& at) {
    for (const auto& [name, tensor] : module.named_parameters())
        golden::expect_close(tensor.grad(), file.at(at + "d" + name), at + "d" + name);
}

void compare(nn::Module& module, const std::string& variant) {
    const golden::File file("attention");
    load_parameters(module, file, variant);
    for (int t = 0; t < kSteps; ++t) {
        const std::string at = variant + "/" + golden::step(t) + "/";
        const Tensor x = leaf(file, at + "x");
        module.zero_grad();
        const Tensor y = module(x);
        y.backward(file.at(at + "dy"));
        golden::expect_close(y, file.at(at + "y"), at + "y");
        golden::expect_close(x.grad(), file.at(at + "dx"), at + "dx");
        expect_gradients(module, file, at);
    }
}

TEST(AttentionGolden, MultiheadOfItself) {
    nn::MultiheadAttention plain(8, 2), no_bias(8, 2, {.bias = false}), causal(8, 2, {.is_causal = true});
    compare(plain, "multihead");
    compare(no_bias, "multihead.no_bias");
    compare(causal, "multihead.causal");
}

TEST(AttentionGolden, MultiheadOfOthersWithMask) {
    const golden::File file("attention");
    nn::MultiheadAttention module(8, 2);
    load_parameters(module, file, "multihead.cross");
    for (int t = 0; t < kSteps; ++t) {
        const std::string at = "multihead.cross/" + golden::step(t) + "/";
        const Tensor q = leaf(file, at + "query"), k = leaf(file, at + "key"), v = leaf(file, at + "value");
        module.zero_grad();
        const Tensor y = module.forward(q, k, v, file.at(at + "mask").to(boolean));
        y.backward(file.at(at + "dy"));
        golden::expect_close(y, file.at(at + "y"), at + "y");
        golden::expect_close(q.grad(), file.at(at + "dquery"), at + "dquery");
        golden::expect_close(k.grad(), file.at(at + "dkey"), at + "dkey");
        golden::expect_close(v.grad(), file.at(at + "dvalue"), at + "dvalue");
        expect_gradients(module, file, at);
    }
}

TEST(AttentionGolden, EncoderLayer) {
    nn::TransformerEncoderLayerOptions o{.dim_feedforward = 12, .dropout = 0};
    nn::TransformerEncoderLayer plain(8, 2, o);
    compare(plain, "encoder");
    o.norm_first = true;
    o.activation = nn::FeedForwardActivation::gelu;
    nn::TransformerEncoderLayer first(8, 2, o);
    compare(first, "encoder.norm_first");
    nn::TransformerEncoderLayer causal(
        8, 2, {.dim_feedforward = 12, .dropout = 0, .layer_norm_eps = 1e-3, .is_causal = true});
    compare(causal, "encoder.causal");
}

TEST(Attention, KeysAndInitialValues) {
    manual_seed(3);
    const nn::MultiheadAttention module(64, 4);
    EXPECT_EQ(module.state_dict().names(),
              (std::vector<std::string>{"in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"}));
    const double bound = std::sqrt(6.0 / (64 + 192)); // Xavier
    EXPECT_NEAR(max(abs(module.in_proj_weight)).item(), bound, 0.01 * bound);
    EXPECT_EQ(max(abs(module.in_proj_bias)).item(), 0);
    EXPECT_EQ(max(abs(module.out_proj.bias)).item(), 0);
    EXPECT_EQ(
        nn::TransformerEncoderLayer(8, 2).state_dict().names(),
        (std::vector<std::string>{"self_attn.in_proj_weight", "self_attn.in_proj_bias", "self_attn.out_proj.weight",
                                  "self_attn.out_proj.bias", "linear1.weight", "linear1.bias", "linear2.weight",
                                  "linear2.bias", "norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias"}));
}

TEST(Attention, SelfAttentionIsMultiheadWithoutProjections) {
    manual_seed(4);
    const Tensor x = randn({2, 6, 24});
    nn::MultiheadAttention whole(8, 2, {.bias = false, .is_causal = true});
    // Projections that only pass on make the layers equal: x is its own queries, keys and values.
    whole.in_proj_weight.assign(concat({eye(8), eye(8), eye(8)}));
    whole.out_proj.weight.assign(eye(8));
    const Tensor one = slice(x, -1, 0, 8);
    nn::SelfAttention parts(2, {.is_causal = true});
    golden::expect_close(parts(concat({one, one, one}, -1)), whole(one), "self attention");
}

TEST(Attention, CausalLayersSeeNothingThatFollows) {
    manual_seed(5);
    nn::TransformerEncoderLayer layer(8, 2, {.dim_feedforward = 16, .is_causal = true});
    layer.eval();
    const Tensor x = randn({1, 6, 8}), other = concat({slice(x, 1, 0, 4), randn({1, 2, 8})}, 1);
    const Tensor a = layer(x), b = layer(other);
    EXPECT_EQ(slice(a, 1, 0, 4).to_vector<float>(), slice(b, 1, 0, 4).to_vector<float>());
    EXPECT_NE(slice(a, 1, 4, 6).to_vector<float>(), slice(b, 1, 4, 6).to_vector<float>());
}

TEST(Attention, DropoutInTrainingOnly) {
    manual_seed(6);
    nn::MultiheadAttention module(8, 2, {.dropout = 0.5});
    const Tensor x = randn({1, 40, 8});
    auto step = compile([&](Tensor t) { return module.forward(t, t, t); });
    const auto first = step(x).to_vector<float>();
    EXPECT_NE(first, step(x).to_vector<float>()); // a new mask in every call
    module.eval();
    const auto still = step(x).to_vector<float>();
    EXPECT_EQ(still, step(x).to_vector<float>());
    // Weights are scaled, so that the mean over many masks is the value without.
    module.train();
    Tensor mean_of = zeros({1, 40, 8});
    for (int i = 0; i < 400; ++i) mean_of = mean_of + step(x) / 400;
    golden::expect_close(mean_of, Tensor::from(still, {1, 40, 8}), "mean over masks", 0.05);
}

TEST(Attention, Errors) {
    EXPECT_THROW(nn::MultiheadAttention(10, 3), ShapeError);
    EXPECT_THROW(nn::MultiheadAttention(8, 2, {.dropout = 1}), Error);
    EXPECT_THROW(nn::SelfAttention(0), ShapeError);
    EXPECT_THROW(nn::SelfAttention(2, {.dropout = -0.1}), Error);
    nn::SelfAttention attention(2);
    EXPECT_THROW(attention(ones({3, 16})), ShapeError);
    nn::PositionEmbedding positions(4, 8);
    EXPECT_THROW(positions(ones({5, 8})), ShapeError);
    EXPECT_THROW(positions(ones({3, 7})), ShapeError);
    EXPECT_THROW(nn::PositionEmbedding(0, 8), ShapeError);
}

TEST(PositionEmbedding, AddsOneRowPerPosition) {
    nn::PositionEmbedding positions(4, 2);
    positions.weight.assign(Tensor::from<float>({1, 2, 3, 4, 5, 6, 7, 8}, {4, 2}));
    EXPECT_EQ(positions(ones({2, 3, 2})).to_vector<float>(), (std::vector<float>{2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6, 7}));
    EXPECT_EQ(nn::PositionEmbedding(4, 2, {.key = ""}).state_dict().names(), std::vector<std::string>{""});
}

} // namespace
