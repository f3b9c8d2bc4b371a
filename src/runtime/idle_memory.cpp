// SPDX-License-Identifier: MIT
#include "runtime/idle_memory.h"

#include <mutex>
#include <unordered_set>

#include "core/allocator.h"

namespace ingot::runtime {

namespace {

constexpr size_t kSpareBytes = 64 << 10;

/// Never locked while memory is allocated or storages are released: both may come back to release_idle_memory() or wait.
struct Idle {
    std::mutex mutex;
    Ref<core::Storage> arenas[4];
    std::unordered_set<SpareResults*> spares;
    static Idle& get() {
        static auto* idle = [] {
            core::on_low_memory(release_idle_memory);
            return new Idle; // immortal: released through on_low_memory, also by the leak check at exit
        }();
        return *idle;
    }
};

} // namespace

Ref<core::Storage> arena_memory(Device device, int64_t bytes) {
    if (bytes == 0) return {};
    Idle& idle = Idle::get();
    const auto k = static_cast<size_t>(device.kind);
    Ref<core::Storage> small;
    {
        const std::lock_guard lock(idle.mutex);
        if (idle.arenas[k] && static_cast<int64_t>(idle.arenas[k]->bytes()) >= bytes) return idle.arenas[k];
        small = std::move(idle.arenas[k]);
    }
    small.reset(); // first give back, then take
    auto fresh = core::Storage::allocate(device, static_cast<size_t>(bytes), "arena");
    const std::lock_guard lock(idle.mutex);
    idle.arenas[k] = fresh;
    return fresh;
}

SpareResults::SpareResults() {
    Idle& idle = Idle::get();
    const std::lock_guard lock(idle.mutex);
    idle.spares.insert(this);
}

SpareResults::~SpareResults() {
    Idle& idle = Idle::get();
    const std::lock_guard lock(idle.mutex);
    idle.spares.erase(this);
}

void SpareResults::resize(size_t results) { spare_.resize(results); }

Ref<core::Storage> SpareResults::take(size_t result, Device device, size_t bytes) {
    Idle& idle = Idle::get();
    {
        const std::lock_guard lock(idle.mutex);
        for (auto& s : spare_[result]) {
            if (s && s->ref_count() == 1) return s;
        }
    }
    auto fresh = core::Storage::allocate(device, bytes, "value");
    // Large results go back to the allocator, where others can use them.
    if (bytes > kSpareBytes) return fresh;
    Ref<core::Storage> dropped; // whoever holds it keeps it
    const std::lock_guard lock(idle.mutex);
    for (auto& s : spare_[result]) {
        if (!s) return s = fresh;
    }
    dropped = std::exchange(spare_[result][0], fresh);
    return fresh;
}

void release_idle_memory() {
    std::vector<Ref<core::Storage>> dropped; // after the lock
    Idle& idle = Idle::get();
    const std::lock_guard lock(idle.mutex);
    for (auto& arena : idle.arenas) dropped.push_back(std::move(arena));
    for (SpareResults* s : idle.spares) {
        for (auto& results : s->spare_) {
            for (auto& r : results) dropped.push_back(std::move(r));
        }
    }
}

} // namespace ingot::runtime
