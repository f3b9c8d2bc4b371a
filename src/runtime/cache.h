// SPDX-License-Identifier: MIT
// The bounded cache of executables, least recently used goes first. Keys are complete (all words are compared), so a hash
// collision is harmless. Used under the evaluation mutex; statistics may be read from any thread.
#pragma once

#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include <ingot/eval.h>

#include "base/hash.h"
#include "runtime/executable.h"

namespace ingot::runtime {

class Cache {
public:
    static Cache& global();

    /// The executable for the key, or null. Counts a hit or a miss.
    std::shared_ptr<const Executable> find(const base::Hash128& hash, const std::vector<int64_t>& words);
    void insert(const base::Hash128& hash, std::vector<int64_t> words, std::shared_ptr<const Executable> executable);
    void clear();
    void set_capacity(int64_t executables);
    CacheStats stats() const;

private:
    struct Entry {
        base::Hash128 hash;
        std::vector<int64_t> words;
        std::shared_ptr<const Executable> executable;
    };
    struct Hasher {
        size_t operator()(const base::Hash128& h) const { return static_cast<size_t>(h.lo ^ h.hi); }
    };
    void evict();
    std::list<Entry> entries_; ///< most recently used first
    std::unordered_multimap<base::Hash128, std::list<Entry>::iterator, Hasher> index_;
    size_t capacity_ = 256;
    CacheStats stats_;
};

} // namespace ingot::runtime
