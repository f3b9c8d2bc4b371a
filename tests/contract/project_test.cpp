// SPDX-License-Identifier: MIT
// What a checkout promises: the names of its tests, the sum that `make test` ends with, where `make demo` and `make build`
// write. That a program builds against what `make install` installs is tested in tests/install.
#include <cstdio>
#include <regex>
#include <sstream>
#include <stdexcept>

#include <sys/wait.h>

#include "contract/contract_testing.h"

namespace ingot::contract {
namespace {

const std::filesystem::path kSource = std::filesystem::path(INGOT_TESTS_DIR).parent_path();

struct Outcome {
    int status;
    std::string out;
};

Outcome shell(const std::string& command) {
    FILE* pipe = popen((command + " 2>&1").c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error("popen failed");
    std::string out;
    char buffer[4096];
    for (size_t n = 0; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
    const int status = pclose(pipe);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, out};
}

using Project = ContractTest;

// A build folder with one test of each outcome.
TEST_F(Project, TestsEndWithTheSumAndSkipsHaveTheirReason) {
    const std::string passing = "add_test(ours.passes sh -c \"exit 0\")\nadd_test(ours.passes_too sh -c \"exit 0\")\n";
    const std::string skipping = "add_test(ours.skips sh -c \"echo SKIPPED: no moon\")\n"
                                 "set_tests_properties(ours.skips PROPERTIES SKIP_REGULAR_EXPRESSION \"SKIPPED: \")\n";
    write("good/CTestTestfile.cmake", passing + skipping);
    write("bad/CTestTestfile.cmake", passing + skipping + "add_test(ours.fails sh -c \"echo it broke; exit 1\")\n");
    const std::string command = (kSource / "tools/run_tests").string() + " ";
    const Outcome good = shell(command + path("good").string()), bad = shell(command + path("bad").string());
    EXPECT_EQ(good.status, 0);
    EXPECT_TRUE(good.out.ends_with("\n2 passed, 0 failed, 1 skipped\n")) << good.out;
    EXPECT_TRUE(contains(good.out, "ours.skips: no moon")) << good.out;
    EXPECT_EQ(bad.status, 1);
    EXPECT_TRUE(bad.out.ends_with("\n2 passed, 1 failed, 1 skipped\n")) << bad.out;
    EXPECT_TRUE(contains(bad.out, "ours.fails") && contains(bad.out, "it broke")) << bad.out;
}

TEST_F(Project, TestsAreNamedFolderAndWhat) {
    const std::string build = std::filesystem::path(INGOT_COMMAND).parent_path().string();
    const Outcome listed = shell("ctest -N --test-dir " + build);
    ASSERT_EQ(listed.status, 0) << listed.out;
    int count = 0;
    const std::regex line("^ *Test +#[0-9]+: (.*)$"), name("[a-z0-9_]+\\.[A-Za-z0-9_./]+");
    std::string text;
    std::smatch found;
    for (std::istringstream lines(listed.out); std::getline(lines, text);) {
        if (!std::regex_match(text, found, line)) continue;
        const std::string test = found[1];
        if (test.ends_with("_NOT_BUILT")) continue; // of a folder that was not built
        EXPECT_TRUE(std::regex_match(test, name)) << test;
        count += test.starts_with("contract.Project.");
    }
    EXPECT_EQ(count, 3) << "the tests of this file";
}

TEST_F(Project, MakeBuildsAndRunsWhereItSays) {
    const std::string make = "env -u MAKEFLAGS -u MAKELEVEL make -n -C " + kSource.string() + " ";
    const Outcome demo = shell(make + "demo"), test = shell(make + "test");
    EXPECT_EQ(demo.status, 0) << demo.out;
    EXPECT_TRUE(contains(demo.out, "build/release/ingot train")) << demo.out;
    EXPECT_TRUE(contains(demo.out, "--data glyphs")) << demo.out;
    EXPECT_TRUE(contains(demo.out, "--out runs/demo")) << demo.out;
    EXPECT_EQ(test.status, 0) << test.out;
    EXPECT_TRUE(contains(test.out, "tools/run_tests build/release")) << test.out;
}

} // namespace
} // namespace ingot::contract
