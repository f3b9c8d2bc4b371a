// SPDX-License-Identifier: MIT
// Running the ingot command as a user would, for the tests that look at it from outside: a process with its status and both
// outputs.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "support/scratch_folder.h"

namespace ingot::testing_support {

struct Result {
    int status = -1; ///< exit status; 128 + signal when killed
    std::string out, err;
    /// The last line of standard output.
    nlohmann::json json() const;
};

struct RunOptions {
    std::filesystem::path folder = {};                   ///< to start in; empty: where the test is
    std::map<std::string, std::string> environment = {}; ///< on top of the test's own
};

/// A command that is still running, with standard input closed. Killed when this object goes.
class Running {
public:
    explicit Running(const std::vector<std::string>& words, const RunOptions& options = {});
    ~Running();
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    void signal(int number) const;
    bool alive();
    Result wait();

private:
    ScratchFolder outputs_;
    int pid_ = -1, status_ = 0;
};

/// Runs `ingot words...`.
Result ingot(const std::vector<std::string>& words, const RunOptions& options = {});

/// `error` is one line "ingot: error: ..." that contains each of `parts`.
void expect_error(const Result& result, int status, const std::vector<std::string>& parts);

} // namespace ingot::testing_support
