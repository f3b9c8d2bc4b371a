// SPDX-License-Identifier: MIT
// Adamax. Formulas are PyTorch's.
#pragma once

#include <vector>

#include <ingot/optim/optimizer.h>

namespace ingot::optim {

struct AdamaxOptions {
    double lr = 2e-3;
    double beta1 = 0.9, beta2 = 0.999;
    double eps = 1e-8;
    double weight_decay = 0; ///< added to the gradient
};

/// g += weight_decay p; m = beta1 m + (1 - beta1) g; u = max(beta2 u, |g| + eps); p -= lr / (1 - beta1^t) m / u (Kingma and
/// Ba 2015, section 7.1).
class Adamax : public Optimizer {
public:
    using Options = AdamaxOptions;
    explicit Adamax(const std::vector<Tensor>& params, Options options = {})
        : Adamax(std::vector<ParamGroup<Options>>{{params, options}}) {}
    explicit Adamax(const std::vector<ParamGroup<Options>>& groups);

    const char* name() const override { return "Adamax"; }
    NamedOptions options(size_t group) const override;

private:
    void update(size_t group, const std::vector<Item>& items, Scalars& scalars) override;
    std::vector<Options> options_;
};

} // namespace ingot::optim
