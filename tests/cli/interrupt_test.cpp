// SPDX-License-Identifier: MIT
// Ctrl-C and SIGTERM: the step is finished, the checkpoint is whole, the status is 130.
#include <chrono>
#include <csignal>
#include <thread>

#include "cli/cli_testing.h"

namespace ingot::cli_testing {

class Interrupt : public CliTest {
protected:
    void stop_with(int signal, const std::string& out) {
        Running run({"train", "--model", path("net.json"), "--data", data_, "--out", path(out), "--epochs", "1000000",
                     "--batch", "8", "--json"});
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!fs::exists(path(out + "/metrics.csv")) && run.alive() && std::chrono::steady_clock::now() < deadline)
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        ASSERT_TRUE(run.alive()) << run.wait().err;
        run.signal(signal);
        const Result result = run.wait();
        EXPECT_EQ(result.status, 130) << result.err;
        EXPECT_EQ(result.out, "");
        EXPECT_NE(result.err.find("interrupted after step"), std::string::npos) << result.err;
        EXPECT_NE(result.err.find(path(out) + "/last.safetensors"), std::string::npos) << result.err;
        const Result eval = ingot({"eval", path(out + "/last.safetensors"), "--data", data_, "--json"});
        ASSERT_EQ(eval.status, 0) << eval.err;
        EXPECT_EQ(eval.json().at("samples"), 16);
        for (const auto& entry : fs::directory_iterator(path(out)))
            EXPECT_TRUE(entry.path().extension() == ".safetensors" || entry.path().stem() == "metrics" ||
                        entry.path().filename() == "model.json" || entry.path().filename() == "report.html")
                << "left behind: " << entry.path();
    }
    void SetUp() override {
        data_ = make_images("data");
        make_spec();
    }
    std::string data_;
};

TEST_F(Interrupt, CtrlC) { stop_with(SIGINT, "a"); }
TEST_F(Interrupt, Terminate) { stop_with(SIGTERM, "b"); }

} // namespace ingot::cli_testing
