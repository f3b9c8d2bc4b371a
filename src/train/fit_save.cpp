// SPDX-License-Identifier: MIT
#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>
#include <utility>

#include <ingot/error.h>

#include "io/atomic_file.h"
#include "train/fit.h"

namespace ingot::train {

namespace {

/// Errors: Error naming both values.
template <class T>
void expect_same(const std::string& folder, const std::string& what, const T& ours, const T& theirs) {
    if (ours == theirs) return;
    const auto text = [](const T& value) {
        if constexpr (std::is_same_v<T, std::string>)
            return value;
        else
            return std::to_string(value);
    };
    throw Error("resume: " + what + " is " + text(ours) + ", but " + text(theirs) + " in the run in " + folder);
}

/// The names and values of a method's lines.
std::vector<std::pair<std::string, std::string>> named_lines(const std::string& method) {
    std::vector<std::pair<std::string, std::string>> out;
    std::istringstream lines(method);
    for (std::string name, value; lines >> name && std::getline(lines >> std::ws, value);)
        out.emplace_back(name, value);
    return out;
}

void expect_same_method(const std::string& folder, const std::string& ours, const std::string& theirs) {
    const auto lines = named_lines(theirs);
    std::map<std::string, std::string> there(lines.begin(), lines.end());
    for (const auto& [name, value] : named_lines(ours)) {
        if (!there.contains(name))
            throw Error("resume: the run in " + folder + " does not say its " + name + ": an older version wrote it");
        expect_same(folder, name, value, there[name]);
    }
}

} // namespace

void Fit::begin() {
    if (options_.out.empty()) {
        for (const auto& sink : options_.sinks) sink->begin(0);
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
    log_.emplace(options_.out, checkpoint ? checkpoint->position().epoch : 0);
    if (checkpoint) check_resume(*checkpoint);
    for (const auto& sink : options_.sinks) sink->begin(checkpoint ? checkpoint->position().step : 0);
    if (checkpoint)
        resume(*checkpoint);
    else
        options_.force ? folder_->set_aside() : folder_->clear();
    earlier_seconds_ = std::max(log_->seconds(), folder_->noted_seconds(position_.step));
    io::write_file_atomic(folder_->file("model.json"), options_.model_json);
}

void Fit::check_resume(const LoadedCheckpoint& checkpoint) {
    const Position there = checkpoint.position();
    const RunTexts texts = checkpoint.texts();
    const std::string& out = options_.out;
    expect_same(out, "the number of batches in an epoch", position_.batches, there.batches);
    expect_same(out, "the batch size", position_.batch_size, there.batch_size);
    expect_same(out, "the seed", position_.seed, there.seed);
    expect_same_method(out, texts_.method, texts.method);
    if (texts_.model_json != texts.model_json)
        throw Error("resume: the model and its description are not those of the run in " + out);
    if (there.epoch > options_.epochs)
        throw Error("resume: the run in " + out + " has done " + std::to_string(there.epoch) + " epochs already, not " +
                    std::to_string(options_.epochs));
    checkpoint.check(parts());
    const std::string best = folder_->file(kBestFile);
    if (validation_ && there.best_epoch > 0 && std::filesystem::exists(best))
        read_checkpoint(best); // damage shows now and not after hours
}

void Fit::resume(const LoadedCheckpoint& checkpoint) {
    restore(checkpoint);
    const std::string best = folder_->file(kBestFile);
    if (validation_ && position_.best_epoch > 0 && !std::filesystem::exists(best)) {
        warn(best + " is missing: the best weights are those of the epochs from here on");
        position_.best_epoch = 0;
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
           std::chrono::duration<double>(Clock::now() - saved_at_).count() >= options_.checkpoint_seconds;
}

std::shared_ptr<const Checkpoint> Fit::checkpoint_now() {
    if (!now_) now_ = std::make_shared<const Checkpoint>(parts(), position_, texts_);
    return now_;
}

void Fit::write_checkpoints(Moment moment) {
    const bool best_is_last = !validation_ && (moment == Moment::epoch || moment == Moment::end);
    if (!save_error_.empty()) log_->write();
    // The best before the last: a last one never tells of a best one that is not there.
    if (best_) best_->write(folder_->file(kBestFile));
    best_.reset();
    if (best_is_last) checkpoint_now()->write(folder_->file(kBestFile));
    best_saved_ = best_is_last;
    if (kept_step_) folder_->keep_last(*kept_step_, options_.keep);
    if (position_.batch > 0) folder_->note_seconds(position_.step, seconds());
    checkpoint_now()->write(folder_->file(kLastFile));
    if (position_.batch == 0) folder_->forget_seconds();
    saved_ = true;
    if (position_.epoch > 0) folder_->drop_replaced();
    kept_step_ = moment == Moment::epoch || moment == Moment::step ? std::optional(position_.step) : std::nullopt;
}

void Fit::save(Moment moment) {
    if (!folder_) return;
    const bool best_missing = !validation_ && !best_saved_ && (moment == Moment::epoch || moment == Moment::end);
    if (saved_ && !best_missing) return;
    saved_at_ = Clock::now();
    const auto saving = phases_.measure(&PhaseTimes::checkpoints);
    const std::string path = folder_->file(kLastFile);
    try {
        write_checkpoints(moment);
        save_error_.clear();
        now_.reset();
    } catch (const FileError& error) {
        save_error_ = error.what();
        warn("no checkpoint could be saved after step " + std::to_string(position_.step) +
             ", the older one stays: " + save_error_);
    }
    reporter_.checkpoint(position_.step, path, save_error_);
}

void Fit::restore_best() {
    if (options_.restore_best && validation_ && position_.best_epoch > 0)
        model_.load_state_dict(best_ ? best_->loaded().weights : read_checkpoint(folder_->file(kBestFile)).weights);
    else if (engine_.ema)
        engine_.ema->copy_to_model();
}

} // namespace ingot::train
