// SPDX-License-Identifier: MIT
#include <ingot/optim/rmsprop.h>

#include "optim/check.h"
#include "optim/moments.h"

namespace ingot::optim {

RMSprop::RMSprop(const std::vector<ParamGroup<Options>>& groups) {
    for (const auto& [params, o] : groups) {
        check_share(name(), "alpha", o.alpha);
        check_not_negative(name(), "momentum", o.momentum);
        check_not_negative(name(), "eps", o.eps);
        options_.push_back(o);
        std::vector<State> states{{"square_avg"}};
        if (o.momentum != 0) states.push_back({"momentum_buffer"});
        if (o.centered) states.push_back({"grad_avg"});
        add_group(params, o.lr, states);
    }
    finish_construction();
}

Optimizer::NamedOptions RMSprop::options(size_t group) const {
    const Options& o = options_.at(group);
    return {{"alpha", o.alpha},
            {"eps", o.eps},
            {"weight_decay", o.weight_decay},
            {"momentum", o.momentum},
            {"centered", o.centered ? 1.0 : 0.0}};
}

void RMSprop::update(size_t group, const std::vector<Item>& items, Scalars& scalars) {
    const Options& o = options_[group];
    const Tensor lr = scalars([](double rate, int64_t) { return rate; });
    for (const Item& item : items) {
        const Tensor& p = item.slot->param;
        const auto& state = item.slot->state;
        const Tensor value = p.to(lr.dtype());
        const Tensor g = with_decay(item.grad, value, o.weight_decay);
        const Tensor squares = average(state[0], g * g, o.alpha);
        Tensor spread = squares;
        if (o.centered) {
            const Tensor mean = average(state.back(), g, o.alpha);
            spread = squares - mean * mean;
        }
        Tensor d = g / (sqrt(spread) + o.eps);
        if (o.momentum != 0) {
            d = state[1] * o.momentum + d;
            state[1].assign(d);
        }
        p.assign(value - d * lr);
    }
}

} // namespace ingot::optim
