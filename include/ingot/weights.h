// SPDX-License-Identifier: MIT
// Weights and other tensors in files: safetensors, which PyTorch and others read and write, and NumPy's npy and npz. Keys
// and layouts are PyTorch's, so model.state_dict() goes there and back without renaming. Saving computes the tensors first
// and is atomic: the file is there whole or not at all. Reading is strict: a file that is damaged or lies about itself is
// refused with the place named, before anything is allocated for it.
#pragma once

#include <map>
#include <string>

#include <ingot/state_dict.h>

namespace ingot {

/// Writes the tensors in the order given. Errors: FileError; Error for a name that the format does not allow.
void save_safetensors(const std::string& path, const StateDict& tensors,
                      const std::map<std::string, std::string>& metadata = {});

/// Reads all tensors of a file. Errors: FileError naming file, tensor and offset for a file that is damaged.
StateDict load_safetensors(const std::string& path, Device device = Device::cpu());

/// Writes one array as NumPy's np.save does. Errors: FileError; Error for bf16, which NumPy does not have.
void save_npy(const std::string& path, const Tensor& tensor);

/// Reads what np.save wrote (f2, f4, f8, i4, i8, u1 or b1; any byte and memory order). Errors: FileError.
Tensor load_npy(const std::string& path, Device device = Device::cpu());

/// Writes the tensors as np.savez does, or as np.savez_compressed. Errors: as save_npy(); Error for a name that is empty or
/// would leave a folder ("../a", "/a").
void save_npz(const std::string& path, const StateDict& tensors, bool compress = false);

/// Reads what np.savez or np.savez_compressed wrote, in the order of the archive. Errors: FileError.
StateDict load_npz(const std::string& path, Device device = Device::cpu());

} // namespace ingot
