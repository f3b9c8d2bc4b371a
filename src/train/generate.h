// SPDX-License-Identifier: MIT
// Text from a model that was trained on the bytes of a text: byte after byte is drawn from what the model expects next. Used
// by `ingot generate`.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "train/model_spec.h"

namespace ingot::train {

struct GenerateOptions {
    int64_t length = 500;     ///< bytes
    double temperature = 0.8; ///< the logits are divided by it; 0: always the likeliest byte
    int64_t top_k = 0;        ///< only the likeliest so many; 0: all
    uint64_t seed = 0;
};

/// Throws Error unless the model's input is [T] tokens and its output [T, V] logits of at most 256 tokens.
void check_text_model(const Model& model);

/// Calls out(byte) for each new byte. The model, which must be in eval mode and causal (position t must not depend on what
/// follows it), sees the last T bytes. The same model, prompt and options give the same text. Errors: Error for an empty
/// prompt, a byte of it outside the vocabulary, and options that make no sense.
void generate(Model& model, const std::string& prompt, const GenerateOptions& options,
              const std::function<void(char)>& out);

/// Draws an index of `logits`, which are `count` numbers; `uniform` is in [0, 1). Of equally likely ones the first come
/// first.
int64_t sample_token(const float* logits, int64_t count, const GenerateOptions& options, double uniform);

} // namespace ingot::train
