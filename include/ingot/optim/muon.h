// SPDX-License-Identifier: MIT
// Muon: momentum whose matrices are made nearly orthogonal; AdamW for everything that is no matrix.
#pragma once

#include <vector>

#include <ingot/optim/optimizer.h>

namespace ingot::optim {

struct MuonOptions {
    double lr = 0.02; ///< of matrices
    double momentum = 0.95;
    bool nesterov = true;
    int ns_steps = 5;        ///< Newton-Schulz iterations
    double weight_decay = 0; ///< decoupled, of all parameters
    /// AdamW's, for parameters of rank 0 and 1. set_lr() changes both rates by the same factor.
    double adamw_lr = 3e-4;
    double beta1 = 0.9, beta2 = 0.95, eps = 1e-8;
};

/// Parameters of rank 2 or more, as matrices [R, C] of their first axis and all others: b = momentum b + g;
/// u = nesterov ? g + momentum b : b; p *= 1 - lr weight_decay; p -= lr sqrt(max(1, R / C)) orthogonal(u), where orthogonal(u)
/// is ns_steps times X = a X + (b A + c A A) X, A = X X^T, (a, b, c) = (3.4445, -4.7750, 2.0315), from u / (|u| + 1e-7)
/// (Jordan et al. 2024). Embeddings and the last layer are better left to AdamW: give them to one.
class Muon : public Optimizer {
public:
    using Options = MuonOptions;
    explicit Muon(const std::vector<Tensor>& params, Options options = {})
        : Muon(std::vector<ParamGroup<Options>>{{params, options}}) {}
    explicit Muon(const std::vector<ParamGroup<Options>>& groups);

    const char* name() const override { return "Muon"; }
    NamedOptions options(size_t group) const override;

private:
    void update(size_t group, const std::vector<Item>& items, Scalars& scalars) override;
    std::vector<Options> options_;
};

} // namespace ingot::optim
