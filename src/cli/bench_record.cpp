// SPDX-License-Identifier: MIT
#include "cli/bench_record.h"

#include <algorithm>

#include <ingot/eval.h>
#include <ingot/memory.h>

namespace ingot::cli {

Counters Counters::now(Device device) { return {eval_stats().submissions, memory_stats(device).num_allocations}; }

void Record::note_peaks() {
    peak_rss = peak_rss_bytes();
    peak_device = memory_stats(device).peak;
}

Json Record::json() const {
    const auto calls = static_cast<double>(rate.calls);
    return {{"workload", workload},
            {"device", device.str()},
            {"dtype", "f32"},
            {"batch", batch},
            {"steps_per_s", rate.median},
            {"min", rate.min},
            {"max", rate.max},
            {"samples_per_s", rate.median * static_cast<double>(batch)},
            {"latency_us", 1e6 / rate.median},
            {"loss_first", loss_first},
            {"loss_last", loss_last},
            {"params", params},
            {"tensors", tensors},
            {"tensors_changed", tensors_changed},
            {"peak_rss_bytes", peak_rss},
            {"peak_device_bytes", peak_device},
            {"compile_s", std::max(0.0, first_call_s - 1 / rate.median)},
            {"first_step_ms", first_step_ms},
            {"host_us_per_step", host_s * 1e6},
            {"submissions_per_step", static_cast<double>(after.submissions - before.submissions) / calls},
            {"allocations_per_step", static_cast<double>(after.allocations - before.allocations) / calls},
            {"steps_per_launch", 1}};
}

} // namespace ingot::cli
