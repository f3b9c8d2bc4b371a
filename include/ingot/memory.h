// SPDX-License-Identifier: MIT
// Device memory as users see it: statistics, limit, trimming. Everything Ingot computes with comes from one caching
// allocator per device. All functions are thread safe.
#pragma once

#include <cstdint>
#include <string>

#include <ingot/device.h>

namespace ingot {

/// Counters of one device's allocator. num_allocations = num_pool_hits + num_pool_misses; total_memory = used_memory +
/// total_free. Sizes in bytes.
struct MemoryStats {
    int64_t num_allocations = 0;
    int64_t num_deallocations = 0;
    int64_t num_pool_hits = 0;
    int64_t num_pool_misses = 0;
    int64_t total_memory = 0;          ///< live + cached, as taken from the system
    int64_t used_memory = 0;           ///< live, in allocator blocks
    int64_t total_free = 0;            ///< cached
    int64_t live = 0;                  ///< live allocations (a count)
    int64_t peak = 0;                  ///< highest used_memory
    int64_t requested = 0;             ///< bytes asked for by the live allocations
    double internal_fragmentation = 0; ///< 1 - requested / used_memory
    double external_fragmentation = 0; ///< 1 - largest cached block / total_free
    std::string str() const;
};

MemoryStats memory_stats(Device device = Device::cpu());

/// Gives back to the system what nobody uses: cached memory and what compiled steps keep between their runs (they take it
/// again). Returns the bytes given back.
int64_t trim_memory(Device device = Device::cpu());

/// Limit on live + cached bytes of the device, 0 for none. Starts as INGOT_MEMORY_LIMIT (K, M, G in powers of 1024).
void set_memory_limit(int64_t bytes, Device device = Device::cpu());
int64_t memory_limit(Device device = Device::cpu());

/// Sets peak to the present used_memory.
void reset_peak_memory(Device device = Device::cpu());

} // namespace ingot
