// SPDX-License-Identifier: MIT
// Running the ingot command as a user would, for the tests of this folder: a scratch folder per test, small data made on
// the spot, status and both outputs of a command.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ingot::cli_testing {

using Json = nlohmann::json;
namespace fs = std::filesystem;

struct Result {
    int status = -1; ///< exit status; 128 + signal when killed
    std::string out, err;
    /// The last line of standard output.
    Json json() const;
};

/// Runs `ingot words...` with standard input closed.
Result ingot(const std::vector<std::string>& words);

/// A command that is still running.
class Running {
public:
    explicit Running(const std::vector<std::string>& words);
    ~Running();
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    void signal(int number) const;
    bool alive();
    Result wait();

private:
    fs::path folder_;
    int pid_ = -1, status_ = 0;
};

/// `error` is one line "ingot: error: ..." that contains each of `parts`.
void expect_error(const Result& result, int status, const std::vector<std::string>& parts);

class CliTest : public ::testing::Test {
protected:
    CliTest();
    ~CliTest() override;
    std::string path(const std::string& name) const { return (folder_ / name).string(); }
    /// train/<class>/*.png and test/<class>/*.png, 12 x 12, grey: dark and bright pictures, told apart by any model.
    /// Returns the data spec.
    std::string make_images(const std::string& name, int train = 24, int test = 8) const;
    /// A model spec file for these images; small enough to train in a moment.
    std::string make_spec(const std::string& name = "net.json") const;
    std::string read(const std::string& name) const;
    void write(const std::string& name, const std::string& content) const;

private:
    fs::path folder_;
};

} // namespace ingot::cli_testing
