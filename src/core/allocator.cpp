// SPDX-License-Identifier: MIT
#include "core/allocator.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <map>

#include <ingot/error.h>

#include "base/check.h"
#include "core/memory_hooks.h"

#if defined(__SANITIZE_ADDRESS__)
#define INGOT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define INGOT_ASAN 1
#endif
#endif
#ifdef INGOT_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace ingot::core {

namespace {

constexpr size_t kAlign = 64;
constexpr size_t kClassMax = size_t{32} << 10;
constexpr size_t kSmallMax = size_t{256} << 10;
constexpr size_t kPage = size_t{4} << 10;
constexpr size_t kSegment = size_t{2} << 20;
constexpr size_t kSegmentMin = size_t{16} << 10;
constexpr size_t kSegmentMaxAhead = size_t{64} << 20;
constexpr size_t kTooLarge = size_t{1} << 56; // no address space is larger; keeps the rounding below free of overflow

#ifdef INGOT_ASAN
// Cached memory and the rest of a block behind the requested bytes are poisoned, so every block has such a rest. Fresh
// memory is filled with bytes that read as NaN: what is used before it is written shows.
constexpr size_t kRedZone = 64;
void guard_segment(char* p, size_t n) { ASAN_POISON_MEMORY_REGION(p, n); }
void unguard_segment(char* p, size_t n) { ASAN_UNPOISON_MEMORY_REGION(p, n); }
void guard_freed(const Block& b) { ASAN_POISON_MEMORY_REGION(b.data, b.bytes); }
void unguard_live(const Block& b, bool host) {
    ASAN_UNPOISON_MEMORY_REGION(b.data, b.requested);
    if (host && b.requested <= (size_t{64} << 20)) std::memset(b.data, 0xFF, b.requested);
}
#else
constexpr size_t kRedZone = 0;
void guard_segment(char*, size_t) {}
void unguard_segment(char*, size_t) {}
void guard_freed(const Block&) {}
void unguard_live(const Block&, bool) {}
#endif

constexpr size_t round_up(size_t n, size_t step) { return (n + step - 1) / step * step; }

/// The block size for a request: four classes per power of two up to 32 KiB, whole pages above.
size_t block_bytes(size_t bytes) {
    if (bytes <= 4 * kAlign) return round_up(bytes, kAlign);
    if (bytes > kClassMax) return round_up(bytes, kPage);
    return round_up(bytes, std::bit_floor(bytes - 1) / 4);
}

/// The class of a block that has exactly a class's size; kClassMax is the largest.
size_t class_of(size_t block) {
    if (block <= 4 * kAlign) return block / kAlign - 1; // 64, 128, 192, 256: classes 0 to 3
    const size_t below = std::bit_floor(block - 1);
    return (static_cast<size_t>(std::bit_width(below)) - 8) * 4 + (block - below) / (below / 4) - 1;
}

bool is_class_size(size_t bytes) { return bytes <= kClassMax && block_bytes(bytes) == bytes; }

std::atomic<int64_t> g_fail_in{0};

/// True for exactly the allocation that fail_allocation() chose.
bool injected_failure() {
    if (g_fail_in.load(std::memory_order_relaxed) == 0) return false;
    int64_t n = g_fail_in.load();
    while (n > 0 && !g_fail_in.compare_exchange_weak(n, n - 1)) {}
    return n == 1;
}

} // namespace

void fail_allocation(int64_t n) { g_fail_in.store(std::max<int64_t>(n, 0)); }

std::string format_bytes(int64_t bytes) {
    static constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double value = static_cast<double>(bytes);
    int unit = 0;
    for (; value >= 1024 && unit < 5; ++unit) value /= 1024;
    char text[48];
    std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
    return text;
}

Allocator::Allocator(Device device, MemorySource& source, int64_t limit)
    : device_(device), source_(source), limit_(limit) {}

void* Allocator::allocate(size_t bytes, const char* what) {
    INGOT_ASSERT(bytes > 0, "an empty allocation needs no memory");
    if (injected_failure()) {
        throw OutOfMemoryError("out of memory on " + device_.str() + ": allocation of " +
                               format_bytes(static_cast<int64_t>(bytes)) + " for '" + what +
                               "' made to fail by fail_allocation()");
    }
    std::unique_lock lock(mutex_);
    if (bytes > kTooLarge) throw OutOfMemoryError(out_of_memory(bytes, what));
    // Bookkeeping grows first: running out of memory for it must not lose a block.
    map_.reserve_one();
    store_.reserve(2);
    const size_t size = block_bytes(bytes + kRedZone);
    Block* block = find(size);
    bool hit = block != nullptr;
    if (!block) block = grow(size);
    if (!block) {
        lock.unlock();
        release_held_caches();
        lock.lock();
        map_.reserve_one();
        store_.reserve(2);
        block = find(size);
        hit = block != nullptr;
        if (!block) block = grow(size);
        if (!block) throw OutOfMemoryError(out_of_memory(bytes, what));
    }
    carve(block, size);
    block->state = Block::State::live;
    block->requested = bytes;
    block->what = what;
    map_.insert(block);
    ++stats_.num_allocations;
    ++(hit ? stats_.num_pool_hits : stats_.num_pool_misses);
    ++stats_.live;
    stats_.requested += static_cast<int64_t>(bytes);
    stats_.used_memory += static_cast<int64_t>(block->bytes);
    stats_.total_free -= static_cast<int64_t>(block->bytes);
    stats_.peak = std::max(stats_.peak, stats_.used_memory);
    void* data = block->data;
    unguard_live(*block, source_.host_accessible());
    return data;
}

