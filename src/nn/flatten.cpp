// SPDX-License-Identifier: MIT
#include <ingot/nn/flatten.h>
#include <ingot/ops/movement.h>

namespace ingot::nn {

Tensor Flatten::forward(Tensor x) { return flatten(x, start_, stop_); }

Tensor Unflatten::forward(Tensor x) { return unflatten(x, axis_, sizes_); }

} // namespace ingot::nn
