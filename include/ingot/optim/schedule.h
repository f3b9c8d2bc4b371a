// SPDX-License-Identifier: MIT
// Learning-rate schedules, with the names and the values of PyTorch's. They set host scalars, so a step never recompiles.
// A schedule made with an optimizer works on it at once; one made without is a value to hand on, to a trainer or to
// SequentialLR and ChainedScheduler. "Step" is whatever step() is called after: an optimizer step or an epoch. An optimizer
// must outlive the schedules on it. One thread. The formulas stand in schedule_formulas.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <ingot/optim/optimizer.h>

namespace ingot::optim {

class LRScheduler {
public:
    virtual ~LRScheduler() = default;

    /// Takes the present rates of the optimizer's groups as the base and sets those of step 0.
    void attach(Optimizer& optimizer);
    /// To be called after each optimizer step (outside compile()) or after each epoch: sets the rates of the next one.
    /// Errors: Error when not attached, or when the schedule follows a metric.
    void step();
    /// The same with a metric, such as the validation loss, for schedules that follow one; others ignore it.
    void step(double metric);
    virtual bool follows_metric() const { return false; }
    /// Steps made since attach(); PyTorch's last_epoch.
    int64_t last_step() const { return last_step_; }
    /// The rates per group as they are now.
    std::vector<double> last_lr() const;

    /// What to go on from, apart from the optimizer's own state, where the rates are.
    StateDict state_dict() const;
    /// Checks everything before it changes anything. Errors: Error when not attached, or naming a key that is missing,
    /// unexpected or does not fit.
    void load_state_dict(const StateDict& state);

    /// "StepLR step_size=3 gamma=0.1".
    virtual std::string str() const = 0;
    /// One like this, for attach().
    virtual std::unique_ptr<LRScheduler> clone() const = 0;

protected:
    LRScheduler() = default;
    LRScheduler(const LRScheduler&) = default;
    LRScheduler& operator=(const LRScheduler&) = default;

    /// Sets the rates of step 0 on groups that have their base rates, or what schedules of a chain made of them.
    virtual void begin() = 0;
    /// Sets the rates of last_step(), the one after that of the call before.
    virtual void advance(const double* metric) = 0;
    /// State besides last_step() and the base.
    virtual std::vector<double> own_state() const { return {}; }
    virtual void set_own_state(const std::vector<double>&) {}
    virtual std::vector<LRScheduler*> parts() const { return {}; }

    /// For composites: a part on this schedule's optimizer and base at step 0; its next step.
    void begin_part(LRScheduler& part) const;
    static void advance_part(LRScheduler& part, const double* metric);
    /// All groups back to their base rates.
    void reset_rates() const;

    Optimizer& optimizer() const { return *optimizer_; }
    const std::vector<double>& base_lr() const { return base_lr_; }

private:
    void advance_checked(const double* metric);
    void collect(StateDict& out, const std::string& prefix) const;
    void load(const StateDict& state, const std::string& prefix);
    Optimizer* optimizer_ = nullptr;
    std::vector<double> base_lr_;
    int64_t last_step_ = 0;
};

/// A schedule as a value: any of them, not attached. Made from one: Schedule s = StepLR({.step_size = 30}).
class Schedule {
public:
    Schedule() = default; ///< none: the rate stays
    template <class S>
    requires std::is_base_of_v<LRScheduler, S> Schedule(const S& schedule) // NOLINT: a conversion
        : schedule_(schedule.clone()) {}
    explicit operator bool() const { return schedule_ != nullptr; }
    const LRScheduler* operator->() const { return schedule_.get(); }
    /// A new one of it, for attach().
    std::unique_ptr<LRScheduler> make() const { return schedule_->clone(); }

private:
    std::shared_ptr<const LRScheduler> schedule_;
};

/// One schedule after the other: the first until step milestones[0], and so on; each starts from the base rates with its own
/// step 0. Errors: Error unless there is one milestone less than schedules, and they grow.
class SequentialLR : public LRScheduler {
public:
    SequentialLR(std::vector<Schedule> schedules, std::vector<int64_t> milestones);
    SequentialLR(Optimizer& optimizer, std::vector<Schedule> schedules, std::vector<int64_t> milestones)
        : SequentialLR(std::move(schedules), std::move(milestones)) {
        attach(optimizer);
    }
    std::string str() const override;
    std::unique_ptr<LRScheduler> clone() const override {
        return std::make_unique<SequentialLR>(schedules_, milestones_);
    }

private:
    void begin() override;
    void advance(const double* metric) override;
    std::vector<LRScheduler*> parts() const override;
    std::vector<Schedule> schedules_;
    std::vector<int64_t> milestones_;
    std::vector<std::unique_ptr<LRScheduler>> parts_;
};

/// Several schedules at once, each changing what the one before it left. Those that set a rate without looking at the present
/// one (CosineAnnealingWarmRestarts, OneCycleLR, CosineWithWarmup) only make sense as the first.
class ChainedScheduler : public LRScheduler {
public:
    explicit ChainedScheduler(std::vector<Schedule> schedules);
    ChainedScheduler(Optimizer& optimizer, std::vector<Schedule> schedules) : ChainedScheduler(std::move(schedules)) {
        attach(optimizer);
    }
    std::string str() const override;
    std::unique_ptr<LRScheduler> clone() const override { return std::make_unique<ChainedScheduler>(schedules_); }

private:
    void begin() override;
    void advance(const double* metric) override;
    std::vector<LRScheduler*> parts() const override;
    std::vector<Schedule> schedules_;
    std::vector<std::unique_ptr<LRScheduler>> parts_;
};

} // namespace ingot::optim
