// SPDX-License-Identifier: MIT
// What a trained model is besides its weights: the text of model.json, which every checkpoint also carries. A value.
#pragma once

#include <string>
#include <vector>

namespace ingot::train {

struct ModelInfo {
    std::string name;                     ///< "lenet", or a spec file's name without folder and extension
    std::string spec;                     ///< JSON text for build_model()
    std::vector<std::string> class_names; ///< by label
    std::vector<float> mean, std;         ///< per channel, of pixel / 255: how inputs are normalized
};

/// The text of model.json; ends with a newline.
std::string to_json(const ModelInfo& info);

/// Errors: FileError naming `source` for text that is not such a description.
ModelInfo model_info_from_json(const std::string& text, const std::string& source);

} // namespace ingot::train
