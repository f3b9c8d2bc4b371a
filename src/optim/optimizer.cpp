// SPDX-License-Identifier: MIT
#include <algorithm>
#include <unordered_set>

#include <ingot/compile.h>
#include <ingot/eval.h>
#include <ingot/host_scalar.h>
#include <ingot/ops.h>
#include <ingot/optim/optimizer.h>

#include "graph/node.h"

namespace ingot::optim {

namespace {

/// Moments of half-precision parameters are kept in f32: 1 - beta2 is below the resolution of f16 and bf16.
DType state_dtype(DType param) { return param == DType::f64 ? DType::f64 : DType::f32; }

} // namespace

Tensor Optimizer::Scalars::operator()(Formula formula) {
    const bool tick = tick_;
    tick_ = false;
    return host_scalar(
        [group = group_, clock = clock_, formula = std::move(formula), tick] {
            if (tick) ++clock->steps;
            return formula(group->lr, clock->steps);
        },
        dtype_);
}

void Optimizer::add_group(const std::vector<Tensor>& params, double lr,
                          const std::function<std::vector<State>(const Tensor& param)>& states) {
    if (params.empty()) throw Error(std::string(name()) + ": a parameter list is empty");
    auto group = std::make_shared<Group>();
    group->lr = lr;
    const auto clock = std::make_shared<Clock>();
    std::unordered_set<const graph::Node*> seen;
    for (const auto& other : groups_)
        for (const Slot& slot : other->slots) seen.insert(slot.param.node());
    NoGrad guard;
    for (size_t i = 0; i < params.size(); ++i) {
        const Tensor& p = params[i];
        const std::string what = std::string(name()) + ": parameter " + std::to_string(i);
        if (!p.defined()) throw Error(what + " is an undefined tensor");
        if (!p.is_cell()) throw Error(what + " (" + p.str() + ") is not a parameter: make it with Tensor::parameter");
        if (!is_float(p.dtype())) throw DTypeError(what + " is " + ingot::name(p.dtype()) + ": parameters are floats");
        if (!seen.insert(p.node()).second) throw Error(what + " (" + p.str() + ") is in the optimizer twice");
        Slot slot{p, {}, {}, clock};
        for (const auto& [name, initial] : states(p)) {
            slot.names.push_back(name);
            slot.state.push_back(
                Tensor::buffer(full(p.shape(), initial, {.dtype = state_dtype(p.dtype()), .device = p.device()})));
        }
        group->slots.push_back(std::move(slot));
    }
    groups_.push_back(std::move(group));
}

void Optimizer::finish_construction() const {
    if (groups_.empty()) throw Error(std::string(name()) + ": there are no parameters");
    // Initial values are computed now, so that the first step has the structure of all the others.
    submit_pending();
}

void Optimizer::step() {
    std::vector<std::pair<std::shared_ptr<Clock>, int64_t>> before;
    for (const auto& group : groups_)
        for (const Slot& slot : group->slots)
            if (before.empty() || before.back().first != slot.clock) before.emplace_back(slot.clock, slot.clock->steps);
    try {
        NoGrad guard;
        const graph::RecordPhase phase(profiler::Phase::optimizer);
        for (size_t g = 0; g < groups_.size(); ++g) {
            record_group(g);
            if (compiling()) compile_guard([group = groups_[g]] { return group->clock_changes; });
        }
        submit_pending();
    } catch (...) { // nothing was written, so nothing was counted either
        for (const auto& [clock, steps] : before) clock->steps = steps;
        throw;
    }
}

void Optimizer::record_group(size_t index) {
    Group& group = *groups_[index];
    // Parameters that are updated together: those with a gradient, one clock and one dtype.
    struct Bucket {
        Clock* clock;
        DType dtype;
        std::vector<Item> items;
    };
    std::vector<Bucket> buckets;
    std::unordered_set<const Clock*> skipped;
    for (Slot& slot : group.slots) {
        Tensor grad = graph::gradient_for_update(slot.param);
        if (!grad.defined()) {
            skipped.insert(slot.clock.get());
            continue;
        }
        const DType dtype = state_dtype(slot.param.dtype());
        const auto same = [&](const Bucket& b) { return b.clock == slot.clock.get() && b.dtype == dtype; };
        auto it = std::find_if(buckets.begin(), buckets.end(), same);
        if (it == buckets.end()) it = buckets.insert(buckets.end(), {slot.clock.get(), dtype, {}});
        it->items.push_back({&slot, grad.to(dtype)});
    }
    // Where only some parameters of a clock have a gradient, those go on with a clock of their own.
    for (const Clock* old : skipped) {
        std::shared_ptr<Clock> fresh;
        for (Bucket& bucket : buckets) {
            if (bucket.clock != old) continue;
            if (!fresh) {
                fresh = std::make_shared<Clock>(*old);
                ++group.clock_changes;
            }
            bucket.clock = fresh.get();
            for (Item& item : bucket.items) item.slot->clock = fresh;
        }
    }
    std::unordered_set<const Clock*> ticked;
    for (Bucket& bucket : buckets) {
        const bool tick = ticked.insert(bucket.clock).second;
        Scalars scalars(groups_[index], bucket.items.front().slot->clock, bucket.dtype, tick);
        update(index, bucket.items, scalars);
    }
}

void Optimizer::zero_grad() const {
    for (const auto& group : groups_)
        for (const Slot& slot : group->slots) slot.param.zero_grad();
}

double Optimizer::lr(size_t group) const {
    if (group >= groups_.size())
        throw Error("lr: there is no parameter group " + std::to_string(group) + ", only " +
                    std::to_string(groups_.size()));
    return groups_[group]->lr;
}

void Optimizer::set_lr(double lr) {
    for (const auto& group : groups_) group->lr = lr;
}

void Optimizer::set_lr(double lr, size_t group) {
    if (group >= groups_.size())
        throw Error("set_lr: there is no parameter group " + std::to_string(group) + ", only " +
                    std::to_string(groups_.size()));
    groups_[group]->lr = lr;
}

std::vector<Tensor> Optimizer::parameters() const {
    std::vector<Tensor> out;
    for (const auto& group : groups_)
        for (const Slot& slot : group->slots) out.push_back(slot.param);
    return out;
}

StateDict Optimizer::state_dict() const {
    StateDict out;
    std::vector<int64_t> steps;
    std::vector<double> rates;
    for (size_t g = 0; g < groups_.size(); ++g) {
        rates.push_back(groups_[g]->lr);
        for (const Slot& slot : groups_[g]->slots) {
            for (size_t s = 0; s < slot.state.size(); ++s)
                out.add(std::to_string(steps.size()) + "." + slot.names[s], slot.state[s]);
            steps.push_back(slot.clock->steps);
        }
    }
    out.add("step", Tensor::from(steps, {static_cast<int64_t>(steps.size())}));
    out.add("lr", Tensor::from(rates, {static_cast<int64_t>(rates.size())}));
    return out;
}

void Optimizer::load_state_dict(const StateDict& state) {
    const StateDict own = state_dict();
    const std::string where = std::string(name()) + ".load_state_dict: ";
    for (const auto& [key, tensor] : own) {
        const Tensor* value = state.find(key);
        if (!value || !value->defined()) throw Error(where + "'" + key + "' is missing");
        if (value->shape() != tensor.shape())
            throw ShapeError(where + "'" + key + "' has shape " + value->shape().str() + ", needed is " +
                             tensor.shape().str());
    }
    for (const auto& entry : state)
        if (!own.contains(entry.first)) throw Error(where + "'" + entry.first + "' is unexpected");

    const auto steps = state.at("step").to_vector<int64_t>();
    const auto rates = state.at("lr").to_vector<double>();
    NoGrad guard;
    size_t parameter = 0;
    for (size_t g = 0; g < groups_.size(); ++g) {
        groups_[g]->lr = rates[g];
        // Steps that compile() traced hold the clocks, so a clock stays where all of its parameters agree.
        std::vector<std::pair<std::shared_ptr<Clock>, std::shared_ptr<Clock>>> renewed; // old, new
        for (Slot& slot : groups_[g]->slots) {
            const int64_t count = steps[parameter];
            const auto match = std::find_if(renewed.begin(), renewed.end(), [&](const auto& pair) {
                return pair.first == slot.clock && pair.second->steps == count;
            });
            if (match == renewed.end()) {
                const bool taken = std::any_of(renewed.begin(), renewed.end(),
                                               [&](const auto& pair) { return pair.second == slot.clock; });
                const auto fresh = taken ? std::make_shared<Clock>() : slot.clock;
                fresh->steps = count;
                renewed.emplace_back(slot.clock, fresh);
                if (taken) ++groups_[g]->clock_changes;
                slot.clock = fresh;
            } else {
                slot.clock = match->second;
            }
            for (size_t s = 0; s < slot.state.size(); ++s) {
                const Tensor& value = state.at(std::to_string(parameter) + "." + slot.names[s]);
                slot.state[s].assign(value.to(slot.state[s].device()).to(slot.state[s].dtype()));
            }
            ++parameter;
        }
    }
}

} // namespace ingot::optim
