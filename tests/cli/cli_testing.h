// SPDX-License-Identifier: MIT
// For the tests of this folder, which run the command as a user would: a scratch folder per test with small data made on
// the spot.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/command.h"

namespace ingot::cli_testing {

using Json = nlohmann::json;
namespace fs = std::filesystem;

using testing_support::expect_error;
using testing_support::ingot;
using testing_support::Result;
using testing_support::Running;

class CliTest : public ::testing::Test {
protected:
    std::string path(const std::string& name) const { return folder_ / name; }
    /// train/<class>/*.png and test/<class>/*.png, 12 x 12, grey: dark and bright pictures, told apart by any model.
    /// Returns the data spec.
    std::string make_images(const std::string& name, int train = 24, int test = 8) const;
    /// A model spec file for these images; small enough to train in a moment.
    std::string make_spec(const std::string& name = "net.json") const;
    std::string read(const std::string& name) const;
    void write(const std::string& name, const std::string& content) const;

private:
    testing_support::ScratchFolder folder_;
};

} // namespace ingot::cli_testing
