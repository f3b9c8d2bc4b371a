// SPDX-License-Identifier: MIT
#include <ingot/ops.h>
#include <ingot/optim/lion.h>

#include "optim/check.h"

namespace ingot::optim {

Lion::Lion(const std::vector<ParamGroup<Options>>& groups) {
    for (const auto& [params, o] : groups) {
        check_share(name(), "beta1", o.beta1);
        check_share(name(), "beta2", o.beta2);
        options_.push_back(o);
        add_group(params, o.lr, {{"exp_avg"}});
    }
    finish_construction();
}

Optimizer::NamedOptions Lion::options(size_t group) const {
    const Options& o = options_.at(group);
    return {{"beta1", o.beta1}, {"beta2", o.beta2}, {"weight_decay", o.weight_decay}};
}

void Lion::update(size_t group, const std::vector<Item>& items, Scalars& scalars) {
    const Options& o = options_[group];
    const Tensor lr = scalars([](double rate, int64_t) { return rate; });
    Tensor keep;
    if (o.weight_decay != 0) keep = scalars([wd = o.weight_decay](double rate, int64_t) { return 1 - rate * wd; });
    for (const Item& item : items) {
        const Tensor &p = item.slot->param, &m = item.slot->state[0], &g = item.grad;
        Tensor value = p.to(lr.dtype());
        if (keep.defined()) value = value * keep;
        const Tensor mix = m * o.beta1 + g * (1 - o.beta1);
        p.assign(value - sign(mix) * lr);
        // beta2 m + (1 - beta2) g, from the value above: so the two updates are one kernel.
        m.assign(mix + (m - g) * (o.beta2 - o.beta1));
    }
}

} // namespace ingot::optim
