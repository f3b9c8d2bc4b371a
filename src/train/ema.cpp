// SPDX-License-Identifier: MIT
#include "train/ema.h"

#include <algorithm>

#include <ingot/error.h>
#include <ingot/eval.h>
#include <ingot/host_scalar.h>
#include <ingot/ops.h>

namespace ingot::train {

Ema::Ema(const nn::Module& model, double decay) : decay_(decay) {
    if (!(decay > 0 && decay < 1))
        throw Error("Ema: decay is " + std::to_string(decay) + ", which is not between 0 and 1");
    const NoGrad guard;
    for (const auto& [name, tensor] : model.state_dict()) {
        if (!is_float(tensor.dtype())) continue;
        values_.add(name, tensor);
        averages_.add(name, Tensor::buffer(tensor.detach()));
    }
    // Initial values are computed now, so that the first step has the structure of all the others.
    submit_pending();
}

void Ema::update() {
    const NoGrad guard;
    const Tensor rest = host_scalar([this] {
        ++updates_;
        const auto n = static_cast<double>(updates_);
        return 1 - std::min(decay_, (1 + n) / (10 + n));
    });
    for (const auto& [name, average] : averages_) {
        const Tensor& value = values_.at(name);
        average.assign(average + (value.detach() - average) * rest.to(average.dtype()));
    }
}

void Ema::load(const StateDict& averages, int64_t updates) {
    for (const auto& [name, average] : averages_)
        if (averages.at(name).shape() != average.shape())
            throw ShapeError("Ema: the average of '" + name + "' has shape " + averages.at(name).shape().str() +
                             ", needed is " + average.shape().str());
    const NoGrad guard;
    for (const auto& [name, average] : averages_)
        average.assign(averages.at(name).to(average.device()).to(average.dtype()));
    updates_ = updates;
}

void Ema::copy_to_model() const {
    const NoGrad guard;
    for (const auto& [name, average] : averages_) values_.at(name).assign(average.detach());
    submit_pending();
}

Ema::Scope::Scope(const Ema* ema) : ema_(ema) {
    if (!ema_) return;
    const NoGrad guard;
    for (const auto& entry : ema_->values_) before_.push_back(entry.second.detach());
    ema_->copy_to_model();
}

Ema::Scope::~Scope() {
    if (!ema_) return;
    const NoGrad guard;
    size_t i = 0;
    for (const auto& entry : ema_->values_) entry.second.assign(before_[i++]);
    before_.clear();
    submit_pending();
}

} // namespace ingot::train
