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
#include <vector>

#include <ingot/data/batches.h>
#include <ingot/nn/module.h>
#include <ingot/optim.h>
#include <ingot/tensor.h>
#include <ingot/train/callbacks.h>
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
    /// Replace the run in `out`, which lies in out/replaced-run until an epoch of the new one is saved; with neither, a folder
    /// that holds a run is refused.
    bool force = false;
    /// Of the learning rate, for example optim::StepLR({.step_size = 3}). One that follows a metric goes by epochs and gets
    /// the validation loss, or without validation the training loss.
    optim::Schedule schedule = {};
    Per schedule_per = Per::step;
    int64_t accumulate = 1; ///< batches of an update: its gradient is the mean of theirs, each is one submission
    double clip_value = 0;  ///< gradients are cut to [-clip_value, clip_value]; 0: not
    double clip_norm = 0;   ///< then scaled to this 2-norm of all of them at most; 0: not
    /// Weights are averaged over the steps, with this decay (after n steps min(ema, (1 + n) / (10 + n))), and the averages are
    /// validated, tested and what checkpoints hold under the weights' names; 0: not.
    double ema = 0;
    int64_t patience = 0;     ///< epochs without a lower validation loss after which training ends; 0: it goes on
    double min_delta = 0;     ///< by how much it must be lower to count
    bool restore_best = true; ///< at the end the model gets the best weights, not the last
    double time_limit = 0;    ///< seconds after which training ends, with a checkpoint to go on from; 0: none
    /// So many steps whose loss or weights are not finite end the training; those before are warned of and left out. The
    /// message names the step and the layer where it began. 1: the first ends it; 0: nobody looks.
    int64_t max_nonfinite = 3;
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
    std::vector<Callbacks> callbacks = {};
};

/// Why training ended.
enum class Stop : uint8_t { finished, patience, time_limit, callback, interrupt };

struct TrainResult {
    std::optional<EvalResult> test; ///< with the best weights, read once at the end
    double train_loss = 0;          ///< mean of the last epoch
    int64_t epochs = 0, steps = 0;  ///< done, those before a resume included
    double seconds = 0;             ///< of training with validation and checkpoints, without the test
    double samples_per_s = 0;       ///< of the training steps
    Stop stop = Stop::finished;
    bool interrupted = false; ///< by a signal, perhaps only during the test
    RunHistory history = {};  ///< of this process
};

class Trainer {
public:
    using Loss = train::Loss;

    Trainer(nn::Module& model, optim::Optimizer& optimizer, Loss loss, TrainerOptions options = {});
    ~Trainer();
    Trainer(const Trainer&) = delete;
    Trainer& operator=(const Trainer&) = delete;

    /// One batch of training: forward pass, loss, backward pass and, when it completes an update, clipping, optimizer, averages
    /// and a schedule that goes by steps. Submits without waiting; returns the batch's loss. For loops of one's own.
    Tensor step(const Tensor& x, const Tensor& y);

    /// Trains, then tests. With `validation` the best weights are those of the lowest validation loss, else the last;
    /// they are in the model afterwards. Parts of the model that are in evaluation mode stay in it, unless all of the model is;
    /// afterwards the modes are as before. A run that goes on ends with the same bytes as one that was never stopped.
    /// Epochs are counted from the beginning in every fit(); optimizer and schedule go on where they are.
    /// Errors: Error when steps stop being finite (see max_nonfinite) or the run in `out` was another one, FileError.
    TrainResult fit(data::Batches& train, data::Batches* validation, data::Batches* test);
    TrainResult fit(data::Batches& train, data::Batches& test) { return fit(train, nullptr, &test); }
    TrainResult fit(data::Batches& train) { return fit(train, nullptr, nullptr); }

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

} // namespace ingot::train
