// SPDX-License-Identifier: MIT
#include "train/fit.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

#include <ingot/error.h>
#include <ingot/ops.h>

namespace ingot::train {

namespace {

/// Steps that stay queued when the display reads the losses before them.
constexpr size_t kInFlight = 2;

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// What a checkpoint must agree with to go on from it: lines of a name and a value.
std::string method_text(const TrainerOptions& o, const optim::Optimizer& optimizer,
                        const optim::LRScheduler* schedule) {
    std::string out = std::string("optimizer ") + optimizer.name() + "\n";
    const auto add = [&](const std::string& what, double value) {
        char text[32];
        out += what + " " + std::string(text, std::to_chars(text, text + sizeof text, value).ptr) + "\n";
    };
    const size_t groups = optimizer.num_groups();
    add("parameter_groups", static_cast<double>(groups));
    // Where a schedule sets the rates, they are what it began with.
    const std::vector<double> base =
        schedule ? schedule->state_dict().at("base_lr").to_vector<double>() : std::vector<double>();
    for (size_t g = 0; g < groups; ++g) {
        const std::string group = groups == 1 ? "" : "_of_group_" + std::to_string(g);
        add("lr" + group, schedule ? base[g] : optimizer.lr(g));
        for (const auto& [name, value] : optimizer.options(g)) add(name + group, value);
    }
    add("accumulate", static_cast<double>(o.accumulate));
    add("clip_value", o.clip_value);
    add("clip_norm", o.clip_norm);
    add("ema", o.ema);
    add("patience", static_cast<double>(o.patience));
    add("min_delta", o.min_delta);
    return out + "schedule " +
           (!schedule ? "none" : (o.schedule_per == Per::step ? "per step: " : "per epoch: ") + schedule->str()) + "\n";
}

} // namespace

Engine::Engine(nn::Module& model, optim::Optimizer& optimizer, const Loss& loss, const TrainerOptions& options)
    : ema(options.ema > 0 ? std::make_unique<Ema>(model, options.ema) : nullptr),
      schedule(options.schedule ? options.schedule.make() : nullptr),
      step(model, optimizer, loss, {.value = options.clip_value, .norm = options.clip_norm}, ema.get()) {
    step.set_probe([&model] { return StepStatistics::probe(model); });
    if (schedule) schedule->attach(optimizer);
}

Fit::Fit(nn::Module& model, optim::Optimizer& optimizer, const Loss& loss, const TrainerOptions& options,
         Engine& engine, data::Batches& train, data::Batches* validation, data::Batches* test)
    : model_(model), optimizer_(optimizer), loss_(loss), options_(options), engine_(engine), batches_(train),
      validation_(validation), test_(test), texts_{.model_json = options.model_json,
                                                   .settings = options.settings,
                                                   .method = method_text(options, optimizer, engine.schedule.get())},
      progress_(options.progress ? Progress::automatic() : Progress::Style::silent, options.epochs, train.steps(),
                train.batch_size()),
      evaluator_(model, loss, options.metrics), reporter_(options, stopper_), statistics_(model),
      losses_([this](const Tensor& value) { take_loss(value.item()); }) {
    if (batches_.steps() < 1)
        throw Error("Trainer: the training data has fewer samples than one batch (" +
                    std::to_string(batches_.batch_size()) + "); use a smaller batch");
    if (options.patience > 0 && !validation)
        throw Error("Trainer: patience needs validation data: it follows the validation loss");
    for (const auto& sink : options.sinks)
        if (!sink) throw Error("Trainer: one of the sinks is a null pointer");
    position_.seed = options.seed;
    position_.batches = batches_.steps();
    position_.batch_size = batches_.batch_size();
    if (options.handle_interrupts) interrupts_.emplace();
}

void Fit::warn(const std::string& text) {
    if (reporter_.warning(text)) return;
    progress_.clear();
    std::fprintf(stderr, "warning: %s\n", text.c_str());
}

std::optional<Stop> Fit::stop_reason() const {
    if (interrupted()) return Stop::interrupt;
    if (stopper_.requested()) return Stop::callback;
    if (options_.patience > 0 && position_.bad_epochs >= options_.patience) return Stop::patience;
    if (options_.time_limit > 0 && seconds_since(start_) >= options_.time_limit) return Stop::time_limit;
    return {};
}

double Fit::mean_loss() const {
    const int64_t batches = position_.batch - position_.skipped;
    return batches > 0 ? position_.epoch_loss / static_cast<double>(batches) : std::numeric_limits<double>::quiet_NaN();
}

double Fit::seconds() const { return earlier_seconds_ + seconds_since(start_); }

void Fit::take_loss(double loss) {
    const BatchInfo batch = waiting_.front();
    waiting_.pop_front();
    if (bad_loss_) return; // what came after it is not to be trained on either
    if (looks() && !std::isfinite(loss)) {
        bad_loss_ = true;
        return;
    }
    position_.epoch_loss += loss;
    ++read_;
    reporter_.loss(batch, loss);
}

void Fit::next_batch(Tensor& x, Tensor& y) {
    const auto waiting = phases_.measure(&PhaseTimes::data);
    if (!batches_.next(x, y))
        throw Error("Trainer: the training data ended after " + std::to_string(position_.batch) + " of " +
                    std::to_string(position_.batches) + " batches");
    check_batch("Trainer: the training data", x, y);
}

void Fit::run_update(bool wanted) {
    const int64_t count = std::min(options_.accumulate, position_.batches - position_.batch);
    position_.lr = optimizer_.lr();
    ++position_.step;
    const bool watched = options_.statistics_steps > 0 && position_.step % options_.statistics_steps == 0;
    Tensor x, y;
    for (int64_t i = 0; i < count; ++i) {
        if (wanted) next_batch(x, y);
        ++position_.batch;
        if (!wanted) continue;
        const bool ends = i + 1 == count;
        const double place = static_cast<double>(position_.epoch) +
                             static_cast<double>(position_.batch) / static_cast<double>(position_.batches);
        TrainStep::Result result = engine_.step.run(x, y, part_of(i, count), count, watched && ends);
        if (watched && ends) statistics_.push(position_.step, place, std::move(result.probe));
        // Before the loss, as pushing it may read others.
        waiting_.push_back({position_.epoch + 1, position_.batch, position_.step, place, position_.lr, ends});
        losses_.push(std::move(result.loss));
    }
    if (engine_.schedule && options_.schedule_per == Per::step) engine_.schedule->step();
    saved_ = best_saved_ = false;
    now_.reset();
}

bool Fit::train_batches() {
    const int64_t first = position_.batch;
    const Clock::time_point epoch_start = Clock::now();
    const auto steps = phases_.measure(&PhaseTimes::steps);
    read_ = first;
    mark_origin();
    if (first < position_.batches) batches_.start(position_.epoch, first);
    do {
        while (position_.batch < position_.batches && !stop_reason()) {
            run_update();
            if (reporter_.hears_steps()) reporter_.step(waiting_.back(), losses_.newest());
            if (bad_loss_ || at_checkpoint_step() || at_checkpoint_time()) {
                if (!settle()) continue;
                save(at_checkpoint_step() ? Moment::step : Moment::time);
                mark_origin();
            }
            if (!progress_.due()) continue;
            losses_.drain(kInFlight);
            if (read_ > position_.skipped)
                progress_.update(position_.epoch + 1, read_,
                                 position_.epoch_loss / static_cast<double>(read_ - position_.skipped));
        }
    } while (!settle());
    reporter_.statistics(statistics_.take());
    const double seconds = seconds_since(epoch_start);
    step_seconds_ += seconds;
    session_batches_ += position_.batch - first;
    epoch_rate_ = static_cast<double>((position_.batch - first) * position_.batch_size) / std::max(seconds, 1e-9);
    if (position_.batch > 0) result_.train_loss = mean_loss();
    return position_.batch == position_.batches;
}

bool Fit::end_epoch() {
    EpochMetrics row{
        .epoch = position_.epoch + 1, .step = position_.step, .train_loss = mean_loss(), .lr = position_.lr};
    std::optional<EvalResult> validated;
    if (validation_) {
        progress_.note("validating");
        const auto validating = phases_.measure(&PhaseTimes::validation);
        const Ema::Scope averages(engine_.ema.get());
        validated = evaluator_.run(*validation_, [this] { return interrupted(); });
        if (interrupted()) return false; // half a pass says nothing
        row.val_loss = validated->loss;
        if (!std::isnan(validated->accuracy)) row.val_accuracy = validated->accuracy;
    }
    ++position_.epoch;
    position_.batch = 0;
    position_.skipped = 0;
    position_.epoch_loss = 0;
    position_.train_loss = row.train_loss;
    // A loss that is no number is better than none, and worse than any other.
    const bool first_number = row.val_loss && std::isnan(position_.best_val_loss) && !std::isnan(*row.val_loss);
    const bool better =
        row.val_loss && (position_.best_epoch == 0 || first_number || *row.val_loss < position_.best_val_loss);
    if (better) {
        position_.best_epoch = position_.epoch;
        position_.best_val_loss = *row.val_loss;
    }
    if (row.val_loss) {
        const bool counts = *row.val_loss < position_.patience_loss - options_.min_delta;
        position_.bad_epochs = counts ? 0 : position_.bad_epochs + 1;
        if (counts) position_.patience_loss = *row.val_loss;
    }
    if (engine_.schedule && options_.schedule_per == Per::epoch)
        engine_.schedule->step(row.val_loss.value_or(row.train_loss));
    saved_ = best_saved_ = false;
    now_.reset();
    const auto saving = phases_.measure(&PhaseTimes::checkpoints);
    if (better) best_ = checkpoint_now();
    row.seconds = seconds();
    try {
        log_->append(row); // before any checkpoint of this epoch: a row too many is dropped when the run goes on
    } catch (const FileError& error) { save_error_ = error.what(); } // save() tries again, and says so
    progress_.end_epoch(row, epoch_rate_);
    reporter_.epoch(row, validated ? &*validated : nullptr, better);
    return true;
}

void Fit::test() {
    result_.test = evaluator_.run(*test_, [this] { return interrupted(); });
    if (!interrupted()) return;
    result_.test.reset(); // everything is saved already; only the figure is missing
    result_.interrupted = true;
}

TrainResult Fit::run() {
    const nn::ModeGuard modes(model_);
    if (!model_.is_training()) model_.train();
    begin();
    result_.train_loss = position_.train_loss;
    while (position_.epoch < options_.epochs && !stop_reason()) {
        if (!train_batches()) break;
        try {
            if (!end_epoch()) break;
        } catch (...) { // of the validation data, say: the epoch's steps are not lost with it
            save(Moment::end);
            throw;
        }
        save(Moment::epoch);
    }
    result_.stop = position_.epoch < options_.epochs ? stop_reason().value_or(Stop::finished) : Stop::finished;
    result_.interrupted = interrupted();
    save(Moment::end);
    progress_.clear();
    reporter_.rethrow();
    if (!save_error_.empty())
        throw FileError(save_error_ + "; the training itself went on to step " + std::to_string(position_.step));
    result_.epochs = position_.epoch;
    result_.steps = position_.step;
    result_.seconds = seconds();
    result_.history = reporter_.history(phases_.times());
    if (step_seconds_ > 0)
        result_.samples_per_s = static_cast<double>(session_batches_ * position_.batch_size) / step_seconds_;
    if (result_.interrupted) return result_;
    restore_best();
    if (test_) test();
    return result_;
}

} // namespace ingot::train
