// SPDX-License-Identifier: MIT
#include <ingot/ops.h>
#include <ingot/optim/adadelta.h>

#include "optim/check.h"

namespace ingot::optim {

Adadelta::Adadelta(const std::vector<ParamGroup<Options>>& groups) {
    for (const auto& [params, o] : groups) {
        check_share(name(), "rho", o.rho);
        check_not_negative(name(), "eps", o.eps);
        options_.push_back(o);
        add_group(params, o.lr, {{"square_avg"}, {"acc_delta"}});
    }
    finish_construction();
}

Optimizer::NamedOptions Adadelta::options(size_t group) const {
    const Options& o = options_.at(group);
    return {{"rho", o.rho}, {"eps", o.eps}, {"weight_decay", o.weight_decay}};
}

void Adadelta::update(size_t group, const std::vector<Item>& items, Scalars& scalars) {
    const Options& o = options_[group];
    const Tensor lr = scalars([](double rate, int64_t) { return rate; });
    for (const Item& item : items) {
        const Tensor& p = item.slot->param;
        const Tensor &squares = item.slot->state[0], &deltas = item.slot->state[1];
        const Tensor value = p.to(lr.dtype());
        const Tensor g = o.weight_decay != 0 ? item.grad + value * o.weight_decay : item.grad;
        const Tensor next = squares * o.rho + g * g * (1 - o.rho);
        const Tensor delta = sqrt(deltas + o.eps) / sqrt(next + o.eps) * g;
        deltas.assign(deltas * o.rho + delta * delta * (1 - o.rho));
        squares.assign(next);
        p.assign(value - delta * lr);
    }
}

} // namespace ingot::optim
