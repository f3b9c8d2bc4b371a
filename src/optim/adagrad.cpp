// SPDX-License-Identifier: MIT
#include <ingot/optim/adagrad.h>

#include "optim/check.h"
#include "optim/moments.h"

namespace ingot::optim {

Adagrad::Adagrad(const std::vector<ParamGroup<Options>>& groups) {
    for (const auto& [params, o] : groups) {
        check_not_negative(name(), "lr_decay", o.lr_decay);
        check_not_negative(name(), "initial_accumulator_value", o.initial_accumulator_value);
        check_not_negative(name(), "eps", o.eps);
        options_.push_back(o);
        add_group(params, o.lr, {{"sum", o.initial_accumulator_value}});
    }
    finish_construction();
}

Optimizer::NamedOptions Adagrad::options(size_t group) const {
    const Options& o = options_.at(group);
    return {{"lr_decay", o.lr_decay},
            {"weight_decay", o.weight_decay},
            {"initial_accumulator_value", o.initial_accumulator_value},
            {"eps", o.eps}};
}

void Adagrad::update(size_t group, const std::vector<Item>& items, Scalars& scalars) {
    const Options& o = options_[group];
    const Tensor lr = scalars(
        [decay = o.lr_decay](double rate, int64_t t) { return rate / (1 + static_cast<double>(t - 1) * decay); });
    for (const Item& item : items) {
        const Tensor& p = item.slot->param;
        const Tensor value = p.to(lr.dtype());
        const Tensor g = with_decay(item.grad, value, o.weight_decay);
        const Tensor sum = item.slot->state[0] + g * g;
        item.slot->state[0].assign(sum);
        p.assign(value - g / (sqrt(sum) + o.eps) * lr);
    }
}

} // namespace ingot::optim
