// SPDX-License-Identifier: MIT
// The profiler without tensors: measurements, threads, command buffers, errors. What it knows of training is tested in
// tests/runtime.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include <ingot/command_buffer.h>
#include <ingot/error.h>

#include "support/trace_testing.h"

namespace ingot {
namespace {

using namespace trace_testing;
using profiler::Phase;

template <class F> std::string message_of(F f) {
    try {
        f();
    } catch (const std::exception& e) { return e.what(); }
    return "nothing thrown";
}

TEST(Profiler, AMeasurementBeginsAnew) {
    const Stop stop;
    profiler::start();
    EXPECT_EQ(message_of([] { profiler::start(); }), "profiler::start: it runs already; stop() it first");
    { const profiler::Scope scope("old"); }
    {
        const profiler::Scope across("across"); // belongs to neither
        profiler::stop();
        profiler::stop(); // nothing happens
        profiler::start();
    }
    {
        const profiler::Scope outer("outer");
        const profiler::Scope inner("inner");
    }
    profiler::stop();
    { const profiler::Scope scope("afterwards"); }
    std::vector<std::string> names;
    for (const auto& k : profiler::summary().kernels) names.push_back(k.name);
    std::sort(names.begin(), names.end());
    EXPECT_EQ(names, (std::vector<std::string>{"inner", "outer"}));
}

TEST(Profiler, CommandBuffersAreSeenWithTheirCommands) {
    const TemporaryFile file("commands.json");
    const Stop stop;
    profiler::start(file.path());
    {
        Stream stream;
        const Buffer x = Buffer::allocate(Device::cpu(), 4096);
        CommandBuffer commands(stream, "my commands");
        commands.fill(x, 0).dispatch(KernelLibrary::standard().kernel("relu_float32"), 1024, {x, x}).call([] {});
        commands.commit();
        commands.wait();
    }
    profiler::stop();
    const Json trace = Json::parse(file.text());
    expect_nesting(trace);
    std::vector<std::string> names;
    for (const Json& e : events_of(trace)) {
        names.push_back(e.at("name"));
        if (e.at("name") == "relu_float32") { EXPECT_EQ(e.at("args").at("bytes"), 8192); }
    }
    EXPECT_EQ(names, (std::vector<std::string>{"my commands", "fill", "relu_float32", "call"}));
}

TEST(Profiler, TracesThatCannotBeWrittenAreErrors) {
    const Stop stop;
    profiler::start("/nonexistent-folder/trace.json");
    EXPECT_EQ(message_of([] { profiler::stop(); }),
              "/nonexistent-folder/trace.json: cannot write the profile: open: No such file or directory");
    EXPECT_FALSE(profiler::running());
}

TEST(Profiler, ThreadsMayStartStopAndReport) {
    const Stop stop;
    std::atomic<bool> done{false};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&] {
            while (!done) {
                const profiler::Scope outer("outer");
                const profiler::Scope inner("inner", Phase::data);
            }
        });
    }
    for (int i = 0; i < 20; ++i) {
        profiler::start();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        EXPECT_GE(profiler::summary().seconds, 0.001);
        profiler::stop();
    }
    done = true;
    for (auto& t : threads) t.join();
}

} // namespace
} // namespace ingot
