// SPDX-License-Identifier: MIT
// The bytes of a decoded picture. Used by io::Image and by who takes its pixels over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

namespace ingot::io {

/// Memory that begins 8 bytes past what `new` aligns to 16, and is not set to zero: decoders write all of it.
/// libjpeg-turbo writes rows that are aligned to 16 or 32 bytes past the caches, from where they have to be fetched again
/// at once: that takes as long as decoding a small picture.
template <class T> struct PixelAllocator {
    using value_type = T;
    PixelAllocator() = default;
    template <class U> explicit(false) PixelAllocator(const PixelAllocator<U>&) {}

    static constexpr size_t kShift = 8;
    T* allocate(size_t count) {
        return reinterpret_cast<T*>(static_cast<std::byte*>(::operator new(count * sizeof(T) + kShift)) + kShift);
    }
    void deallocate(T* p, size_t) { ::operator delete(reinterpret_cast<std::byte*>(p) - kShift); }
    template <class U> void construct(U* p) { ::new (static_cast<void*>(p)) U; }
    template <class U, class... Values> void construct(U* p, Values&&... values) {
        ::new (static_cast<void*>(p)) U(std::forward<Values>(values)...);
    }
    bool operator==(const PixelAllocator&) const = default;
};

using Pixels = std::vector<uint8_t, PixelAllocator<uint8_t>>;

} // namespace ingot::io
