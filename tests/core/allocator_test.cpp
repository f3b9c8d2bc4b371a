// SPDX-License-Identifier: MIT
// The caching allocator on a source of memory with a capacity, so that everything it takes and gives back is seen.
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <ingot/error.h>

#include "core/allocator.h"
#include "core/buffer.h"

namespace ingot::core {
namespace {

constexpr int64_t kKiB = 1 << 10, kMiB = 1 << 20;

/// Host memory, counted, up to a capacity.
class CountedSource final : public MemorySource {
public:
    explicit CountedSource(int64_t capacity = int64_t{1} << 40) : capacity_(capacity) {}
    ~CountedSource() override { EXPECT_EQ(taken, 0) << "memory not given back"; }
    void* take(size_t bytes) override {
        EXPECT_EQ(bytes % (16 * kKiB), 0u);
        if (taken + static_cast<int64_t>(bytes) > capacity_) return nullptr;
        void* p = host_memory().take(bytes);
        if (!p) return nullptr;
        taken += static_cast<int64_t>(bytes);
        regions[p] = bytes;
        return p;
    }
    void give_back(void* region, size_t bytes) override {
        ASSERT_TRUE(regions.count(region));
        EXPECT_EQ(regions[region], bytes);
        regions.erase(region);
        taken -= static_cast<int64_t>(bytes);
        host_memory().give_back(region, bytes);
    }
    int64_t taken = 0;
    std::map<void*, size_t> regions;

private:
    int64_t capacity_;
};

class AllocatorTest : public testing::Test {
protected:
    void TearDown() override {
        for (void* p : held_) allocator_.release(p);
        allocator_.trim();
        EXPECT_EQ(allocator_.stats().total_memory, 0);
    }
    void* hold(size_t bytes, const char* what = "test") {
        held_.push_back(allocator_.allocate(bytes, what));
        return held_.back();
    }
    void release_all() {
        for (void* p : held_) allocator_.release(p);
        held_.clear();
    }
    void check_identities(const MemoryStats& s) const {
        EXPECT_EQ(s.num_allocations, s.num_pool_hits + s.num_pool_misses);
        EXPECT_EQ(s.total_memory, s.used_memory + s.total_free);
        EXPECT_EQ(s.live, s.num_allocations - s.num_deallocations);
        EXPECT_GE(s.used_memory, s.requested);
        EXPECT_GE(s.peak, s.used_memory);
        EXPECT_GE(s.internal_fragmentation, 0);
        EXPECT_LT(s.internal_fragmentation, 1);
        EXPECT_GE(s.external_fragmentation, 0);
        EXPECT_LE(s.external_fragmentation, 1);
        EXPECT_EQ(s.total_memory, source_.taken);
    }
    std::string failure(size_t bytes, const char* what) {
        try {
            hold(bytes, what);
        } catch (const OutOfMemoryError& e) { return e.what(); }
        return "no failure";
    }
    CountedSource source_;
    Allocator allocator_{Device::cpu(), source_, 0};
    std::vector<void*> held_;
};

TEST_F(AllocatorTest, RandomUseKeepsTheIdentitiesAndNoTwoBlocksOverlap) {
    struct Mine {
        unsigned char* data;
        size_t bytes;
        unsigned char mark;
    };
    std::mt19937 random(1);
    std::vector<Mine> mine;
    int64_t requested = 0, most = 0;
    for (int step = 0; step < 20000; ++step) {
        // Grow for a while, then shrink, again and again.
        const bool grow = step / 1000 % 2 == 0 ? random() % 3 != 0 : random() % 3 == 0;
        if (grow || mine.empty()) {
            size_t bytes = 1 + random() % 2000;
            if (random() % 4 == 0) bytes = 1 + random() % 100000;
            if (random() % 50 == 0) bytes = 1 + random() % 3000000;
            auto* p = static_cast<unsigned char*>(allocator_.allocate(bytes, "random"));
            ASSERT_EQ(reinterpret_cast<uintptr_t>(p) % 64, 0u);
            const auto mark = static_cast<unsigned char>(random());
            // Ends and a sample inside: overlapping blocks would show.
            for (size_t at = 0; at < bytes; at += 61) p[at] = mark;
            p[bytes - 1] = mark;
            mine.push_back({p, bytes, mark});
            requested += static_cast<int64_t>(bytes);
        } else {
            const size_t i = random() % mine.size();
            for (size_t at = 0; at < mine[i].bytes; at += 61) ASSERT_EQ(mine[i].data[at], mine[i].mark);
            ASSERT_EQ(mine[i].data[mine[i].bytes - 1], mine[i].mark);
            requested -= static_cast<int64_t>(mine[i].bytes);
            allocator_.release(mine[i].data);
            mine[i] = mine.back();
            mine.pop_back();
        }
        if (step % 3333 == 0) allocator_.trim();
        const MemoryStats s = allocator_.stats();
        check_identities(s);
        ASSERT_EQ(s.requested, requested);
        ASSERT_EQ(s.live, static_cast<int64_t>(mine.size()));
        most = std::max(most, s.used_memory);
        ASSERT_EQ(s.peak, most);
        if (HasFailure()) return;
    }
    for (const Mine& m : mine) allocator_.release(m.data);
    const MemoryStats s = allocator_.stats();
    EXPECT_EQ(s.used_memory, 0);
    EXPECT_EQ(s.requested, 0);
    EXPECT_GT(s.num_pool_hits, 20 * s.num_pool_misses);
    EXPECT_EQ(allocator_.trim(), s.total_memory);
    EXPECT_EQ(source_.taken, 0);
}

TEST_F(AllocatorTest, TheSameSizesAgainComeFromTheCache) {
    const size_t sizes[] = {1, 64, 100, 5000, 40000, 300000, 5 * kMiB, 70 * kMiB};
    for (const size_t n : sizes) hold(n);
    release_all();
    const MemoryStats before = allocator_.stats();
    for (int step = 0; step < 10; ++step) {
        for (const size_t n : sizes) hold(n);
        release_all();
    }
    const MemoryStats after = allocator_.stats();
    EXPECT_EQ(after.num_pool_misses, before.num_pool_misses);
    EXPECT_EQ(after.num_pool_hits, before.num_pool_hits + 80);
    EXPECT_EQ(after.total_memory, before.total_memory);
    EXPECT_EQ(after.peak, before.peak);
}

TEST_F(AllocatorTest, TheFirstAllocationIsAMissAndTheLastFreedBlockIsReusedFirst) {
    void* a = allocator_.allocate(1000, "a");
    EXPECT_EQ(allocator_.stats().num_pool_misses, 1);
    EXPECT_EQ(allocator_.stats().num_pool_hits, 0);
    void* b = allocator_.allocate(1000, "b");
    allocator_.release(a);
    allocator_.release(b);
    EXPECT_EQ(allocator_.allocate(1000, "c"), b);
    EXPECT_EQ(allocator_.allocate(1000, "d"), a);
    EXPECT_EQ(allocator_.stats().num_pool_misses, 1);
    allocator_.release(a);
    allocator_.release(b);
}

TEST_F(AllocatorTest, LargeBlocksAreSplitAndJoined) {
    hold(48 * kMiB);
    release_all();
    ASSERT_EQ(allocator_.stats().num_pool_misses, 1);
    for (int i = 0; i < 11; ++i) hold(4 * kMiB);
    EXPECT_EQ(allocator_.stats().num_pool_misses, 1);
    // Freed in another order than taken, they are one block again.
    for (int i = 0; i < 11; ++i) { allocator_.release(held_[static_cast<size_t>(i * 7 % 11)]); }
    held_.clear();
    EXPECT_EQ(allocator_.stats().external_fragmentation, 0);
    hold(48 * kMiB);
    EXPECT_EQ(allocator_.stats().num_pool_misses, 1);
}

TEST_F(AllocatorTest, SmallBlocksAreJoinedBeforeMemoryIsTaken) {
    for (int i = 0; i < 100; ++i) hold(10000);
    release_all();
    for (int i = 0; i < 7; ++i) hold(250 * kKiB);
    EXPECT_EQ(allocator_.stats().num_pool_misses, 1);
}

TEST_F(AllocatorTest, FragmentationIsWhatItsNameSays) {
    for (int i = 0; i < 8; ++i) hold(33 * kKiB); // whole pages: 36 KiB each
    const MemoryStats s = allocator_.stats();
    EXPECT_DOUBLE_EQ(s.internal_fragmentation, 1 - 33.0 * 8 / (36 * 8));
    // Every second block free: the largest cached piece is the rest of the segment.
    for (size_t i = 0; i < 8; i += 2) allocator_.release(held_[i]);
    const MemoryStats t = allocator_.stats();
    const double rest = 2048 - 8 * 36, total = rest + 4 * 36;
    EXPECT_DOUBLE_EQ(t.external_fragmentation, 1 - rest / total);
    for (size_t i = 0; i < 8; i += 2) held_[i] = held_[i + 1];
    for (size_t i = 1; i < 8; i += 2) held_[i] = nullptr; // release() of null does nothing
}

TEST_F(AllocatorTest, ThePeakCanBeReset) {
    hold(10 * kMiB);
    release_all();
    EXPECT_GE(allocator_.stats().peak, 10 * kMiB);
    allocator_.reset_peak();
    EXPECT_EQ(allocator_.stats().peak, 0);
    hold(kMiB);
    EXPECT_GE(allocator_.stats().peak, kMiB);
    EXPECT_LT(allocator_.stats().peak, 2 * kMiB);
}

TEST_F(AllocatorTest, TrimKeepsWhatIsLive) {
    auto* live = static_cast<char*>(hold(10 * kMiB));
    std::memset(live, 7, 10 * kMiB);
    allocator_.release(allocator_.allocate(100 * kMiB, "passing"));
    EXPECT_GE(allocator_.trim(), 100 * kMiB);
    EXPECT_EQ(live[0], 7);
    EXPECT_EQ(live[10 * kMiB - 1], 7);
    check_identities(allocator_.stats());
    EXPECT_EQ(allocator_.trim(), 0);
}

TEST_F(AllocatorTest, TheLimitCountsLiveAndCachedAndTheProcessGoesOn) {
    allocator_.set_limit(64 * kMiB);
    EXPECT_EQ(allocator_.limit(), 64 * kMiB);
    hold(30 * kMiB, "weights");
    const std::string message = failure(40 * kMiB, "arena");
    EXPECT_NE(message.find("out of memory on cpu: cannot allocate 40.0 MiB for 'arena' (live 30.0 MiB"),
              std::string::npos)
        << message;
    EXPECT_NE(message.find("limit 64.0 MiB); held by 'weights' 30.0 MiB in 1; "), std::string::npos) << message;
    EXPECT_NE(message.find("INGOT_MEMORY_LIMIT"), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);
    check_identities(allocator_.stats());
    hold(20 * kMiB, "smaller");
    EXPECT_LE(allocator_.stats().total_memory, 64 * kMiB);
    // Cached memory is given back before anything fails.
    release_all();
    hold(60 * kMiB);
    EXPECT_LE(allocator_.stats().total_memory, 64 * kMiB);
    allocator_.set_limit(0);
    hold(100 * kMiB);
    EXPECT_THROW(allocator_.set_limit(-1), Error);
}

TEST_F(AllocatorTest, ALimitBelowOneSegmentStillServesSmallRequests) {
    allocator_.set_limit(256 * kKiB);
    for (int i = 0; i < 10; ++i) hold(1000);
    EXPECT_EQ(failure(300 * kKiB, "big").substr(0, 13), "out of memory");
    EXPECT_LE(allocator_.stats().total_memory, 256 * kKiB);
    hold(100 * kKiB);
}

TEST_F(AllocatorTest, SettingALimitBelowTheCacheTrims) {
    hold(50 * kMiB);
    release_all();
    allocator_.set_limit(10 * kMiB);
    EXPECT_LE(allocator_.stats().total_memory, 10 * kMiB);
}

TEST_F(AllocatorTest, TheReportNamesHoldersLargestFirst) {
    allocator_.set_limit(32 * kMiB);
    for (int i = 0; i < 3; ++i) hold(kMiB, "activation");
    hold(5 * kMiB, "parameter");
    for (int i = 0; i < 4; ++i) hold(1024, "index");
    const std::string message = failure(64 * kMiB, "arena");
    EXPECT_NE(message.find("held by 'parameter' 5.0 MiB in 1, 'activation' 3.0 MiB in 3, 'index' 4.0 KiB in 4;"),
              std::string::npos)
        << message;
    const auto live = allocator_.live();
    ASSERT_EQ(live.size(), 8u);
    EXPECT_STREQ(live[0].what, "parameter");
    EXPECT_EQ(live[0].bytes, 5u * kMiB);
    EXPECT_STREQ(live[7].what, "index");
}

TEST_F(AllocatorTest, ManyHoldersAreCutShort) {
    static const char* const kNames[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    for (int i = 0; i < 10; ++i) hold(static_cast<size_t>(1000 * (i + 1)), kNames[i]);
    EXPECT_NE(failure(SIZE_MAX, "huge").find("'c' 2.9 KiB in 1 and 2 other holders"), std::string::npos);
}

TEST_F(AllocatorTest, AbsurdSizesAreOutOfMemoryToo) {
    for (const size_t bytes : {SIZE_MAX, SIZE_MAX - 100, size_t{1} << 62, size_t{1} << 56, size_t{1} << 50})
        EXPECT_EQ(failure(bytes, "huge").substr(0, 13), "out of memory") << bytes;
    check_identities(allocator_.stats());
    hold(100);
}

TEST(AllocatorSource, ASourceThatHasNoMoreMakesTheCacheBeReleasedFirst) {
    CountedSource source(20 * kMiB);
    Allocator allocator(Device::cpu(), source, 0);
    void* a = allocator.allocate(8 * kMiB, "a");
    void* b = allocator.allocate(8 * kMiB, "b");
    allocator.release(a);
    allocator.release(b);
    void* c = allocator.allocate(16 * kMiB, "c"); // fits only after both segments went back
    EXPECT_THROW(allocator.allocate(8 * kMiB, "d"), OutOfMemoryError);
    allocator.release(c);
    allocator.trim();
}

TEST_F(AllocatorTest, ThreadsShareIt) {
    std::vector<std::thread> threads;
    std::atomic<int> bad{0};
    for (unsigned t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            std::mt19937 random(t);
            std::vector<std::pair<unsigned char*, size_t>> mine;
            for (int i = 0; i < 3000; ++i) {
                if (mine.size() < 20 || random() % 2) {
                    const size_t n = 1 + random() % (random() % 20 == 0 ? 400000 : 3000);
                    auto* p = static_cast<unsigned char*>(allocator_.allocate(n, "thread"));
                    p[0] = p[n - 1] = static_cast<unsigned char>(t);
                    mine.push_back({p, n});
                } else {
                    const auto [p, n] = mine.back();
                    mine.pop_back();
                    if (p[0] != t || p[n - 1] != t) ++bad;
                    allocator_.release(p);
                }
                if (i % 500 == 0) allocator_.trim();
            }
            for (const auto& [p, n] : mine) allocator_.release(p);
        });
    }
    for (auto& t : threads) t.join();
    EXPECT_EQ(bad, 0);
    check_identities(allocator_.stats());
    EXPECT_EQ(allocator_.stats().live, 0);
}

TEST_F(AllocatorTest, ExactlyTheNthAllocationFails) {
    for (int n = 1; n <= 5; ++n) {
        fail_allocation(n);
        for (int i = 1; i < n; ++i) hold(100);
        EXPECT_EQ(failure(100, "victim").substr(0, 13), "out of memory");
        hold(100);
    }
    fail_allocation(1);
    fail_allocation(0);
    hold(100);
    check_identities(allocator_.stats());
}

using AllocatorDeathTest = AllocatorTest;

TEST_F(AllocatorDeathTest, BadReleasesAreNamed) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    char* p = static_cast<char*>(allocator_.allocate(1000, "twice"));
    char* q = static_cast<char*>(hold(1000 * kKiB, "large"));
    EXPECT_DEATH(allocator_.release(p + 64), "into the middle of a block of 'twice'");
    int mine = 0;
    EXPECT_DEATH(allocator_.release(&mine), "never gave out");
    EXPECT_DEATH((allocator_.release(q), allocator_.release(q)), "double free on cpu of memory last held by 'large'");
    allocator_.release(p);
    EXPECT_DEATH(allocator_.release(p), "double free on cpu of memory last held by 'twice'");
}

