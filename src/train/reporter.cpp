// SPDX-License-Identifier: MIT
#include "train/reporter.h"

#include <cmath>
#include <tuple>
#include <utility>

namespace ingot::train {

namespace {

std::vector<TensorStatistics> prefixed(const std::string& prefix, std::vector<TensorStatistics> tensors) {
    for (TensorStatistics& t : tensors) t.name = prefix + t.name;
    return tensors;
}

} // namespace

void Reporter::step(const BatchInfo& last, const Tensor& loss) const {
    tell<StepEvent>(&Callbacks::on_step, {last.epoch, last.step, last.lr, loss, stopper_});
}

void Reporter::loss(const BatchInfo& b, double loss) {
    if (std::tie(b.epoch, b.batch) <= std::tie(told_epoch_, told_batch_)) return;
    std::tie(told_epoch_, told_batch_) = std::tie(b.epoch, b.batch);
    tell<LossEvent>(&Callbacks::on_loss, {b.epoch, b.batch, loss, stopper_});
    // Of a step that was left out, some batches may have been told.
    if (std::exchange(step_, b.step) != b.step) step_loss_ = 0, step_batches_ = 0;
    step_loss_ += loss;
    ++step_batches_;
    if (!b.ends_step) return;
    const double mean = std::exchange(step_loss_, 0) / static_cast<double>(std::exchange(step_batches_, 0));
    history_.submitted(b.step, b.position, b.lr);
    history_.read(mean);
    unreported_loss_ += mean;
    ++unreported_;
    if (options_.sinks.empty() || b.step % options_.sink_steps != 0) return;
    const double reported = std::exchange(unreported_loss_, 0) / static_cast<double>(std::exchange(unreported_, 0));
    each_sink([&](Sink& sink) { sink.scalars(b.step, {{"train/loss", reported}, {"train/lr", b.lr}}); });
}

void Reporter::statistics(const std::vector<StatisticsAt>& all) {
    for (const StatisticsAt& s : all) {
        each_sink([&](Sink& sink) {
            sink.histograms(s.step, prefixed("weights/", s.weights));
            sink.histograms(s.step, prefixed("gradients/", s.gradients));
        });
        statistics_.push_back(s);
    }
}

void Reporter::epoch(const EpochMetrics& row, const EvalResult* validation, bool best) {
    if (validation)
        tell<ValidationEvent>(&Callbacks::on_validation, {row.epoch, row.step, *validation, best, stopper_});
    tell<EpochEvent>(&Callbacks::on_epoch,
                     {row.epoch, row.step, row.train_loss, validation, row.lr, row.seconds, stopper_});
    if (options_.sinks.empty()) return;
    std::vector<MetricValue> values{{"epoch/train_loss", row.train_loss}};
    if (validation) {
        values.push_back({"validation/loss", validation->loss});
        for (const auto& [name, value] : {std::pair("accuracy", validation->accuracy),
                                          std::pair("mae", validation->mae), std::pair("r2", validation->r2)})
            if (!std::isnan(value)) values.push_back({std::string("validation/") + name, value});
        for (const MetricValue& m : validation->metrics) values.push_back({"validation/" + m.name, m.value});
    }
    each_sink([&](Sink& sink) { sink.scalars(row.step, values); });
}

void Reporter::checkpoint(int64_t step, const std::string& path, const std::string& error) const {
    tell<CheckpointEvent>(&Callbacks::on_checkpoint, {step, path, error, stopper_});
}

bool Reporter::warning(const std::string& text) const {
    bool heard = false;
    for (const Callbacks& c : options_.callbacks) {
        if (!c.on_warning) continue;
        call([&] { c.on_warning(text); });
        heard = true;
    }
    return heard;
}

RunHistory Reporter::history(const PhaseTimes& phases) const { return {history_.points(), statistics_, phases}; }

} // namespace ingot::train
