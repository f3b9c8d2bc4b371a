// SPDX-License-Identifier: MIT
// <ingot/buffer.h> on core::Storage. Both devices of this build, cpu and reference, compute in host memory.
#include <ingot/buffer.h>

#include <cstring>
#include <string>

#include <ingot/error.h>

#include "core/allocator.h"
#include "core/buffer.h"

namespace ingot {

namespace {

void check_range(const char* op, size_t offset, size_t count, size_t bytes) {
    if (offset <= bytes && count <= bytes - offset) return;
    throw Error(std::string("Buffer::") + op + ": " + std::to_string(count) + " bytes at offset " +
                std::to_string(offset) + " do not fit into a buffer of " + std::to_string(bytes) + " bytes");
}

void check_host_pointer(const char* op, const void* p, size_t count) {
    if (p || count == 0) return;
    throw Error(std::string("Buffer::") + op + ": null host pointer for " + std::to_string(count) + " bytes");
}

} // namespace

Buffer Buffer::allocate(Device device, size_t bytes, const char* what) {
    return Buffer(core::Storage::allocate(device, bytes, what).leak());
}

Buffer Buffer::import(Device device, void* data, size_t bytes, std::function<void()> release) {
    core::allocator(device); // a device that is not there is an error here, not at the first use
    if (!data && bytes > 0) throw Error("Buffer::import: null pointer for " + std::to_string(bytes) + " bytes");
    return Buffer(core::Storage::import(device, data, bytes, std::move(release)).leak());
}

Buffer::Buffer(const Buffer& o) : storage_(o.storage_) {
    if (storage_) storage_->retain();
}

Buffer::~Buffer() {
    if (storage_ && storage_->release()) dispose(storage_);
}

Device Buffer::device() const { return storage_ ? storage_->device() : Device::cpu(); }
size_t Buffer::bytes() const { return storage_ ? storage_->bytes() : 0; }
void* Buffer::data() const { return storage_ ? storage_->data() : nullptr; }

void Buffer::fill(uint8_t value, size_t offset, size_t count) {
    check_range("fill", offset, count, bytes());
    if (count > 0) std::memset(static_cast<char*>(data()) + offset, value, count);
}

void Buffer::fill_word(uint32_t word, size_t offset, size_t count) {
    check_range("fill_word", offset, count, bytes());
    if (offset % 4 != 0 || count % 4 != 0)
        throw Error("Buffer::fill_word: offset " + std::to_string(offset) + " and size " + std::to_string(count) +
                    " must be multiples of 4; use fill() for single bytes");
    // Imported memory may lie at any address, so words are written through memcpy.
    char* at = static_cast<char*>(data()) + offset;
    for (size_t i = 0; i < count; i += 4) std::memcpy(at + i, &word, 4);
}

void Buffer::copy_from_host(const void* source, size_t count, size_t offset) {
    check_range("copy_from_host", offset, count, bytes());
    check_host_pointer("copy_from_host", source, count);
    if (count > 0) std::memcpy(static_cast<char*>(data()) + offset, source, count);
}

void Buffer::copy_to_host(void* target, size_t count, size_t offset) const {
    check_range("copy_to_host", offset, count, bytes());
    check_host_pointer("copy_to_host", target, count);
    if (count > 0) std::memcpy(target, static_cast<const char*>(data()) + offset, count);
}

void Buffer::copy_from(const Buffer& source, size_t count, size_t offset, size_t source_offset) {
    check_range("copy_from (target)", offset, count, bytes());
    check_range("copy_from (source)", source_offset, count, source.bytes());
    if (count == 0) return;
    std::memmove(static_cast<char*>(data()) + offset, static_cast<const char*>(source.data()) + source_offset, count);
}

void Buffer::copy_from(const Buffer& source) {
    if (source.bytes() != bytes())
        throw Error("Buffer::copy_from: the source has " + std::to_string(source.bytes()) + " bytes, the target " +
                    std::to_string(bytes()) + "; give offsets to copy a part");
    copy_from(source, bytes(), 0, 0);
}

size_t Buffer::elements(size_t size) const {
    if (bytes() % size != 0)
        throw Error("Buffer::to_vector: " + std::to_string(bytes()) + " bytes are not a whole number of " +
                    std::to_string(size) + "-byte elements");
    return bytes() / size;
}

} // namespace ingot
