// SPDX-License-Identifier: MIT
// The allocators of this process, the public functions of <ingot/memory.h> and the leak check.
#include <ingot/memory.h>

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <vector>

#include <ingot/error.h>

#include "base/env.h"
#include "core/allocator.h"
#include "core/memory_hooks.h"

namespace ingot {

namespace core {

namespace {

struct Allocators {
    explicit Allocators(int64_t limit)
        : cpu(Device::cpu(), host_memory(), limit), reference(Device::reference(), host_memory(), limit) {}
    Allocator cpu, reference;
};

Allocators& allocators();

struct Hooks {
    std::mutex mutex;
    std::vector<void (*)()> release;
};

Hooks& hooks() {
    static Hooks* const all = new Hooks;
    return *all;
}

/// Prints what is live on `device`, largest first, to standard error; returns the bytes.
int64_t report_live(const Allocator& allocator, const char* device) {
    constexpr size_t kShown = 100;
    const std::vector<Allocator::Live> live = allocator.live();
    int64_t bytes = 0;
    for (size_t i = 0; i < live.size(); ++i) {
        bytes += static_cast<int64_t>(live[i].bytes);
        if (i < kShown)
            std::fprintf(stderr, "ingot: leak check: %s: %zu bytes live from '%s'\n", device, live[i].bytes,
                         live[i].what);
    }
    if (live.size() > kShown)
        std::fprintf(stderr, "ingot: leak check: %s: and %zu more buffers\n", device, live.size() - kShown);
    return bytes;
}

void leak_check() {
    release_held_caches();
    const int64_t bytes = report_live(allocators().cpu, "cpu") + report_live(allocators().reference, "reference");
    std::fprintf(stderr, "ingot: leak check: %lld bytes live\n", static_cast<long long>(bytes));
}

Allocators& allocators() {
    static Allocators* const all = [] {
        const auto limit = base::env("INGOT_MEMORY_LIMIT");
        auto* made = new Allocators(limit ? base::parse_bytes(*limit, "INGOT_MEMORY_LIMIT") : 0);
        // Registered before the first allocation returns, so it runs after the destructors of static objects that own
        // memory: those are registered when their constructors, which allocate, are done.
        const auto check = base::env("INGOT_LEAK_CHECK");
        if (check && *check != "0") std::atexit(leak_check);
        return made;
    }();
    return *all;
}

} // namespace

Allocator& allocator(Device device) {
    if (device == Device::cpu()) return allocators().cpu;
    if (device == Device::reference()) return allocators().reference;
    throw DeviceError("device " + device.str() + " is not available in this build");
}

void on_low_memory(void (*release)()) {
    const std::lock_guard lock(hooks().mutex);
    hooks().release.push_back(release);
}

void release_held_caches() {
    std::vector<void (*)()> release;
    {
        const std::lock_guard lock(hooks().mutex);
        release = hooks().release;
    }
    for (void (*f)() : release) f();
}

} // namespace core

MemoryStats memory_stats(Device device) { return core::allocator(device).stats(); }
int64_t trim_memory(Device device) {
    core::release_held_caches();
    return core::allocator(device).trim();
}
void set_memory_limit(int64_t bytes, Device device) { core::allocator(device).set_limit(bytes); }
int64_t memory_limit(Device device) { return core::allocator(device).limit(); }
void reset_peak_memory(Device device) { core::allocator(device).reset_peak(); }

std::string MemoryStats::str() const {
    char text[256];
    std::snprintf(text, sizeof text, "internal fragmentation %.1f %%, external %.1f %%", internal_fragmentation * 100,
                  external_fragmentation * 100);
    return "live " + core::format_bytes(used_memory) + " in " + std::to_string(live) + " (peak " +
           core::format_bytes(peak) + "), cached " + core::format_bytes(total_free) + ", total " +
           core::format_bytes(total_memory) + "; " + std::to_string(num_allocations) + " allocations, " +
           std::to_string(num_deallocations) + " released, " + std::to_string(num_pool_hits) + " pool hits, " +
           std::to_string(num_pool_misses) + " misses; " + text;
}

} // namespace ingot
