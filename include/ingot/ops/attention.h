// SPDX-License-Identifier: MIT
// Attention, composed from products, softmax and dropout; recorded as one node that a backend may claim as a whole.
// Letters: B = batch axes (any number, broadcast; heads are one of them), T = queries, S = keys, D = size of a query and a
// key, E = of a value. One float dtype.
#pragma once

#include <optional>

#include <ingot/tensor.h>

namespace ingot {

struct AttentionOptions {
    /// [.., T, S], broadcast. bool: true takes part; float: is added to the scores. Not together with is_causal.
    Tensor mask = {};
    bool is_causal = false;           ///< query t sees keys 0 to t only
    double dropout_p = 0;             ///< of the weights, in every call: pass 0 outside of training
    std::optional<double> scale = {}; ///< default: 1 / sqrt(D)
};

/// dropout(softmax(q k^T scale + mask)) v (Vaswani et al., 2017). q: [B.., T, D]; k: [B.., S, D]; v: [B.., S, E]. Result:
/// [B.., T, E]. A query that may see no key gives NaN, as in PyTorch.
/// Errors: ShapeError naming the shapes; DTypeError; Error for a mask beside is_causal or a probability outside 0 to 1.
Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    const AttentionOptions& options = {});

} // namespace ingot
