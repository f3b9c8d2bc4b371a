// SPDX-License-Identifier: MIT
#include <cmath>

#include <ingot/optim/nadam.h>

#include "optim/check.h"
#include "optim/moments.h"

namespace ingot::optim {

namespace {

/// mu_t and the product P_t of all until then. Steps usually follow each other, so that one factor is new at each.
class Momentum {
public:
    Momentum(double beta1, double decay) : beta1_(beta1), decay_(decay) {}
    double mu(int64_t t) const { return beta1_ * (1 - 0.5 * std::pow(0.96, static_cast<double>(t) * decay_)); }
    double product(int64_t t) {
        if (t < known_) known_ = 0, product_ = 1;
        while (known_ < t) product_ *= mu(++known_);
        return product_;
    }

private:
    double beta1_, decay_, product_ = 1;
    int64_t known_ = 0;
};

} // namespace

NAdam::NAdam(const std::vector<ParamGroup<Options>>& groups) {
    for (const auto& [params, o] : groups) {
        check_share(name(), "beta1", o.beta1);
        check_share(name(), "beta2", o.beta2);
        check_not_negative(name(), "eps", o.eps);
        check_not_negative(name(), "momentum_decay", o.momentum_decay);
        options_.push_back(o);
        add_group(params, o.lr, {{"exp_avg"}, {"exp_avg_sq"}});
    }
    finish_construction();
}

Optimizer::NamedOptions NAdam::options(size_t group) const {
    const Options& o = options_.at(group);
    return {{"beta1", o.beta1},
            {"beta2", o.beta2},
            {"eps", o.eps},
            {"weight_decay", o.weight_decay},
            {"momentum_decay", o.momentum_decay}};
}

void NAdam::update(size_t group, const std::vector<Item>& items, Scalars& scalars) {
    const Options& o = options_[group];
    const Momentum momentum(o.beta1, o.momentum_decay);
    const Tensor of_g =
        scalars([m = momentum](double lr, int64_t t) mutable { return lr * (1 - m.mu(t)) / (1 - m.product(t)); });
    const Tensor of_m = scalars([m = momentum](double lr, int64_t t) mutable {
        const double next = m.mu(t + 1);
        return lr * next / (1 - m.product(t) * next);
    });
    const Tensor lack = scalars([b = o.beta2](double, int64_t t) { return correction(b, t); });
    for (const Item& item : items) {
        const Tensor& p = item.slot->param;
        const Tensor value = p.to(lack.dtype());
        const Tensor g = with_decay(item.grad, value, o.weight_decay);
        const Tensor m = average(item.slot->state[0], g, o.beta1), v = average(item.slot->state[1], g * g, o.beta2);
        p.assign(value - (g * of_g + m * of_m) / (sqrt(v / lack) + o.eps));
    }
}

} // namespace ingot::optim
