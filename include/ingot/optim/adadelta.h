// SPDX-License-Identifier: MIT
// Adadelta. Formulas are PyTorch's.
#pragma once

#include <vector>

#include <ingot/optim/optimizer.h>

namespace ingot::optim {

struct AdadeltaOptions {
    double lr = 1;
    double rho = 0.9; ///< share of the past in the running squares
    double eps = 1e-6;
    double weight_decay = 0; ///< added to the gradient
};

/// g += weight_decay p; s = rho s + (1 - rho) g^2; d = sqrt(a + eps) / sqrt(s + eps) g; a = rho a + (1 - rho) d^2; p -= lr d
/// (Zeiler 2012).
class Adadelta : public Optimizer {
public:
    using Options = AdadeltaOptions;
    explicit Adadelta(const std::vector<Tensor>& params, Options options = {})
        : Adadelta(std::vector<ParamGroup<Options>>{{params, options}}) {}
    explicit Adadelta(const std::vector<ParamGroup<Options>>& groups);

    const char* name() const override { return "Adadelta"; }
    NamedOptions options(size_t group) const override;

private:
    void update(size_t group, const std::vector<Item>& items, Scalars& scalars) override;
    std::vector<Options> options_;
};

} // namespace ingot::optim
