// SPDX-License-Identifier: MIT
// Where the time goes: every kernel that runs, compilation, loading, and whatever a program marks itself. Either
// INGOT_PROFILE=trace.json in the environment (the whole process; %p in the name becomes the process number; at exit, and
// on Ctrl-C, the trace is written and a table printed on standard error), or start() and stop() around a part of a program.
// Traces are in Chrome's JSON array format: open them in Perfetto or chrome://tracing. All functions are thread safe.
// Switched off, all of it costs one test of a flag per submission.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace ingot::profiler {

/// What time was spent for. Kernels of tensors belong to the part of the step that recorded them; one that fuses several parts
/// belongs to the last of them.
enum class Phase : uint8_t {
    other,     ///< none of the below
    forward,   ///< recorded outside of the next two
    backward,  ///< recorded by backward() or grad()
    optimizer, ///< recorded by an optimizer's step(), or for it: clipping
    data,      ///< loading and preparing samples
    compile,   ///< tracing, passes, making kernels
    idle,      ///< known waiting, as for the next batch
};
inline constexpr int kPhases = 7;
const char* name(Phase phase);

/// Begins a measurement and forgets the one before. `trace`: the file that stop() writes, "" for none. While INGOT_PROFILE
/// is in charge, start() and stop() do nothing. Errors: ingot::Error when it runs already.
void start(const std::string& trace = {});
/// Ends the measurement (nothing happens when none runs). Errors: FileError naming the trace that cannot be written.
void stop();
inline bool running();

/// One kernel or marked part in all its runs.
struct KernelTotal {
    std::string name, ops;
    Phase phase = Phase::other;
    bool kernel = false; ///< it computed; else it is a part that a program marked, a copy, a compilation
    int64_t calls = 0;
    double seconds = 0;      ///< from begin to end
    double self_seconds = 0; ///< without what ran inside
    double bytes = 0;        ///< least memory traffic
    double flops = 0;        ///< floating-point operations, where known
    double limit = 0;        ///< part of the machine's limit: the time that bytes or flops need at least, over seconds
};

/// Seconds sum up: on the thread that computes most, all phases and `host_seconds` together are `seconds`.
struct Summary {
    double seconds = 0;                     ///< since the measurement began
    double phase_seconds[kPhases] = {};     ///< by Phase, on the thread that runs most kernels
    double elsewhere_seconds[kPhases] = {}; ///< the same on all other threads, which ran beside it
    double host_seconds = 0; ///< on that thread, outside of everything that was measured: the program's own code
    std::vector<KernelTotal> kernels; ///< by self_seconds, largest first
    int64_t events = 0;               ///< in the trace
    int64_t events_left_out = 0;      ///< beyond the bound of a million; totals have them
    double copy_bytes_per_s = 0; ///< the machine's limits, measured once: read plus written bytes of a large copy ...
    double flops_per_s = 0;      ///< ... and f32 multiply-adds (2 operations each) on all threads; 0: unknown
    /// Two tables: by phase, and the 40 longest kernels.
    std::string str() const;
};
/// Of the measurement that runs, or of the last one. Measures the machine's limits if nobody has (0.2 seconds).
Summary summary();

namespace detail {
extern std::atomic<bool> on;
} // namespace detail

inline bool running() { return detail::on.load(std::memory_order_relaxed); }

/// A part of a program on one thread, for as long as it lives; scopes may contain others.
class Scope {
public:
    explicit Scope(const char* name, Phase phase = Phase::other) {
        if (running()) begin(name, phase);
    }
    ~Scope() {
        if (generation_ != 0) end();
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

private:
    void begin(const char* name, Phase phase);
    void end();
    uint64_t generation_ = 0; ///< of the measurement that it began in; 0: none
};

} // namespace ingot::profiler
