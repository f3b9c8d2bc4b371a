// SPDX-License-Identifier: MIT
// Command buffers: recording, committing, handlers, errors, lifetimes. Each "Never..." test is a failure that queues of
// this kind are known to have had.
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <ingot/command_buffer.h>
#include <ingot/error.h>
#include <ingot/memory.h>

namespace ingot {
namespace {

using Status = CommandBuffer::Status;

template <class F> std::string message_of(F f) {
    try {
        f();
    } catch (const std::exception& e) { return e.what(); }
    return "nothing thrown";
}

std::string text_of(const std::exception_ptr& error) {
    if (!error) return "complete";
    return message_of([&] { std::rethrow_exception(error); });
}

/// A door that work waits at until the test opens it.
class Gate {
public:
    ~Gate() { open(); }
    void open() { open_.store(true); }
    std::function<void()> wait() const {
        return [this] {
            while (!open_.load()) std::this_thread::sleep_for(std::chrono::microseconds(200));
        };
    }

private:
    std::atomic<bool> open_{false};
};

class CommandBufferTest : public ::testing::Test {
protected:
    CommandBufferTest() {
        library.add("fail", [](const WorkGroup& g) {
            g.for_each([](int64_t x) {
                if (x == 5) throw std::out_of_range("thread 5");
            });
        });
        library.add("scale", [](const WorkGroup& g, std::span<float> x, float by) {
            for (auto i = static_cast<size_t>(g.begin.x); i < static_cast<size_t>(g.end.x); ++i) x[i] *= by;
        });
        library.add("add",
                    [](const WorkGroup& g, std::span<const float> a, std::span<const float> b, std::span<float> r) {
                        for (auto i = static_cast<size_t>(g.begin.x); i < static_cast<size_t>(g.end.x); ++i)
                            r[i] = a[i] + b[i];
                    });
    }
    static Buffer floats(const std::vector<float>& v) {
        Buffer b = Buffer::allocate(Device::cpu(), v.size() * sizeof(float));
        b.copy_from_host(v);
        return b;
    }
    KernelLibrary library;
    Stream stream;
};

TEST_F(CommandBufferTest, RunsItsCommandsInOrder) {
    const Buffer a = floats({1, 2, 3, 4}), b = floats({0, 0, 0, 0});
    CommandBuffer commands(stream);
    std::vector<float> between;
    commands.copy(b, a)
        .dispatch(library.kernel("scale"), 4, {b, 10})
        .call([&] { between = b.to_vector<float>(); })
        .dispatch(library.kernel("add"), 4, 1, {a, b, b}) // in place
        .fill(a, 0, 4, 8)
        .copy(a, b, 4, 12, 0);
    EXPECT_EQ(commands.size(), 6u);
    EXPECT_EQ(commands.status(), Status::recording);
    EXPECT_EQ(b.to_vector<float>(), (std::vector<float>{0, 0, 0, 0})); // nothing has run
    const Operation op = commands.commit();
    commands.wait();
    EXPECT_EQ(between, (std::vector<float>{10, 20, 30, 40}));
    EXPECT_EQ(b.to_vector<float>(), (std::vector<float>{11, 22, 33, 44}));
    EXPECT_EQ(a.to_vector<float>(), (std::vector<float>{1, 0, 0, 11}));
    EXPECT_EQ(commands.status(), Status::completed);
    EXPECT_EQ(commands.error(), nullptr);
    EXPECT_GE(commands.seconds(), 0);
    op.wait();
    EXPECT_EQ(stream.stats().executed, 1); // one operation, however many commands
}

TEST_F(CommandBufferTest, StatusFollowsItsLife) {
    Gate first, second;
    stream.submit(first.wait());
    CommandBuffer commands(stream);
    commands.call(second.wait());
    commands.commit();
    EXPECT_EQ(commands.status(), Status::committed);
    EXPECT_FALSE(commands.wait_for(0.001));
    EXPECT_THROW(commands.error(), Error);
    EXPECT_THROW(commands.seconds(), Error);
    first.open();
    while (commands.status() != Status::running) std::this_thread::sleep_for(std::chrono::microseconds(200));
    second.open();
    EXPECT_TRUE(commands.wait_for(30));
    EXPECT_EQ(commands.status(), Status::completed);
    EXPECT_GT(commands.seconds(), 0);
}

TEST_F(CommandBufferTest, NeverHidesTheErrorOfACommand) {
    const Buffer x = floats({1});
    CommandBuffer commands(stream);
    std::atomic<int> ran{0};
    commands.call([&] { ++ran; }).dispatch(library.kernel("fail"), 10, 1, {}).call([&] { ++ran; });
    std::string told;
    commands.add_completed_handler([&](const std::exception_ptr& e) { told = text_of(e); });
    const Operation op = commands.commit();
    EXPECT_EQ(message_of([&] { commands.wait(); }), "thread 5");
    EXPECT_THROW(commands.wait(), std::out_of_range); // as it was thrown, and again
    EXPECT_EQ(commands.status(), Status::failed);
    EXPECT_EQ(commands.error(), op.error());
    EXPECT_EQ(told, "thread 5");
    EXPECT_EQ(ran, 1); // what came after the failure did not run
    CommandBuffer next(stream);
    next.dispatch(library.kernel("scale"), 1, {x, 2});
    next.commit();
    next.wait(); // its error is its own
    EXPECT_EQ(x.to_vector<float>()[0], 2.0f);
}

TEST_F(CommandBufferTest, NeverRunsBehindAFailedDependency) {
    Stream other;
    std::atomic<int> ran{0};
    const Operation bad = other.submit([] { throw std::runtime_error("first"); });
    CommandBuffer commands(stream), after(other);
    std::string told;
    commands.call([&] { ++ran; });
    commands.add_completed_handler([&](const std::exception_ptr& e) { told = text_of(e); });
    const Operation op = commands.commit({bad});
    after.call([&] { ++ran; });
    after.commit({op});
    EXPECT_EQ(message_of([&] { after.wait(); }), "first");
    EXPECT_EQ(after.error(), bad.error()); // the very same error
    EXPECT_EQ(told, "first");
    EXPECT_EQ(ran, 0);
    EXPECT_EQ(commands.seconds(), 0.0);
}

TEST_F(CommandBufferTest, ResultsFlowAlongDependencies) {
    // "Take the result of the operation before" is a buffer that both name.
    Stream other;
    const Buffer a = floats({1, 2}), b = floats({3, 4}), c = floats({0, 0}), d = floats({0, 0});
    Gate gate;
    CommandBuffer first(stream), second(other);
    first.call(gate.wait()).dispatch(library.kernel("add"), 2, {a, b, c});
    second.dispatch(library.kernel("add"), 2, {c, c, d});
    second.commit({first.commit()});
    EXPECT_FALSE(second.wait_for(0.01));
    gate.open();
    second.wait();
    EXPECT_EQ(d.to_vector<float>(), (std::vector<float>{8, 12}));
}

TEST_F(CommandBufferTest, NeverForgetsOrRepeatsAHandler) {
    CommandBuffer commands(stream);
    std::vector<int> order; // handlers run on one thread, and before wait() returns
    auto token = std::make_shared<int>(0);
    for (int i = 0; i < 5; ++i) {
        commands.add_completed_handler([&order, i, token](const std::exception_ptr& e) {
            EXPECT_EQ(e, nullptr);
            order.push_back(i);
        });
    }
    commands.call([&] { EXPECT_TRUE(order.empty()); });
    commands.commit();
    commands.wait();
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
    EXPECT_EQ(token.use_count(), 1); // handlers are gone, too
    commands.wait();
    EXPECT_EQ(order.size(), 5u);
}

TEST_F(CommandBufferTest, AHandlerThatThrowsHurtsNobodyElse) {
    CommandBuffer commands(stream);
    bool second = false;
    commands.add_completed_handler([](const std::exception_ptr&) { throw std::runtime_error("in the handler"); });
    commands.add_completed_handler([&](const std::exception_ptr&) { second = true; });
    const Operation op = commands.commit();
    commands.wait();
    EXPECT_TRUE(second);
    EXPECT_EQ(commands.status(), Status::completed);
    stream.submit([] {}, {op}).wait();
    EXPECT_EQ(message_of([&] { stream.wait(); }), "in the handler"); // and it is not lost
    stream.wait();
    EXPECT_EQ(stream.stats().failed, 0);
}

TEST_F(CommandBufferTest, NeverDeadlocksWhenAHandlerUsesTheStream) {
    std::atomic<int> ran{0};
    std::string waited, waited_stream;
    CommandBuffer commands(stream);
    Operation own;
    Gate gate;
    commands.call(gate.wait());
    commands.add_completed_handler([&](const std::exception_ptr&) {
        CommandBuffer next(stream);
        next.call([&] { ++ran; });
        next.commit();
        waited = message_of([&] { own.wait(); }); // cannot come true: says so
        waited_stream = message_of([&] { stream.wait(); });
    });
    own = commands.commit();
    gate.open();
    commands.wait();
    stream.wait();
    EXPECT_EQ(ran, 1);
    EXPECT_EQ(waited.substr(0, 16), "Operation::wait:");
    EXPECT_EQ(waited_stream, "Stream::wait: called inside the stream's own work");
}

TEST_F(CommandBufferTest, NeverRunsTwice) {
    std::atomic<int> ran{0};
    CommandBuffer commands(stream);
    commands.call([&] { ++ran; });
    commands.commit();
    const std::string used = ": it was committed; command buffers are used once, make a new one";
    EXPECT_EQ(message_of([&] { commands.commit(); }), "CommandBuffer::commit" + used);
    EXPECT_EQ(message_of([&] { commands.call([] {}); }), "CommandBuffer::call" + used);
    EXPECT_EQ(message_of([&] { commands.dispatch(library.kernel("fail"), 1, {}); }), "CommandBuffer::dispatch" + used);
    EXPECT_EQ(message_of([&] { commands.fill(Buffer(), 0); }), "CommandBuffer::fill" + used);
    EXPECT_EQ(message_of([&] { commands.copy(Buffer(), Buffer()); }), "CommandBuffer::copy" + used);
    EXPECT_EQ(message_of([&] { commands.add_completed_handler([](const std::exception_ptr&) {}); }),
              "CommandBuffer::add_completed_handler" + used);
    commands.wait();
    EXPECT_EQ(ran, 1);
}

TEST_F(CommandBufferTest, NeverWaitsForWhatWasNotCommitted) {
    CommandBuffer commands(stream);
    const std::string text = ": it was not committed, so this would never end";
    EXPECT_EQ(message_of([&] { commands.wait(); }), "CommandBuffer::wait" + text);
    EXPECT_EQ(message_of([&] { commands.wait_for(1); }), "CommandBuffer::wait_for" + text);
    const std::string none = ": it was not committed, so there is no result; commit() it and wait() for it first";
    EXPECT_EQ(message_of([&] { commands.error(); }), "CommandBuffer::error" + none);
    EXPECT_EQ(message_of([&] { commands.seconds(); }), "CommandBuffer::seconds" + none);
    commands.commit(); // no commands: complete as soon as it is its turn
    commands.wait();
    EXPECT_EQ(commands.status(), Status::completed);
}

TEST_F(CommandBufferTest, DroppedWithoutCommitItDoesNothing) {
    std::atomic<int> ran{0};
    auto token = std::make_shared<int>(0);
    {
        CommandBuffer commands(stream);
        commands.call([&ran, token] { ++ran; });
        commands.add_completed_handler([&ran, token](const std::exception_ptr&) { ++ran; });
    }
    stream.wait();
    EXPECT_EQ(ran, 0);
    EXPECT_EQ(token.use_count(), 1);
}

TEST_F(CommandBufferTest, NeverFreesWhatIsStillInUseAndNeverKeepsItAfterwards) {
    const int64_t before = memory_stats().live;
    std::vector<float> seen;
    Gate gate;
    CommandBuffer commands(stream);
    {
        const Buffer x = floats({1, 2, 3}), y = Buffer::allocate(Device::cpu(), 12);
        commands.call(gate.wait()).dispatch(library.kernel("scale"), 3, {x, 5}).copy(y, x).call([&seen, y] {
            seen = y.to_vector<float>();
        });
    } // no handle of ours is left, the commands have not run
    commands.commit();
    EXPECT_EQ(memory_stats().live, before + 2);
    gate.open();
    commands.wait();
    EXPECT_EQ(seen, (std::vector<float>{5, 10, 15}));
    EXPECT_EQ(memory_stats().live, before); // although the command buffer is still there
}

TEST_F(CommandBufferTest, ReleasesEverythingWhenItFails) {
    const int64_t before = memory_stats().live;
    CommandBuffer commands(stream);
    {
        const Buffer x = floats({1});
        commands.dispatch(library.kernel("fail"), 10, {}).dispatch(library.kernel("scale"), 1, {x, 5});
    }
    int64_t in_handler = -1; // handlers find everything released
    commands.add_completed_handler([&](const std::exception_ptr&) { in_handler = memory_stats().live; });
    commands.commit();
    EXPECT_THROW(commands.wait(), std::out_of_range);
    EXPECT_EQ(in_handler, before);
    EXPECT_EQ(memory_stats().live, before);
}

TEST_F(CommandBufferTest, RangesAndDevicesAreCheckedWhenRecording) {
    const Buffer x = floats({1, 2}), y = floats({1, 2, 3});
    const Buffer elsewhere = Buffer::allocate(Device::reference(), 8);
    CommandBuffer commands(stream);
    EXPECT_EQ(message_of([&] { commands.fill(x, 0, 4, 5); }),
              "CommandBuffer::fill: 5 bytes at offset 4 do not lie inside the target buffer of 8 bytes");
    EXPECT_EQ(message_of([&] { commands.copy(x, y); }),
              "CommandBuffer::copy: the source has 12 bytes, the target 8; give a count to copy a part");
    EXPECT_EQ(message_of([&] { commands.copy(x, y, 9); }),
              "CommandBuffer::copy: 9 bytes at offset 0 do not lie inside the target buffer of 8 bytes");
    EXPECT_EQ(message_of([&] { commands.copy(x, y, 8, 0, 5); }),
              "CommandBuffer::copy: 8 bytes at offset 5 do not lie inside the source buffer of 12 bytes");
    EXPECT_THROW(commands.copy(x, elsewhere), DeviceError);
    EXPECT_THROW(commands.fill(elsewhere, 1), DeviceError);
    EXPECT_THROW(commands.call({}), Error);
    EXPECT_THROW(commands.add_completed_handler({}), Error);
    EXPECT_EQ(commands.size(), 0u); // nothing half recorded
}

TEST_F(CommandBufferTest, ACommitThatIsRefusedChangesNothing) {
    std::atomic<int> ran{0};
    CommandBuffer commands(stream);
    commands.call([&] { ++ran; });
    EXPECT_NE(message_of([&] { commands.commit({Operation()}); }).find("dependency 0 is an empty Operation"),
              std::string::npos);
    EXPECT_EQ(commands.status(), Status::recording);
    commands.call([&] { ++ran; });
    commands.commit();
    commands.wait();
    EXPECT_EQ(ran, 2);
    CommandBuffer late(stream);
    late.call([&] { ++ran; });
    stream.shutdown();
    EXPECT_EQ(message_of([&] { late.commit(); }), "Stream::submit: the stream was shut down");
}

TEST_F(CommandBufferTest, OutlivesItsStream) {
    auto local = std::make_unique<Stream>();
    CommandBuffer done(*local), never(*local);
    std::atomic<int> ran{0};
    done.call([&] { ++ran; });
    done.commit();
    never.call([&] { ++ran; });
    local.reset(); // drains
    EXPECT_EQ(ran, 1);
    done.wait();
    EXPECT_EQ(done.status(), Status::completed);
    EXPECT_THROW(never.commit(), Error);
    CommandBuffer moved = std::move(done);
    EXPECT_EQ(moved.status(), Status::completed);
}

TEST_F(CommandBufferTest, TheQueueIsBounded) {
    Stream small(Device::cpu(), {.max_pending = 2});
    Gate gate;
    std::atomic<int> accepted{0}, ran{0};
    small.submit(gate.wait());
    std::thread producer([&] {
        for (int i = 0; i < 20; ++i) {
            CommandBuffer commands(small);
            commands.call([&] { ++ran; });
            commands.commit();
            ++accepted;
        }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    EXPECT_LE(accepted, 1); // it blocks
    gate.open();
    producer.join();
    small.wait();
    EXPECT_EQ(ran, 20);
}

TEST_F(CommandBufferTest, ManyThreadsCommitWaitAndListen) {
    Stream other;
    std::atomic<int> handled{0};
    const Buffer total = floats(std::vector<float>(64, 1));
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 25; ++i) {
                CommandBuffer a(stream), b(other);
                a.dispatch(library.kernel("scale"), 64, 16, {total, -1});
                a.add_completed_handler([&](const std::exception_ptr&) { ++handled; });
                b.call([] { throw std::runtime_error("x"); });
                b.add_completed_handler([&](const std::exception_ptr& e) { handled += e ? 1 : 100; });
                b.commit({a.commit()});
                EXPECT_EQ(message_of([&] { b.wait(); }), "x");
                EXPECT_EQ(a.status(), Status::completed);
            }
        });
    }
    for (auto& t : threads) t.join();
    stream.wait();
    EXPECT_EQ(handled, 200);
    EXPECT_EQ(total.to_vector<float>(), std::vector<float>(64, 1)); // an even number of signs
}

} // namespace
} // namespace ingot
