// SPDX-License-Identifier: MIT
#include <cmath>

#include <ingot/ops.h>
#include <ingot/optim/radam.h>

#include "optim/check.h"

namespace ingot::optim {

namespace {

/// What m is multiplied by: plain, and divided by sqrt(v) + eps. One of the two is 0, so that every step has one structure.
struct Rates {
    double plain, adaptive;
};
Rates rates(double lr, int64_t step, double beta1, double beta2) {
    const auto t = static_cast<double>(step);
    const double rate = lr / (1 - std::pow(beta1, t)), rest = 1 - std::pow(beta2, t);
    const double most = 2 / (1 - beta2) - 1, rho = most - 2 * t * std::pow(beta2, t) / rest;
    if (rho <= 5) return {rate, 0};
    const double rectify = std::sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho));
    return {0, rate * std::sqrt(rest) * rectify};
}

} // namespace

RAdam::RAdam(const std::vector<ParamGroup<Options>>& groups) {
    for (const auto& [params, o] : groups) {
        check_share(name(), "beta1", o.beta1);
        check_share(name(), "beta2", o.beta2);
        if (!(o.eps > 0)) throw Error("RAdam: eps must be above 0");
        options_.push_back(o);
        add_group(params, o.lr, {{"exp_avg"}, {"exp_avg_sq"}});
    }
    finish_construction();
}

Optimizer::NamedOptions RAdam::options(size_t group) const {
    const Options& o = options_.at(group);
    return {{"beta1", o.beta1}, {"beta2", o.beta2}, {"eps", o.eps}, {"weight_decay", o.weight_decay}};
}

void RAdam::update(size_t group, const std::vector<Item>& items, Scalars& scalars) {
    const Options& o = options_[group];
    const Tensor plain =
        scalars([b1 = o.beta1, b2 = o.beta2](double lr, int64_t t) { return rates(lr, t, b1, b2).plain; });
    const Tensor adaptive =
        scalars([b1 = o.beta1, b2 = o.beta2](double lr, int64_t t) { return rates(lr, t, b1, b2).adaptive; });
    for (const Item& item : items) {
        const Tensor& p = item.slot->param;
        const Tensor &m = item.slot->state[0], &v = item.slot->state[1];
        const Tensor value = p.to(plain.dtype());
        const Tensor g = o.weight_decay != 0 ? item.grad + value * o.weight_decay : item.grad;
        const Tensor next_m = m * o.beta1 + g * (1 - o.beta1);
        const Tensor next_v = v * o.beta2 + g * g * (1 - o.beta2);
        m.assign(next_m);
        v.assign(next_v);
        p.assign(value - next_m * (plain + adaptive / (sqrt(next_v) + o.eps)));
    }
}

} // namespace ingot::optim
