// SPDX-License-Identifier: MIT
#include "train/train_step.h"

#include <utility>

#include <ingot/host_scalar.h>
#include <ingot/ops.h>

namespace ingot::train {

TrainStep::TrainStep(nn::Module& model, optim::Optimizer& optimizer, Loss loss, ClipOptions clip, Ema* ema)
    : model_(model), optimizer_(optimizer), loss_(std::move(loss)), clip_(clip), ema_(ema),
      function_([this](const std::vector<Tensor>& arguments) { return trace(arguments[0], arguments[1]); }) {}

TrainStep::Result TrainStep::run(const Tensor& x, const Tensor& y, Part part, int64_t batches, bool probe) {
    part_ = part;
    batches_ = batches;
    with_probe_ = probe;
    const std::vector<Tensor> results = function_.call({x, y});
    return {results[0], probe ? results[1] : Tensor()};
}

std::vector<Tensor> TrainStep::trace(const Tensor& x, const Tensor& y) {
    compile_guard([this] { return static_cast<uint64_t>(part_) << 1 | static_cast<uint64_t>(with_probe_); });
    const Tensor loss = loss_(model_(x), y);
    if (part_ == Part::whole || part_ == Part::first) optimizer_.zero_grad();
    if (part_ == Part::whole)
        loss.backward();
    else
        (loss * host_scalar([this] { return 1 / static_cast<double>(batches_); }, loss.dtype())).backward();
    std::vector<Tensor> results{loss};
    if (with_probe_) results.push_back(probe_());
    if (part_ == Part::first || part_ == Part::middle) return results;
    if (clip_.value > 0) optim::clip_grad_value_(optimizer_.parameters(), clip_.value);
    if (clip_.norm > 0) optim::clip_grad_norm_(optimizer_.parameters(), clip_.norm);
    optimizer_.step();
    if (ema_) ema_->update();
    // Nothing of an update of several batches is left for the next one to find.
    if (part_ == Part::last) optimizer_.zero_grad();
    return results;
}

} // namespace ingot::train
