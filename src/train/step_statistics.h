// SPDX-License-Identifier: MIT
// Statistics of weights and gradients as part of a training step: what the step computes besides its loss, and what of it has
// not been read yet. Used by the trainer now and then. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ingot/nn/module.h>
#include <ingot/train/history.h>

namespace ingot::train {

class StepStatistics {
public:
    explicit StepStatistics(const nn::Module& model) : names_(model.named_parameters().names()) {}

    /// For TrainStep::set_probe(): weights, then gradients, before the update that they belong to.
    static Tensor probe(const nn::Module& model);
    /// `summary`: what the probe of step `step` computed.
    void push(int64_t step, double epoch, Tensor summary);
    /// Forgets the steps after `step`: they are run again.
    void forget_after(int64_t step);
    /// The statistics of the steps since the last call, in order. Waits.
    std::vector<StatisticsAt> take();

private:
    struct Waiting {
        StatisticsAt at;
        Tensor summary;
    };
    std::vector<std::string> names_;
    std::vector<Waiting> waiting_;
};

} // namespace ingot::train
