// SPDX-License-Identifier: MIT
// Initial values of layers.
#pragma once

#include <cmath>

#include <ingot/ops/elementwise.h>
#include <ingot/ops/random.h>

namespace ingot::nn {

/// Uniform in [-bound, bound), f32.
inline Tensor draw_uniform(const Shape& shape, double bound) { return rand(shape) * (2 * bound) - bound; }

/// What PyTorch draws weights [A, B, k..] and biases of linear layers and convolutions from: +-1 / sqrt(B k..).
inline double bound_of(const Shape& weight) {
    return 1 / std::sqrt(static_cast<double>(weight.numel()) / static_cast<double>(weight[0]));
}

/// Gives `layer` its weight and, where wanted, its bias [out].
template <class Layer> void draw_parameters(Layer& layer, const Shape& weight, int64_t out, bool bias) {
    const double bound = bound_of(weight);
    layer.weight = layer.register_parameter("weight", draw_uniform(weight, bound));
    if (bias) layer.bias = layer.register_parameter("bias", draw_uniform({out}, bound));
}

} // namespace ingot::nn
