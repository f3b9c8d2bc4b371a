// SPDX-License-Identifier: MIT
// The part of parallel_for that both pools share: thread count, partition, nesting, exceptions.
#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <exception>
#include <mutex>
#include <string>
#include <thread>

#include <ingot/error.h>

#include "base/env.h"
#include "base/parallel_pool.h"

namespace ingot::base {

namespace {

constexpr int kMaxThreads = 1024;

int default_threads() {
    if (const auto text = env("INGOT_NUM_THREADS")) {
        int n = 0;
        const char* end = text->data() + text->size();
        const auto [at, code] = std::from_chars(text->data(), end, n);
        if (code != std::errc() || at != end || n < 1 || n > kMaxThreads)
            throw Error("INGOT_NUM_THREADS: '" + *text + "' is not a number of threads from 1 to 1024");
        return n;
    }
    if (const auto text = env("OMP_NUM_THREADS")) {
        // OpenMP allows a list, one number per nesting level; only the first concerns us. The variable belongs to
        // OpenMP, so a text that it would ignore is not an error here either.
        int n = 0;
        const auto [at, code] = std::from_chars(text->data(), text->data() + text->size(), n);
        if (code == std::errc() && n >= 1) return std::min(n, kMaxThreads);
    }
    return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMaxThreads);
}

std::atomic<int> g_threads{0}; // 0: not asked yet

thread_local bool t_inside = false;     // this thread runs a range of some parallel_for
thread_local int t_library_threads = 0; // what sync_library_threads() last told this thread's OpenMP

/// The exception of the lowest range that threw: independent of which thread was first.
struct FirstError {
    std::mutex mutex;
    int64_t begin = 0;
    std::exception_ptr error;
    std::atomic<bool> any{false};

    void keep(int64_t at) {
        const std::lock_guard lock(mutex);
        if (!error || at < begin) {
            begin = at;
            error = std::current_exception();
        }
        any.store(true, std::memory_order_relaxed);
    }
};

struct Region {
    int64_t count, grain, blocks;
    int parts;
    detail::Body body;
    const void* context;
    FirstError* error;
};

void run_part(const void* data, int part) {
    const Region& r = *static_cast<const Region*>(data);
    // Contiguous shares whose sizes differ by at most one block, the larger ones first.
    const int64_t share = r.blocks / r.parts, extra = r.blocks % r.parts;
    const int64_t first = part * share + std::min<int64_t>(part, extra);
    const int64_t last = first + share + (part < extra ? 1 : 0);
    const int64_t begin = first * r.grain;
    const int64_t end = last == r.blocks ? r.count : last * r.grain;
    const bool outer = t_inside;
    t_inside = true;
    try {
        r.body(r.context, begin, end);
    } catch (...) { r.error->keep(begin); }
    t_inside = outer;
}

} // namespace

int num_threads() {
    int n = g_threads.load(std::memory_order_relaxed);
    if (n == 0) {
        n = default_threads();
        int expected = 0;
        if (!g_threads.compare_exchange_strong(expected, n)) n = expected;
    }
    return n;
}

void set_num_threads(int threads) {
    if (threads < 1 || threads > kMaxThreads)
        throw Error("set_num_threads: " + std::to_string(threads) + " is not a number of threads from 1 to 1024");
    g_threads.store(threads);
    sync_library_threads();
}

void sync_library_threads() {
    const int n = num_threads();
    if (t_library_threads == n) return;
    pool::set_library_threads(n);
    t_library_threads = n;
}

namespace detail {

void parallel_for(int64_t count, int64_t grain, Body body, const void* context) {
    grain = std::max<int64_t>(grain, 1);
    const int64_t blocks = (count - 1) / grain + 1;
    const int parts = static_cast<int>(std::min<int64_t>(num_threads(), blocks));
    if (parts <= 1 || t_inside) {
        body(context, 0, count);
        return;
    }
    FirstError error;
    const Region region{count, grain, blocks, parts, body, context, &error};
    pool::run(parts, &run_part, &region);
    if (error.any.load(std::memory_order_relaxed)) std::rethrow_exception(error.error);
}

} // namespace detail
} // namespace ingot::base
