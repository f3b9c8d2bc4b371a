// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include <ingot/optim/muon.h>

#include "optim/check.h"
#include "optim/moments.h"

namespace ingot::optim {

namespace {

bool is_matrix(const Tensor& p) { return p.rank() >= 2; }

/// Nearly the orthogonal matrix next to m [R, C]: its singular values come close to 1.
Tensor orthogonal(const Tensor& m, int steps) {
    const bool tall = m.size(0) > m.size(1);
    Tensor x = tall ? transpose(m, 0, 1) : m; // the smaller product
    x = x / (norm(x) + 1e-7);
    for (int i = 0; i < steps; ++i) {
        const Tensor a = matmul(x, transpose(x, 0, 1));
        x = x * 3.4445 + matmul(a * -4.7750 + matmul(a, a) * 2.0315, x);
    }
    return tall ? transpose(x, 0, 1) : x;
}

} // namespace

Muon::Muon(const std::vector<ParamGroup<Options>>& groups) {
    for (const auto& [params, o] : groups) {
        check_share(name(), "momentum", o.momentum);
        check_share(name(), "beta1", o.beta1);
        check_share(name(), "beta2", o.beta2);
        check_not_negative(name(), "eps", o.eps);
        check_not_negative(name(), "adamw_lr", o.adamw_lr);
        if (!(o.lr > 0)) throw Error("Muon: lr must be above 0");
        if (o.ns_steps < 1 || o.ns_steps > 100) throw Error("Muon: ns_steps must be from 1 to 100");
        options_.push_back(o);
        add_group(params, o.lr, [](const Tensor& p) {
            return is_matrix(p) ? std::vector<State>{{"momentum_buffer"}}
                                : std::vector<State>{{"exp_avg"}, {"exp_avg_sq"}};
        });
    }
    finish_construction();
}

Optimizer::NamedOptions Muon::options(size_t group) const {
    const Options& o = options_.at(group);
    return {{"momentum", o.momentum},
            {"nesterov", o.nesterov ? 1.0 : 0.0},
            {"ns_steps", static_cast<double>(o.ns_steps)},
            {"weight_decay", o.weight_decay},
            {"adamw_lr", o.adamw_lr},
            {"beta1", o.beta1},
            {"beta2", o.beta2},
            {"eps", o.eps}};
}

void Muon::update(size_t group, const std::vector<Item>& items, Scalars& scalars) {
    const Options& o = options_[group];
    const Tensor lr = scalars([](double rate, int64_t) { return rate; });
    Tensor keep, keep_other;
    const double ratio = o.adamw_lr / o.lr;
    if (o.weight_decay != 0) {
        keep = scalars([wd = o.weight_decay](double rate, int64_t) { return 1 - rate * wd; });
        keep_other = scalars([wd = o.weight_decay, ratio](double rate, int64_t) { return 1 - rate * ratio * wd; });
    }
    const Tensor step_size =
        scalars([b = o.beta1, ratio](double rate, int64_t t) { return rate * ratio / correction(b, t); });
    const Tensor root = scalars([b = o.beta2](double, int64_t t) { return std::sqrt(correction(b, t)); });
    for (const Item& item : items) {
        const Tensor &p = item.slot->param, &g = item.grad;
        const auto& state = item.slot->state;
        Tensor value = p.to(lr.dtype());
        if (is_matrix(p)) {
            if (keep.defined()) value = value * keep;
            const Tensor buffer = state[0] * o.momentum + g;
            state[0].assign(buffer);
            const Tensor u = flatten(o.nesterov ? g + buffer * o.momentum : buffer, 1);
            const double scale =
                std::sqrt(std::max(1.0, static_cast<double>(u.size(0)) / static_cast<double>(u.size(1))));
            p.assign(value - reshape(orthogonal(u, o.ns_steps), p.shape()) * (lr * scale));
        } else {
            if (keep_other.defined()) value = value * keep_other;
            const Tensor m = average(state[0], g, o.beta1), v = average(state[1], g * g, o.beta2);
            p.assign(value - m / (sqrt(v) / root + o.eps) * step_size);
        }
    }
}

} // namespace ingot::optim
