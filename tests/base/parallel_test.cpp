// SPDX-License-Identifier: MIT
#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#ifdef INGOT_OPENMP
#include <omp.h>
#endif

#include <gtest/gtest.h>

#include <ingot/error.h>

#include "base/parallel.h"

namespace ingot::base {
namespace {

/// Restores the number of threads that the other tests see.
class Parallel : public testing::TestWithParam<int> {
protected:
    void SetUp() override { set_num_threads(GetParam()); }
    void TearDown() override { set_num_threads(before_); }
    const int before_ = num_threads();
};

TEST_P(Parallel, RangesCoverEverythingOnceAndAreMultiplesOfTheGrain) {
    for (const int64_t count : {0, 1, 2, 7, 63, 64, 65, 100, 1000, 4097}) {
        for (const int64_t grain : {1, 3, 16, 64, 5000}) {
            std::vector<std::atomic<int>> seen(static_cast<size_t>(count));
            std::mutex mutex;
            std::set<std::pair<int64_t, int64_t>> ranges;
            parallel_for(count, grain, [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
                const std::lock_guard lock(mutex);
                ranges.insert({begin, end});
            });
            for (int64_t i = 0; i < count; ++i) ASSERT_EQ(seen[static_cast<size_t>(i)], 1) << i;
            for (const auto& [begin, end] : ranges) {
                ASSERT_LT(begin, end);
                ASSERT_EQ(begin % grain, 0);
                if (end != count) { ASSERT_EQ(end % grain, 0); }
            }
            ASSERT_LE(ranges.size(), static_cast<size_t>(GetParam()));
        }
    }
}

TEST_P(Parallel, ManyRangesGoToManyThreads) {
    std::mutex mutex;
    std::set<std::thread::id> ids;
    std::set<std::pair<int64_t, int64_t>> ranges;
    parallel_for(1000, 1, [&](int64_t begin, int64_t end) {
        const std::lock_guard lock(mutex);
        ids.insert(std::this_thread::get_id());
        ranges.insert({begin, end});
    });
    EXPECT_EQ(ranges.size(), static_cast<size_t>(GetParam()));
    EXPECT_EQ(ids.size(), static_cast<size_t>(GetParam()));
}

TEST_P(Parallel, NestedCallsRunSeriallyInOneRange) {
    std::atomic<int> inner_calls{0}, outer_calls{0}, elements{0}, other_thread{0};
    parallel_for(64, 1, [&](int64_t begin, int64_t end) {
        ++outer_calls;
        for (int64_t i = begin; i < end; ++i) {
            const auto me = std::this_thread::get_id();
            parallel_for(100, 1, [&](int64_t b, int64_t e) {
                ++inner_calls;
                elements += static_cast<int>(e - b);
                if (std::this_thread::get_id() != me) ++other_thread;
            });
        }
    });
    EXPECT_EQ(elements, 6400);
    EXPECT_EQ(other_thread, 0);
    if (outer_calls > 1) { EXPECT_EQ(inner_calls, 64); }
}

TEST_P(Parallel, TheExceptionOfTheLowestRangeArrivesAndThePoolGoesOn) {
    for (int round = 0; round < 50; ++round) {
        try {
            parallel_for(1000, 1, [&](int64_t begin, int64_t) { throw std::runtime_error(std::to_string(begin)); });
            ADD_FAILURE() << "nothing thrown";
        } catch (const std::runtime_error& e) { EXPECT_STREQ(e.what(), "0"); }
        // Also when only the last range throws.
        EXPECT_THROW(parallel_for(1000, 1,
                                  [&](int64_t, int64_t end) {
                                      if (end == 1000) throw std::logic_error("last");
                                  }),
                     std::logic_error);
        std::atomic<int64_t> sum{0};
        parallel_for(1000, 10, [&](int64_t begin, int64_t end) { sum += end - begin; });
        ASSERT_EQ(sum, 1000);
    }
}

TEST_P(Parallel, SeveralThreadsMayCallAtOnce) {
    std::atomic<int64_t> sum{0};
    std::vector<std::thread> callers;
    for (int t = 0; t < 4; ++t) {
        callers.emplace_back([&] {
            for (int i = 0; i < 200; ++i) parallel_for(64, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
        });
    }
    for (auto& c : callers) c.join();
    EXPECT_EQ(sum, 4 * 200 * 64);
}

TEST_P(Parallel, TheWorkersSleepAndWakeAgain) {
    for (int i = 0; i < 3; ++i) {
        std::atomic<int64_t> sum{0};
        parallel_for(64, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
        EXPECT_EQ(sum, 64);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

#ifdef INGOT_OPENMP
TEST_P(Parallel, LibrariesWithOpenMpUseTheSameCountOnEveryThread) {
    EXPECT_EQ(omp_get_max_threads(), GetParam());
    int there = 0;
    std::thread([&] {
        sync_library_threads();
        there = omp_get_max_threads();
    }).join();
    EXPECT_EQ(there, GetParam());
}
#endif

INSTANTIATE_TEST_SUITE_P(Threads, Parallel, testing::Values(1, 2, 3, 8));

TEST(NumThreads, BadCountsAreErrors) {
    const int before = num_threads();
    EXPECT_GE(before, 1);
    EXPECT_THROW(set_num_threads(0), Error);
    EXPECT_THROW(set_num_threads(-3), Error);
    EXPECT_THROW(set_num_threads(1 << 20), Error);
    EXPECT_EQ(num_threads(), before);
}

} // namespace
} // namespace ingot::base
