// SPDX-License-Identifier: MIT
// The caching allocator, one per device. Memory is taken from a MemorySource in segments, which are split into blocks;
// freed blocks stay cached. Blocks up to 32 KiB have size classes and are parked by class when freed; others are split
// and joined with their neighbours at once. Requests up to 256 KiB and larger ones live in separate segments, so that a
// long-lived small block does not pin a large segment.
// Thread safe. Allocators are never destroyed: whatever outlives main() can still release its memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include <ingot/memory.h>

#include "core/blocks.h"
#include "core/memory_source.h"

namespace ingot::core {

class Allocator {
public:
    Allocator(Device device, MemorySource& source, int64_t limit);
    Allocator(const Allocator&) = delete;
    Allocator& operator=(const Allocator&) = delete;

    /// `bytes` > 0 of memory aligned to 64 bytes, contents undefined. `what` names the holder in reports and must live
    /// for ever (a string literal). Errors: OutOfMemoryError with a report of the holders, after the cache and what
    /// on_low_memory() gave were released and the request tried again.
    void* allocate(size_t bytes, const char* what);
    /// Takes back what allocate() gave. A pointer that is not live here (freed twice, foreign) aborts with a message.
    void release(void* p);
    /// Gives all cached segments back to the source; returns their bytes.
    int64_t trim();

    MemoryStats stats() const;
    int64_t limit() const;
    /// Limit on live + cached bytes, 0 for none; trims when the present total is above it.
    void set_limit(int64_t bytes);
    void reset_peak();

    struct Live {
        const char* what;
        size_t bytes; ///< as requested
    };
    /// The live allocations, largest first.
    std::vector<Live> live() const;

private:
    static constexpr size_t kClasses = 64; // four per power of two; the last one used is 32 KiB
    enum Heap : uint8_t { kSmall, kLarge, kHeaps };

    Block* find(size_t bytes);
    Block* grow(size_t bytes);
    Block* take_segment(size_t bytes, Heap heap);
    void carve(Block* block, size_t bytes);
    void cache(Block* block);
    bool unpark_all();
    int64_t trim_locked();
    std::string out_of_memory(size_t bytes, const char* what) const;
    [[noreturn]] void bad_release(const void* p) const;
    std::vector<Live> live_locked() const;

    const Device device_;
    MemorySource& source_;
    mutable std::mutex mutex_;
    BlockStore store_;
    LiveMap map_;
    BlockIndex cached_[kHeaps];
    BlockList parked_[kClasses];
    int64_t parked_count_ = 0;
    int64_t limit_ = 0;
    MemoryStats stats_; // the fragmentation fields are computed when asked for
};

/// The device's allocator. Errors: DeviceError for a device that this process does not have.
Allocator& allocator(Device device);

/// Adds a function that gives up caches holding memory (compiled executables, say). It is called before an allocation
/// fails, on the thread that allocates and without any lock of the allocator held, and before the leak check at exit.
/// It must not wait for locks that a caller of allocate() may hold.
void on_low_memory(void (*release)());

/// For tests: the n-th allocation from now, on any device, throws OutOfMemoryError; 0 switches it off.
void fail_allocation(int64_t n);

/// "1.5 MiB": sizes in messages.
std::string format_bytes(int64_t bytes);

} // namespace ingot::core
