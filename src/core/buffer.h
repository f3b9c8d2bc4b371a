// SPDX-License-Identifier: MIT
// One allocation on one device, reference counted. Tensors, cells and arenas hold Refs to Storage; the public
// ingot::Buffer (include/ingot/buffer.h) is a thin handle on it. Allocation and release are thread safe.
#pragma once

#include <cstddef>
#include <functional>

#include <ingot/device.h>

#include "base/ref.h"

namespace ingot::core {

class Storage : public RefCounted {
public:
    /// `bytes` of fresh memory (64-byte aligned, contents undefined) from the device's caching allocator. `what` names
    /// the holder in leak and out-of-memory reports and must be a string literal. Zero bytes are allowed (data() may be
    /// null). Errors: OutOfMemoryError with the report of holders after trimming and one retry.
    static Ref<Storage> allocate(Device device, size_t bytes, const char* what);
    /// Memory owned by somebody else; `release` (may be empty) runs when the last reference goes.
    static Ref<Storage> import(Device device, void* data, size_t bytes, std::function<void()> release);
    ~Storage();

    void* data() const { return data_; }
    size_t bytes() const { return bytes_; }
    Device device() const { return device_; }

private:
    Storage() = default;
    void* data_ = nullptr;
    size_t bytes_ = 0;
    Device device_;
    const char* what_ = "";
    bool imported_ = false;
    std::function<void()> release_;
};

} // namespace ingot::core
