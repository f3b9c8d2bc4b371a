// SPDX-License-Identifier: MIT
#include <cmath>

#include <ingot/compile.h>
#include <ingot/nn/attention.h>
#include <ingot/nn/init.h>
#include <ingot/ops.h>

namespace ingot::nn {

namespace {

[[noreturn]] void bad(const std::string& layer, const std::string& what) { throw ShapeError(layer + ": " + what); }

/// [.., T, H D] as [.., H, T, D].
Tensor to_heads(const Tensor& x, int64_t heads) {
    Shape split(Ints(x.shape().begin(), x.shape().end() - 1));
    split.push_back(heads);
    split.push_back(x.shape().back() / heads);
    return transpose(reshape(x, split), -3, -2);
}

/// [.., H, T, D] as [.., T, H D].
Tensor from_heads(const Tensor& x) { return flatten(transpose(x, -3, -2), -2, -1); }

} // namespace

PositionEmbedding::PositionEmbedding(int64_t length, int64_t embedding_dim, const PositionEmbeddingOptions& options) {
    if (length <= 0 || embedding_dim <= 0)
        bad("PositionEmbedding(" + std::to_string(length) + ", " + std::to_string(embedding_dim) + ")",
            "sizes must be positive");
    weight = register_parameter(options.key, randn({length, embedding_dim}) * options.std);
}

Tensor PositionEmbedding::forward(Tensor x) {
    if (x.rank() < 2 || x.size(-2) > weight.size(0) || x.size(-1) != weight.size(1))
        bad("PositionEmbedding", "x of shape " + x.shape().str() + " does not fit " + std::to_string(weight.size(0)) +
                                     " positions of size " + std::to_string(weight.size(1)));
    return x + narrow(weight, 0, 0, x.size(-2));
}

SelfAttention::SelfAttention(int64_t num_heads, SelfAttentionOptions options) : heads_(num_heads), options_(options) {
    if (num_heads <= 0) bad("SelfAttention", std::to_string(num_heads) + " heads make no sense");
    if (!(options.dropout >= 0 && options.dropout < 1))
        throw Error("SelfAttention: dropout = " + std::to_string(options.dropout) + " must be in [0, 1)");
}

Tensor SelfAttention::forward(Tensor x) {
    if (x.rank() < 2 || x.size(-1) % (3 * heads_) != 0)
        bad("SelfAttention", "x of shape " + x.shape().str() + " does not hold queries, keys and values of " +
                                 std::to_string(heads_) + " heads beside each other");
    const auto parts = chunk(x, 3, -1);
    return from_heads(scaled_dot_product_attention(
        to_heads(parts[0], heads_), to_heads(parts[1], heads_), to_heads(parts[2], heads_),
        {.is_causal = options_.is_causal, .dropout_p = is_training() ? options_.dropout : 0}));
}

MultiheadAttention::MultiheadAttention(int64_t embed_dim, int64_t num_heads, MultiheadAttentionOptions options)
    : out_proj(embed_dim, embed_dim, {.bias = options.bias}), embed_dim_(embed_dim), heads_(num_heads),
      options_(options) {
    if (num_heads <= 0 || embed_dim % num_heads != 0)
        bad("MultiheadAttention(" + std::to_string(embed_dim) + ", " + std::to_string(num_heads) + ")",
            "the size must be a multiple of the number of heads");
    if (!(options.dropout >= 0 && options.dropout < 1))
        throw Error("MultiheadAttention: dropout = " + std::to_string(options.dropout) + " must be in [0, 1)");
    in_proj_weight = register_parameter("in_proj_weight", zeros({3 * embed_dim, embed_dim}));
    init::xavier_uniform(in_proj_weight);
    if (options.bias) {
        in_proj_bias = register_parameter("in_proj_bias", zeros({3 * embed_dim}));
        init::zeros(out_proj.bias);
    }
    register_module("out_proj", out_proj);
}

Tensor MultiheadAttention::attend(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
                                  bool is_causal) {
    const Tensor y = scaled_dot_product_attention(
        to_heads(q, heads_), to_heads(k, heads_), to_heads(v, heads_),
        {.mask = mask, .is_causal = is_causal, .dropout_p = is_training() ? options_.dropout : 0});
    return out_proj(from_heads(y));
}

Tensor MultiheadAttention::forward(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& mask,
                                   bool is_causal) {
    // Called directly, without Module's operator(), which would have noted the mode.
    if (compiling()) compile_guard([self = *this] { return self.version(); });
    Tensor projected[3] = {query, key, value};
    for (int64_t i = 0; i < 3; ++i) {
        const Tensor bias = in_proj_bias.defined() ? narrow(in_proj_bias, 0, i * embed_dim_, embed_dim_) : Tensor{};
        projected[i] = linear(projected[i], narrow(in_proj_weight, 0, i * embed_dim_, embed_dim_), bias);
    }
    return attend(projected[0], projected[1], projected[2], mask, is_causal);
}

Tensor MultiheadAttention::forward(Tensor x) {
    const auto parts = chunk(linear(x, in_proj_weight, in_proj_bias), 3, -1); // one product instead of three
    return attend(parts[0], parts[1], parts[2], {}, options_.is_causal);
}

TransformerEncoderLayer::TransformerEncoderLayer(int64_t d_model, int64_t num_heads,
                                                 TransformerEncoderLayerOptions options)
    : self_attn(d_model, num_heads, {.dropout = options.dropout, .bias = options.bias, .is_causal = options.is_causal}),
      linear1(d_model, options.dim_feedforward, {.bias = options.bias}),
      linear2(options.dim_feedforward, d_model, {.bias = options.bias}),
      norm1(d_model, {.eps = options.layer_norm_eps, .bias = options.bias}),
      norm2(d_model, {.eps = options.layer_norm_eps, .bias = options.bias}), dropout_(options.dropout),
      options_(options) {
    register_module("self_attn", self_attn);
    register_module("linear1", linear1);
    register_module("linear2", linear2);
    register_module("norm1", norm1);
    register_module("norm2", norm2);
    register_module("dropout", dropout_);
}

Tensor TransformerEncoderLayer::attention(const Tensor& x) { return dropout_(self_attn(x)); }

Tensor TransformerEncoderLayer::feed_forward(const Tensor& x) {
    Tensor h = linear1(x);
    switch (options_.activation) {
    case FeedForwardActivation::relu: h = relu(h); break;
    case FeedForwardActivation::gelu: h = gelu(h); break;
    case FeedForwardActivation::gelu_tanh: h = gelu_tanh(h); break;
    }
    return dropout_(linear2(dropout_(h)));
}

Tensor TransformerEncoderLayer::forward(Tensor x) {
    if (options_.norm_first) {
        x = x + attention(norm1(x));
        return x + feed_forward(norm2(x));
    }
    x = norm1(x + attention(x));
    return norm2(x + feed_forward(x));
}

} // namespace ingot::nn