#if defined(__SANITIZE_ADDRESS__)
TEST_F(AllocatorDeathTest, TheAddressSanitizerSeesFreedMemoryAndOverruns) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    auto* p = static_cast<volatile char*>(hold(128));
    EXPECT_DEATH(p[128] = 1, "use-after-poison");
    auto* freed = static_cast<volatile char*>(allocator_.allocate(5 * kMiB, "freed"));
    freed[2 * kMiB] = 1;
    allocator_.release(const_cast<char*>(freed));
    EXPECT_DEATH(freed[2 * kMiB] = 2, "use-after-poison");
}
#endif

TEST(HostMemory, LargeRegionsAskForHugePages) {
    const size_t bytes = 8 * kMiB;
    char* region = static_cast<char*>(host_memory().take(bytes));
    ASSERT_NE(region, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(region) % (2 * kMiB), 0u);
    for (size_t i = 0; i < bytes; i += 4096) ASSERT_EQ(region[i], 0);
    region[bytes - 1] = 1;
    std::ifstream smaps("/proc/self/smaps");
    bool inside = false, seen = false, huge = false;
    for (std::string line; std::getline(smaps, line);) {
        unsigned long begin = 0, end = 0;
        if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2)
            inside = begin <= reinterpret_cast<uintptr_t>(region) && reinterpret_cast<uintptr_t>(region) < end;
        if (inside && line.rfind("VmFlags:", 0) == 0) {
            seen = true;
            huge = line.find(" hg") != std::string::npos;
        }
    }
    host_memory().give_back(region, bytes);
    if (!seen || !std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled"))
        GTEST_SKIP() << "this kernel has no transparent huge pages or does not tell";
    EXPECT_TRUE(huge);
}

