// SPDX-License-Identifier: MIT
#include "cli/bench_measure.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

#include <sys/resource.h>
#include <unistd.h>

namespace ingot::cli {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

} // namespace

Rate measure_rate(double seconds, const std::function<void()>& call, const std::function<void()>& wait,
                  const std::function<void()>& ready) {
    constexpr int kWindows = 5;
    Clock::time_point start = Clock::now();
    int64_t calls = 0;
    while (calls < 3 || seconds_since(start) < std::min(1.0, seconds / 2)) {
        call();
        ++calls;
    }
    wait();
    const double each = seconds_since(start) / static_cast<double>(calls);
    const auto between_looks = static_cast<int64_t>(std::max(1.0, std::floor(std::min(0.05, seconds / 4) / each)));
    ready();
    Rate rate;
    std::array<double, kWindows> rates = {};
    for (double& r : rates) {
        start = Clock::now();
        calls = 0;
        double spent = 0;
        do {
            for (int64_t i = 0; i < between_looks; ++i) call();
            calls += between_looks;
            spent = seconds_since(start);
        } while (spent < seconds);
        wait();
        r = static_cast<double>(calls) / seconds_since(start);
        rate.calls += calls;
    }
    std::sort(rates.begin(), rates.end());
    rate.median = rates[kWindows / 2];
    rate.min = rates.front();
    rate.max = rates.back();
    return rate;
}

double ms_since_exec() {
    // Field 22 of /proc/self/stat, in clock ticks since boot; the second field is the name in brackets, with any content.
    std::ifstream file("/proc/self/stat");
    std::string text;
    std::getline(file, text);
    std::istringstream rest(text.substr(std::min(text.size(), text.rfind(')') + 1)));
    std::string field;
    for (int i = 3; i <= 22; ++i) rest >> field;
    timespec now = {};
    clock_gettime(CLOCK_BOOTTIME, &now);
    const double ticks = field.empty() ? 0 : std::stod(field);
    return (static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9 -
            ticks / static_cast<double>(sysconf(_SC_CLK_TCK))) *
           1e3;
}

int64_t peak_rss_bytes() {
    rusage usage = {};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<int64_t>(usage.ru_maxrss) * 1024;
}

} // namespace ingot::cli
