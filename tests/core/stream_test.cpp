// SPDX-License-Identifier: MIT
// Streams, operations and events. Each "Never..." test is a failure that a queue of this kind is known to have had.
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <ingot/error.h>
#include <ingot/stream.h>

namespace ingot {
namespace {

constexpr double kSoon = 30; // seconds: far more than anything here takes, even under a sanitizer

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

template <class F> std::string message_of(F f) {
    try {
        f();
    } catch (const std::exception& e) { return e.what(); }
    return "nothing thrown";
}

TEST(Stream, RunsInOrderOnItsOwnThread) {
    Stream stream;
    std::vector<int> order;
    std::thread::id ran;
    for (int i = 0; i < 1000; ++i) {
        stream.submit([&, i] {
            order.push_back(i);
            ran = std::this_thread::get_id();
        });
    }
    stream.wait();
    ASSERT_EQ(order.size(), 1000u);
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(order[static_cast<size_t>(i)], i);
    EXPECT_NE(ran, std::this_thread::get_id());
    EXPECT_EQ(stream.device(), Device::cpu());
}

TEST(Stream, SubmitDoesNotWaitForTheWork) {
    Gate gate;
    Stream stream;
    const Operation op = stream.submit(gate.wait());
    EXPECT_FALSE(op.finished());
    EXPECT_FALSE(op.wait_for(0.001));
    EXPECT_FALSE(op.wait_for(-1));
    EXPECT_THROW(op.error(), Error);
    gate.open();
    EXPECT_TRUE(op.wait_for(kSoon));
    EXPECT_TRUE(op.wait_for(1e300));
    EXPECT_EQ(op.status(), Operation::Status::done);
    EXPECT_EQ(op.error(), nullptr);
}

TEST(Stream, NeverReportsSuccessOfFailedWork) {
    Stream stream;
    const Operation bad = stream.submit([] { throw std::out_of_range("row 7"); });
    EXPECT_EQ(message_of([&] { bad.wait(); }), "row 7");
    EXPECT_THROW(bad.wait(), std::out_of_range); // again, and as thrown
    EXPECT_THROW(bad.wait_for(kSoon), std::out_of_range);
    EXPECT_EQ(bad.status(), Operation::Status::failed);
    EXPECT_TRUE(bad.error() != nullptr);
    const Operation odd = stream.submit([] { throw 42; }); // NOLINT: any type may be thrown
    EXPECT_THROW(odd.wait(), int);
}

TEST(Stream, NeverRunsWhatDependsOnAFailure) {
    Stream a, b;
    std::atomic<int> ran{0};
    const Operation bad = a.submit([] { throw std::runtime_error("first"); });
    const Operation child = b.submit([&] { ++ran; }, {bad});
    const Operation grandchild = a.submit([&] { ++ran; }, {child});
    const Operation other = a.submit([&] { ran += 100; });
    EXPECT_EQ(message_of([&] { grandchild.wait(); }), "first");
    EXPECT_EQ(grandchild.error(), bad.error()); // the very same error
    EXPECT_EQ(child.status(), Operation::Status::failed);
    other.wait(); // what does not depend on it runs
    EXPECT_EQ(ran, 100);
}

TEST(Stream, TheFirstFailedDependencyGivesTheError) {
    Stream stream;
    const Operation good = stream.submit([] {});
    const Operation one = stream.submit([] { throw std::runtime_error("one"); });
    const Operation two = stream.submit([] { throw std::runtime_error("two"); });
    const Operation after = stream.submit([] {}, {good, two, one});
    EXPECT_EQ(message_of([&] { after.wait(); }), "two");
}

TEST(Stream, WaitRethrowsTheFirstErrorOnce) {
    Stream stream;
    stream.submit([] { throw std::runtime_error("one"); });
    stream.submit([] { throw std::runtime_error("two"); });
    EXPECT_EQ(message_of([&] { stream.wait(); }), "one");
    stream.wait();
    stream.submit([] { throw std::runtime_error("three"); });
    EXPECT_EQ(message_of([&] { stream.wait(); }), "three");
}

TEST(Stream, NeverHangsInShutdownAndDrains) {
    std::atomic<int> ran{0};
    Stream stream;
    std::vector<Operation> ops;
    for (int i = 0; i < 100; ++i) {
        ops.push_back(stream.submit([&] {
            std::this_thread::sleep_for(std::chrono::microseconds(100));
            ++ran;
        }));
    }
    stream.shutdown();
    EXPECT_EQ(ran, 100);
    for (const Operation& op : ops) EXPECT_EQ(op.status(), Operation::Status::done);
    stream.shutdown(); // again
    EXPECT_EQ(message_of([&] { stream.submit([] {}); }), "Stream::submit: the stream was shut down");
    stream.wait();
    EXPECT_EQ(stream.stats().queued, 100);
}

TEST(Stream, TheDestructorDrainsAndHandlesOutliveIt) {
    std::atomic<int> ran{0};
    Operation good, bad;
    {
        Stream stream;
        for (int i = 0; i < 10; ++i) good = stream.submit([&] { ++ran; });
        bad = stream.submit([] { throw std::runtime_error("late"); });
    }
    EXPECT_EQ(ran, 10);
    good.wait();
    EXPECT_EQ(message_of([&] { bad.wait(); }), "late");
    Stream other;
    const Operation after = other.submit([&] { ++ran; }, {good});
    after.wait();
    EXPECT_EQ(ran, 11);
}

TEST(Stream, NeverKeepsWhatFinishedWorkCaptured) {
    Stream stream;
    auto thing = std::make_shared<int>(1);
    std::vector<Operation> handles;
    handles.push_back(stream.submit([thing] {}));
    handles.push_back(stream.submit([thing] { throw std::runtime_error("x"); }));
    handles.push_back(stream.submit([thing] {}, {handles[1]}));
    EXPECT_THROW(handles[2].wait(), std::runtime_error);
    // Seen as soon as the operation is finished, although handles of all three are still held.
    EXPECT_EQ(thing.use_count(), 1);
}

TEST(Stream, NeverKeepsAChainOfFinishedOperations) {
    Stream stream;
    Operation last = stream.submit([] {});
    for (int i = 0; i < 100000; ++i) last = stream.submit([] {}, {last});
    last.wait();
    last = Operation(); // a chain held together by its dependencies would end in a deep recursion here
    EXPECT_EQ(stream.stats().executed, 100001);
}

TEST(Stream, NeverAcceptsUnknownDependenciesOrEmptyWork) {
    Stream stream;
    const Operation good = stream.submit([] {});
    EXPECT_NE(message_of([&] {
                  stream.submit([] {}, {good, Operation()});
              }).find("dependency 1 is an empty Operation"),
              std::string::npos);
    EXPECT_EQ(message_of([&] { stream.submit(std::function<void()>()); }), "Stream::submit: the work is empty");
    const Operation none;
    EXPECT_FALSE(none.valid());
    EXPECT_THROW(none.wait(), Error);
    EXPECT_THROW(none.finished(), Error);
    stream.wait();
    EXPECT_EQ(stream.stats().queued, 1); // nothing of it was queued
}

TEST(Stream, NeverLosesWorkWhenTheQueueIsFull) {
    Gate gate;
    Stream stream(Device::cpu(), {.max_pending = 2});
    std::atomic<int> ran{0}, accepted{0};
    stream.submit(gate.wait());
    stream.submit([&] { ++ran; });
    std::thread producer([&] {
        for (int i = 0; i < 50; ++i) {
            stream.submit([&] { ++ran; });
            ++accepted;
        }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    EXPECT_EQ(accepted, 0); // it blocks instead of queueing or dropping
    EXPECT_EQ(stream.stats().pending, 2);
    gate.open();
    producer.join();
    stream.wait();
    EXPECT_EQ(ran, 51);
    EXPECT_THROW(Stream(Device::cpu(), {.max_pending = 0}), Error);
}

TEST(Stream, ShutdownWakesAProducerThatWaitsForRoom) {
    Gate gate;
    Stream stream(Device::cpu(), {.max_pending = 1});
    stream.submit(gate.wait());
    std::string message;
    std::thread producer([&] { message = message_of([&] { stream.submit([] {}); }); });
    std::thread closer([&] { stream.shutdown(); });
    producer.join(); // before the gate opens: it is shutdown that ends its waiting
    gate.open();
    closer.join();
    EXPECT_EQ(message, "Stream::submit: the stream was shut down");
}

TEST(Stream, NeverStallsOnADependencyThatFinishesLater) {
    Gate gate;
    Stream a, b;
    const Operation slow = a.submit(gate.wait());
    const Operation after = b.submit([] {}, {slow}); // nothing else is submitted that could nudge it
    EXPECT_FALSE(after.wait_for(0.01));
    gate.open();
    EXPECT_TRUE(after.wait_for(kSoon));
}

TEST(Stream, NeverDeadlocksWhenWorkOrItsCleanupUsesTheStream) {
    Stream stream(Device::cpu(), {.max_pending = 1});
    std::atomic<int> ran{0};
    struct SubmitsWhenDestroyed {
        Stream& stream;
        std::atomic<int>& ran;
        ~SubmitsWhenDestroyed() {
            stream.submit([&ran = ran] { ++ran; });
        }
    };
    {
        std::shared_ptr<SubmitsWhenDestroyed> last(new SubmitsWhenDestroyed{stream, ran});
        stream.submit([last = std::move(last), &stream, &ran] {
            ++ran;
            for (int i = 0; i < 5; ++i) stream.submit([&ran] { ++ran; }); // more than there is room for
            EXPECT_EQ(stream.stats().pending, 6);
        });
    }
    for (int i = 0; i < 1000 && ran < 7; ++i) stream.wait();
    EXPECT_EQ(ran, 7);
}

TEST(Stream, NeverWaitsForItself) {
    Stream stream;
    std::string waits[3];
    Operation later;
    Gate gate;
    const Operation op = stream.submit([&] {
        gate.wait()();
        waits[0] = message_of([&] { later.wait(); });
        waits[1] = message_of([&] { stream.wait(); });
        waits[2] = message_of([&] { stream.shutdown(); });
    });
    later = stream.submit([] {});
    gate.open();
    ASSERT_TRUE(op.wait_for(kSoon));
    EXPECT_EQ(waits[0].substr(0, 16), "Operation::wait:");
    EXPECT_EQ(waits[1], "Stream::wait: called inside the stream's own work");
    EXPECT_EQ(waits[2], "Stream::shutdown: called inside the stream's own work");
    later.wait();
}

TEST(Stream, CompletionHandlersSeeTheEndOnceBeforeWaitReturns) {
    Stream stream;
    auto thing = std::make_shared<int>(1);
    std::vector<std::string> told; // on the stream's thread, before wait() returns
    const auto tell = [&told, thing](const std::exception_ptr& error) {
        told.push_back(error ? message_of([&] { std::rethrow_exception(error); }) : "done");
    };
    const Operation good = stream.submit([thing] { EXPECT_GT(thing.use_count(), 2); }, {}, tell);
    const Operation bad = stream.submit([] { throw std::runtime_error("bad"); }, {good}, tell);
    const Operation never = stream.submit([] { FAIL(); }, {bad}, tell);
    EXPECT_THROW(never.wait(), std::runtime_error);
    EXPECT_EQ(told, (std::vector<std::string>{"done", "bad", "bad"}));
    EXPECT_EQ(thing.use_count(), 2); // ours and `tell`'s: the copies in the stream are gone
}

TEST(Stream, NeverLosesWhatACompletionHandlerThrows) {
    Stream stream;
    const Operation op =
        stream.submit([] {}, {}, [](const std::exception_ptr&) { throw std::runtime_error("handler"); });
    op.wait(); // the work was done
    EXPECT_EQ(op.status(), Operation::Status::done);
    stream.submit([] {}, {op}).wait();
    EXPECT_EQ(message_of([&] { stream.wait(); }), "handler");
    EXPECT_EQ(stream.stats().failed, 0);
}

TEST(Stream, StreamsRunBesideEachOther) {
    Stream a, b;
    std::atomic<int> met{0};
    const auto meet = [&] {
        ++met;
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (met < 2 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
        if (met < 2) throw std::runtime_error("alone");
    };
    a.submit(meet);
    b.submit(meet);
    a.wait();
    b.wait();
}

TEST(Stream, StatisticsAddUp) {
    Gate gate;
    Stream stream;
    stream.submit([] {});
    const Operation bad = stream.submit([] { throw std::runtime_error("x"); });
    stream.submit([] {}, {bad});
    EXPECT_THROW(stream.wait(), std::runtime_error);
    stream.submit(gate.wait());
    stream.submit([] {});
    StreamStats s = stream.stats();
    EXPECT_EQ(s.queued, 5);
    EXPECT_EQ(s.executed, 3);
    EXPECT_EQ(s.failed, 2);
    EXPECT_EQ(s.pending, 2);
    gate.open();
    stream.wait();
    s = stream.stats();
    EXPECT_EQ(s.executed, 5);
    EXPECT_EQ(s.pending, 0);
}

TEST(Stream, ManyThreadsMaySubmit) {
    Stream a(Device::cpu(), {.max_pending = 8}), b(Device::reference(), {.max_pending = 8});
    int sum_a = 0, sum_b = 0; // touched by one stream each
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 200; ++i) {
                const Operation op = a.submit([&] { ++sum_a; });
                const Operation next = b.submit([&] { ++sum_b; }, {op});
                if (i % 50 == 0) a.submit([] {}, {next}).wait();
            }
        });
    }
    for (auto& t : threads) t.join();
    a.wait();
    b.wait();
    EXPECT_EQ(sum_a, 800);
    EXPECT_EQ(sum_b, 800);
}

TEST(Stream, DevicesThatAreNotThereAreErrors) { EXPECT_THROW(Stream(Device{Device::Kind::cuda, 0}), DeviceError); }

TEST(StreamDeathTest, DestructionInsideItsOwnWorkIsCaught) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            auto* stream = new Stream;
            stream->submit([stream] { delete stream; });
            std::this_thread::sleep_for(std::chrono::seconds(30));
        },
        "destroyed inside its own work");
}

