// SPDX-License-Identifier: MIT
// Adagrad. Formulas are PyTorch's.
#pragma once

#include <vector>

#include <ingot/optim/optimizer.h>

namespace ingot::optim {

struct AdagradOptions {
    double lr = 0.01;
    double lr_decay = 0;
    double weight_decay = 0; ///< added to the gradient
    double initial_accumulator_value = 0;
    double eps = 1e-10;
};

/// g += weight_decay p; s += g^2; p -= lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps) (Duchi, Hazan and Singer 2011).
class Adagrad : public Optimizer {
public:
    using Options = AdagradOptions;
    explicit Adagrad(const std::vector<Tensor>& params, Options options = {})
        : Adagrad(std::vector<ParamGroup<Options>>{{params, options}}) {}
    explicit Adagrad(const std::vector<ParamGroup<Options>>& groups);

    const char* name() const override { return "Adagrad"; }
    NamedOptions options(size_t group) const override;

private:
    void update(size_t group, const std::vector<Item>& items, Scalars& scalars) override;
    std::vector<Options> options_;
};

} // namespace ingot::optim
