// SPDX-License-Identifier: MIT
// What training does with one batch: forward pass, loss, backward pass and, where the batch completes an update, clipping, the
// optimizer and the averages of weights. Compiled once for every part of an update, one submission per batch. Used by the trainer.
// Holds references. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <ingot/compile.h>
#include <ingot/nn/module.h>
#include <ingot/optim.h>
#include <ingot/train/evaluate.h>

#include "train/ema.h"

namespace ingot::train {

struct ClipOptions {
    double value = 0; ///< gradients are cut to [-value, value]; 0: not
    double norm = 0;  ///< then all of them together are scaled to this 2-norm at most; 0: not
};

class TrainStep {
public:
    /// Which of the batches of an update this one is.
    enum class Part : uint8_t { whole, first, middle, last };
    /// Computes something small from the parameters and their gradients, before clipping and update.
    using Probe = std::function<Tensor()>;

    /// `ema`: null for none.
    TrainStep(nn::Module& model, optim::Optimizer& optimizer, Loss loss, ClipOptions clip, Ema* ema);
    TrainStep(const TrainStep&) = delete;
    TrainStep& operator=(const TrainStep&) = delete;

    struct Result {
        Tensor loss;  ///< of the batch
        Tensor probe; ///< undefined unless asked for
    };
    /// Submits without waiting. The gradient of an update is the mean of those of its `batches` batches.
    Result run(const Tensor& x, const Tensor& y, Part part = Part::whole, int64_t batches = 1, bool probe = false);

    void set_probe(Probe probe) { probe_ = std::move(probe); }
    int64_t variants() const { return function_.variants(); }

private:
    std::vector<Tensor> trace(const Tensor& x, const Tensor& y);

    nn::Module& model_;
    optim::Optimizer& optimizer_;
    Loss loss_;
    ClipOptions clip_;
    Ema* ema_;
    Probe probe_;
    // Of the present call: guards of the compiled function, but batches_, which is a number in it.
    Part part_ = Part::whole;
    bool with_probe_ = false;
    int64_t batches_ = 1;
    Compiled function_;
};

/// The part of batch `index` of an update of `batches` batches.
inline TrainStep::Part part_of(int64_t index, int64_t batches) {
    using Part = TrainStep::Part;
    if (batches == 1) return Part::whole;
    return index == 0 ? Part::first : index + 1 == batches ? Part::last : Part::middle;
}

} // namespace ingot::train
