// SPDX-License-Identifier: MIT
// Persistent workers that spin for a short while after each region and then sleep. One region runs at a time: a second
// caller finds the pool busy and runs its parts itself, which is allowed because results never depend on the partition.
#ifndef INGOT_OPENMP

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "base/parallel_pool.h"

namespace ingot::base::pool {

namespace {

/// One step of waiting. A pause takes 10 to 50 ns; after about 10 us the waiter offers its core to whoever has work, which
/// costs nothing on an idle machine and is what makes a busy one progress.
void wait_step(int step) {
    if (step > 200) {
        std::this_thread::yield();
        return;
    }
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

/// Steps before a worker sleeps: longer than the gap between two kernels of a small net.
constexpr int kSteps = 1000;

class Pool {
public:
    void run(int parts, void (*part)(const void*, int), const void* context) {
        std::unique_lock busy(busy_, std::try_to_lock);
        if (!busy.owns_lock()) {
            for (int i = 0; i < parts; ++i) part(context, i);
            return;
        }
        {
            const std::lock_guard lock(mutex_);
            part_ = part;
            context_ = context;
            parts_ = parts;
            for (; workers_ < parts - 1; ++workers_)
                std::thread(&Pool::work, this, workers_ + 1, round_.load()).detach();
            running_.store(workers_, std::memory_order_relaxed);
            round_.fetch_add(1, std::memory_order_release);
            if (asleep_ > 0) wake_.notify_all();
        }
        part(context, 0);
        for (int step = 0; running_.load(std::memory_order_acquire) != 0; step = std::min(step + 1, kSteps))
            wait_step(step);
    }

private:
    /// Worker `me` runs part `me` of every region that has one. `seen` is the last round before it was born.
    void work(int me, uint64_t seen) {
        for (;;) {
            for (int step = 0; round_.load(std::memory_order_acquire) == seen; ++step) {
                if (step < kSteps) {
                    wait_step(step);
                    continue;
                }
                std::unique_lock lock(mutex_);
                ++asleep_;
                wake_.wait(lock, [&] { return round_.load(std::memory_order_relaxed) != seen; });
                --asleep_;
            }
            ++seen; // run() waits for every worker, so nobody can miss a round
            if (me < parts_) part_(context_, me);
            running_.fetch_sub(1, std::memory_order_release);
        }
    }

    std::mutex busy_, mutex_;
    std::condition_variable wake_;
    std::atomic<uint64_t> round_{0};
    std::atomic<int> running_{0};
    int workers_ = 0, asleep_ = 0, parts_ = 0;
    void (*part_)(const void*, int) = nullptr;
    const void* context_ = nullptr;
};

Pool& the_pool() {
    // Never destroyed: its detached workers may still be waiting in it while the process ends.
    static Pool* const pool = new Pool;
    return *pool;
}

} // namespace

void run(int parts, void (*part)(const void* context, int i), const void* context) {
    the_pool().run(parts, part, context);
}

void set_library_threads(int) {}

} // namespace ingot::base::pool

#endif
