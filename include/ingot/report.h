// SPDX-License-Identifier: MIT
// What a compiled step consists of: for tests, tuning and curiosity. Plain data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ingot/profiler.h>

namespace ingot {

struct Report {
    struct Kernel {
        std::string name;
        std::string ops;  ///< the operators inside, joined by spaces
        double bytes = 0; ///< least memory traffic per run
        double flops = 0;
        int32_t launches = 1;                             ///< library primitives and reorders inside
        profiler::Phase phase = profiler::Phase::forward; ///< what recorded it; of several parts the last
    };
    std::vector<Kernel> kernels;
    int64_t arena_bytes = 0; ///< temporary memory of one run
    int64_t submissions = 1; ///< per call
    int64_t fused = 0;       ///< operators that share a kernel with another one
    /// Launches of all kernels together.
    int64_t launches() const;
    /// A table, one kernel a line.
    std::string str() const;
};

/// The report of the executable that this thread submitted last.
Report last_executable();

} // namespace ingot