void Allocator::release(void* p) {
    if (!p) return;
    const std::lock_guard lock(mutex_);
    Block* block = map_.take(p);
    if (!block) bad_release(p);
    guard_freed(*block);
    ++stats_.num_deallocations;
    --stats_.live;
    stats_.requested -= static_cast<int64_t>(block->requested);
    stats_.used_memory -= static_cast<int64_t>(block->bytes);
    stats_.total_free += static_cast<int64_t>(block->bytes);
    if (is_class_size(block->bytes)) {
        block->state = Block::State::parked;
        parked_[class_of(block->bytes)].push(block);
        ++parked_count_;
    } else {
        cache(block);
    }
}

/// A cached block of at least `bytes`, out of its list; nullptr when there is none.
Block* Allocator::find(size_t bytes) {
    if (bytes <= kClassMax) {
        BlockList& list = parked_[class_of(bytes)];
        if (Block* b = list.head) {
            list.remove(b);
            --parked_count_;
            return b;
        }
    }
    BlockIndex& index = cached_[bytes <= kSmallMax ? kSmall : kLarge];
    Block* b = index.find(bytes);
    // Parked blocks are joined only when memory would be taken from the system otherwise.
    if (!b && bytes <= kSmallMax && unpark_all()) b = index.find(bytes);
    if (b) index.remove(b);
    return b;
}

/// A fresh segment for a block of `bytes`, as one block in no list; nullptr when the source or the limit refuses.
Block* Allocator::grow(size_t bytes) {
    const Heap heap = bytes <= kSmallMax ? kSmall : kLarge;
    size_t ahead = kSegment;
    // An eighth of what there is already: few calls to the system, little unused memory.
    if (heap == kLarge) ahead = std::min(kSegmentMaxAhead, static_cast<size_t>(stats_.total_memory) / 8);
    const size_t generous = round_up(std::max(bytes, ahead), kSegment);
    size_t tried = 0;
    for (const size_t size : {generous, round_up(bytes, kSegment), round_up(bytes, kSegmentMin)}) {
        if (size == tried) continue;
        tried = size;
        if (Block* b = take_segment(size, heap)) return b;
    }
    if (trim_locked() == 0) return nullptr;
    return take_segment(round_up(bytes, kSegmentMin), heap);
}

Block* Allocator::take_segment(size_t bytes, Heap heap) {
    if (limit_ > 0 && stats_.total_memory + static_cast<int64_t>(bytes) > limit_) return nullptr;
    Block* b = store_.make();
    b->data = static_cast<char*>(source_.take(bytes));
    if (!b->data) {
        store_.recycle(b);
        return nullptr;
    }
    guard_segment(b->data, bytes);
    b->bytes = bytes;
    b->heap = heap;
    stats_.total_memory += static_cast<int64_t>(bytes);
    stats_.total_free += static_cast<int64_t>(bytes);
    return b;
}

/// Cuts `block` (in no list) down to `bytes`; the rest is cached.
void Allocator::carve(Block* block, size_t bytes) {
    if (block->bytes == bytes) return;
    Block* rest = store_.make();
    rest->data = block->data + bytes;
    rest->bytes = block->bytes - bytes;
    rest->heap = block->heap;
    rest->what = block->what;
    rest->prev = block;
    rest->next = block->next;
    if (rest->next) rest->next->prev = rest;
    block->next = rest;
    block->bytes = bytes;
    rest->state = Block::State::cached;
    cached_[rest->heap].insert(rest);
}

/// Puts a block that is in no list into the index, joined with cached neighbours.
void Allocator::cache(Block* block) {
    BlockIndex& index = cached_[block->heap];
    if (Block* right = block->next; right && right->state == Block::State::cached) {
        index.remove(right);
        block->bytes += right->bytes;
        block->next = right->next;
        if (block->next) block->next->prev = block;
        store_.recycle(right);
    }
    if (Block* left = block->prev; left && left->state == Block::State::cached) {
        index.remove(left);
        left->bytes += block->bytes;
        left->next = block->next;
        if (left->next) left->next->prev = left;
        left->what = block->what;
        store_.recycle(block);
        block = left;
    }
    block->state = Block::State::cached;
    index.insert(block);
}