TEST(HostMemory, MoreThanTheMachineHasIsRefused) {
    EXPECT_EQ(host_memory().take((physical_memory() / (2 * kMiB) + 1) * 2 * kMiB), nullptr);
}

// The process's own allocators.

TEST(Memory, DevicesHaveTheirOwnStatistics) {
    const MemoryStats cpu = memory_stats(), reference = memory_stats(Device::reference());
    const Ref<Storage> s = Storage::allocate(Device::reference(), 12345, "test");
    EXPECT_EQ(memory_stats().requested, cpu.requested);
    EXPECT_EQ(memory_stats(Device::reference()).requested, reference.requested + 12345);
    EXPECT_THROW(memory_stats(Device{Device::Kind::cuda, 0}), DeviceError);
    EXPECT_THROW(Storage::allocate(Device{Device::Kind::metal, 0}, 8, "test"), DeviceError);
}

TEST(Memory, StatisticsPrintInOneLine) {
    const Ref<Storage> s = Storage::allocate(Device::cpu(), 3 * kMiB, "test");
    const std::string text = memory_stats().str();
    EXPECT_EQ(text.substr(0, 5), "live ");
    EXPECT_EQ(text.find('\n'), std::string::npos);
    EXPECT_EQ(format_bytes(0), "0 bytes");
    EXPECT_EQ(format_bytes(1023), "1023 bytes");
    EXPECT_EQ(format_bytes(1536), "1.5 KiB");
    EXPECT_EQ(format_bytes(int64_t{3} << 40), "3.0 TiB");
}

