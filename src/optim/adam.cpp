// SPDX-License-Identifier: MIT
#include <cmath>

#include <ingot/ops.h>
#include <ingot/optim/adam.h>

namespace ingot::optim {

namespace {

template <class Options> void check(const Options& o, const char* name) {
    const auto share = [](double beta) { return beta >= 0 && beta < 1; };
    if (!share(o.beta1) || !share(o.beta2)) throw Error(std::string(name) + ": beta1 and beta2 must be in [0, 1)");
    if (!(o.eps >= 0)) throw Error(std::string(name) + ": eps must not be negative");
}

/// What Adam and AdamW share: the moments m, v [shape of g] and the step away from `value`.
struct Moments {
    double beta1, beta2, eps;
    Tensor step_size; ///< lr / (1 - beta1^t)
    Tensor root;      ///< sqrt(1 - beta2^t)

    template <class Scalars, class Options>
    Moments(Scalars& scalars, const Options& o) : beta1(o.beta1), beta2(o.beta2), eps(o.eps) {
        step_size =
            scalars([b = o.beta1](double lr, int64_t t) { return lr / (1 - std::pow(b, static_cast<double>(t))); });
        root = scalars([b = o.beta2](double, int64_t t) { return std::sqrt(1 - std::pow(b, static_cast<double>(t))); });
    }

    Tensor apply(const Tensor& value, const Tensor& g, const Tensor& m, const Tensor& v) const {
        const Tensor next_m = m * beta1 + g * (1 - beta1);
        const Tensor next_v = v * beta2 + g * g * (1 - beta2);
        m.assign(next_m);
        v.assign(next_v);
        return value - next_m / (sqrt(next_v) / root + eps) * step_size;
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
        const Tensor g = o.weight_decay != 0 ? item.grad + value * o.weight_decay : item.grad;
        p.assign(moments.apply(value, g, item.slot->state[0], item.slot->state[1]));
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
        p.assign(moments.apply(value, item.grad, item.slot->state[0], item.slot->state[1]));
    }
}

} // namespace ingot::optim
