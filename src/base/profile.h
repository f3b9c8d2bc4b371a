// SPDX-License-Identifier: MIT
// What the library itself reports to the profiler (<ingot/profiler.h>), and the parts of it. Labels are interned and
// immortal, so that events can name them; events and totals are kept per thread. Callers test profiler::running() first.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include <ingot/profiler.h>

namespace ingot::base::profile {

using profiler::Phase;

/// What events have in common.
struct Label {
    std::string name, ops;
    Phase phase = Phase::other;
    bool kernel = false;
};

/// The one label with these contents.
const Label* label(const std::string& name, const std::string& ops, Phase phase, bool kernel);

/// Nanoseconds of a steady clock.
int64_t now();

/// Something that ran from `begin` to `end` on this thread, with nothing of interest inside.
void add(const Label* label, int64_t begin, int64_t end, double bytes = 0, double flops = 0);

/// How this thread is called in traces.
void name_thread(const char* name);

/// What the machine can do at most; bytes read plus written.
struct Limits {
    double bytes_per_s = 0, flops_per_s = 0;
};
/// Who measures it: told by the layer that has vector code.
void set_limits_source(Limits (*measure)());
/// Measured at the first call; zeros when nobody can.
Limits limits();

// ------------------------------------------------------------------------------------ the parts of the profiler

struct Event {
    const Label* label;
    int64_t begin, end;
    double bytes, flops;
};

struct Total {
    int64_t calls = 0, time = 0, self = 0;
    double bytes = 0, flops = 0;
};

/// One thread's part of a measurement. Threads that end leave it to the next one that begins.
struct ThreadLog {
    std::mutex mutex;
    int number = 0; ///< the thread's in the trace
    std::string name;
    std::vector<Event> events;
    std::unordered_map<const Label*, Total> totals;
};

/// A copy of everything that was measured.
struct Snapshot {
    int64_t begin = 0, end = 0; ///< of the measurement
    int64_t events_left_out = 0;
    struct Thread {
        int number = 0;
        std::string name;
        std::vector<Event> events; ///< by begin; those that contain others first
        std::unordered_map<const Label*, Total> totals;
    };
    std::vector<Thread> threads;
};
Snapshot snapshot(bool with_events);

/// Writes the trace by way of a temporary file. Errors: FileError.
void write_trace(const Snapshot& s, const std::string& path);

/// Starts and stops measuring, whoever is in charge.
void begin_measurement();
void end_measurement();

/// The path that INGOT_PROFILE gives, with the process number filled in; "" when it is unset.
const std::string& environment_path();
/// Arranges that the process writes its trace at exit and on signals. Called once, with the first event.
void arrange_exit();
/// For signal handlers that are about to end the process with `status` (128 to 255): when a trace is to be written first, takes
/// that over and returns true; the process ends a little later, with that status. Async-signal-safe.
bool exit_from_signal(int status);

} // namespace ingot::base::profile