bool Allocator::unpark_all() {
    if (parked_count_ == 0) return false;
    for (BlockList& list : parked_) {
        while (Block* b = list.head) {
            list.remove(b);
            cache(b);
        }
    }
    parked_count_ = 0;
    return true;
}

int64_t Allocator::trim_locked() {
    unpark_all();
    int64_t freed = 0;
    for (Block& b : store_.all()) {
        if (b.state != Block::State::cached || b.prev || b.next) continue;
        cached_[b.heap].remove(&b);
        unguard_segment(b.data, b.bytes);
        source_.give_back(b.data, b.bytes);
        freed += static_cast<int64_t>(b.bytes);
        store_.recycle(&b);
    }
    stats_.total_memory -= freed;
    stats_.total_free -= freed;
    return freed;
}

int64_t Allocator::trim() {
    const std::lock_guard lock(mutex_);
    return trim_locked();
}

MemoryStats Allocator::stats() const {
    const std::lock_guard lock(mutex_);
    MemoryStats s = stats_;
    if (s.used_memory > 0)
        s.internal_fragmentation = 1.0 - static_cast<double>(s.requested) / static_cast<double>(s.used_memory);
    if (s.total_free > 0) {
        size_t largest = std::max(cached_[kSmall].largest(), cached_[kLarge].largest());
        for (const BlockList& list : parked_)
            if (list.head) largest = std::max(largest, list.head->bytes);
        s.external_fragmentation = 1.0 - static_cast<double>(largest) / static_cast<double>(s.total_free);
    }
    return s;
}

int64_t Allocator::limit() const {
    const std::lock_guard lock(mutex_);
    return limit_;
}

void Allocator::set_limit(int64_t bytes) {
    if (bytes < 0) throw Error("memory limit: " + std::to_string(bytes) + " is negative; give bytes, or 0 for none");
    const std::lock_guard lock(mutex_);
    limit_ = bytes;
    if (limit_ > 0 && stats_.total_memory > limit_) trim_locked();
}

void Allocator::reset_peak() {
    const std::lock_guard lock(mutex_);
    stats_.peak = stats_.used_memory;
}

std::vector<Allocator::Live> Allocator::live_locked() const {
    std::vector<Live> result;
    for (const Block& b : store_.all())
        if (b.state == Block::State::live) result.push_back({b.what, b.requested});
    std::stable_sort(result.begin(), result.end(), [](const Live& a, const Live& b) { return a.bytes > b.bytes; });
    return result;
}

std::vector<Allocator::Live> Allocator::live() const {
    const std::lock_guard lock(mutex_);
    return live_locked();
}

std::string Allocator::out_of_memory(size_t bytes, const char* what) const {
    struct Held {
        std::string what;
        int64_t bytes = 0, count = 0;
    };
    std::map<std::string, Held> by_label;
    for (const Live& l : live_locked()) {
        Held& h = by_label[l.what];
        h.what = l.what;
        h.bytes += static_cast<int64_t>(l.bytes);
        ++h.count;
    }
    std::vector<Held> held;
    for (auto& [label, h] : by_label) held.push_back(h);
    std::stable_sort(held.begin(), held.end(), [](const Held& a, const Held& b) { return a.bytes > b.bytes; });

    // A size near 2^64 would print as negative.
    const int64_t asked = static_cast<int64_t>(std::min<size_t>(bytes, INT64_MAX));
    std::string text = "out of memory on " + device_.str() + ": cannot allocate " + format_bytes(asked) + " for '" +
                       what + "' (live " + format_bytes(stats_.used_memory) + ", cached " +
                       format_bytes(stats_.total_free) + ", limit " +
                       (limit_ > 0 ? format_bytes(limit_) : std::string("none")) + "); held by ";
    if (held.empty()) text += "nobody";
    constexpr size_t kShown = 8;
    for (size_t i = 0; i < std::min(held.size(), kShown); ++i) {
        text += (i > 0 ? ", '" : "'") + held[i].what + "' " + format_bytes(held[i].bytes) + " in " +
                std::to_string(held[i].count);
    }
    if (held.size() > kShown) text += " and " + std::to_string(held.size() - kShown) + " other holders";
    return text + "; use a smaller batch" + (limit_ > 0 ? " or raise the memory limit (INGOT_MEMORY_LIMIT)" : "");
}

void Allocator::bad_release(const void* p) const {
    const char* at = static_cast<const char*>(p);
    std::string text = "release of a pointer that this allocator (" + device_.str() + ") never gave out";
    for (const Block& b : store_.all()) {
        if (b.state == Block::State::unused || at < b.data || at >= b.data + b.bytes) continue;
        if (b.state == Block::State::live)
            text = "release of a pointer into the middle of a block of '" + std::string(b.what) + "'";
        else
            text = "double free on " + device_.str() + " of memory last held by '" + std::string(b.what) + "'";
    }
    base::assertion_failed("released memory is live", __FILE__, __LINE__, text.c_str());
}

} // namespace ingot::core
