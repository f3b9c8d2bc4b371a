// SPDX-License-Identifier: MIT
// INGOT_PROFILE with the command: a trace and tables beside the usual output, also when Ctrl-C ends it.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <thread>

#include "cli/cli_testing.h"
#include "support/trace_testing.h"
#include "train/interrupt.h"

namespace ingot::cli_testing {

class Profile : public CliTest {
protected:
    void SetUp() override {
        data_ = make_images("data");
        make_spec();
        setenv("INGOT_PROFILE", path("trace.json").c_str(), 1); // for the command that is started next
    }
    void TearDown() override { unsetenv("INGOT_PROFILE"); }
    std::vector<std::string> train(const std::string& epochs) const {
        return {"train",     "--model",  path("net.json"), "--data",  data_, "--out",
                path("run"), "--epochs", epochs,           "--batch", "8",   "--json"};
    }
    /// Kernels per phase in the trace.
    std::map<std::string, int> phases() const {
        std::map<std::string, int> found;
        for (const Json& e : Json::parse(read("trace.json"))) {
            if (e.at("ph") == "X" && e.contains("args")) ++found[e.at("cat")];
        }
        return found;
    }
    std::string data_;
};

TEST_F(Profile, TrainingWritesATraceAndTwoTables) {
    const Result result = ingot(train("2"));
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.json().at("epochs"), 2); // standard output is what it always is
    const auto found = phases();
    for (const char* phase : {"forward", "backward", "optimizer"}) EXPECT_GE(found.count(phase), 1u) << phase;
    EXPECT_GE(found.at("optimizer"), 2 * 3); // 24 images in batches of 8
    for (const char* part : {"host code", "limit", "backward", "the trace is in "})
        EXPECT_NE(result.err.find(part), std::string::npos) << part << "\n" << result.err;
}

TEST_F(Profile, CtrlCLosesNothing) {
    Running run(train("1000000"));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!fs::exists(path("run/metrics.csv")) && run.alive() && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ASSERT_TRUE(run.alive()) << run.wait().err;
    run.signal(SIGINT);
    const Result result = run.wait();
    EXPECT_EQ(result.status, 130) << result.err;
    EXPECT_GE(phases()["optimizer"], 3) << result.err;
    EXPECT_NE(result.err.find("the trace is in "), std::string::npos) << result.err;
}

// Outside of training Ctrl-C ends the command at once, as does a second one during it.
TEST(ProfileDeathTest, EndingAtOnceLosesNothingEither) {
    const trace_testing::TemporaryFile trace("at-once.json");
    const trace_testing::Environment environment(trace.path());
    EXPECT_EXIT(
        {
            train::exit_130_on_interrupt();
            { const profiler::Scope scope("work"); }
            std::raise(SIGINT);
            std::this_thread::sleep_for(std::chrono::seconds(60));
        },
        ::testing::ExitedWithCode(130), "interrupted(.|\\n)*work(.|\\n)*the trace is in ");
    ASSERT_EQ(trace_testing::events_of(Json::parse(trace.text())).size(), 1u);
}

} // namespace ingot::cli_testing
