// SPDX-License-Identifier: MIT
// What a trainer tells while it trains: functions that are called at certain moments, with what is known then. A function that
// throws ends the training with that exception. All are called on the thread that trains.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <ingot/tensor.h>
#include <ingot/train/evaluate.h>

namespace ingot::train {

/// Lets a callback end the training: the step at hand is the last one, then follow checkpoint and test as at the end.
class Stopper {
public:
    void stop() { requested_ = true; }
    bool requested() const { return requested_; }

private:
    bool requested_ = false;
};

/// After a step was submitted. Its loss is not computed yet: reading it waits, which costs speed when done at every step.
struct StepEvent {
    int64_t epoch, step; ///< from 1; steps of the run
    double lr;           ///< of this step
    const Tensor& loss;  ///< scalar: of the step's last batch
    Stopper& training;
};

/// When the loss of a batch has become known, some steps later; in order, each once.
struct LossEvent {
    int64_t epoch, batch; ///< from 1; batches of the epoch
    double loss;
    Stopper& training;
};

/// After a pass over the validation data.
struct ValidationEvent {
    int64_t epoch, step;
    const EvalResult& result;
    bool best; ///< the lowest loss so far
    Stopper& training;
};

/// After an epoch, validation included.
struct EpochEvent {
    int64_t epoch, step;
    double train_loss;            ///< mean over the epoch
    const EvalResult* validation; ///< null without validation
    double lr;                    ///< of the last step
    double seconds;               ///< of training, since the run began
    Stopper& training;
};

/// After a checkpoint was written, or could not be.
struct CheckpointEvent {
    int64_t step;
    const std::string& path;  ///< of last.safetensors
    const std::string& error; ///< empty, or why the older one is still there
    Stopper& training;
};

/// Empty functions are not called.
struct Callbacks {
    std::function<void(const StepEvent&)> on_step = {};
    std::function<void(const LossEvent&)> on_loss = {};
    std::function<void(const ValidationEvent&)> on_validation = {};
    std::function<void(const EpochEvent&)> on_epoch = {};
    std::function<void(const CheckpointEvent&)> on_checkpoint = {};
    /// One line; without any such function warnings go to standard error.
    std::function<void(const std::string&)> on_warning = {};
};

} // namespace ingot::train
