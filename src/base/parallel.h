// SPDX-License-Identifier: MIT
// The one thread pool: OpenMP (the pool that oneDNN uses too) in g++ builds, std::thread elsewhere. Everything on the
// CPU that uses several threads goes through parallel_for. The partition of work never depends on timing; anything
// whose rounding depends on a partition must choose it from shapes only, not from num_threads().
// Speed: libgomp keeps one team per calling thread and stops spinning once all teams have more threads than there are
// cores (a region of a small net then takes several times as long), so regions should come from one thread of the process.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace ingot::base {

/// Threads that parallel_for uses (>= 1). Starts as INGOT_NUM_THREADS, else OMP_NUM_THREADS, else the cores of this process.
int num_threads();
/// Errors: ingot::Error outside 1 to 1024.
void set_num_threads(int threads);

/// Makes OpenMP regions that a library opens on the calling thread (oneDNN's) use num_threads() too. OpenMP keeps that
/// number per thread, so a thread that calls such a library calls this before it; a few ns when nothing changed.
void sync_library_threads();

namespace detail {
using Body = void (*)(const void* context, int64_t begin, int64_t end);
void parallel_for(int64_t count, int64_t grain, Body body, const void* context);
} // namespace detail

/// Calls f(begin, end) on disjoint ranges that cover [0, count), in parallel when count > grain. Each range but the last
/// is a multiple of `grain` long. Nested calls run serially. An exception thrown by f is rethrown here (the first by range).
template <class F> void parallel_for(int64_t count, int64_t grain, const F& f) {
    if (count <= 0) return;
    if (count <= grain) {
        f(int64_t{0}, count);
        return;
    }
    detail::parallel_for(
        count, grain,
        [](const void* context, int64_t begin, int64_t end) { (*static_cast<const F*>(context))(begin, end); },
        static_cast<const void*>(std::addressof(f)));
}

} // namespace ingot::base
