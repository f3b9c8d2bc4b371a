// SPDX-License-Identifier: MIT
// Values of tensors as text, laid out as PyTorch does: std::cout << t. Reads the tensor, hence computes it and waits; t.str()
// says what a tensor is without that. For people: digits are rounded, and of more than 1,000 elements only the first and last
// three along each axis are shown (and read). Thread safe.
#pragma once

#include <iosfwd>

#include <ingot/tensor.h>

namespace ingot {

/// "tensor([[1., 2.],\n        [3., 4.]], f32 [2, 2])"; the device follows unless it is the CPU. An undefined tensor is
/// "tensor(undefined)". Errors: those of reading.
std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

} // namespace ingot
