// SPDX-License-Identifier: MIT
// How a run went, beyond its figures per epoch: losses by step, statistics of weights and gradients, times. Part of the
// trainer's result; the report draws it. Plain data.
#pragma once

#include <cstdint>
#include <vector>

#include <ingot/train/phases.h>
#include <ingot/train/statistics.h>

namespace ingot::train {

/// The mean of a few neighbouring steps: a run has at most some thousand of them.
struct StepLoss {
    int64_t step = 0; ///< the last of them, from 1
    double epoch = 0; ///< where it stands: 1.5 in the middle of the second epoch
    double loss = 0, lr = 0;
};

/// Weights as a step found them, and that step's gradients: one entry per parameter, in one order. A parameter without a
/// gradient has one without elements.
struct StatisticsAt {
    int64_t step = 0; ///< from 1
    double epoch = 0;
    std::vector<TensorStatistics> weights = {}, gradients = {};
};

/// Of this process: what came before a resume is not in it.
struct RunHistory {
    std::vector<StepLoss> steps = {};
    std::vector<StatisticsAt> statistics = {};
    PhaseTimes phases = {};
};

} // namespace ingot::train
