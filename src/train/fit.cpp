// SPDX-License-Identifier: MIT
#include "train/fit.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <utility>

#include <ingot/error.h>
#include <ingot/ops.h>

#include "io/atomic_file.h"
#include "train/late_values.h"

namespace ingot::train {

namespace {

/// Steps that stay queued when the display reads the losses before them.
constexpr size_t kInFlight = 2;

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Errors: Error naming both values.
template <class T>
void expect_same(const std::string& folder, const std::string& what, const T& ours, const T& theirs) {
    if (ours == theirs) return;
    const auto text = [](const T& value) {
        if constexpr (std::is_same_v<T, std::string>)
            return "'" + value + "'";
        else
            return std::to_string(value);
    };
    throw Error("resume: " + what + " is " + text(ours) + ", but " + text(theirs) + " in the run in " + folder);
}

std::vector<TensorStatistics> prefixed(const std::string& prefix, std::vector<TensorStatistics> tensors) {
    for (TensorStatistics& t : tensors) t.name = prefix + t.name;
    return tensors;
}

} // namespace

Fit::Fit(nn::Module& model, optim::Optimizer& optimizer, const Trainer::Loss& loss, const TrainerOptions& options,
         data::Batches& train, data::Batches* validation, data::Batches* test)
    : model_(model), optimizer_(optimizer), options_(options), batches_(train), validation_(validation),
      test_(test), texts_{.model_json = options.model_json, .settings = options.settings},
      progress_(options.progress ? Progress::automatic() : Progress::Style::silent, options.epochs, train.steps(),
                train.batch_size()),
      step_(compile_batch_function([&model, &optimizer, loss](Tensor x, Tensor y) {
          const Tensor l = loss(model(x), y);
          optimizer.zero_grad();
          l.backward();
          optimizer.step();
          return l;
      })),
      watched_(model, optimizer, loss), evaluator_(model, loss, options.metrics) {
    if (batches_.steps() < 1)
        throw Error("Trainer: the training data has fewer samples than one batch (" +
                    std::to_string(batches_.batch_size()) + "); use a smaller batch");
    position_.seed = options.seed;
    position_.batches = batches_.steps();
    position_.batch_size = batches_.batch_size();
    if (options.schedule) {
        schedule_ = options.schedule.make();
        schedule_->attach(optimizer);
        texts_.method +=
            std::string(options.schedule_per == Per::step ? "per step: " : "per epoch: ") + schedule_->str();
    }
    if (options.handle_interrupts) interrupts_.emplace();
}

void Fit::warn(const std::string& text) {
    progress_.clear();
    std::fprintf(stderr, "warning: %s\n", text.c_str());
}

void Fit::begin() {
    if (options_.out.empty()) {
        log_.emplace("");
        return;
    }
    folder_.emplace(options_.out);
    std::optional<LoadedCheckpoint> checkpoint;
    if (options_.resume)
        checkpoint = checkpoint_in(options_.out);
    else if (const auto there = run_in(options_.out); there && !options_.force)
        throw Error("Trainer: '" + options_.out + "' holds a run (" + *there +
                    "); use another folder, or resume or force");
    if (checkpoint)
        resume(*checkpoint);
    else
        folder_->clear();
    log_.emplace(options_.out, position_.epoch);
    earlier_seconds_ = log_->seconds();
    io::write_file_atomic(folder_->file("model.json"), options_.model_json);
}

void Fit::resume(const LoadedCheckpoint& checkpoint) {
    const Position there = checkpoint.position();
    const RunTexts texts = checkpoint.texts();
    const std::string& out = options_.out;
    expect_same(out, "the number of batches in an epoch", position_.batches, there.batches);
    expect_same(out, "the batch size", position_.batch_size, there.batch_size);
    expect_same(out, "the seed", position_.seed, there.seed);
    expect_same(out, "what a step does", texts_.method, texts.method);
    if (texts_.model_json != texts.model_json)
        throw Error("resume: the model and its description are not those of the run in " + out);
    if (there.epoch > options_.epochs)
        throw Error("resume: the run in " + out + " has done " + std::to_string(there.epoch) + " epochs already, not " +
                    std::to_string(options_.epochs));
    position_ = there;
    checkpoint.restore(parts());
    if (validation_ && position_.best_epoch > 0) {
        const std::string best = folder_->file(kBestFile);
        if (!std::filesystem::exists(best)) {
            warn(best + " is missing: the best weights are those of the epochs from here on");
            position_.best_epoch = 0;
        } else {
            read_checkpoint(best); // damage shows now and not after hours
        }
    }
    saved_ = checkpoint.path == folder_->file(kLastFile);
    best_saved_ = saved_ && position_.batch == 0;
    if (saved_ && position_.step > 0 && (position_.batch == 0 || at_checkpoint_step())) kept_step_ = position_.step;
}

// After the last batch of an epoch there is its validation, and then a checkpoint anyway.
bool Fit::at_checkpoint_step() const {
    return options_.checkpoint_steps > 0 && position_.batch < position_.batches &&
           position_.step % options_.checkpoint_steps == 0;
}

bool Fit::at_checkpoint_time() const {
    return folder_ && options_.checkpoint_seconds > 0 && position_.batch < position_.batches &&
           seconds_since(saved_at_) >= options_.checkpoint_seconds;
}

bool Fit::train_batches() {
    model_.train();
    const int64_t first = position_.batch;
    int64_t read = first;
    LateValues losses([&](const Tensor& value) {
        ++read;
        take_loss(value);
    });
    const Clock::time_point epoch_start = Clock::now();
    if (first < position_.batches) batches_.start(position_.epoch, first);
    const auto steps = phases_.measure(&PhaseTimes::steps);
    const auto next_batch = [&](Tensor& x, Tensor& y) {
        const auto waiting = phases_.measure(&PhaseTimes::data);
        return batches_.next(x, y);
    };
    for (Tensor x, y; position_.batch < position_.batches && !stop_requested();) {
        if (!next_batch(x, y))
            throw Error("Trainer: the training data ended after " + std::to_string(position_.batch) + " of " +
                        std::to_string(position_.batches) + " batches");
        position_.lr = optimizer_.lr();
        ++position_.batch;
        ++position_.step;
        const double epoch = static_cast<double>(position_.epoch) +
                             static_cast<double>(position_.batch) / static_cast<double>(position_.batches);
        history_.submitted(position_.step, epoch, position_.lr);
        const bool watched = options_.statistics_steps > 0 && position_.step % options_.statistics_steps == 0;
        losses.push(watched ? watched_.run(x, y, position_.step, epoch) : step_(x, y));
        saved_ = best_saved_ = false;
        now_.reset();
        if (schedule_ && options_.schedule_per == Per::step) schedule_->step();
        if (at_checkpoint_step() || at_checkpoint_time()) {
            losses.drain();
            save(at_checkpoint_step() ? Moment::step : Moment::time);
        }
        if (!progress_.due()) continue;
        losses.drain(kInFlight);
        if (read > 0) progress_.update(position_.epoch + 1, read, position_.epoch_loss / static_cast<double>(read));
    }
    losses.drain();
    for (const StatisticsAt& s : watched_.take()) {
        for (const auto& sink : options_.sinks) {
            sink->histograms(s.step, prefixed("weights/", s.weights));
            sink->histograms(s.step, prefixed("gradients/", s.gradients));
        }
        result_.history.statistics.push_back(s);
    }
    const double seconds = seconds_since(epoch_start);
    step_seconds_ += seconds;
    session_steps_ += position_.batch - first;
    epoch_rate_ = static_cast<double>((position_.batch - first) * position_.batch_size) / std::max(seconds, 1e-9);
    if (position_.batch > 0) result_.train_loss = position_.epoch_loss / static_cast<double>(position_.batch);
    return position_.batch == position_.batches;
}

void Fit::take_loss(const Tensor& value) {
    const StepLoss step = history_.read(value.item<double>());
    if (!std::isfinite(step.loss))
        throw Error("training diverged: the loss of step " + std::to_string(step.step) + " is " +
                    std::to_string(step.loss) + "; try a lower learning rate");
    position_.epoch_loss += step.loss;
    unreported_loss_ += step.loss;
    ++unreported_;
    if (options_.sinks.empty() || step.step % options_.sink_steps != 0) return;
    const double mean = unreported_loss_ / static_cast<double>(unreported_);
    unreported_loss_ = 0;
    unreported_ = 0;
    for (const auto& sink : options_.sinks) sink->scalars(step.step, {{"train/loss", mean}, {"train/lr", step.lr}});
}

void Fit::report_epoch(const EpochMetrics& row, const EvalResult* validation) {
    if (options_.sinks.empty()) return;
    std::vector<MetricValue> values{{"epoch/train_loss", row.train_loss}};
    if (validation) {
        values.push_back({"validation/loss", validation->loss});
        for (const auto& [name, value] : {std::pair("accuracy", validation->accuracy),
                                          std::pair("mae", validation->mae), std::pair("r2", validation->r2)})
            if (!std::isnan(value)) values.push_back({std::string("validation/") + name, value});
        for (const MetricValue& m : validation->metrics) values.push_back({"validation/" + m.name, m.value});
    }
    for (const auto& sink : options_.sinks) sink->scalars(row.step, values);
}

bool Fit::end_epoch() {
    std::optional<EvalResult> validated;
    EpochMetrics row{.epoch = position_.epoch + 1,
                     .step = position_.step,
                     .train_loss = position_.epoch_loss / static_cast<double>(position_.batches),
                     .lr = position_.lr};
    if (validation_) {
        progress_.note("validating");
        const auto validating = phases_.measure(&PhaseTimes::validation);
        validated = evaluator_.run(*validation_, [this] { return stop_requested(); });
        if (stop_requested()) return false; // half a pass says nothing
        row.val_loss = validated->loss;
        if (!std::isnan(validated->accuracy)) row.val_accuracy = validated->accuracy;
    }
    ++position_.epoch;
    position_.batch = 0;
    position_.epoch_loss = 0;
    position_.train_loss = row.train_loss;
    const bool better = row.val_loss && (position_.best_epoch == 0 || *row.val_loss < position_.best_val_loss);
    if (better) {
        position_.best_epoch = position_.epoch;
        position_.best_val_loss = *row.val_loss;
    }
    if (schedule_ && options_.schedule_per == Per::epoch) schedule_->step(row.val_loss.value_or(row.train_loss));
    saved_ = best_saved_ = false;
    const auto saving = phases_.measure(&PhaseTimes::checkpoints);
    now_ = std::make_shared<const Checkpoint>(parts(), position_, texts_);
    if (better) best_ = now_;
    row.seconds = earlier_seconds_ + seconds_since(start_);
    try {
        log_->append(row); // before any checkpoint of this epoch: a row too many is dropped when the run goes on
    } catch (const FileError& error) { save_error_ = error.what(); } // save() tries again, and says so
    progress_.end_epoch(row, epoch_rate_);
    report_epoch(row, validated ? &*validated : nullptr);
    return true;
}

void Fit::save(Moment moment) {
    const bool best_is_last = !validation_ && (moment == Moment::epoch || moment == Moment::end);
    if (!folder_ || (saved_ && !(best_is_last && !best_saved_))) return;
    saved_at_ = Clock::now();
    const auto saving = phases_.measure(&PhaseTimes::checkpoints);
    if (!now_) now_ = std::make_shared<const Checkpoint>(parts(), position_, texts_);
    try {
        if (!save_error_.empty()) log_->write();
        // The best before the last: a last one never tells of a best one that is not there.
        if (best_) best_->write(folder_->file(kBestFile));
        best_.reset();
        if (best_is_last) now_->write(folder_->file(kBestFile));
        best_saved_ = best_is_last;
        if (kept_step_) folder_->keep_last(*kept_step_, options_.keep);
        now_->write(folder_->file(kLastFile));
        saved_ = true;
        save_error_.clear();
        kept_step_ = moment == Moment::epoch || moment == Moment::step ? std::optional(position_.step) : std::nullopt;
    } catch (const FileError& error) {
        save_error_ = error.what();
        warn("no checkpoint could be saved after step " + std::to_string(position_.step) +
             ", the older one stays: " + save_error_);
    }
    now_.reset();
}

void Fit::restore_best() {
    if (!validation_ || position_.best_epoch == 0) return;
    if (best_) return best_->restore_weights(model_);
    model_.load_state_dict(read_checkpoint(folder_->file(kBestFile)).weights);
}

TrainResult Fit::run() {
    begin();
    result_.train_loss = position_.train_loss;
    while (position_.epoch < options_.epochs && !stop_requested()) {
        if (!train_batches() || !end_epoch()) break;
        save(Moment::epoch);
    }
    save(Moment::end);
    progress_.clear();
    if (!save_error_.empty())
        throw FileError(save_error_ + "; the training itself went on to step " + std::to_string(position_.step));
    result_.epochs = position_.epoch;
    result_.steps = position_.step;
    result_.seconds = earlier_seconds_ + seconds_since(start_);
    result_.history.steps = history_.points();
    result_.history.phases = phases_.times();
    if (step_seconds_ > 0)
        result_.samples_per_s = static_cast<double>(session_steps_ * position_.batch_size) / step_seconds_;
    result_.interrupted = stop_requested();
    if (result_.interrupted) return result_;
    restore_best();
    if (test_) {
        result_.test = evaluator_.run(*test_, [this] { return stop_requested(); });
        if (stop_requested()) { // everything is saved already; only the figure is missing
            result_.test.reset();
            result_.interrupted = true;
        }
    }
    return result_;
}

} // namespace ingot::train
