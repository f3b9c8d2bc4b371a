// SPDX-License-Identifier: MIT
// Models as JSON text: {"input": [3, 32, 32], "layers": [{"type": "conv2d", "out": 32, "kernel": 3, "name": "conv1"}, ..]}.
// Types and keys are the C++ classes and options in snake_case; input sizes are inferred; a layer is named by its
// position in its list unless "name" says otherwise. {"type": "residual", "layers": [..], "shortcut": [..], "after": [..]}
// computes after(layers(x) + shortcut(x)); without "shortcut" that is x. The name "" adds no level to the keys of state_dict.
// {"type": "linear", "tie": "tok"} shares the weight of the embedding "tok". Texts may come from strangers (checkpoints).
#pragma once

#include <string>
#include <vector>

#include <ingot/nn.h>

namespace ingot::train {

/// One layer of a spec, for tables and pictures.
struct LayerInfo {
    std::string path = {}; ///< positions: "0", "3.1", "3.shortcut.0", "3.after.0"
    std::string name = {}; ///< its part of the keys of state_dict
    std::string type = {};
    std::string options = {};      ///< "out 32, kernel 3"
    Shape input = {}, output = {}; ///< of one sample
    int64_t parameters = 0;
    int depth = 0;
    bool container = false; ///< the layers inside follow, one level deeper
};

struct Model {
    nn::Sequential net;
    std::string spec;                   ///< builds the same model again
    Shape input;                        ///< of one sample: [C, H, W], [features] or [tokens]
    Shape output;                       ///< of one sample
    bool tokens = false;                ///< the input is i64 ids (the first layer is an embedding), else f32
    std::vector<LayerInfo> layers = {}; ///< in the order of the spec
};

/// Builds the model; its parameters are drawn from this thread's generator, in the order of the layers. `source` (a file
/// name, say) begins the error messages. Errors: Error naming the layer by position and type for unknown types and keys,
/// values that make no sense and shapes that do not fit.
Model build_model(const std::string& spec, const std::string& source = "model spec");

} // namespace ingot::train
