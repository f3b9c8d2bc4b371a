// SPDX-License-Identifier: MIT
// RMSprop. Formulas are PyTorch's.
#pragma once

#include <vector>

#include <ingot/optim/optimizer.h>

namespace ingot::optim {

struct RMSpropOptions {
    double lr = 0.01;
    double alpha = 0.99; ///< share of the past in the running squares
    double eps = 1e-8;
    double weight_decay = 0; ///< added to the gradient
    double momentum = 0;
    bool centered = false; ///< divides by the deviation instead of the root of the squares
};

/// g += weight_decay p; s = alpha s + (1 - alpha) g^2; d = g / (sqrt(s) + eps), with centered, a = alpha a + (1 - alpha) g:
/// g / (sqrt(s - a^2) + eps); b = momentum b + d; p -= lr b (Tieleman and Hinton 2012; Graves 2013).
class RMSprop : public Optimizer {
public:
    using Options = RMSpropOptions;
    explicit RMSprop(const std::vector<Tensor>& params, Options options = {})
        : RMSprop(std::vector<ParamGroup<Options>>{{params, options}}) {}
    explicit RMSprop(const std::vector<ParamGroup<Options>>& groups);

    const char* name() const override { return "RMSprop"; }
    NamedOptions options(size_t group) const override;

private:
    void update(size_t group, const std::vector<Item>& items, Scalars& scalars) override;
    std::vector<Options> options_;
};

} // namespace ingot::optim
