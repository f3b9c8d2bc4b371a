// SPDX-License-Identifier: MIT
// Models as JSON text: {"input": [3, 32, 32], "layers": [{"type": "conv2d", "out": 32, "kernel": 3, "name": "conv1"}, ..]}.
// Types and keys are the C++ classes and options in snake_case; input sizes are inferred; a layer is named by its
// position in its list unless "name" says otherwise. {"type": "residual", "layers": [..], "shortcut": [..], "after": [..]}
// computes after(layers(x) + shortcut(x)); without "shortcut" that is x. The name "" adds no level to the keys of state_dict.
// {"type": "linear", "tie": "tok"} shares the weight of the embedding "tok". Texts may come from strangers (checkpoints).
#pragma once

#include <string>

#include <ingot/nn.h>

namespace ingot::train {

struct Model {
    nn::Sequential net;
    std::string spec;    ///< builds the same model again
    Shape input;         ///< of one sample: [C, H, W], [features] or [tokens]
    Shape output;        ///< of one sample
    bool tokens = false; ///< the input is i64 ids (the first layer is an embedding), else f32
};

/// Builds the model; its parameters are drawn from this thread's generator, in the order of the layers. `source` (a file
/// name, say) begins the error messages. Errors: Error naming the layer by position and type for unknown types and keys,
/// values that make no sense and shapes that do not fit.
Model build_model(const std::string& spec, const std::string& source = "model spec");

} // namespace ingot::train
