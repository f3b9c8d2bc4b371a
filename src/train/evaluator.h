// SPDX-License-Identifier: MIT
// Loss and accuracy of a model over a data set, with a function that is compiled once and used for every pass. Used by
// the trainer and `ingot eval`. Holds a reference to the model. One thread.
#pragma once

#include <functional>

#include <ingot/train.h>

#include "train/compiled.h"

namespace ingot::train {

class Evaluator {
public:
    Evaluator(nn::Module& model, Trainer::Loss loss);
    /// One pass in evaluation mode, without gradients; the model's mode is put back. Stops early, with what it has so far,
    /// when `stop` says so.
    EvalResult run(data::Batches& batches, const std::function<bool()>& stop = {});

private:
    nn::Module& model_;
    BatchFunction function_; ///< [2] f32: mean loss, number of right answers
};

} // namespace ingot::train
