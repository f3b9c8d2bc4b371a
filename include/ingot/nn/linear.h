// SPDX-License-Identifier: MIT
// Layers whose weight is a matrix. Letters: K = inputs, N = outputs, V = vocabulary, D = size of an embedding.
#pragma once

#include <ingot/nn/module.h>

namespace ingot::nn {

struct LinearOptions {
    bool bias = true;
};

/// x: [.., K] -> [.., N] = x weight^T + bias. weight: [N, K]; bias: [N], undefined without. Both start uniform in
/// +-1 / sqrt(K), as in PyTorch.
class Linear : public Module {
public:
    Linear(int64_t in_features, int64_t out_features, LinearOptions options = {});
    /// With the weight of another layer, which stays one parameter: tied embeddings, for example.
    explicit Linear(const Tensor& shared_weight, LinearOptions options = {});
    Tensor forward(Tensor x) override;
    Tensor weight, bias;
};

struct EmbeddingOptions {
    double std = 1; ///< of the initial values
};

/// ids: any shape, i64 or i32 -> ids.shape + [D]: rows of weight [V, D], which starts normal.
class Embedding : public Module {
public:
    Embedding(int64_t num_embeddings, int64_t embedding_dim, EmbeddingOptions options = {});
    Tensor forward(Tensor ids) override;
    Tensor weight;
};

} // namespace ingot::nn
