// SPDX-License-Identifier: MIT
// Raw memory on a device, for code below tensors: allocated from the device's caching allocator or imported from
// elsewhere. A Buffer is a handle: copies share the memory, the last one gives it back. Fills and copies are finished
// when they return and are not ordered with work on streams; put them into a Stream's work for that. Different threads
// may use one buffer as long as nobody writes what another touches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

#include <ingot/device.h>

namespace ingot {

namespace core {
class Storage;
}

class Buffer {
public:
    /// No memory: zero bytes on the CPU.
    Buffer() = default;
    /// `bytes` of memory aligned to 64 bytes, contents undefined; zero is allowed. `what` names the holder in leak and
    /// out-of-memory reports and must be a string literal. Errors: OutOfMemoryError, DeviceError.
    static Buffer allocate(Device device, size_t bytes, const char* what = "buffer");
    /// Memory that somebody else owns, used in place, not copied. `release` (may be empty) runs once, when the last
    /// handle goes, on the thread that drops it; it must not throw. Errors: ingot::Error for a null pointer with a size,
    /// DeviceError for a device that does not compute in host memory.
    static Buffer import(Device device, void* data, size_t bytes, std::function<void()> release = {});

    Buffer(const Buffer& o);
    Buffer(Buffer&& o) noexcept : storage_(std::exchange(o.storage_, nullptr)) {}
    Buffer& operator=(Buffer o) noexcept {
        std::swap(storage_, o.storage_);
        return *this;
    }
    ~Buffer();

    Device device() const;
    size_t bytes() const;
    /// Address of the first byte (may be null for zero bytes).
    void* data() const;
    /// True when both are handles of the same memory.
    bool operator==(const Buffer& o) const { return storage_ == o.storage_; }

    // All offsets and sizes are in bytes. A range that does not lie inside the buffer throws ingot::Error that tells
    // the range and the buffer's size, and nothing is written.

    /// Sets every byte of [offset, offset + count) to `value`.
    void fill(uint8_t value) { fill(value, 0, bytes()); }
    void fill(uint8_t value, size_t offset, size_t count);
    /// Repeats the 4 bytes of `word` over [offset, offset + count); both must be multiples of 4.
    void fill_word(uint32_t word) { fill_word(word, 0, bytes()); }
    void fill_word(uint32_t word, size_t offset, size_t count);
    /// Host memory -> buffer at `offset`.
    void copy_from_host(const void* source, size_t count, size_t offset = 0);
    /// Buffer from `offset` -> host memory.
    void copy_to_host(void* target, size_t count, size_t offset = 0) const;
    /// `count` bytes of `source` from `source_offset` to this buffer at `offset`. The two ranges may overlap.
    void copy_from(const Buffer& source, size_t count, size_t offset = 0, size_t source_offset = 0);
    /// All of `source`. Errors: ingot::Error when the sizes differ.
    void copy_from(const Buffer& source);

    template <class T> void copy_from_host(const std::vector<T>& source, size_t offset = 0) {
        static_assert(std::is_trivially_copyable_v<T>);
        copy_from_host(source.data(), source.size() * sizeof(T), offset);
    }
    /// The contents as elements of T. Errors: ingot::Error when bytes() is not a multiple of sizeof(T).
    template <class T> std::vector<T> to_vector() const {
        static_assert(std::is_trivially_copyable_v<T>);
        std::vector<T> result(elements(sizeof(T)));
        copy_to_host(result.data(), result.size() * sizeof(T));
        return result;
    }

private:
    explicit Buffer(core::Storage* storage) : storage_(storage) {}
    size_t elements(size_t size) const;
    core::Storage* storage_ = nullptr; // counted by hand: the class is private to the library
};

} // namespace ingot