TEST(Memory, TrimAndPeakOfTheProcess) {
    Storage::allocate(Device::cpu(), 40 * kMiB, "test");
    EXPECT_GE(trim_memory(), 40 * kMiB);
    reset_peak_memory();
    EXPECT_EQ(memory_stats().peak, memory_stats().used_memory);
}

Ref<Storage>* g_cache = nullptr;

TEST(Memory, WhatHoldsACacheIsAskedBeforeAnAllocationFails) {
    Ref<Storage> cache = Storage::allocate(Device::cpu(), 20 * kMiB, "cache");
    g_cache = &cache;
    static const bool once = (on_low_memory([] {
                                  if (g_cache) g_cache->reset();
                              }),
                              true);
    EXPECT_TRUE(once);
    allocator(Device::cpu()).trim();
    set_memory_limit(memory_stats().total_memory + 4 * kMiB);
    {
        const Ref<Storage> large = Storage::allocate(Device::cpu(), 22 * kMiB, "large");
        EXPECT_FALSE(cache);
        EXPECT_THROW(Storage::allocate(Device::cpu(), 22 * kMiB, "too much"), OutOfMemoryError);
    }
    set_memory_limit(0);
    cache = Storage::allocate(Device::cpu(), 20 * kMiB, "cache");
    EXPECT_GE(trim_memory(), 20 * kMiB); // and when the program trims
    EXPECT_FALSE(cache);
    g_cache = nullptr;
}

