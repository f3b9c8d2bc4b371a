// SPDX-License-Identifier: MIT
// Rows of ingot/ops/attention.h.
#include <algorithm>
#include <cmath>

#include "ops/op_case.h"

namespace ingot::optest {

namespace {

/// Which keys a query may see, and what is added to its score.
using Bias = std::function<double(const std::vector<Array>&, const Ints& score)>;

/// Attention by its definition, on q [B.., T, D], k [B.., S, D] and v [B.., S, E]; batch axes broadcast to those of `batch`.
Oracle attention_of(Shape batch, double scale, Bias bias = {}) {
    return [=](const std::vector<Array>& in) {
        const int64_t t_count = in[0].shape[in[0].shape.rank() - 2], s_count = in[1].shape[in[1].shape.rank() - 2];
        const int64_t depth = in[0].shape.back(), width = in[2].shape.back();
        std::vector<double> out;
        const auto at = [](Ints index, int64_t row, int64_t column) {
            index.push_back(row);
            index.push_back(column);
            return index;
        };
        for_each_index(batch, [&](const Ints& b) {
            for (int64_t t = 0; t < t_count; ++t) {
                std::vector<double> weights;
                double total = 0;
                for (int64_t s = 0; s < s_count; ++s) {
                    double score = 0;
                    for (int64_t d = 0; d < depth; ++d) score += in[0].at(at(b, t, d)) * in[1].at(at(b, s, d));
                    weights.push_back(std::exp(score * scale + (bias ? bias(in, at(b, t, s)) : 0)));
                    total += weights.back();
                }
                for (int64_t e = 0; e < width; ++e) {
                    double y = 0;
                    for (int64_t s = 0; s < s_count; ++s)
                        y += weights[static_cast<size_t>(s)] / total * in[2].at(at(b, s, e));
                    out.push_back(y);
                }
            }
        });
        return out;
    };
}

double causal(const std::vector<Array>&, const Ints& score) {
    const size_t r = score.size();
    return score[r - 1] <= score[r - 2] ? 0 : -INFINITY;
}

Fn attend(AttentionOptions options) {
    return [options](const In& in) { return scaled_dot_product_attention(in[0], in[1], in[2], options); };
}

/// Different from query to query, and every query sees key 0.
Tensor mask_of(const In& in) { return logical_or(in[3], eq(arange(in[3].size(-1), {.device = in.device}), 0)); }

const Shape kQuery{2, 3, 5, 4};

} // namespace

Cases attention_cases() {
    return {
        {.name = "scaled_dot_product_attention",
         .args = {real(kQuery), real({2, 3, 6, 4}), real({2, 3, 6, 7})},
         .fn = attend({}),
         .oracle = attention_of({2, 3}, 0.5),
         .bad =
             {{[] { scaled_dot_product_attention(ones({3}), ones({3}), ones({3})); },
               "scaled_dot_product_attention: queries [3], keys [3] and values [3] must be at least matrices: [.., T, "
               "D], [.., S, D] and [.., S, E]"},
              {[] {
                   scaled_dot_product_attention(ones({2, 3}), ones({5, 4}), ones({5, 3}));
               },
               "scaled_dot_product_attention: queries [2, 3], keys [5, 4] and values [5, 3] do not fit; expected [.., "
               "T, D], [.., S, D] and [.., S, E]"},
              {[] {
                   scaled_dot_product_attention(ones({2, 3}), ones({5, 3}), ones({4, 3}));
               },
               "scaled_dot_product_attention: queries [2, 3], keys [5, 3] and values [4, 3] do not fit; expected [.., "
               "T, D], [.., S, D] and [.., S, E]"},
              {[] {
                   scaled_dot_product_attention(ones({2, 3}), ones({5, 3}), ones({5, 3}, {.dtype = f64}));
               },
               "scaled_dot_product_attention: dtypes f32 and f64 differ; convert one with .to(dtype)"},
              {[] {
                   scaled_dot_product_attention(ones({2, 3}), ones({5, 3}), ones({5, 3}),
                                                {.mask = ones({2, 4}), .is_causal = false});
               },
               "scaled_dot_product_attention: shapes [2, 5] and [2, 4] do not broadcast: axes of 5 and 4 differ and "
               "neither "
               "is 1"},
              {[] {
                   scaled_dot_product_attention(ones({2, 3}), ones({5, 3}), ones({5, 3}), {.mask = ones({4, 2, 5})});
               },
               "scaled_dot_product_attention: a mask of shape [4, 2, 5] does not fit scores of shape [2, 5]"},
              {[] {
                   scaled_dot_product_attention(ones({2, 3}), ones({5, 3}), ones({5, 3}),
                                                {.mask = ones({2, 5}), .is_causal = true});
               },
               "scaled_dot_product_attention: give a mask or is_causal, not both"},
              {[] {
                   scaled_dot_product_attention(ones({2, 3}), ones({5, 3}), ones({5, 3}),
                                                {.mask = ones({2, 5}, {.dtype = i64})});
               },
               "scaled_dot_product_attention: the mask has dtype i64, not bool or a float"},
              {[] {
                   scaled_dot_product_attention(ones({2, 3}), ones({5, 3}), ones({5, 3}), {.dropout_p = 1});
               },
               "scaled_dot_product_attention: the dropout probability 1.000000 is not in [0, 1)"}}},
        {.name = "scaled_dot_product_attention",
         .variant = "causal",
         .args = {real({2, 5, 4}), real({2, 5, 4}), real({2, 5, 3})},
         .fn = attend({.is_causal = true}),
         .oracle = attention_of({2}, 0.5, causal)},
        {.name = "scaled_dot_product_attention",
         .variant = "causal_more_keys",
         .args = {real({3, 4}), real({6, 4}), real({6, 2})},
         .fn = attend({.is_causal = true}),
         .oracle = attention_of({}, 0.5, causal)},
        {.name = "scaled_dot_product_attention",
         .variant = "scale",
         .args = {real({3, 4}), real({6, 4}), real({6, 2})},
         .fn = attend({.scale = 0.2}),
         .oracle = attention_of({}, 0.2)},
        {.name = "scaled_dot_product_attention",
         .variant = "broadcast",
         .args = {real({3, 1, 2, 4}), real({2, 3, 4}), real({1, 3, 5})},
         .fn = attend({}),
         .oracle = attention_of({3, 2}, 0.5)},
        {.name = "scaled_dot_product_attention",
         .variant = "mask",
         .args = {real(kQuery), real({2, 3, 6, 4}), real({2, 3, 6, 7}), truths({2, 1, 5, 6})},
         .fn = [](const In& in) { return scaled_dot_product_attention(in[0], in[1], in[2], {.mask = mask_of(in)}); },
         .oracle = attention_of({2, 3}, 0.5,
                                [](const std::vector<Array>& in, const Ints& score) {
                                    return score.back() == 0 || in[3].at(score) != 0 ? 0.0 : -INFINITY;
                                })},
        {.name = "scaled_dot_product_attention",
         .variant = "added_mask",
         .args = {real({2, 3, 4}), real({2, 5, 4}), real({2, 5, 3}), real({3, 5})},
         .fn = [](const In& in) { return scaled_dot_product_attention(in[0], in[1], in[2], {.mask = in[3]}); },
         .oracle =
             attention_of({2}, 0.5, [](const std::vector<Array>& in, const Ints& score) { return in[3].at(score); })},
    };
}

} // namespace ingot::optest
