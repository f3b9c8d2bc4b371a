// SPDX-License-Identifier: MIT
#include "cli/cli_testing.h"

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/image.h"

namespace ingot::cli_testing {

namespace {

std::string slurp(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

fs::path new_folder() {
    std::string pattern = (fs::temp_directory_path() / "ingot_cli_XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    return pattern;
}

} // namespace

Json Result::json() const {
    std::string last, line;
    for (std::istringstream lines(out); std::getline(lines, line);) last = line;
    return Json::parse(last);
}

Running::Running(const std::vector<std::string>& words) : folder_(new_folder()) {
    std::vector<std::string> copy = words;
    copy.insert(copy.begin(), "ingot");
    std::vector<char*> argv;
    for (std::string& word : copy) argv.push_back(word.data());
    argv.push_back(nullptr);
    const std::string out = (folder_ / "out").string(), err = (folder_ / "err").string();
    pid_ = fork();
    if (pid_ != 0) return;
    const int o = open(out.c_str(), O_WRONLY | O_CREAT, 0600), e = open(err.c_str(), O_WRONLY | O_CREAT, 0600);
    close(STDIN_FILENO);
    dup2(o, STDOUT_FILENO);
    dup2(e, STDERR_FILENO);
    execv(INGOT_COMMAND, argv.data());
    _exit(127);
}

Running::~Running() {
    if (pid_ > 0 && alive()) {
        kill(pid_, SIGKILL);
        waitpid(pid_, &status_, 0);
    }
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
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
    return {WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_), slurp(folder_ / "out"),
            slurp(folder_ / "err")};
}

Result ingot(const std::vector<std::string>& words) { return Running(words).wait(); }

void expect_error(const Result& result, int status, const std::vector<std::string>& parts) {
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.err.rfind("ingot: error: ", 0), 0u) << result.err;
    EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << "more than one line: " << result.err;
    for (const std::string& part : parts)
        EXPECT_NE(result.err.find(part), std::string::npos) << part << " in " << result.err;
}

CliTest::CliTest() : folder_(new_folder()) {}

CliTest::~CliTest() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

std::string CliTest::make_images(const std::string& name, int train, int test) const {
    std::mt19937 random(7);
    for (const auto& [split, count] : {std::pair<std::string, int>{"train", train}, {"test", test}}) {
        for (const std::string label : {"bright", "dark"}) {
            const fs::path folder = folder_ / name / split / label;
            if (count == 0) continue;
            fs::create_directories(folder);
            for (int i = 0; i < count; ++i) {
                io::Image image{12, 12, 1, std::vector<uint8_t>(144)};
                for (uint8_t& pixel : image.pixels)
                    pixel = static_cast<uint8_t>(random() % 128 + (label == "bright" ? 120 : 0));
                const std::vector<uint8_t> png = io::encode_png(image);
                std::ofstream(folder / (std::to_string(i) + ".png"), std::ios::binary)
                    .write(reinterpret_cast<const char*>(png.data()), static_cast<std::streamsize>(png.size()));
            }
        }
    }
    return "folder:" + path(name);
}

std::string CliTest::make_spec(const std::string& name) const {
    write(name, R"({"input": [1, 12, 12], "layers": [
        {"type": "conv2d", "out": 4, "kernel": 3, "name": "conv"}, {"type": "relu"}, {"type": "max_pool2d", "kernel": 2},
        {"type": "flatten"}, {"type": "dropout", "p": 0.1}, {"type": "linear", "out": 2, "name": "head"}]})");
    return path(name);
}

std::string CliTest::read(const std::string& name) const { return slurp(folder_ / name); }

void CliTest::write(const std::string& name, const std::string& content) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << content;
}

} // namespace ingot::cli_testing
