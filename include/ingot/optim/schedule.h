// SPDX-License-Identifier: MIT
// Learning-rate schedules. They set host scalars, so that a step never recompiles.
#pragma once

#include <cstdint>
#include <vector>

#include <ingot/optim/optimizer.h>

namespace ingot::optim {

struct CosineOptions {
    int64_t warmup_steps = 0;
    int64_t total_steps = 0; ///< with the warm-up; must be larger than warmup_steps
    double min_lr_ratio = 0; ///< of the learning rate that remains at the end
};

/// Learning rate per step: rises linearly over the warm-up, then falls along half a cosine:
/// s < w: (s + 1) / w; else m + (1 - m) (1 + cos(pi (s - w) / (total - w))) / 2, times the rate the group had at first.
class CosineWithWarmup {
public:
    /// Sets the rate of step 0. The optimizer must outlive the schedule. Errors: Error for options that make no sense.
    CosineWithWarmup(Optimizer& optimizer, CosineOptions options);
    /// To be called after each optimizer step (outside compile()): sets the rate of the next one.
    void step() { set_step(step_ + 1); }
    /// Sets the rate of step `step`, counted from 0: for resuming.
    void set_step(int64_t step);
    int64_t current_step() const { return step_; }
    /// What the groups' first rates are multiplied by at `step`.
    static double factor(int64_t step, const CosineOptions& options);

private:
    Optimizer* optimizer_;
    CosineOptions options_;
    std::vector<double> base_lr_;
    int64_t step_ = 0;
};

} // namespace ingot::optim
