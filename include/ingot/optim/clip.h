// SPDX-License-Identifier: MIT
// Gradient clipping.
#pragma once

#include <vector>

#include <ingot/tensor.h>

namespace ingot::optim {

/// Scales the gradients of `params` by min(1, max_norm / (norm + 1e-6)), where norm is the 2-norm of all of them
/// together, which is returned (a scalar on the device; nothing waits). Parameters without a gradient are left out.
Tensor clip_grad_norm_(const std::vector<Tensor>& params, double max_norm);

/// Cuts every gradient of `params` to [-clip_value, clip_value]. Parameters without a gradient are left out.
void clip_grad_value_(const std::vector<Tensor>& params, double clip_value);

} // namespace ingot::optim
