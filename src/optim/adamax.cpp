// SPDX-License-Identifier: MIT
#include <cmath>

#include <ingot/ops.h>
#include <ingot/optim/adamax.h>

#include "optim/check.h"

namespace ingot::optim {

Adamax::Adamax(const std::vector<ParamGroup<Options>>& groups) {
    for (const auto& [params, o] : groups) {
        check_share(name(), "beta1", o.beta1);
        check_share(name(), "beta2", o.beta2);
        check_not_negative(name(), "eps", o.eps);
        options_.push_back(o);
        add_group(params, o.lr, {{"exp_avg"}, {"exp_inf"}});
    }
    finish_construction();
}

Optimizer::NamedOptions Adamax::options(size_t group) const {
    const Options& o = options_.at(group);
    return {{"beta1", o.beta1}, {"beta2", o.beta2}, {"eps", o.eps}, {"weight_decay", o.weight_decay}};
}

void Adamax::update(size_t group, const std::vector<Item>& items, Scalars& scalars) {
    const Options& o = options_[group];
    const Tensor step_size =
        scalars([b = o.beta1](double lr, int64_t t) { return lr / (1 - std::pow(b, static_cast<double>(t))); });
    for (const Item& item : items) {
        const Tensor& p = item.slot->param;
        const Tensor &m = item.slot->state[0], &u = item.slot->state[1];
        const Tensor value = p.to(step_size.dtype());
        const Tensor g = o.weight_decay != 0 ? item.grad + value * o.weight_decay : item.grad;
        const Tensor next_m = m * o.beta1 + g * (1 - o.beta1);
        const Tensor next_u = maximum(u * o.beta2, abs(g) + o.eps);
        m.assign(next_m);
        u.assign(next_u);
        p.assign(value - next_m / next_u * step_size);
    }
}

} // namespace ingot::optim
