// SPDX-License-Identifier: MIT
// NAdam: Adam with Nesterov's momentum. Formulas are PyTorch's.
#pragma once

#include <vector>

#include <ingot/optim/optimizer.h>

namespace ingot::optim {

struct NAdamOptions {
    double lr = 2e-3;
    double beta1 = 0.9, beta2 = 0.999;
    double eps = 1e-8;
    double weight_decay = 0; ///< added to the gradient
    double momentum_decay = 4e-3;
};

/// g += weight_decay p; m, v as in Adam; mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2), P_t = mu_1 .. mu_t;
/// p -= lr ((1 - mu_t) / (1 - P_t) g + mu_t+1 / (1 - P_t+1) m) / (sqrt(v / (1 - beta2^t)) + eps) (Dozat 2016).
class NAdam : public Optimizer {
public:
    using Options = NAdamOptions;
    explicit NAdam(const std::vector<Tensor>& params, Options options = {})
        : NAdam(std::vector<ParamGroup<Options>>{{params, options}}) {}
    explicit NAdam(const std::vector<ParamGroup<Options>>& groups);

    const char* name() const override { return "NAdam"; }
    NamedOptions options(size_t group) const override;

private:
    void update(size_t group, const std::vector<Item>& items, Scalars& scalars) override;
    std::vector<Options> options_;
};

} // namespace ingot::optim