TEST(MemoryDeathTest, TheLimitComesFromTheEnvironment) {
    GTEST_FLAG_SET(death_test_style, "threadsafe"); // a fresh process, in which nothing was allocated yet
    const auto child = [](const char* limit) {
        setenv("INGOT_MEMORY_LIMIT", limit, 1);
        try {
            Storage::allocate(Device::cpu(), 65 * kMiB, "too large");
            std::fprintf(stderr, "not refused");
        } catch (const Error& e) {
            std::fprintf(stderr, "%s; limit %lld", e.what(),
                         limit[0] == '6' ? static_cast<long long>(memory_limit()) : -1LL);
        }
        std::exit(0);
    };
    EXPECT_EXIT(child("64M"), testing::ExitedWithCode(0), "out of memory on cpu.*limit 64.0 MiB.*limit 67108864");
    EXPECT_EXIT(child("much"), testing::ExitedWithCode(0), "INGOT_MEMORY_LIMIT: 'much' is not a size");
}

Ref<Storage>* g_leak = nullptr;

TEST(MemoryDeathTest, TheLeakCheckNamesWhatIsLiveAtExit) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto child = [](bool leak) {
        setenv("INGOT_LEAK_CHECK", "1", 1);
        Storage::allocate(Device::cpu(), 100, "passing");
        if (leak) {
            g_leak = new Ref<Storage>[2]; // reachable, so that only Ingot's own check speaks
            g_leak[0] = Storage::allocate(Device::cpu(), 4000, "parameter");
            g_leak[1] = Storage::allocate(Device::reference(), 50, "scratch");
        }
        std::exit(0);
    };
    EXPECT_EXIT(child(false), testing::ExitedWithCode(0), "^ingot: leak check: 0 bytes live\n$");
    EXPECT_EXIT(child(true), testing::ExitedWithCode(0),
                "cpu: 4000 bytes live from 'parameter'\n.*reference: 50 bytes live from 'scratch'\n"
                ".*leak check: 4050 bytes live");
}

TEST(MemoryDeathTest, StaticObjectsMayOwnMemory) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            setenv("INGOT_LEAK_CHECK", "1", 1);
            static const Ref<Storage> owner = Storage::allocate(Device::cpu(), 64, "static");
            std::exit(0);
        },
        testing::ExitedWithCode(0), "leak check: 0 bytes live");
}

} // namespace
} // namespace ingot::core
