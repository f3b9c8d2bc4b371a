// SPDX-License-Identifier: MIT
// Adam and AdamW. Formulas are PyTorch's.
#pragma once

#include <vector>

#include <ingot/optim/optimizer.h>

namespace ingot::optim {

struct AdamOptions {
    double lr = 1e-3;
    double beta1 = 0.9, beta2 = 0.999;
    double eps = 1e-8;
    double weight_decay = 0; ///< added to the gradient
};

/// g += weight_decay p; m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
/// p -= lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps) (Kingma and Ba 2015, arithmetic as in PyTorch).
class Adam : public Optimizer {
public:
    using Options = AdamOptions;
    explicit Adam(const std::vector<Tensor>& params, Options options = {})
        : Adam(std::vector<ParamGroup<Options>>{{params, options}}) {}
    explicit Adam(const std::vector<ParamGroup<Options>>& groups);

    const char* name() const override { return "Adam"; }
    NamedOptions options(size_t group) const override;

private:
    void update(size_t group, const std::vector<Item>& items, Scalars& scalars) override;
    std::vector<Options> options_;
};

struct AdamWOptions {
    double lr = 1e-3;
    double beta1 = 0.9, beta2 = 0.999;
    double eps = 1e-8;
    double weight_decay = 0.01; ///< decoupled
};

/// Adam with p *= 1 - lr weight_decay instead of the gradient's term (Loshchilov and Hutter 2019).
class AdamW : public Optimizer {
public:
    using Options = AdamWOptions;
    explicit AdamW(const std::vector<Tensor>& params, Options options = {})
        : AdamW(std::vector<ParamGroup<Options>>{{params, options}}) {}
    explicit AdamW(const std::vector<ParamGroup<Options>>& groups);

    const char* name() const override { return "AdamW"; }
    NamedOptions options(size_t group) const override;

private:
    void update(size_t group, const std::vector<Item>& items, Scalars& scalars) override;
    std::vector<Options> options_;
};

} // namespace ingot::optim
