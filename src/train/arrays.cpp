// SPDX-License-Identifier: MIT
// The public functions for NumPy's files: between tensors and io/npy.h.
#include <ingot/weights.h>

#include "io/npy.h"
#include "train/weights.h"

namespace ingot {

namespace {

Tensor to_tensor(const io::NpyArray& array, Device device) {
    return Tensor::from_data(array.data.data(), static_cast<size_t>(array.shape.numel()), array.dtype, array.shape,
                             {.device = device});
}

} // namespace

void save_npy(const std::string& path, const Tensor& tensor) {
    const train::HostCopy copy({{"array", tensor}});
    io::write_npy(path, copy.views().front());
}

Tensor load_npy(const std::string& path, Device device) { return to_tensor(io::read_npy(path), device); }

void save_npz(const std::string& path, const StateDict& tensors, bool compress) {
    const train::HostCopy copy(tensors);
    io::write_npz(path, copy.views(), compress);
}

StateDict load_npz(const std::string& path, Device device) {
    StateDict out;
    for (const auto& [key, array] : io::read_npz(path)) out.add(key, to_tensor(array, device));
    return out;
}

} // namespace ingot
