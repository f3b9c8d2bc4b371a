// SPDX-License-Identifier: MIT
// Layers of transformers. Letters: N = batch, T = queries (positions), S = keys, E = size of the model, H = heads.
// Batches come first everywhere: [N, T, E]. A bool mask is true where a query may look, as in scaled_dot_product_attention.
#pragma once

#include <string>

#include <ingot/nn/dropout.h>
#include <ingot/nn/linear.h>
#include <ingot/nn/module.h>
#include <ingot/nn/norm.h>

namespace ingot::nn {

struct PositionEmbeddingOptions {
    double std = 1;             ///< of the initial values
    std::string key = "weight"; ///< the parameter's name; "": that of the layer itself
};

/// Learned positions: x [.., T, E] + weight[:T]. weight: [length, E], which starts normal. Errors: ShapeError for T > length.
class PositionEmbedding : public Module {
public:
    PositionEmbedding(int64_t length, int64_t embedding_dim, const PositionEmbeddingOptions& options = {});
    Tensor forward(Tensor x) override;
    Tensor weight;
};

struct SelfAttentionOptions {
    bool is_causal = false;
    double dropout = 0; ///< of the attention weights, in training mode
};

/// Attention of H heads among the positions of a sequence, without parameters: x [.., T, 3 E] holds queries, keys and values
/// beside each other, each divided into heads; result: [.., T, E]. Put a Linear(E, 3 E) before and a Linear(E, E) behind it.
/// Errors: ShapeError when 3 H does not divide the last axis.
class SelfAttention : public Module {
public:
    explicit SelfAttention(int64_t num_heads, SelfAttentionOptions options = {});
    Tensor forward(Tensor x) override;

private:
    int64_t heads_;
    SelfAttentionOptions options_;
};

struct MultiheadAttentionOptions {
    double dropout = 0; ///< of the attention weights, in training mode
    bool bias = true;
    bool is_causal = false; ///< of forward(x), attention to itself
};

/// torch.nn.MultiheadAttention(batch_first=True). in_proj_weight: [3 E, E] (Xavier uniform) and in_proj_bias: [3 E] make
/// queries, keys and values; out_proj: Linear(E, E). Biases start 0. Errors: ShapeError unless H divides E.
class MultiheadAttention : public Module {
public:
    MultiheadAttention(int64_t embed_dim, int64_t num_heads, MultiheadAttentionOptions options = {});
    /// query: [.., T, E]; key, value: [.., S, E]; mask: see AttentionOptions, for weights [.., H, T, S]. Result: [.., T, E].
    Tensor forward(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& mask = {},
                   bool is_causal = false);
    Tensor forward(Tensor x) override;
    Tensor in_proj_weight, in_proj_bias; ///< bias undefined without
    Linear out_proj;

private:
    Tensor heads(const Tensor& x) const;
    Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask, bool is_causal);
    int64_t embed_dim_, heads_;
    MultiheadAttentionOptions options_;
};

enum class FeedForwardActivation : uint8_t { relu, gelu, gelu_tanh };

struct TransformerEncoderLayerOptions {
    int64_t dim_feedforward = 2048;
    double dropout = 0.1;
    FeedForwardActivation activation = FeedForwardActivation::relu;
    double layer_norm_eps = 1e-5;
    bool norm_first = false; ///< x + f(norm(x)) instead of norm(x + f(x)): trains without warm-up
    bool is_causal = false;
    bool bias = true;
};

/// torch.nn.TransformerEncoderLayer(batch_first=True): attention among the positions, then two linear layers, each beside a
/// shortcut. x: [N, T, E] or [T, E]. Keys: self_attn.*, linear1, linear2, norm1, norm2.
class TransformerEncoderLayer : public Module {
public:
    TransformerEncoderLayer(int64_t d_model, int64_t num_heads, TransformerEncoderLayerOptions options = {});
    Tensor forward(Tensor x) override;
    MultiheadAttention self_attn;
    Linear linear1, linear2;
    LayerNorm norm1, norm2;

private:
    Tensor attention(const Tensor& x);
    Tensor feed_forward(const Tensor& x);
    Dropout dropout_;
    TransformerEncoderLayerOptions options_;
};

} // namespace ingot::nn
