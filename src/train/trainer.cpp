// SPDX-License-Identifier: MIT
#include <chrono>
#include <cmath>
#include <filesystem>
#include <utility>

#include <ingot/error.h>
#include <ingot/ops.h>
#include <ingot/train.h>

#include "io/atomic_file.h"
#include "train/checkpoint.h"
#include "train/compiled.h"
#include "train/evaluator.h"
#include "train/interrupt.h"
#include "train/late_values.h"
#include "train/metrics_log.h"
#include "train/progress.h"

namespace ingot::train {

namespace {

using Clock = std::chrono::steady_clock;

/// Steps that stay queued when the display reads the losses before them.
constexpr size_t kInFlight = 2;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

} // namespace

/// The state of one fit().
struct Trainer::Run {
    Trainer& t;
    data::Batches& batches;
    data::Batches* validation;
    MetricsLog log;
    Progress progress;
    BatchFunction step;
    Evaluator evaluator;
    std::optional<optim::CosineWithWarmup> schedule;
    std::optional<InterruptScope> interrupts;
    Position position = {};
    std::optional<Checkpoint> best = {}; ///< only with a validation split; without one the last weights are the best
    TrainResult result = {};
    Clock::time_point start = Clock::now();
    double step_seconds = 0;

    Run(Trainer& trainer, data::Batches& train, data::Batches* val)
        : t(trainer), batches(train), validation(val), log(t.options_.out),
          progress(t.options_.progress ? Progress::automatic() : Progress::Style::silent, t.options_.epochs,
                   train.steps(), train.batch_size()),
          step(compile_batch_function(
              [&model = t.model_, &optimizer = t.optimizer_, loss = t.loss_](Tensor x, Tensor y) {
                  const Tensor l = loss(model(x), y);
                  optimizer.zero_grad();
                  l.backward();
                  optimizer.step();
                  return l;
              })),
          evaluator(t.model_, t.loss_, t.options_.metrics) {
        if (t.options_.schedule == Schedule::cosine) {
            const int64_t total = train.steps() * t.options_.epochs;
            schedule.emplace(t.optimizer_,
                             optim::CosineOptions{.warmup_steps = std::min(t.options_.warmup_steps, total - 1),
                                                  .total_steps = total});
        }
        if (t.options_.handle_interrupts) interrupts.emplace();
        position.seed = t.options_.seed;
    }

    bool stop_requested() const { return interrupts && interrupts->requested(); }

    void train_epoch();
    void save() const;
};

void Trainer::Run::train_epoch() {
    t.model_.train();
    int64_t done = 0, read = 0;
    double lr = t.optimizer_.lr();
    position.epoch_loss = 0;
    LateValues losses([&](const Tensor& value) {
        const double loss = value.item<double>();
        ++read;
        if (!std::isfinite(loss))
            throw Error("training diverged: the loss of step " + std::to_string(position.step - done + read) + " is " +
                        std::to_string(loss) + "; try a lower learning rate");
        position.epoch_loss += loss;
    });
    const Clock::time_point epoch_start = Clock::now();
    batches.start(position.epoch);
    for (Tensor x, y; !stop_requested() && batches.next(x, y);) {
        lr = t.optimizer_.lr();
        losses.push(step(x, y));
        ++done;
        ++position.step;
        if (schedule && position.step < batches.steps() * t.options_.epochs) schedule->step();
        if (!progress.due()) continue;
        losses.drain(kInFlight);
        if (read > 0) progress.update(position.epoch + 1, done, position.epoch_loss / static_cast<double>(read));
    }
    losses.drain();
    const double seconds = seconds_since(epoch_start);
    step_seconds += seconds;
    result.steps = position.step;
    if (done > 0) result.train_loss = position.epoch_loss / static_cast<double>(done);
    if (done < batches.steps()) return; // stopped in the middle
    ++position.epoch;
    position.epoch_loss = 0;
    result.epochs = position.epoch;

    EpochMetrics row{.epoch = position.epoch, .step = position.step, .train_loss = result.train_loss, .lr = lr};
    if (validation) {
        progress.note("validating");
        const EvalResult v = evaluator.run(*validation, [this] { return stop_requested(); });
        // Half a pass says nothing: it would pick the wrong weights.
        if (!stop_requested()) {
            row.val_loss = v.loss;
            if (!std::isnan(v.accuracy)) row.val_accuracy = v.accuracy;
        }
    }
    if (row.val_loss && (!position.best_val_loss || *row.val_loss < *position.best_val_loss)) {
        position.best_val_loss = row.val_loss;
        best.emplace(t.model_, t.optimizer_, position, t.options_.model_json);
        if (!t.options_.out.empty()) best->write(t.options_.out + "/best.safetensors");
    }
    row.seconds = seconds_since(start);
    log.append(row);
    progress.end_epoch(row, seconds);
}

void Trainer::Run::save() const {
    if (t.options_.out.empty()) return;
    const Checkpoint last(t.model_, t.optimizer_, position, t.options_.model_json);
    last.write(t.options_.out + "/last.safetensors");
    if (!validation) last.write(t.options_.out + "/best.safetensors");
}

Trainer::Trainer(nn::Module& model, optim::Optimizer& optimizer, Loss loss, TrainerOptions options)
    : model_(model), optimizer_(optimizer), loss_(std::move(loss)), options_(std::move(options)) {
    if (options_.epochs < 1) throw Error("Trainer: epochs is " + std::to_string(options_.epochs) + ", not at least 1");
}

Trainer::~Trainer() = default;

TrainResult Trainer::fit(data::Batches& train, data::Batches* validation, data::Batches* test) {
    if (train.steps() < 1)
        throw Error("Trainer: the training data has fewer samples than one batch (" +
                    std::to_string(train.batch_size()) + "); use a smaller batch");
    if (!options_.out.empty()) {
        std::error_code code;
        std::filesystem::create_directories(options_.out, code);
        if (code) throw FileError(options_.out + ": cannot create the folder: " + code.message());
        io::write_file_atomic(options_.out + "/model.json", options_.model_json);
    }
    Run run(*this, train, validation);
    while (run.position.epoch < options_.epochs && !run.stop_requested()) {
        run.train_epoch();
        run.save();
    }
    run.progress.clear();
    TrainResult& result = run.result;
    result.seconds = seconds_since(run.start);
    if (run.step_seconds > 0)
        result.samples_per_s = static_cast<double>(result.steps * train.batch_size()) / run.step_seconds;
    result.interrupted = run.stop_requested();
    if (result.interrupted) return result;
    if (run.best) run.best->restore_weights(model_);
    if (test) {
        result.test = run.evaluator.run(*test, [&run] { return run.stop_requested(); });
        if (run.stop_requested()) { // everything is saved already; only the figure is missing
            result.test.reset();
            result.interrupted = true;
        }
    }
    return result;
}

} // namespace ingot::train
