// SPDX-License-Identifier: MIT
// Everything that a fit() tells the outside while it lasts: callbacks, sinks, and the history that its result carries. What was
// told once is not told again when steps are run a second time. Used by Fit. One thread.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include <ingot/train/trainer.h>

#include "train/metrics_log.h"
#include "train/step_history.h"

namespace ingot::train {

/// A batch on its way: told when its loss is known.
struct BatchInfo {
    int64_t epoch = 0, batch = 0, step = 0; ///< epoch and step from 1, batch of the epoch from 1
    double position = 0;                    ///< in epochs: 1.5 in the middle of the second
    double lr = 0;
    bool ends_step = true;
};

class Reporter {
public:
    Reporter(const TrainerOptions& options, Stopper& stopper) : options_(options), stopper_(stopper) {}

    bool hears_steps() const { return !options_.callbacks.empty(); }
    void step(const BatchInfo& last, const Tensor& loss) const;
    void loss(const BatchInfo& batch, double loss);
    void statistics(const std::vector<StatisticsAt>& all);
    void epoch(const EpochMetrics& row, const EvalResult* validation, bool best);
    void checkpoint(int64_t step, const std::string& path, const std::string& error) const;
    /// False when nobody listens.
    bool warning(const std::string& text) const;

    /// The first thing that a callback or sink threw.
    void rethrow() const {
        if (failure_) std::rethrow_exception(failure_);
    }

    RunHistory history(const PhaseTimes& phases) const;

private:
    /// Calls something of the user's. What it throws must not cost the training so far: it ends after the step, with a
    /// checkpoint, and then throws that.
    template <class F> void call(F&& theirs) const {
        try {
            theirs();
        } catch (...) {
            if (!failure_) failure_ = std::current_exception();
            stopper_.stop();
        }
    }
    template <class E> void tell(std::function<void(const E&)> Callbacks::*hook, const E& event) const {
        for (const Callbacks& c : options_.callbacks)
            if (c.*hook) call([&] { (c.*hook)(event); });
    }
    template <class F> void each_sink(F&& f) const {
        for (const auto& sink : options_.sinks) call([&] { f(*sink); });
    }

    const TrainerOptions& options_;
    Stopper& stopper_;
    mutable std::exception_ptr failure_;
    StepHistory history_;
    std::vector<StatisticsAt> statistics_;
    int64_t told_epoch_ = 0, told_batch_ = 0; ///< the last batch whose loss was told
    int64_t step_ = 0;                        ///< that the next two are of
    double step_loss_ = 0;                    ///< sum over the batches of an unfinished step
    int64_t step_batches_ = 0;
    double unreported_loss_ = 0; ///< sum over the steps that the sinks have not heard of
    int64_t unreported_ = 0;
};

} // namespace ingot::train
