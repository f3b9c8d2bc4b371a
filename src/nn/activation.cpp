// SPDX-License-Identifier: MIT
#include <ingot/nn/activation.h>
#include <ingot/ops/elementwise.h>
#include <ingot/ops/softmax.h>

namespace ingot::nn {

Tensor ReLU::forward(Tensor x) { return relu(x); }
Tensor LeakyReLU::forward(Tensor x) { return leaky_relu(x, slope_); }
Tensor GELU::forward(Tensor x) { return approximate_ == Approximate::none ? gelu(x) : gelu_tanh(x); }
Tensor SiLU::forward(Tensor x) { return silu(x); }
Tensor Sigmoid::forward(Tensor x) { return sigmoid(x); }
Tensor Tanh::forward(Tensor x) { return tanh(x); }
Tensor Softmax::forward(Tensor x) { return softmax(x, axis_); }

} // namespace ingot::nn
