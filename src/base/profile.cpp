// SPDX-License-Identifier: MIT
// Collecting: threads write to logs of their own, under locks that nobody else wants while a program runs.
#include "base/profile.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <thread>
#include <tuple>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <ingot/error.h>

namespace ingot::profiler::detail {
std::atomic<bool> on{false};
}

namespace ingot::base::profile {

namespace {

/// Events that a trace keeps: about 150 MB of text.
constexpr int64_t kMaxEvents = 1'000'000;

/// What is open on a thread.
struct Frame {
    const Label* label;
    int64_t begin;
    int64_t inside; ///< time of what ran inside
};

struct State {
    std::mutex mutex;
    std::map<std::tuple<std::string, std::string, Phase, bool>, std::unique_ptr<Label>> labels;
    std::vector<std::unique_ptr<ThreadLog>> logs;
    std::vector<ThreadLog*> unused;
    std::atomic<uint64_t> generation{1}; ///< of measurements
    std::atomic<int64_t> events{0};
    int64_t begin = now(), end = 0; ///< end 0: it runs
    std::string path;               ///< of start()
    Limits (*measure)() = nullptr;
    Limits limits;
    bool limits_known = false;
    std::mutex limits_mutex;
};

State& state() {
    static auto* s = new State; // immortal: threads may report until the process ends
    return *s;
}

bool is_main_thread() {
#if defined(__linux__)
    return getpid() == syscall(SYS_gettid);
#else
    return false;
#endif
}

/// This thread's log and open scopes.
struct Mine {
    ThreadLog* log;
    std::vector<Frame> frames;
    uint64_t generation = 0; ///< that the frames belong to

    Mine() {
        State& s = state();
        const std::lock_guard lock(s.mutex);
        if (s.unused.empty()) {
            s.logs.push_back(std::make_unique<ThreadLog>());
            log = s.logs.back().get();
            log->number = static_cast<int>(s.logs.size());
        } else {
            log = s.unused.back();
            s.unused.pop_back();
        }
        const std::lock_guard log_lock(log->mutex);
        if (is_main_thread())
            log->name = "main";
        else if (log->name.empty())
            log->name = "thread " + std::to_string(log->number);
    }
    ~Mine() {
        State& s = state();
        const std::lock_guard lock(s.mutex);
        s.unused.push_back(log);
    }
    static Mine& get() {
        thread_local Mine mine;
        return mine;
    }
};

/// The environment's measurement begins with the process; what it needs around it is made with the first event.
void first_event() {
    if (environment_path().empty()) return;
    [[maybe_unused]] static const bool arranged = (arrange_exit(), true);
}

void store(Mine& mine, const Event& e, int64_t inside) {
    State& s = state();
    const bool kept = s.events.fetch_add(1, std::memory_order_relaxed) < kMaxEvents;
    const std::lock_guard lock(mine.log->mutex);
    if (kept) mine.log->events.push_back(e);
    Total& t = mine.log->totals[e.label];
    ++t.calls;
    t.time += e.end - e.begin;
    t.self += e.end - e.begin - inside;
    t.bytes += e.bytes;
    t.flops += e.flops;
}

} // namespace

int64_t now() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

const Label* label(const std::string& name, const std::string& ops, Phase phase, bool kernel) {
    State& s = state();
    const std::lock_guard lock(s.mutex);
    std::unique_ptr<Label>& l = s.labels[{name, ops, phase, kernel}];
    if (!l) l = std::make_unique<Label>(Label{name, ops, phase, kernel});
    return l.get();
}

void add(const Label* label, int64_t begin, int64_t end, double bytes, double flops) {
    first_event();
    Mine& mine = Mine::get();
    if (mine.generation == state().generation.load(std::memory_order_relaxed) && !mine.frames.empty())
        mine.frames.back().inside += end - begin;
    store(mine, {label, begin, end, bytes, flops}, 0);
}

void name_thread(const char* name) {
    Mine& mine = Mine::get();
    const std::lock_guard lock(mine.log->mutex);
    mine.log->name = name;
}

void set_limits_source(Limits (*measure)()) {
    const std::lock_guard lock(state().limits_mutex);
    state().measure = measure;
}

Limits limits() {
    State& s = state();
    const std::lock_guard lock(s.limits_mutex);
    if (!s.limits_known && s.measure) {
        s.limits = s.measure();
        s.limits_known = true;
    }
    return s.limits;
}

Snapshot snapshot(bool with_events) {
    State& s = state();
    Snapshot result;
    const std::lock_guard lock(s.mutex);
    result.begin = s.begin;
    result.end = s.end != 0 ? s.end : now();
    result.events_left_out = std::max<int64_t>(0, s.events.load() - kMaxEvents);
    for (const auto& log : s.logs) {
        const std::lock_guard log_lock(log->mutex);
        if (log->totals.empty()) continue;
        Snapshot::Thread t{log->number, log->name, {}, log->totals};
        if (with_events) t.events = log->events;
        // Scopes are stored when they end; readers want them before what they contain.
        std::stable_sort(t.events.begin(), t.events.end(), [](const Event& a, const Event& b) {
            return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
        });
        result.threads.push_back(std::move(t));
    }
    return result;
}

void begin_measurement() {
    State& s = state();
    const std::lock_guard lock(s.mutex);
    for (const auto& log : s.logs) {
        const std::lock_guard log_lock(log->mutex);
        log->events.clear();
        log->totals.clear();
    }
    s.events = 0;
    s.begin = now();
    s.end = 0;
    profiler::detail::on = true;
}

void end_measurement() {
    State& s = state();
    const std::lock_guard lock(s.mutex);
    profiler::detail::on = false;
    ++s.generation; // scopes that are open now belong to no measurement any more
    s.end = now();
}

} // namespace ingot::base::profile

