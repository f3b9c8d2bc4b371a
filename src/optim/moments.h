// SPDX-License-Identifier: MIT
// What the updates of most optimizers consist of: running averages of gradients in the optimizer's state, their correction
// for having begun at 0, and weight decay as a part of the gradient. Recorded like any operation; tensors of one shape.
#pragma once

#include <cmath>

#include <ingot/ops.h>

namespace ingot::optim {

/// The gradient of the loss + weight_decay / 2 |value|^2.
inline Tensor with_decay(const Tensor& grad, const Tensor& value, double weight_decay) {
    return weight_decay != 0 ? grad + value * weight_decay : grad;
}

/// beta state + (1 - beta) x, which `state` becomes.
inline Tensor average(const Tensor& state, const Tensor& x, double beta) {
    const Tensor next = state * beta + x * (1 - beta);
    state.assign(next);
    return next;
}

/// 1 - beta^t: what an average that began at 0 lacks after t steps.
inline double correction(double beta, int64_t t) { return 1 - std::pow(beta, static_cast<double>(t)); }

} // namespace ingot::optim