TEST(Event, MarksAPointInAStream) {
    Gate first, second;
    Stream stream;
    Event event;
    EXPECT_TRUE(event.query()); // nothing recorded
    event.wait();
    stream.submit(first.wait());
    event.record(stream);
    stream.submit(second.wait());
    EXPECT_FALSE(event.query());
    first.open();
    event.wait();
    EXPECT_TRUE(event.query());
    event.record(stream); // now behind the second gate
    EXPECT_FALSE(event.query());
    second.open();
    event.wait();
}

TEST(Event, OrdersStreams) {
    Gate gate;
    Stream a, b;
    std::atomic<int> value{0};
    a.submit(gate.wait());
    a.submit([&] { value = 1; });
    Event event;
    event.record(a);
    b.wait(event);
    int seen = -1;
    const Operation read = b.submit([&] { seen = value; });
    EXPECT_FALSE(read.wait_for(0.01));
    gate.open();
    read.wait();
    EXPECT_EQ(seen, 1);
    b.wait(Event()); // nothing recorded: nothing to wait for
}

TEST(Event, TellsAboutOrderNotAboutErrors) {
    Stream a, b;
    a.submit([] { throw std::runtime_error("x"); });
    Event event;
    event.record(a);
    event.wait();
    b.wait(event);
    b.submit([] {}).wait();
    b.wait();
    EXPECT_THROW(a.wait(), std::runtime_error);
}

} // namespace
} // namespace ingot
