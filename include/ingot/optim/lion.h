// SPDX-License-Identifier: MIT
// Lion: steps of one length, in the direction of the momentum's signs.
#pragma once

#include <vector>

#include <ingot/optim/optimizer.h>

namespace ingot::optim {

struct LionOptions {
    double lr = 1e-4; ///< 3 to 10 times smaller than for AdamW
    double beta1 = 0.9, beta2 = 0.99;
    double weight_decay = 0; ///< decoupled
};

/// p *= 1 - lr weight_decay; p -= lr sign(beta1 m + (1 - beta1) g); m = beta2 m + (1 - beta2) g (Chen et al. 2023).
class Lion : public Optimizer {
public:
    using Options = LionOptions;
    explicit Lion(const std::vector<Tensor>& params, Options options = {})
        : Lion(std::vector<ParamGroup<Options>>{{params, options}}) {}
    explicit Lion(const std::vector<ParamGroup<Options>>& groups);

    const char* name() const override { return "Lion"; }
    NamedOptions options(size_t group) const override;

private:
    void update(size_t group, const std::vector<Item>& items, Scalars& scalars) override;
    std::vector<Options> options_;
};

} // namespace ingot::optim
