// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <numbers>

#include <ingot/optim/schedule.h>

namespace ingot::optim {

CosineWithWarmup::CosineWithWarmup(Optimizer& optimizer, CosineOptions options)
    : optimizer_(&optimizer), options_(options) {
    if (options.warmup_steps < 0 || options.total_steps <= options.warmup_steps)
        throw Error("CosineWithWarmup: total_steps (" + std::to_string(options.total_steps) +
                    ") must be larger than warmup_steps (" + std::to_string(options.warmup_steps) +
                    "), which is at least 0");
    if (!(options.min_lr_ratio >= 0 && options.min_lr_ratio <= 1))
        throw Error("CosineWithWarmup: min_lr_ratio must be from 0 to 1");
    for (size_t g = 0; g < optimizer.num_groups(); ++g) base_lr_.push_back(optimizer.lr(g));
    set_step(0);
}

double CosineWithWarmup::factor(int64_t step, const CosineOptions& o) {
    if (step < o.warmup_steps) return static_cast<double>(step + 1) / static_cast<double>(o.warmup_steps);
    const double done =
        static_cast<double>(step - o.warmup_steps) / static_cast<double>(o.total_steps - o.warmup_steps);
    const double wave = (1 + std::cos(std::numbers::pi * std::min(done, 1.0))) / 2;
    return o.min_lr_ratio + (1 - o.min_lr_ratio) * wave;
}

void CosineWithWarmup::set_step(int64_t step) {
    if (step < 0) throw Error("CosineWithWarmup: step " + std::to_string(step) + " is negative");
    step_ = step;
    for (size_t g = 0; g < base_lr_.size(); ++g) optimizer_->set_lr(base_lr_[g] * factor(step, options_), g);
}

} // namespace ingot::optim