namespace ingot::profiler {

namespace profile = base::profile;

const char* name(Phase phase) {
    switch (phase) {
    case Phase::other: return "other";
    case Phase::forward: return "forward";
    case Phase::backward: return "backward";
    case Phase::optimizer: return "optimizer";
    case Phase::data: return "data";
    case Phase::compile: return "compile";
    case Phase::idle: return "idle";
    }
    return "";
}

void Scope::begin(const char* name, Phase phase) {
    profile::first_event();
    const profile::Label* label = profile::label(name, "", phase, false);
    auto& mine = profile::Mine::get();
    generation_ = profile::state().generation.load();
    if (mine.generation != generation_) {
        mine.frames.clear();
        mine.generation = generation_;
    }
    mine.frames.push_back({label, profile::now(), 0});
}

void Scope::end() {
    auto& mine = profile::Mine::get();
    // Frames of a measurement that has ended are dropped when the next one's first scope begins.
    if (mine.generation != generation_ || profile::state().generation.load() != generation_) return;
    const profile::Frame frame = mine.frames.back();
    mine.frames.pop_back();
    const int64_t end = profile::now();
    if (!mine.frames.empty()) mine.frames.back().inside += end - frame.begin;
    profile::store(mine, {frame.label, frame.begin, end, 0, 0}, frame.inside);
}

void start(const std::string& trace) {
    if (!profile::environment_path().empty()) return;
    profile::State& s = profile::state();
    {
        const std::lock_guard lock(s.mutex);
        if (running()) throw Error("profiler::start: it runs already; stop() it first");
        s.path = trace;
    }
    profile::limits(); // now, not in the middle of what is measured
    profile::begin_measurement();
}

void stop() {
    if (!profile::environment_path().empty() || !running()) return;
    profile::end_measurement();
    std::string path;
    {
        const std::lock_guard lock(profile::state().mutex);
        path = profile::state().path;
    }
    if (!path.empty()) profile::write_trace(profile::snapshot(true), path);
}

} // namespace ingot::profiler
