// SPDX-License-Identifier: MIT
#include <ingot/nn/linear.h>
#include <ingot/ops/indexing.h>
#include <ingot/ops/matmul.h>

#include "nn/draw.h"

namespace ingot::nn {

Linear::Linear(int64_t in_features, int64_t out_features, LinearOptions options) {
    if (in_features <= 0 || out_features <= 0)
        throw ShapeError("Linear(" + std::to_string(in_features) + ", " + std::to_string(out_features) +
                         "): sizes must be positive");
    draw_parameters(*this, {out_features, in_features}, out_features, options.bias);
}

Linear::Linear(const Tensor& shared_weight, LinearOptions options) {
    if (!shared_weight.defined() || shared_weight.rank() != 2)
        throw ShapeError("Linear: a shared weight must be [out, in]");
    weight = share_parameter("weight", shared_weight);
    if (options.bias) bias = register_parameter("bias", draw_uniform({weight.size(0)}, bound_of(weight.shape())));
}

Tensor Linear::forward(Tensor x) { return linear(x, weight, bias); }

Embedding::Embedding(int64_t num_embeddings, int64_t embedding_dim, EmbeddingOptions options) {
    if (num_embeddings <= 0 || embedding_dim <= 0)
        throw ShapeError("Embedding(" + std::to_string(num_embeddings) + ", " + std::to_string(embedding_dim) +
                         "): sizes must be positive");
    weight = register_parameter("weight", randn({num_embeddings, embedding_dim}) * options.std);
}

Tensor Embedding::forward(Tensor ids) { return embedding(weight, ids); }

} // namespace ingot::nn
