// SPDX-License-Identifier: MIT
// Steps whose loss, or whose weights and running statistics afterwards, are not finite. Losses are read late and the queue goes on meanwhile, so by then
// the state before the bad step is gone. But training can be run again exactly: from the last checkpoint (or a copy in memory) to
// the bad step, which is then looked at layer by layer and left out. The steps themselves pay nothing for this.
#include <algorithm>

#include <ingot/error.h>

#include "train/fit.h"
#include "train/nonfinite.h"

namespace ingot::train {

bool Fit::state_finite() const {
    std::vector<Tensor> all = optimizer_.parameters();
    for (Tensor& buffer : model_.buffers()) all.push_back(std::move(buffer));
    return all_finite(all);
}

void Fit::mark_origin() {
    if (!looks()) return;
    origin_ = saved_ ? nullptr : checkpoint_now();
}

LoadedCheckpoint Fit::origin() const { return origin_ ? origin_->loaded() : read_checkpoint(folder_->file(kLastFile)); }

void Fit::restore(const LoadedCheckpoint& checkpoint) {
    position_ = checkpoint.position();
    checkpoint.restore(parts());
    // Batches of an update that was not finished have left gradients.
    optimizer_.zero_grad();
    losses_.clear();
    waiting_.clear();
    statistics_.forget_after(position_.step);
    read_ = position_.batch;
    bad_loss_ = false;
    saved_ = best_saved_ = false;
    now_.reset();
}

bool Fit::settle() {
    losses_.drain();
    if (!looks() || (!bad_loss_ && state_finite())) return true;
    leave_out_bad_step();
    return false;
}

void Fit::restart() {
    restore(origin());
    if (position_.batch < position_.batches) batches_.start(position_.epoch, position_.batch);
}

std::optional<int64_t> Fit::find_bad_update(int64_t last_step) {
    restart();
    for (int64_t good = 0; position_.step < last_step && !interrupted(); ++good) {
        run_update();
        losses_.drain();
        if (bad_loss_ || !state_finite()) return good;
    }
    return {};
}

std::string Fit::look_at_next_update() {
    const int64_t count = std::min(options_.accumulate, position_.batches - position_.batch);
    std::string found;
    Tensor x, y;
    for (int64_t i = 0; i < count; ++i) {
        next_batch(x, y);
        if (found.empty()) found = find_nonfinite(model_, loss_, x, y);
    }
    return found.empty() ? "the weights or running statistics after it" : found;
}

void Fit::leave_out_bad_step() {
    progress_.note("looking for where it stopped being finite");
    const int64_t last = position_.step;
    const std::optional<int64_t> good = find_bad_update(last);
    if (!good) {
        if (interrupted()) return; // an earlier state of the run, as good as any
        throw Error("the loss or the weights were not finite by step " + std::to_string(last) +
                    ", but are when the steps are run again: the data or the model do not give the same twice");
    }
    restart();
    for (int64_t i = 0; i < *good; ++i) run_update();
    losses_.drain();
    const std::shared_ptr<const Checkpoint> before = checkpoint_now();
    const std::string place = look_at_next_update();
    restore(before->loaded());
    origin_ = before; // exact, and nearer than the one before

    ++position_.nonfinite;
    const std::string where = "step " + std::to_string(position_.step + 1) + " (epoch " +
                              std::to_string(position_.epoch + 1) + ", batch " + std::to_string(position_.batch + 1) +
                              " of " + std::to_string(position_.batches) + ") is not finite from " + place + " on";
    const std::string advice = place.starts_with("the input") || place.starts_with("the target")
                                   ? "; look at the data"
                                   : "; try a lower learning rate";
    if (position_.nonfinite >= options_.max_nonfinite) {
        save(Moment::end);
        progress_.clear();
        throw Error(
            "training diverged: " + where +
            (position_.nonfinite > 1 ? ", after " + std::to_string(position_.nonfinite - 1) + " such before" : "") +
            advice);
    }
    warn(where + "; it is left out (number " + std::to_string(position_.nonfinite) + ", training ends at " +
         std::to_string(options_.max_nonfinite) + ")" + advice);
    const int64_t from = position_.batch;
    run_update(false);
    position_.skipped += position_.batch - from;
    read_ = position_.batch;
    origin_ = checkpoint_now();
}

} // namespace ingot::train
