// SPDX-License-Identifier: MIT
// RAdam: Adam that waits with its second moment until that is known well enough. Formulas are PyTorch's.
#pragma once

#include <vector>

#include <ingot/optim/optimizer.h>

namespace ingot::optim {

struct RAdamOptions {
    double lr = 1e-3;
    double beta1 = 0.9, beta2 = 0.999;
    double eps = 1e-8;       ///< above 0
    double weight_decay = 0; ///< added to the gradient
};

/// g += weight_decay p; m, v as in Adam; rho_max = 2 / (1 - beta2) - 1, rho = rho_max - 2 t beta2^t / (1 - beta2^t);
/// p -= lr / (1 - beta1^t) m, times sqrt(1 - beta2^t) / (sqrt(v) + eps) sqrt((rho - 4) (rho - 2) rho_max / ((rho_max - 4)
/// (rho_max - 2) rho)) as soon as rho > 5 (Liu et al. 2020).
class RAdam : public Optimizer {
public:
    using Options = RAdamOptions;
    explicit RAdam(const std::vector<Tensor>& params, Options options = {})
        : RAdam(std::vector<ParamGroup<Options>>{{params, options}}) {}
    explicit RAdam(const std::vector<ParamGroup<Options>>& groups);

    const char* name() const override { return "RAdam"; }
    NamedOptions options(size_t group) const override;

private:
    void update(size_t group, const std::vector<Item>& items, Scalars& scalars) override;
    std::vector<Options> options_;
};

} // namespace ingot::optim
