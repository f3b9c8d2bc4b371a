// SPDX-License-Identifier: MIT
// Weights in files: the safetensors format, which PyTorch and others read and write. Keys and layouts are PyTorch's, so
// model.state_dict() goes there and back without renaming.
#pragma once

#include <map>
#include <string>

#include <ingot/state_dict.h>

namespace ingot {

/// Writes the tensors (computing them first) in the order given, atomically: the file is there whole or not at all.
/// Errors: FileError; Error for a name that the format does not allow.
void save_safetensors(const std::string& path, const StateDict& tensors,
                      const std::map<std::string, std::string>& metadata = {});

/// Reads all tensors of a file. Errors: FileError naming file, tensor and offset for a file that is damaged.
StateDict load_safetensors(const std::string& path, Device device = Device::cpu());

} // namespace ingot
