// SPDX-License-Identifier: MIT
// A training loop with what one usually wants around it: validation, the best weights, checkpoints that training goes on
// from exactly, metrics, progress, a clean stop. The step (forward, loss, backward, update) is compiled once; losses are
// read late, so that the device is never kept waiting. The trainer holds references: model and optimizer must outlive it.
// One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <ingot/data/batches.h>
#include <ingot/nn/module.h>
#include <ingot/optim.h>
#include <ingot/tensor.h>
#include <ingot/train/evaluate.h>
#include <ingot/train/history.h>
#include <ingot/train/sinks.h>

namespace ingot::train {

/// What a schedule's step is.
enum class Per : uint8_t { step, epoch };

struct TrainerOptions {
    int64_t epochs = 1;
    std::string out = {}; ///< folder for checkpoints and metrics; empty: nothing is written
    bool resume = false;  ///< go on from the checkpoint in `out`, or begin when there is none
    bool force = false;   ///< replace the run in `out`; with neither, a folder that holds a run is refused
    /// Of the learning rate, for example optim::StepLR({.step_size = 3}). One that follows a metric goes by epochs and gets
    /// the validation loss, or without validation the training loss.
    optim::Schedule schedule = {};
    Per schedule_per = Per::step;
    int64_t checkpoint_steps = 0;    ///< a checkpoint every so many steps, besides the one after every epoch; 0: none
    double checkpoint_seconds = 300; ///< a checkpoint when the last one is so old; 0: none
    int64_t keep = 0;                ///< older checkpoints that stay, as step-<number>.safetensors
    uint64_t seed = 0;               ///< stored in checkpoints; the batches know their own
    std::string model_json = "{}\n"; ///< the description of the model that checkpoints carry
    std::string settings = {};       ///< what the run was started with, in the caller's own words; checkpoints carry it
    bool progress = true;            ///< on standard error
    bool handle_interrupts = false;  ///< Ctrl-C and SIGTERM end the training after a step, with a checkpoint
    MetricList metrics = {};         ///< of validation and test, beside loss and accuracy
    /// Get "train/loss" (mean of the steps since the last report) and "train/lr" every sink_steps steps, after every epoch
    /// "epoch/train_loss" and "validation/loss", "/accuracy", "/mae", "/r2" and "/<metric>" as there are, and the statistics
    /// as "weights/<parameter>" and "gradients/<parameter>".
    SinkList sinks = {};
    int64_t sink_steps = 50;
    int64_t statistics_steps = 0; ///< statistics of weights and gradients every so many steps; 0: never
};

struct TrainResult {
    std::optional<EvalResult> test; ///< with the best weights, read once at the end
    double train_loss = 0;          ///< mean of the last epoch
    int64_t epochs = 0, steps = 0;  ///< done, those before a resume included
    double seconds = 0;             ///< of training with validation and checkpoints, without the test
    double samples_per_s = 0;       ///< of the training steps
    bool interrupted = false;
    RunHistory history = {}; ///< of this process
};

class Trainer {
public:
    using Loss = train::Loss;

    Trainer(nn::Module& model, optim::Optimizer& optimizer, Loss loss, TrainerOptions options = {});
    ~Trainer();
    Trainer(const Trainer&) = delete;
    Trainer& operator=(const Trainer&) = delete;

    /// Trains, then tests. With `validation` the best weights are those of the lowest validation loss, else the last;
    /// they are in the model afterwards. A run that goes on ends with the same bytes as one that was never stopped.
    /// Errors: Error when the loss stops being a finite number or the run in `out` was another one, FileError.
    TrainResult fit(data::Batches& train, data::Batches* validation, data::Batches* test);
    TrainResult fit(data::Batches& train, data::Batches& test) { return fit(train, nullptr, &test); }
    TrainResult fit(data::Batches& train) { return fit(train, nullptr, nullptr); }

private:
    nn::Module& model_;
    optim::Optimizer& optimizer_;
    Loss loss_;
    TrainerOptions options_;
};

} // namespace ingot::train
