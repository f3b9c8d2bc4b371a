// SPDX-License-Identifier: MIT
#include <cmath>

#include <ingot/optim/adam.h>

#include "optim/check.h"
#include "optim/moments.h"

namespace ingot::optim {

namespace {

template <class Options> void check(const Options& o, const char* name) {
    check_share(name, "beta1", o.beta1);
    check_share(name, "beta2", o.beta2);
    check_not_negative(name, "eps", o.eps);
}

/// What Adam and AdamW share: the moments m, v [shape of g] and the step away from `value`.
struct Moments {
    double beta1, beta2, eps;
    Tensor step_size; ///< lr / (1 - beta1^t)
    Tensor root;      ///< sqrt(1 - beta2^t)

    template <class Scalars, class Options>
    Moments(Scalars& scalars, const Options& o) : beta1(o.beta1), beta2(o.beta2), eps(o.eps) {
        step_size = scalars([b = o.beta1](double lr, int64_t t) { return lr / correction(b, t); });
        root = scalars([b = o.beta2](double, int64_t t) { return std::sqrt(correction(b, t)); });
    }

    Tensor apply(const Tensor& value, const Tensor& g, const std::vector<Tensor>& state) const {
        const Tensor m = average(state[0], g, beta1), v = average(state[1], g * g, beta2);
        return value - m / (sqrt(v) / root + eps) * step_size;
    }
};

} // namespace

Adam::Adam(const std::vector<ParamGroup<Options>>& groups) {
    for (const auto& [params, options] : groups) {
        check(options, name());
        options_.push_back(options);
        add_group(params, options.lr, {{"exp_avg"}, {"exp_avg_sq"}});
    }
    finish_construction();
}

Optimizer::NamedOptions Adam::options(size_t group) const {
    const Options& o = options_.at(group);
    return {{"beta1", o.beta1}, {"beta2", o.beta2}, {"eps", o.eps}, {"weight_decay", o.weight_decay}};
}

void Adam::update(size_t group, const std::vector<Item>& items, Scalars& scalars) {
    const Options& o = options_[group];
    const Moments moments(scalars, o);
    for (const Item& item : items) {
        const Tensor& p = item.slot->param;
        const Tensor value = p.to(moments.root.dtype());
        const Tensor g = with_decay(item.grad, value, o.weight_decay);
        p.assign(moments.apply(value, g, item.slot->state));
    }
}

AdamW::AdamW(const std::vector<ParamGroup<Options>>& groups) {
    for (const auto& [params, options] : groups) {
        check(options, name());
        options_.push_back(options);
        add_group(params, options.lr, {{"exp_avg"}, {"exp_avg_sq"}});
    }
    finish_construction();
}

Optimizer::NamedOptions AdamW::options(size_t group) const {
    const Options& o = options_.at(group);
    return {{"beta1", o.beta1}, {"beta2", o.beta2}, {"eps", o.eps}, {"weight_decay", o.weight_decay}};
}

void AdamW::update(size_t group, const std::vector<Item>& items, Scalars& scalars) {
    const Options& o = options_[group];
    const Moments moments(scalars, o);
    Tensor keep;
    if (o.weight_decay != 0) keep = scalars([wd = o.weight_decay](double lr, int64_t) { return 1 - lr * wd; });
    for (const Item& item : items) {
        const Tensor& p = item.slot->param;
        Tensor value = p.to(moments.root.dtype());
        if (keep.defined()) value = value * keep;
        p.assign(moments.apply(value, item.grad, item.slot->state));
    }
}

} // namespace ingot::optim
