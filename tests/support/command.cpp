// SPDX-License-Identifier: MIT
#include "support/command.h"

#include <csignal>
#include <cstdlib>
#include <sstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ingot::testing_support {

nlohmann::json Result::json() const {
    std::string last, line;
    for (std::istringstream lines(out); std::getline(lines, line);) last = line;
    return nlohmann::json::parse(last);
}

Running::Running(const std::vector<std::string>& words, const RunOptions& options) {
    std::vector<std::string> copy = words;
    copy.insert(copy.begin(), "ingot");
    std::vector<char*> argv;
    for (std::string& word : copy) argv.push_back(word.data());
    argv.push_back(nullptr);
    const std::string out = outputs_ / "out", err = outputs_ / "err";
    pid_ = fork();
    if (pid_ != 0) return;
    const int o = open(out.c_str(), O_WRONLY | O_CREAT, 0600), e = open(err.c_str(), O_WRONLY | O_CREAT, 0600);
    close(STDIN_FILENO);
    dup2(o, STDOUT_FILENO);
    dup2(e, STDERR_FILENO);
    for (const auto& [name, value] : options.environment) setenv(name.c_str(), value.c_str(), 1);
    if (!options.folder.empty() && chdir(options.folder.c_str()) != 0) _exit(126);
    execv(INGOT_COMMAND, argv.data());
    _exit(127);
}

Running::~Running() {
    if (pid_ > 0 && alive()) {
        kill(pid_, SIGKILL);
        waitpid(pid_, &status_, 0);
    }
}

void Running::signal(int number) const { kill(pid_, number); }

bool Running::alive() {
    if (pid_ < 0) return false;
    if (waitpid(pid_, &status_, WNOHANG) == 0) return true;
    pid_ = -1;
    return false;
}

Result Running::wait() {
    if (pid_ > 0) waitpid(pid_, &status_, 0);
    pid_ = -1;
    return {WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_), outputs_.read("out"),
            outputs_.read("err")};
}

Result ingot(const std::vector<std::string>& words, const RunOptions& options) {
    return Running(words, options).wait();
}

void expect_error(const Result& result, int status, const std::vector<std::string>& parts) {
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.err.rfind("ingot: error: ", 0), 0u) << result.err;
    EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << "more than one line: " << result.err;
    for (const std::string& part : parts)
        EXPECT_NE(result.err.find(part), std::string::npos) << part << " in " << result.err;
}

} // namespace ingot::testing_support
