// SPDX-License-Identifier: MIT
#include "core/memory_source.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

namespace ingot::core {

namespace {

constexpr size_t kHugePage = size_t{2} << 20;

class HostMemory final : public MemorySource {
public:
    void* take(size_t bytes) override {
        // Linux may promise more than there is and kill the process later; one clear error is better.
        static const size_t physical = physical_memory();
        if (bytes > physical) return nullptr;
        if (bytes < kHugePage) return map(bytes);
        char* raw = static_cast<char*>(map(bytes + kHugePage));
        if (!raw) return nullptr;
        const size_t head = (kHugePage - reinterpret_cast<uintptr_t>(raw) % kHugePage) % kHugePage;
        if (head > 0) munmap(raw, head);
        char* region = raw + head;
        munmap(region + bytes, kHugePage - head);
#ifdef MADV_HUGEPAGE
        // Advice only: a kernel without huge pages refuses it and small pages serve.
        madvise(region, bytes, MADV_HUGEPAGE);
#endif
        return region;
    }
    void give_back(void* region, size_t bytes) override { munmap(region, bytes); }

private:
    static void* map(size_t bytes) {
        void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return p == MAP_FAILED ? nullptr : p;
    }
};

} // namespace

MemorySource& host_memory() {
    static HostMemory* const source = new HostMemory; // allocators outlive static destruction
    return *source;
}

size_t physical_memory() {
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    size_t bytes = pages > 0 && page > 0 ? static_cast<size_t>(pages) * static_cast<size_t>(page) : SIZE_MAX;
    // Control group version 2, then version 1; "max" or absent means no limit and leaves `limit` unread.
    for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
        std::ifstream file(path);
        size_t limit = 0;
        if (file >> limit && limit > 0) bytes = std::min(bytes, limit);
    }
    return bytes;
}

} // namespace ingot::core
