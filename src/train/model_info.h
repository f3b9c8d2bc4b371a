// SPDX-License-Identifier: MIT
// What a trained model is besides its weights: the text of model.json, which every checkpoint also carries. A value.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/table.h"

namespace ingot::train {

struct ModelInfo {
    std::string name;                     ///< "lenet", or a spec file's name without folder and extension
    std::string spec;                     ///< JSON text for build_model()
    std::vector<std::string> class_names; ///< by label
    std::vector<float> mean, std; ///< how inputs are normalized: per channel, of pixel / 255, or per feature of a table
    std::optional<data::TableFormat> table = {}; ///< for tables: columns and label
};

/// The text of model.json; ends with a newline.
std::string to_json(const ModelInfo& info);

/// Errors: FileError naming `source` for text that is not such a description.
ModelInfo model_info_from_json(const std::string& text, const std::string& source);

} // namespace ingot::train
