// SPDX-License-Identifier: MIT
// Where the wall time of a run goes. Used by the trainer, whose result carries the times, and by the report. What a step does
// on its device (forward, backward, update) is the profiler's business: to the host it is one submission. One thread.
#pragma once

#include <chrono>

namespace ingot::train {

/// Seconds.
struct PhaseTimes {
    double data = 0;        ///< waiting for batches
    double steps = 0;       ///< submitting steps and waiting for them
    double validation = 0;  ///< passes over the validation data
    double checkpoints = 0; ///< copying and writing what a run goes on from, and the metrics
    double total = 0;       ///< since the clock was made
    /// Schedules, callbacks, the display.
    double other() const { return total - data - steps - validation - checkpoints; }
};

class PhaseClock {
public:
    using Phase = double PhaseTimes::*;

    PhaseClock() : start_(Clock::now()), since_(start_) {}
    PhaseClock(const PhaseClock&) = delete;
    PhaseClock& operator=(const PhaseClock&) = delete;

    /// Counts for a phase until it goes. Inside another scope the outer one pauses, so nothing counts twice.
    class Scope {
    public:
        Scope(PhaseClock& clock, Phase phase) : clock_(clock), before_(clock.now_) { clock_.enter(phase); }
        ~Scope() { clock_.enter(before_); }
        Scope(const Scope&) = delete;
        Scope& operator=(const Scope&) = delete;

    private:
        PhaseClock& clock_;
        Phase before_;
    };
    [[nodiscard]] Scope measure(Phase phase) { return {*this, phase}; }

    /// Until now, the scope that is open included.
    PhaseTimes times() const {
        PhaseTimes out = times_;
        const Clock::time_point now = Clock::now();
        if (now_ != nullptr) out.*now_ += seconds(since_, now);
        out.total = seconds(start_, now);
        return out;
    }

private:
    using Clock = std::chrono::steady_clock;
    static double seconds(Clock::time_point a, Clock::time_point b) {
        return std::chrono::duration<double>(b - a).count();
    }
    void enter(Phase phase) {
        const Clock::time_point now = Clock::now();
        if (now_ != nullptr) times_.*now_ += seconds(since_, now);
        now_ = phase;
        since_ = now;
    }

    PhaseTimes times_;
    Phase now_ = nullptr;
    Clock::time_point start_, since_;
};

} // namespace ingot::train
