// SPDX-License-Identifier: MIT
// One line of `ingot bench`: every figure of a workload. Filled by bench_command.cpp (networks) and bench_op.cpp (single operators).
#pragma once

#include <cstdint>
#include <string>

#include <ingot/device.h>

#include "cli/bench_measure.h"
#include "cli/output.h"

namespace ingot::cli {

/// Figures that are taken before and after the windows.
struct Counters {
    int64_t submissions = 0, allocations = 0;
    static Counters now(Device device);
};

struct Record {
    std::string workload;
    Device device;
    int64_t batch = 0, params = 0, tensors = 0, tensors_changed = 0;
    Rate rate = {};
    Json loss_first = {}, loss_last = {}; ///< null where nothing is trained
    double first_call_s = 0, first_step_ms = 0, host_s = 0;
    int64_t peak_rss = 0, peak_device = 0; ///< bytes
    Counters before = {}, after = {};

    /// Called when the windows are over: checks that follow may need memory of their own.
    void note_peaks();
    Json json() const;
};

} // namespace ingot::cli
