// SPDX-License-Identifier: MIT
// Between tensors and files: what checkpoints and save_safetensors() share.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <ingot/state_dict.h>

#include "io/safetensors.h"

namespace ingot::train {

/// The values of a state dict in host memory, ready to be written. Making it waits for the values; it stays the same when
/// training goes on.
class HostCopy {
public:
    explicit HostCopy(const StateDict& tensors);
    /// Valid as long as this object (or one it was moved to) lives.
    const std::vector<io::TensorView>& views() const { return views_; }

private:
    std::vector<std::unique_ptr<std::byte[]>> memory_;
    std::vector<io::TensorView> views_;
};

/// Copies a tensor out of a file.
Tensor to_tensor(const io::TensorView& view, Device device = Device::cpu());

} // namespace ingot::train
