// SPDX-License-Identifier: MIT
#include <ingot/optim/adamax.h>

#include "optim/check.h"
#include "optim/moments.h"

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
    const Tensor step_size = scalars([b = o.beta1](double lr, int64_t t) { return lr / correction(b, t); });
    for (const Item& item : items) {
        const Tensor& p = item.slot->param;
        const Tensor value = p.to(step_size.dtype());
        const Tensor g = with_decay(item.grad, value, o.weight_decay);
        const Tensor m = average(item.slot->state[0], g, o.beta1);
        const Tensor u = maximum(item.slot->state[1] * o.beta2, abs(g) + o.eps);
        item.slot->state[1].assign(u);
        p.assign(value - m / u * step_size);
    }
}

} // namespace ingot::optim
