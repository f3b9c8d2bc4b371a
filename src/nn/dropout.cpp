// SPDX-License-Identifier: MIT
#include <ingot/nn/dropout.h>
#include <ingot/ops/random.h>

namespace ingot::nn {

Dropout::Dropout(double p) : p_(p) {
    if (!(p >= 0 && p <= 1)) throw Error("Dropout: p = " + std::to_string(p) + " must be from 0 to 1");
}

Tensor Dropout::forward(Tensor x) { return dropout(x, p_, is_training()); }

} // namespace ingot::nn
