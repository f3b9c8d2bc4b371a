// SPDX-License-Identifier: MIT
#include <ingot/ops.h>
#include <ingot/optim/clip.h>

#include "graph/node.h"

namespace ingot::optim {

namespace {

/// Makes `value` the accumulated gradient of p, which has one.
void set_grad(const Tensor& p, const Tensor& value, const char* who) {
    graph::slot_of(p, false)->cell->assign(graph::resolve(value, who));
}

} // namespace

Tensor clip_grad_norm_(const std::vector<Tensor>& params, double max_norm) {
    if (!(max_norm >= 0)) throw Error("clip_grad_norm_: max_norm must not be negative");
    const NoGrad guard;
    const graph::RecordPhase phase(profiler::Phase::optimizer);
    std::vector<Tensor> owners, squares;
    for (const Tensor& p : params) {
        Tensor g = graph::gradient_for_update(p);
        if (!g.defined()) continue;
        owners.push_back(p);
        const Tensor wide = g.dtype() == f64 ? g : g.to(f32);
        squares.push_back(sum(wide * wide));
    }
    if (owners.empty()) return zeros({});
    const Tensor norm = sqrt(sum(stack(squares)));
    const Tensor scale = clamp(max_norm / (norm + 1e-6), 0, 1);
    for (const Tensor& p : owners) {
        const Tensor g = graph::gradient_for_update(p);
        set_grad(p, (g * scale.to(g.dtype() == f64 ? f64 : f32)).to(g.dtype()), "clip_grad_norm_");
    }
    return norm;
}

void clip_grad_value_(const std::vector<Tensor>& params, double clip_value) {
    if (!(clip_value >= 0)) throw Error("clip_grad_value_: clip_value must not be negative");
    const NoGrad guard;
    const graph::RecordPhase phase(profiler::Phase::optimizer);
    for (const Tensor& p : params) {
        const Tensor g = graph::gradient_for_update(p);
        if (g.defined()) set_grad(p, clamp(g, -clip_value, clip_value), "clip_grad_value_");
    }
}

} // namespace ingot::optim
