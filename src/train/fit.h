// SPDX-License-Identifier: MIT
// One Trainer::fit(): the loop over epochs and batches, validation, saving, and going on from a checkpoint. Everything that
// decides what comes next is in Position, which every checkpoint carries. One object per fit(); one thread.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <ingot/train/trainer.h>

#include "train/checkpoint.h"
#include "train/compiled.h"
#include "train/evaluator.h"
#include "train/interrupt.h"
#include "train/metrics_log.h"
#include "train/progress.h"
#include "train/run_folder.h"
#include "train/step_history.h"
#include "train/watched_step.h"

namespace ingot::train {

class Fit {
public:
    Fit(nn::Module& model, optim::Optimizer& optimizer, const Trainer::Loss& loss, const TrainerOptions& options,
        data::Batches& train, data::Batches* validation, data::Batches* test);
    TrainResult run();

private:
    using Clock = std::chrono::steady_clock;
    /// Why a checkpoint is made. Only those that do not depend on time or signals are kept as older ones.
    enum class Moment : uint8_t { epoch, step, time, end };

    void begin();
    void resume(const LoadedCheckpoint& checkpoint);
    /// The rest of the epoch's batches; false when it was stopped before their end.
    bool train_batches();
    /// Validation, best weights, metrics; false when it was stopped: then the epoch is not finished.
    bool end_epoch();
    bool at_checkpoint_step() const;
    bool at_checkpoint_time() const;
    void save(Moment moment);
    void restore_best();
    bool stop_requested() const { return interrupts_ && interrupts_->requested(); }
    TrainingParts parts() const { return {model_, optimizer_, schedule_.get()}; }
    /// Reads the loss of the oldest step on its way and tells the sinks.
    void take_loss(const Tensor& value);
    void report_epoch(const EpochMetrics& row, const EvalResult* validation);
    void warn(const std::string& text);

    nn::Module& model_;
    optim::Optimizer& optimizer_;
    const TrainerOptions& options_;
    data::Batches& batches_;
    data::Batches* validation_;
    data::Batches* test_;
    RunTexts texts_;
    std::optional<RunFolder> folder_;
    std::optional<MetricsLog> log_;
    Progress progress_;
    BatchFunction step_;
    WatchedStep watched_; ///< the same step, with statistics
    Evaluator evaluator_;
    std::unique_ptr<optim::LRScheduler> schedule_;
    std::optional<InterruptScope> interrupts_;

    Position position_;
    /// The best weights while they are not in a file: without `out`, or when that could not be written.
    std::shared_ptr<const Checkpoint> best_;
    std::shared_ptr<const Checkpoint> now_; ///< of this very position, when one was made already
    std::optional<int64_t> kept_step_;      ///< of last.safetensors, where it is one to be kept
    bool saved_ = false;                    ///< last.safetensors is of this position
    bool best_saved_ = false;               ///< so is best.safetensors, in a run without validation
    std::string save_error_;                ///< of the last attempt
    Clock::time_point start_ = Clock::now(), saved_at_ = start_;
    double earlier_seconds_ = 0, step_seconds_ = 0;
    double epoch_rate_ = 0; ///< samples per second of the epoch's steps in this process
    int64_t session_steps_ = 0;
    PhaseClock phases_;
    StepHistory history_;
    double unreported_loss_ = 0; ///< sum over the steps that the sinks have not heard of
    int64_t unreported_ = 0;
    TrainResult result_;
};

} // namespace ingot::train
