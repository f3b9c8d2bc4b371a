// SPDX-License-Identifier: MIT
// What the tests of the profiler share: files for one test, reading traces, and that their events nest.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <ingot/profiler.h>

namespace ingot::trace_testing {

using Json = nlohmann::json;

/// A file that is there for one test.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::string& name)
        : path_((std::filesystem::temp_directory_path() / (std::to_string(getpid()) + "-" + name)).string()) {}
    ~TemporaryFile() { std::filesystem::remove(path_); }
    const std::string& path() const { return path_; }
    std::string text() const {
        std::ifstream file(path_);
        return {std::istreambuf_iterator<char>(file), {}};
    }

private:
    std::string path_;
};

/// Ends a measurement that a failed test left running.
struct Stop {
    ~Stop() { profiler::stop(); }
};

/// INGOT_PROFILE for the child that a death test starts, which runs the test from its beginning: there the path is known.
class Environment {
public:
    explicit Environment(const std::string& path) {
        GTEST_FLAG_SET(death_test_style, "threadsafe");
        if (const char* given = std::getenv("INGOT_PROFILE")) {
            path_ = given;
        } else {
            path_ = path;
            setenv("INGOT_PROFILE", path.c_str(), 1);
        }
    }
    ~Environment() { unsetenv("INGOT_PROFILE"); }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

/// What ran, without descriptions of processes and threads.
inline std::vector<Json> events_of(const Json& trace) {
    std::vector<Json> events;
    for (const Json& e : trace) {
        if (e.at("ph") == "X") events.push_back(e);
    }
    return events;
}

/// All events of each thread lie one behind or inside the other.
inline void expect_nesting(const Json& trace) {
    std::map<int, std::vector<std::pair<double, double>>> open; // per thread: begin and end of what is open
    for (const Json& e : events_of(trace)) {
        auto& stack = open[e.at("tid").get<int>()];
        const double begin = e.at("ts"), end = begin + e.at("dur").get<double>(), rounding = 0.004; // of ts and dur
        while (!stack.empty() && stack.back().second <= begin + rounding) stack.pop_back();
        if (!stack.empty()) {
            EXPECT_GE(begin, stack.back().first) << e;
            EXPECT_LE(end, stack.back().second + rounding) << e;
        }
        stack.emplace_back(begin, end);
    }
}

} // namespace ingot::trace_testing
