// SPDX-License-Identifier: MIT
// Regularization by random masks.
#pragma once

#include <ingot/nn/module.h>

namespace ingot::nn {

/// In training mode each element becomes 0 with probability p, the others x / (1 - p); in eval mode x. x: any shape.
class Dropout : public Module {
public:
    explicit Dropout(double p = 0.5);
    Tensor forward(Tensor x) override;

private:
    double p_;
};

} // namespace ingot::nn
