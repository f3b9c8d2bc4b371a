// SPDX-License-Identifier: MIT
// Where an Allocator gets large regions from: one implementation per kind of memory. Host memory is here; GPU backends
// bring their own. Implementations are stateless or locked: calls come from any thread, though never two at once from
// one allocator.
#pragma once

#include <cstddef>

namespace ingot::core {

class MemorySource {
public:
    virtual ~MemorySource() = default;
    /// A region of `bytes` (a multiple of 16 KiB), aligned to 64 bytes or better; nullptr when the system has none.
    virtual void* take(size_t bytes) = 0;
    /// Returns a region exactly as it was taken.
    virtual void give_back(void* region, size_t bytes) = 0;
    /// True when the host may touch the memory directly.
    virtual bool host_accessible() const { return true; }
};

/// Pages of this process. Regions of 2 MiB and more start on a 2 MiB boundary and ask for huge pages.
MemorySource& host_memory();

/// Memory that this process can hope to use: the machine's, or the control group's limit when that is lower.
size_t physical_memory();

} // namespace ingot::core
