// SPDX-License-Identifier: MIT
#include <cmath>

#include <ingot/optim/radam.h>

#include "optim/check.h"
#include "optim/moments.h"

namespace ingot::optim {

namespace {

/// What m is multiplied by: plain, and divided by sqrt(v) + eps. One of the two is 0, so that every step has one structure.
struct Rates {
    double plain, adaptive;
};
Rates rates(double lr, int64_t step, double beta1, double beta2) {
    const auto t = static_cast<double>(step);
    const double rate = lr / correction(beta1, step), rest = correction(beta2, step);
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
        const Tensor value = p.to(plain.dtype());
        const Tensor g = with_decay(item.grad, value, o.weight_decay);
        const Tensor m = average(item.slot->state[0], g, o.beta1), v = average(item.slot->state[1], g * g, o.beta2);
        p.assign(value - m * (plain + adaptive / (sqrt(v) + o.eps)));
    }
}

} // namespace ingot::optim
