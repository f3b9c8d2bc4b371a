// SPDX-License-Identifier: MIT
#include <ingot/optim/adadelta.h>

#include "optim/check.h"
#include "optim/moments.h"

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
        const Tensor& deltas = item.slot->state[1];
        const Tensor value = p.to(lr.dtype());
        const Tensor g = with_decay(item.grad, value, o.weight_decay);
        const Tensor squares = average(item.slot->state[0], g * g, o.rho);
        const Tensor delta = sqrt(deltas + o.eps) / sqrt(squares + o.eps) * g;
        average(deltas, delta * delta, o.rho);
        p.assign(value - delta * lr);
    }
}

} // namespace ingot::optim
