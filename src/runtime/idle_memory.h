// SPDX-License-Identifier: MIT
// Memory that outlives a submission so that the next one allocates nothing: one arena per device, and small results that
// nobody holds any more. Given back by clear_cache() and trim_memory(), before an allocation fails, and by the leak check.
// Thread safe: the memory may be asked back by a thread that does not evaluate anything.
#pragma once

#include <array>
#include <vector>

#include "core/buffer.h"

namespace ingot::runtime {

/// The device's arena of at least `bytes`; null for 0 bytes. Shared by all executables: nothing in it outlives a run. Whoever
/// runs keeps the reference, so that a release meanwhile does no harm. Errors: OutOfMemoryError.
Ref<core::Storage> arena_memory(Device device, int64_t bytes);

/// The storages that an executable handed out as results before.
class SpareResults {
public:
    SpareResults();
    ~SpareResults();
    SpareResults(const SpareResults&) = delete;
    SpareResults& operator=(const SpareResults&) = delete;

    void resize(size_t results);
    /// Memory for a result: one that was handed out before and that nobody holds any more, else new.
    /// Errors: OutOfMemoryError.
    Ref<core::Storage> take(size_t result, Device device, size_t bytes);

private:
    friend void release_idle_memory();
    /// Per result. Programs keep a result or two while they make the next.
    std::vector<std::array<Ref<core::Storage>, 4>> spare_;
};

/// Drops the arenas and all spare results.
void release_idle_memory();

} // namespace ingot::runtime
