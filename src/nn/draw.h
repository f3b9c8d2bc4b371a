// SPDX-License-Identifier: MIT
// Initial values of layers.
#pragma once

#include <ingot/ops/elementwise.h>
#include <ingot/ops/random.h>

namespace ingot::nn {

/// Uniform in [-bound, bound), f32.
inline Tensor draw_uniform(const Shape& shape, double bound) { return rand(shape) * (2 * bound) - bound; }

} // namespace ingot::nn
