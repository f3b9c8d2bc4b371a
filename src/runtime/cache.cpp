// SPDX-License-Identifier: MIT
#include "runtime/cache.h"

namespace ingot::runtime {

Cache& Cache::global() {
    static Cache* cache = new Cache; // immortal: tensors may be read in static destructors
    return *cache;
}

std::shared_ptr<const Executable> Cache::find(const base::Hash128& hash, const std::vector<int64_t>& words) {
    const auto [first, last] = index_.equal_range(hash);
    for (auto it = first; it != last; ++it) {
        if (it->second->words != words) continue;
        entries_.splice(entries_.begin(), entries_, it->second);
        ++stats_.hits;
        return it->second->executable;
    }
    ++stats_.misses;
    return nullptr;
}

void Cache::insert(const base::Hash128& hash, std::vector<int64_t> words,
                   std::shared_ptr<const Executable> executable) {
    ++stats_.compiles;
    entries_.push_front({hash, std::move(words), std::move(executable)});
    index_.emplace(hash, entries_.begin());
    evict();
}

void Cache::evict() {
    while (entries_.size() > capacity_) {
        const auto last = std::prev(entries_.end());
        const auto [first, end] = index_.equal_range(last->hash);
        for (auto it = first; it != end; ++it) {
            if (it->second == last) {
                index_.erase(it);
                break;
            }
        }
        entries_.erase(last);
        ++stats_.evictions;
    }
}

void Cache::clear() {
    entries_.clear();
    index_.clear();
}

void Cache::set_capacity(int64_t executables) {
    capacity_ = static_cast<size_t>(executables < 1 ? 1 : executables);
    evict();
}

CacheStats Cache::stats() const {
    CacheStats s = stats_;
    s.size = static_cast<int64_t>(entries_.size());
    return s;
}

} // namespace ingot::runtime
