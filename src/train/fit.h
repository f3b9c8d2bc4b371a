// SPDX-License-Identifier: MIT
// One Trainer::fit(): the loop over epochs and batches, validation, saving, and going on from a checkpoint. Everything that
// decides what comes next is in Position, which every checkpoint carries. One object per fit(); one thread.
// fit.cpp: the loop. fit_save.cpp: checkpoints. fit_nonfinite.cpp: steps that are not finite.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include <ingot/train/trainer.h>

#include "train/checkpoint.h"
#include "train/ema.h"
#include "train/evaluator.h"
#include "train/interrupt.h"
#include "train/late_values.h"
#include "train/metrics_log.h"
#include "train/progress.h"
#include "train/reporter.h"
#include "train/run_folder.h"
#include "train/step_statistics.h"
#include "train/train_step.h"

namespace ingot::train {

/// What a trainer has from its first step on.
struct Engine {
    Engine(nn::Module& model, optim::Optimizer& optimizer, const Loss& loss, const TrainerOptions& options);
    std::unique_ptr<Ema> ema;
    std::unique_ptr<optim::LRScheduler> schedule;
    TrainStep step;
};

class Fit {
public:
    Fit(nn::Module& model, optim::Optimizer& optimizer, const Loss& loss, const TrainerOptions& options, Engine& engine,
        data::Batches& train, data::Batches* validation, data::Batches* test);
    TrainResult run();

private:
    using Clock = std::chrono::steady_clock;
    /// Why a checkpoint is made. Only those that do not depend on time or signals are kept as older ones.
    enum class Moment : uint8_t { epoch, step, time, end };

    // fit.cpp
    /// The rest of the epoch's batches; false when it was stopped before their end.
    bool train_batches();
    /// The batches of the next update. `wanted`: to be executed, else only counted.
    void run_update(bool wanted = true);
    void next_batch(Tensor& x, Tensor& y);
    void take_loss(double loss);
    /// Validation, best weights, metrics; false when it was stopped: then the epoch is not finished.
    bool end_epoch();
    double mean_loss() const;
    /// Since the run began.
    double seconds() const;
    void test();
    std::optional<Stop> stop_reason() const;
    bool interrupted() const { return interrupts_ && interrupts_->requested(); }
    void warn(const std::string& text);

    // fit_save.cpp
    void begin();
    /// Nothing is changed. Errors: Error when this is not the run of the checkpoint, FileError.
    void check_resume(const LoadedCheckpoint& checkpoint);
    void resume(const LoadedCheckpoint& checkpoint);
    bool at_checkpoint_step() const;
    bool at_checkpoint_time() const;
    void save(Moment moment);
    void write_checkpoints(Moment moment);
    std::shared_ptr<const Checkpoint> checkpoint_now();
    void restore_best();
    TrainingParts parts() { return {model_, optimizer_, engine_.schedule.get(), engine_.ema.get()}; }

    // fit_nonfinite.cpp
    bool looks() const { return options_.max_nonfinite > 0; }
    /// Weights, and what BatchNorm and its like remember: inf stays there for ever.
    bool state_finite() const;
    /// Remembers where to start again from when something is found that should not have been trained on.
    void mark_origin();
    LoadedCheckpoint origin() const;
    void restore(const LoadedCheckpoint& checkpoint);
    /// Reads all losses. False when they or the weights are not finite: then the step that did it was left out, and training
    /// goes on from there.
    bool settle();
    void leave_out_bad_step();
    /// Back to the origin, data included.
    void restart();
    /// Runs updates again from there and looks at each: how many of them are good, when a bad one follows.
    std::optional<int64_t> find_bad_update(int64_t last_step);
    /// Where the next update stops being finite. Takes its batches.
    std::string look_at_next_update();

    nn::Module& model_;
    optim::Optimizer& optimizer_;
    const Loss& loss_;
    const TrainerOptions& options_;
    Engine& engine_;
    data::Batches& batches_;
    data::Batches* validation_;
    data::Batches* test_;
    RunTexts texts_;
    std::optional<RunFolder> folder_;
    std::optional<MetricsLog> log_;
    Progress progress_;
    Evaluator evaluator_;
    std::optional<InterruptScope> interrupts_;
    Stopper stopper_;
    Reporter reporter_;
    StepStatistics statistics_;
    PhaseClock phases_;

    Position position_;
    LateValues losses_;             ///< of this epoch's batches, those that are not read yet
    std::deque<BatchInfo> waiting_; ///< their batches
    int64_t read_ = 0; ///< this epoch's batches whose losses are in position_.epoch_loss, or which were left out
    bool bad_loss_ = false;
    /// Where to start again from: in memory, or else last.safetensors.
    std::shared_ptr<const Checkpoint> origin_;

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
    int64_t session_batches_ = 0;
    TrainResult result_;
};

} // namespace ingot::train
