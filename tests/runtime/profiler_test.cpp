// SPDX-License-Identifier: MIT
// The profiler: traces are JSON whose events nest, times sum up, kernels of a training step know their phase, and the
// environment variable works at exit and on signals.
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <map>
#include <thread>

#include <ingot/profiler.h>

#include "base/profile.h"
#include "graph/node.h"
#include "runtime/rules_testing.h"
#include "support/trace_testing.h"

namespace ingot {
namespace {

using namespace rulestest;
using namespace trace_testing;
using profiler::Phase;

struct Training {
    nn::Sequential model = mlp();
    optim::Adam opt{model.parameters(), {.lr = 1e-2}};
    Tensor operator()(const Tensor& x, const Tensor& y) {
        const Tensor loss = nn::cross_entropy(model(x), y);
        opt.zero_grad();
        loss.backward();
        opt.step();
        return loss;
    }
};

TEST(Profiler, KernelsOfACompiledStepKnowTheirPhase) {
    Training training;
    auto step = compile([&](const Tensor& x, const Tensor& y) { return training(x, y); });
    step(pattern({16, 6}), labels(16, 3)).eval();
    std::map<Phase, int> products, kernels;
    for (const Report::Kernel& k : step.executable().report().kernels) {
        ++kernels[k.phase];
        if (k.ops.find("matmul") != std::string::npos) ++products[k.phase];
    }
    EXPECT_EQ(products[Phase::forward], 2);
    EXPECT_EQ(products[Phase::backward], 3); // two weights and one input
    EXPECT_GE(kernels[Phase::optimizer], 1); // updates; those that sum a bias's gradient first count here as well
    EXPECT_GE(kernels[Phase::backward], 3);
}

TEST(Profiler, PhasesSurviveEveryPass) {
    // Convolutions, statistics, pooling, dropout: layout, fusion, widening all at work.
    for (const DType dtype : {f32, bf16}) {
        auto model = small_cnn();
        if (dtype == bf16) {
            for (const Tensor& p : model.parameters()) EXPECT_EQ(p.dtype(), f32);
        }
        optim::SGD opt(model.parameters(), {.lr = 0.1, .momentum = 0.9});
        auto step = compile([&](const Tensor& x, const Tensor& y) {
            const Tensor loss = nn::cross_entropy(model(x.to(dtype).to(f32)), y);
            opt.zero_grad();
            loss.backward();
            optim::clip_grad_norm_(model.parameters(), 1.0);
            opt.step();
            return loss;
        });
        step(pattern({4, 3, 8, 8}), labels(4, 5)).eval();
        std::map<Phase, int> convolutions;
        for (const Report::Kernel& k : step.executable().report().kernels) {
            EXPECT_TRUE(k.phase == Phase::forward || k.phase == Phase::backward || k.phase == Phase::optimizer ||
                        k.name == "copy")
                << k.name;
            if (k.ops.find("_grad") != std::string::npos) { EXPECT_EQ(k.phase, Phase::backward) << k.ops; }
            if (k.ops.starts_with("conv2d") && k.ops.find("_grad") == std::string::npos) ++convolutions[k.phase];
        }
        EXPECT_EQ(convolutions.size(), 1u);
        EXPECT_GT(convolutions[Phase::forward], 0);
    }
}

TEST(Profiler, WhatPassesMakeKeepsThePhaseOfWhatItComesFrom) {
    const Tensor x = pattern({6, 5});
    const auto phases = [&](const char* passes) {
        const WithPasses with(passes);
        Tensor two = full({}, 2.0);
        Tensor y = relu(x);
        {
            const graph::RecordPhase phase(Phase::optimizer);
            y = softmax(y, 1); // becomes max, sub, exp, sum, div
        }
        y = tanh(y);
        {
            const graph::RecordPhase phase(Phase::backward);
            y = pow(y, std::exchange(two, {})); // becomes a product
        }
        y.eval();
        std::map<std::string, Phase> by_op;
        for (const Report::Kernel& k : last_executable().kernels) by_op[k.ops] = k.phase;
        return by_op;
    };
    const auto alone = phases("-fuse,-batch");
    const std::map<std::string, Phase> expected{
        {"relu", Phase::forward},  {"max", Phase::optimizer}, {"sub", Phase::optimizer}, {"exp", Phase::optimizer},
        {"sum", Phase::optimizer}, {"div", Phase::optimizer}, {"tanh", Phase::forward},  {"mul", Phase::backward}};
    EXPECT_EQ(alone, expected);
    const auto fused = phases("");
    ASSERT_EQ(fused.size(), 1u);
    EXPECT_EQ(fused.begin()->second, Phase::optimizer); // the last of the three
}

TEST(Profiler, TheTraceIsJsonWhoseEventsNest) {
    const TemporaryFile file("trace.json");
    const Stop stop;
    Training training;
    auto step = compile([&](const Tensor& x, const Tensor& y) { return training(x, y); });
    const Tensor x = pattern({64, 6}), y = labels(64, 3);
    profiler::start(file.path());
    EXPECT_TRUE(profiler::running());
    {
        const profiler::Scope outer("epoch \"1\"\n");
        for (int i = 0; i < 3; ++i) {
            const profiler::Scope inner("load", Phase::data);
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        for (int i = 0; i < 5; ++i) step(x, y).eval();
    }
    std::thread([] {
        base::profile::name_thread("helper");
        const profiler::Scope scope("beside", Phase::data);
    }).join();
    profiler::stop();
    EXPECT_FALSE(profiler::running());

    const Json trace = Json::parse(file.text()); // throws when it is no JSON
    ASSERT_TRUE(trace.is_array());
    expect_nesting(trace);
    std::map<std::string, int> by_name, by_category;
    std::map<std::string, std::string> threads;
    const Report report = step.executable().report();
    for (const Json& e : trace) {
        if (e.at("name") == "thread_name") threads[std::to_string(e.at("tid").get<int>())] = e.at("args").at("name");
    }
    for (const Json& e : events_of(trace)) {
        ++by_name[e.at("name")];
        ++by_category[e.at("cat")];
        EXPECT_GE(e.at("ts").get<double>(), 0);
        EXPECT_GE(e.at("dur").get<double>(), 0);
        EXPECT_EQ(e.at("pid"), getpid());
        if (e.at("name") == "beside") { EXPECT_EQ(threads[std::to_string(e.at("tid").get<int>())], "helper"); }
    }
    EXPECT_EQ(by_name["epoch \"1\"\n"], 1);
    EXPECT_EQ(by_name["load"], 3);
    EXPECT_EQ(by_name["beside"], 1);
    EXPECT_EQ(by_name["submission"], 5);
    EXPECT_EQ(by_name["trace"], 1);
    EXPECT_EQ(by_name["compile"], 1);
    // Every kernel of the report, once per step, with its bytes and operations.
    std::map<std::string, int> expected, found;
    for (const auto& k : report.kernels)
        expected[k.name + "|" + k.ops + "|" + std::to_string(static_cast<int64_t>(k.bytes)) + "|" +
                 std::to_string(static_cast<int64_t>(k.flops)) + "|" + profiler::name(k.phase)] += 5;
    for (const Json& e : events_of(trace)) {
        if (!e.contains("args")) continue;
        const Json& a = e.at("args");
        ++found[e.at("name").get<std::string>() + "|" + a.at("ops").get<std::string>() + "|" +
                std::to_string(a.at("bytes").get<int64_t>()) + "|" + std::to_string(a.at("flops").get<int64_t>()) +
                "|" + e.at("cat").get<std::string>()];
    }
    EXPECT_EQ(found, expected);
}

TEST(Profiler, TimesSumUp) {
    const Stop stop;
    Training training;
    const Tensor x = pattern({256, 6}), y = labels(256, 3);
    training(x, y).eval();
    profiler::start();
    {
        const profiler::Scope outer("part");
        const profiler::Scope inner("wait", Phase::idle);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        for (int i = 0; i < 20; ++i) training(x, y).eval(); // inside: its time is not counted twice
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10)); // the program's own time
    std::thread([] {
        const profiler::Scope scope("beside", Phase::data);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }).join();
    profiler::stop();
    const profiler::Summary s = profiler::summary();
    double sum = s.host_seconds, kernels = 0;
    for (const double phase : s.phase_seconds) sum += phase;
    EXPECT_NEAR(sum, s.seconds, 1e-9);
    const auto of = [&](Phase p) { return s.phase_seconds[static_cast<int>(p)]; };
    EXPECT_GE(of(Phase::idle), 0.02);
    EXPECT_GE(s.host_seconds, 0.01);
    EXPECT_EQ(of(Phase::data), 0);
    EXPECT_GE(s.elsewhere_seconds[static_cast<int>(Phase::data)], 0.005);
    EXPECT_GT(of(Phase::forward), 0);
    EXPECT_GT(of(Phase::backward), 0);
    EXPECT_GT(of(Phase::optimizer), 0);
    int64_t calls = 0;
    for (const auto& k : s.kernels) {
        kernels += k.self_seconds;
        calls += k.calls;
        EXPECT_GE(k.seconds, k.self_seconds);
        if (k.name == "wait") {
            EXPECT_EQ(k.calls, 1);
            EXPECT_GT(k.seconds, k.self_seconds); // the steps ran inside
        }
        if (k.kernel && k.phase == Phase::optimizer) { EXPECT_EQ(k.calls % 20, 0); }
        if (k.kernel && k.name != "copy") { EXPECT_GT(k.limit, 0) << k.name; }
    }
    EXPECT_EQ(calls, s.events);
    EXPECT_NEAR(kernels + s.host_seconds - s.elsewhere_seconds[static_cast<int>(Phase::data)], s.seconds, 1e-9);
    EXPECT_GT(s.copy_bytes_per_s, 1e8); // any machine
    EXPECT_GT(s.flops_per_s, 1e8);
    const std::string table = s.str();
    for (const char* part : {"backward", "optimizer", "host code", "GB/s", "Gflop/s", "wait", "submission"})
        EXPECT_NE(table.find(part), std::string::npos) << part << "\n" << table;
    // Stopped means stopped.
    training(x, y).eval();
    EXPECT_EQ(profiler::summary().events, s.events);
    EXPECT_EQ(profiler::summary().seconds, s.seconds);
}

void train(int steps, int interrupt_at) {
    Training training;
    for (int i = 0; i < steps; ++i) {
        training(pattern({16, 6}), labels(16, 3)).eval();
        if (i == interrupt_at) kill(getpid(), SIGINT);
    }
}

void expect_training(const std::string& text) {
    const Json trace = Json::parse(text);
    expect_nesting(trace);
    std::map<std::string, int> categories;
    for (const Json& e : events_of(trace)) ++categories[e.at("cat")];
    for (const char* c : {"forward", "backward", "compile"}) EXPECT_GE(categories[c], 1) << c;
    EXPECT_GE(categories["optimizer"], 4);
}

TEST(ProfilerDeathTest, TheEnvironmentMakesAProcessWriteTraceAndTableAtExit) {
    const TemporaryFile trace("%p.json"); // %p is the process number of whoever writes it
    const Environment environment(trace.path());
    const std::filesystem::path folder = std::filesystem::path(environment.path()).parent_path();
    EXPECT_EXIT(
        {
            profiler::start("elsewhere.json"); // the environment is in charge: nothing happens
            train(4, -1);
            profiler::stop();
            std::exit(profiler::running() ? 0 : 1);
        },
        ::testing::ExitedWithCode(0), "phase(.|\n)*host code(.|\n)*optimizer(.|\n)*the trace is in ");
    int found = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string name = entry.path().filename().string(), begin = std::to_string(getpid()) + "-";
        if (!name.starts_with(begin) || !name.ends_with(".json") || name.find('%') != std::string::npos) continue;
        ++found;
        std::ifstream file(entry.path());
        expect_training({std::istreambuf_iterator<char>(file), {}});
        std::filesystem::remove(entry.path());
    }
    EXPECT_EQ(found, 1);
    EXPECT_FALSE(std::filesystem::exists("elsewhere.json"));
}

TEST(ProfilerDeathTest, CtrlCWritesThemAndStillEndsTheProcess) {
    const TemporaryFile trace("interrupted.json");
    const Environment environment(trace.path());
    EXPECT_EXIT(train(1000000, 5), ::testing::KilledBySignal(SIGINT), "optimizer(.|\n)*the trace is in ");
    expect_training(trace.text());
}

TEST(ProfilerDeathTest, AnUnwritableTraceIsReportedAndTheProgramGoesOn) {
    const Environment environment("/nonexistent-folder/t.json");
    EXPECT_EXIT(
        {
            train(1, -1);
            std::exit(0);
        },
        ::testing::ExitedWithCode(0),
        "ingot: error: INGOT_PROFILE: /nonexistent-folder/t.json: cannot write the profile");
}

} // namespace
} // namespace ingot
