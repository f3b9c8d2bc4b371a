// SPDX-License-Identifier: MIT
#include <ingot/nn/activation.h>
#include <ingot/ops/activation.h>
#include <ingot/ops/creation.h>
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

Tensor SELU::forward(Tensor x) { return selu(x); }
Tensor Softsign::forward(Tensor x) { return softsign(x); }
Tensor ReLU6::forward(Tensor x) { return relu6(x); }
Tensor Hardswish::forward(Tensor x) { return hardswish(x); }
Tensor Hardsigmoid::forward(Tensor x) { return hardsigmoid(x); }
Tensor Mish::forward(Tensor x) { return mish(x); }
Tensor LogSigmoid::forward(Tensor x) { return logsigmoid(x); }
Tensor Tanhshrink::forward(Tensor x) { return tanhshrink(x); }
Tensor ELU::forward(Tensor x) { return elu(x, alpha_); }
Tensor CELU::forward(Tensor x) { return celu(x, alpha_); }
Tensor Softplus::forward(Tensor x) { return beta_ == 1 ? softplus(x) : softplus(x * beta_) / beta_; }
Tensor Hardtanh::forward(Tensor x) { return hardtanh(x, min_val_, max_val_); }

PReLU::PReLU(int64_t num_parameters, double init) {
    if (num_parameters <= 0) throw ShapeError("PReLU(" + std::to_string(num_parameters) + "): sizes must be positive");
    weight = register_parameter("weight", full({num_parameters}, init));
}
Tensor PReLU::forward(Tensor x) { return prelu(x, weight); }

Tensor GLU::forward(Tensor x) { return glu(x, axis_); }
Tensor Softmin::forward(Tensor x) { return softmin(x, axis_); }
Tensor LogSoftmax::forward(Tensor x) { return log_softmax(x, axis_); }

} // namespace ingot::nn
