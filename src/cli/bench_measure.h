// SPDX-License-Identifier: MIT
// Timing for `ingot bench`: windows, rates, and what the process itself costs. Plain functions.
#pragma once

#include <cstdint>
#include <functional>

namespace ingot::cli {

/// Calls per second over five windows.
struct Rate {
    double median = 0, min = 0, max = 0;
    int64_t calls = 0; ///< in the windows
};

/// Warms up, then times `call` in windows of at least `seconds`, looking at the clock only every 50 ms or so. `wait` ends
/// each window: it waits until what was queued is done. `ready` runs between warm-up and windows.
Rate measure_rate(double seconds, const std::function<void()>& call, const std::function<void()>& wait,
                  const std::function<void()>& ready);

/// Wall time since this process was executed, in ms; the system counts the start in steps of 10 ms.
double ms_since_exec();

/// Highest resident memory of this process so far.
int64_t peak_rss_bytes();

} // namespace ingot::cli
