// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdio>
#include <unordered_map>

#include "base/profile.h"

namespace ingot::profiler {

namespace profile = base::profile;

namespace {

constexpr size_t kRows = 40;

double seconds(int64_t nanoseconds) { return static_cast<double>(nanoseconds) * 1e-9; }

/// The thread that spends most time in kernels.
const profile::Snapshot::Thread* computing(const profile::Snapshot& s) {
    const profile::Snapshot::Thread* best = nullptr;
    int64_t most = -1;
    for (const auto& t : s.threads) {
        int64_t time = 0;
        for (const auto& [label, total] : t.totals) time += label->kernel ? total.self : 0;
        if (time > most) {
            most = time;
            best = &t;
        }
    }
    return best;
}

template <class... T> std::string line(const char* format, T... values) {
    char text[256];
    std::snprintf(text, sizeof text, format, values...);
    return text;
}

} // namespace

Summary summary() {
    const profile::Limits limits = profile::limits();
    const profile::Snapshot s = profile::snapshot(false);
    Summary result;
    result.seconds = seconds(s.end - s.begin);
    result.copy_bytes_per_s = limits.bytes_per_s;
    result.flops_per_s = limits.flops_per_s;
    result.events_left_out = s.events_left_out;
    const auto* main = computing(s);
    result.host_seconds = result.seconds;
    std::unordered_map<const profile::Label*, profile::Total> totals;
    for (const auto& thread : s.threads) {
        for (const auto& [label, total] : thread.totals) {
            const auto phase = static_cast<size_t>(label->phase);
            (&thread == main ? result.phase_seconds : result.elsewhere_seconds)[phase] += seconds(total.self);
            if (&thread == main) result.host_seconds -= seconds(total.self);
            profile::Total& all = totals[label];
            all.calls += total.calls;
            all.time += total.time;
            all.self += total.self;
            all.bytes += total.bytes;
            all.flops += total.flops;
            result.events += total.calls;
        }
    }
    result.events -= result.events_left_out;
    for (const auto& [label, t] : totals) {
        KernelTotal k{label->name,     label->ops,      label->phase, label->kernel, t.calls,
                      seconds(t.time), seconds(t.self), t.bytes,      t.flops,       0};
        const double least = std::max(limits.bytes_per_s > 0 ? t.bytes / limits.bytes_per_s : 0,
                                      limits.flops_per_s > 0 ? t.flops / limits.flops_per_s : 0);
        if (k.seconds > 0) k.limit = least / k.seconds;
        result.kernels.push_back(std::move(k));
    }
    std::sort(result.kernels.begin(), result.kernels.end(), [](const KernelTotal& a, const KernelTotal& b) {
        return a.self_seconds != b.self_seconds ? a.self_seconds > b.self_seconds : a.name < b.name;
    });
    return result;
}

std::string Summary::str() const {
    const auto percent = [&](double part) { return seconds > 0 ? 100 * part / seconds : 0.0; };
    std::string text = line("profile of %.3f s; %lld events in the trace", seconds, static_cast<long long>(events));
    if (events_left_out > 0) text += line(", %lld more left out", static_cast<long long>(events_left_out));
    if (copy_bytes_per_s > 0)
        text += line("; limits: %.1f GB/s copying, %.0f Gflop/s (f32)", copy_bytes_per_s * 1e-9, flops_per_s * 1e-9);
    text += line("\n%-16s %10s %6s %22s\n", "phase", "ms", "%", "ms on other threads");
    for (int p = 1; p <= kPhases; ++p) {
        const int k = p % kPhases; // `other` comes last
        if (phase_seconds[k] == 0 && elsewhere_seconds[k] == 0) continue;
        text += line("%-16s %10.1f %6.1f %22.1f\n", profiler::name(static_cast<Phase>(k)), phase_seconds[k] * 1e3,
                     percent(phase_seconds[k]), elsewhere_seconds[k] * 1e3);
    }
    text += line("%-16s %10.1f %6.1f\n", "host code", host_seconds * 1e3, percent(host_seconds));
    text += line("\n%10s %6s %8s %10s %8s %9s %7s  %-9s  %s\n", "ms", "%", "calls", "us/call", "GB/s", "Gflop/s",
                 "limit", "phase", "kernel: operators");
    for (size_t i = 0; i < std::min(kernels.size(), kRows); ++i) {
        const KernelTotal& k = kernels[i];
        text += line("%10.1f %6.1f %8lld %10.1f ", k.self_seconds * 1e3, percent(k.self_seconds),
                     static_cast<long long>(k.calls), k.seconds / static_cast<double>(k.calls) * 1e6);
        const auto rate = [&](const char* format, const char* blank, double amount, double unit) {
            return amount > 0 && k.seconds > 0 ? line(format, amount / k.seconds * unit) : std::string(blank);
        };
        text += rate("%8.1f ", "       - ", k.bytes, 1e-9) + rate("%9.1f ", "        - ", k.flops, 1e-9);
        text += k.limit > 0 ? line("%5.0f %%", k.limit * 100) : std::string("      -");
        text += line("  %-9s  ", profiler::name(k.phase)) + k.name;
        const auto operators = std::count(k.ops.begin(), k.ops.end(), ' ') + 1;
        if (operators > 1 && k.ops.starts_with(k.name.substr(k.name.find(':') + 1)))
            text += " (" + std::to_string(operators) + " operators)"; // fused: the name says which
        else if (!k.ops.empty())
            text += ": " + k.ops;
        text += "\n";
    }
    if (kernels.size() > kRows) text += line("and %zu more\n", kernels.size() - kRows);
    return text;
}

} // namespace ingot::profiler
