// SPDX-License-Identifier: MIT
#include "core/allocator.h"
#include "core/buffer.h"

namespace ingot::core {

Ref<Storage> Storage::allocate(Device device, size_t bytes, const char* what) {
    Allocator& from = allocator(device);
    Ref<Storage> storage(new Storage);
    storage->device_ = device;
    storage->what_ = what;
    if (bytes > 0) {
        storage->data_ = from.allocate(bytes, what);
        storage->bytes_ = bytes;
    }
    return storage;
}

Ref<Storage> Storage::import(Device device, void* data, size_t bytes, std::function<void()> release) {
    Ref<Storage> storage(new Storage);
    storage->device_ = device;
    storage->data_ = data;
    storage->bytes_ = bytes;
    storage->what_ = "imported";
    storage->imported_ = true;
    storage->release_ = std::move(release);
    return storage;
}

Storage::~Storage() {
    if (imported_) {
        if (release_) release_();
    } else if (data_) {
        allocator(device_).release(data_);
    }
}

} // namespace ingot::core
