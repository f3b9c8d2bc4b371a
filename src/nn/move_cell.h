// SPDX-License-Identifier: MIT
// Moving parameters and buffers between devices.
#pragma once

#include <ingot/tensor.h>

namespace ingot::nn {

/// Moves the cell that `handle` names, with its value; all handles of the cell follow. Values read from it before stay
/// where they are; its gradient is dropped. Waits. Errors: Error inside compile().
void move_cell(const Tensor& handle, Device device);

} // namespace ingot::nn
