// SPDX-License-Identifier: MIT
// A training step that also looks at weights and gradients: the same forward pass, loss, backward pass and update, compiled a
// second time with the statistics as part of the submission. Made when it is first needed. Used by the trainer, now and then
// instead of the plain step. Holds references to model and optimizer. One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ingot/compile.h>
#include <ingot/nn/module.h>
#include <ingot/optim.h>
#include <ingot/train/evaluate.h>
#include <ingot/train/history.h>

namespace ingot::train {

class WatchedStep {
public:
    WatchedStep(nn::Module& model, optim::Optimizer& optimizer, Loss loss);
    ~WatchedStep();
    WatchedStep(const WatchedStep&) = delete;
    WatchedStep& operator=(const WatchedStep&) = delete;

    /// Submits the step without waiting; returns its loss. step, epoch: what the statistics are labelled with.
    Tensor run(const Tensor& x, const Tensor& y, int64_t step, double epoch);
    /// The statistics of the steps since the last call, in order. Waits.
    std::vector<StatisticsAt> take();

private:
    struct Waiting {
        StatisticsAt at;
        Tensor summary; ///< weights, then gradients
    };
    std::vector<std::string> names_;
    std::unique_ptr<Compiled> function_;
    std::vector<Waiting> waiting_;
};

} // namespace ingot::train
