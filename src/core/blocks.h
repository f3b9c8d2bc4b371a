// SPDX-License-Identifier: MIT
// Bookkeeping of core/allocator: blocks, the index of cached blocks by size, and the map from pointer to live block.
// Kept apart from the memory itself, so it serves memory that the host cannot touch too. Not thread safe: the
// allocator's lock guards it. Blocks are recycled and never returned to the system.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace ingot::core {

struct Block {
    enum class State : uint8_t { unused, live, cached, parked };
    char* data = nullptr;
    size_t bytes = 0;
    size_t requested = 0;
    const char* what = "";                  ///< present or last holder
    Block *prev = nullptr, *next = nullptr; ///< neighbours in the segment
    Block *list_prev = nullptr, *list_next = nullptr;
    State state = State::unused;
    uint8_t heap = 0; ///< which of the allocator's heaps the segment belongs to
};

/// A doubly linked list through list_prev/list_next, newest first.
struct BlockList {
    Block* head = nullptr;
    void push(Block* b) {
        b->list_prev = nullptr;
        b->list_next = head;
        if (head) head->list_prev = b;
        head = b;
    }
    void remove(Block* b) {
        if (b->list_prev)
            b->list_prev->list_next = b->list_next;
        else
            head = b->list_next;
        if (b->list_next) b->list_next->list_prev = b->list_prev;
    }
};

/// Cached blocks by size: two-level bins (a power of two, then 16 steps within it) found through a bit map, as in
/// M. Masmano et al., "TLSF: a new dynamic memory allocator for real-time systems" (2004).
class BlockIndex {
public:
    void insert(Block* b) {
        const size_t i = bin_of(b->bytes);
        bins_[i].push(b);
        words_[i / 64] |= uint64_t{1} << (i % 64);
    }
    void remove(Block* b) {
        const size_t i = bin_of(b->bytes);
        bins_[i].remove(b);
        if (!bins_[i].head) words_[i / 64] &= ~(uint64_t{1} << (i % 64));
    }
    /// A block of at least `bytes`, close to the smallest there is; nullptr when there is none.
    Block* find(size_t bytes) const {
        const size_t own = bin_of(bytes);
        Block* best = nullptr;
        // The same sizes come back step after step, so an exact fit is likely in the size's own bin. The bound keeps
        // find() constant-time; blocks in higher bins all fit.
        int looked = 0;
        for (Block* b = bins_[own].head; b && looked < kLook; b = b->list_next, ++looked) {
            if (b->bytes == bytes) return b;
            if (b->bytes > bytes && (!best || b->bytes < best->bytes)) best = b;
        }
        if (best) return best;
        const size_t above = next_bin(own + 1);
        if (above < kBins) return bins_[above].head;
        // Only the unlooked rest of the own bin is left.
        for (Block* b = bins_[own].head; b; b = b->list_next)
            if (b->bytes >= bytes) return b;
        return nullptr;
    }
    size_t largest() const {
        for (size_t w = kWords; w-- > 0;) {
            if (words_[w] == 0) continue;
            const size_t i = w * 64 + 63 - static_cast<size_t>(std::countl_zero(words_[w]));
            size_t most = 0;
            for (const Block* b = bins_[i].head; b; b = b->list_next) most = std::max(most, b->bytes);
            return most;
        }
        return 0;
    }

private:
    static constexpr int kLook = 32;
    static constexpr size_t kSteps = 16, kWords = 16, kBins = kWords * 64;

    /// `bytes` is at least 64.
    static size_t bin_of(size_t bytes) {
        const size_t power = static_cast<size_t>(std::bit_width(bytes)) - 1;
        return power * kSteps + ((bytes >> (power - 4)) & (kSteps - 1));
    }
    size_t next_bin(size_t from) const {
        for (size_t w = from / 64; w < kWords; ++w) {
            uint64_t word = words_[w];
            if (w == from / 64) word &= ~uint64_t{0} << (from % 64);
            if (word != 0) return w * 64 + static_cast<size_t>(std::countr_zero(word));
        }
        return kBins;
    }
    BlockList bins_[kBins];
    uint64_t words_[kWords] = {};
};

/// All Block records, used or not.
class BlockStore {
public:
    /// Makes room for `n` more; as many make() calls then cannot fail.
    void reserve(size_t n) {
        for (; unused_ < n; ++unused_) {
            Block* b = &blocks_.emplace_back();
            b->list_next = free_;
            free_ = b;
        }
    }
    Block* make() {
        reserve(1);
        Block* b = free_;
        free_ = b->list_next;
        b->list_next = nullptr;
        --unused_;
        return b;
    }
    void recycle(Block* b) {
        *b = Block{};
        b->list_next = free_;
        free_ = b;
        ++unused_;
    }
    const std::deque<Block>& all() const { return blocks_; }
    std::deque<Block>& all() { return blocks_; }

private:
    std::deque<Block> blocks_;
    Block* free_ = nullptr;
    size_t unused_ = 0;
};

/// Pointer -> live block: open addressing, linear probing, deletion by shifting back.
class LiveMap {
public:
    /// Makes room for one more; insert() then cannot fail.
    void reserve_one() {
        if ((count_ + 1) * 2 <= slots_.size()) return;
        std::vector<Block*> old(std::max<size_t>(64, slots_.size() * 2), nullptr);
        old.swap(slots_);
        for (Block* b : old)
            if (b) place(b);
    }
    void insert(Block* b) {
        place(b);
        ++count_;
    }
    /// Removes and returns the live block that starts at `p`; nullptr when there is none.
    Block* take(const void* p) {
        if (count_ == 0) return nullptr;
        size_t i = home(p);
        while (slots_[i] && slots_[i]->data != p) i = (i + 1) & mask();
        Block* found = slots_[i];
        if (!found) return nullptr;
        for (size_t hole = i, j = i;;) {
            j = (j + 1) & mask();
            if (!slots_[j]) {
                slots_[hole] = nullptr;
                break;
            }
            // slots_[j] may fill the hole unless its home lies between the hole and j.
            if (((j - home(slots_[j]->data)) & mask()) < ((j - hole) & mask())) continue;
            slots_[hole] = slots_[j];
            hole = j;
        }
        --count_;
        return found;
    }
    size_t size() const { return count_; }

private:
    size_t mask() const { return slots_.size() - 1; }
    size_t home(const void* p) const {
        const uint64_t h = (reinterpret_cast<uintptr_t>(p) >> 6) * 0x9E3779B97F4A7C15ull;
        return static_cast<size_t>(h >> 32) & mask();
    }
    void place(Block* b) {
        size_t i = home(b->data);
        while (slots_[i]) i = (i + 1) & mask();
        slots_[i] = b;
    }
    std::vector<Block*> slots_;
    size_t count_ = 0;
};

} // namespace ingot::core
