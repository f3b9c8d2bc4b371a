// SPDX-License-Identifier: MIT
#include <ingot/ops.h>
#include <ingot/optim/sgd.h>

namespace ingot::optim {

SGD::SGD(const std::vector<ParamGroup<Options>>& groups) {
    for (const auto& [params, options] : groups) {
        if (options.nesterov && (options.momentum <= 0 || options.dampening != 0))
            throw Error("SGD: nesterov needs a momentum above 0 and no dampening");
        options_.push_back(options);
        add_group(params, options.lr,
                  options.momentum != 0 ? std::vector<State>{{"momentum_buffer"}} : std::vector<State>{});
    }
    finish_construction();
}

Optimizer::NamedOptions SGD::options(size_t group) const {
    const Options& o = options_.at(group);
    return {{"momentum", o.momentum},
            {"dampening", o.dampening},
            {"weight_decay", o.weight_decay},
            {"nesterov", o.nesterov ? 1.0 : 0.0}};
}

void SGD::update(size_t group, const std::vector<Item>& items, Scalars& scalars) {
    const Options& o = options_[group];
    const Tensor lr = scalars([](double rate, int64_t) { return rate; });
    Tensor share; // of the gradient in the buffer
    if (o.momentum != 0 && o.dampening != 0)
        share = scalars([dampening = o.dampening](double, int64_t t) { return t == 1 ? 1.0 : 1.0 - dampening; });
    for (const Item& item : items) {
        const Tensor& p = item.slot->param;
        const Tensor value = p.to(lr.dtype());
        Tensor d = item.grad;
        if (o.weight_decay != 0) d = d + value * o.weight_decay;
        if (o.momentum != 0) {
            const Tensor& buffer = item.slot->state[0];
            const Tensor next = buffer * o.momentum + (share.defined() ? d * share : d);
            d = o.nesterov ? d + next * o.momentum : next;
            buffer.assign(next);
        }
        p.assign(value - d * lr);
    }
}

} // namespace ingot::optim
