// SPDX-License-Identifier: MIT
// Activations besides those of elementwise.h, with PyTorch's names, values and gradients at kinks. x: any shape; float
// functions (integers compute in f32), results of x's shape. Each is recorded as one node with a gradient of its own.
#pragma once

#include <cstdint>

#include <ingot/tensor.h>

namespace ingot {

/// scale (x where x > 0, else alpha (exp(x) - 1)), scale = 1.0507.., alpha = 1.6732.. (Klambauer et al., 2017).
Tensor selu(const Tensor& x);
/// x where x > 0, else alpha (exp(x / alpha) - 1) (Barron, 2017). Errors: Error for alpha 0.
Tensor celu(const Tensor& x, double alpha = 1.0);
/// x / (1 + |x|).
Tensor softsign(const Tensor& x);
/// x limited to [low, high]; gradient 0 at both ends and outside. Errors: Error unless low < high.
Tensor hardtanh(const Tensor& x, double low = -1, double high = 1);
/// hardtanh(x, 0, 6).
Tensor relu6(const Tensor& x);
/// (x + 3) / 6 limited to [0, 1]; gradient 0 at both ends.
Tensor hardsigmoid(const Tensor& x);
/// x hardsigmoid(x) (Howard et al., 2019).
Tensor hardswish(const Tensor& x);
/// x tanh(softplus(x)) (Misra, 2019).
Tensor mish(const Tensor& x);
/// log(sigmoid(x)), without overflow.
Tensor logsigmoid(const Tensor& x);
/// x - tanh(x).
Tensor tanhshrink(const Tensor& x);
/// x where x > 0, else weight x. weight: [1] or [C], where C is x's axis 1. Errors: ShapeError.
Tensor prelu(const Tensor& x, const Tensor& weight);
/// a sigmoid(b), where a and b are the halves of x along an axis. Errors: ShapeError when its size is odd.
Tensor glu(const Tensor& x, int64_t axis = -1);
/// softmax(-x).
Tensor softmin(const Tensor& x, int64_t axis = -1);

} // namespace ingot
