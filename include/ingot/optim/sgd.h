// SPDX-License-Identifier: MIT
// Stochastic gradient descent. Formulas are PyTorch's.
#pragma once

#include <vector>

#include <ingot/optim/optimizer.h>

namespace ingot::optim {

struct SGDOptions {
    double lr = 1e-3;
    double momentum = 0;
    double dampening = 0; ///< not applied in the first step
    double weight_decay = 0;
    bool nesterov = false;
};

/// d = g + weight_decay p; buf = momentum buf + (1 - dampening) d; p -= lr (nesterov ? d + momentum buf : buf).
class SGD : public Optimizer {
public:
    using Options = SGDOptions;
    explicit SGD(const std::vector<Tensor>& params, Options options = {})
        : SGD(std::vector<ParamGroup<Options>>{{params, options}}) {}
    explicit SGD(const std::vector<ParamGroup<Options>>& groups);

    const char* name() const override { return "SGD"; }
    NamedOptions options(size_t group) const override;

private:
    void update(size_t group, const std::vector<Item>& items, Scalars& scalars) override;
    std::vector<Options> options_;
};

} // namespace ingot::optim
