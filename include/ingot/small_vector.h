// SPDX-License-Identifier: MIT
// A vector of trivially copyable elements that keeps up to N of them in place. Shapes, strides and attributes are
// recorded with every operator, so they must not allocate. Not thread safe; behaves like a value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <type_traits>

namespace ingot {

template <class T, size_t N> class SmallVector {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    using value_type = T;
    SmallVector() = default;
    SmallVector(std::initializer_list<T> init) { assign(init.begin(), init.end()); }
    explicit SmallVector(size_t count) { resize(count); }
    SmallVector(size_t count, T value) { resize(count, value); }
    template <class It>
    requires(!std::is_integral_v<It>) SmallVector(It first, It last) { assign(first, last); }
    SmallVector(const SmallVector& o) { assign(o.begin(), o.end()); }
    SmallVector(SmallVector&& o) noexcept { take(o); }
    SmallVector& operator=(const SmallVector& o) {
        if (this != &o) assign(o.begin(), o.end());
        return *this;
    }
    SmallVector& operator=(SmallVector&& o) noexcept {
        if (this != &o) {
            free_heap();
            take(o);
        }
        return *this;
    }
    ~SmallVector() { free_heap(); }

    template <class It> void assign(It first, It last) {
        clear();
        for (; first != last; ++first) push_back(static_cast<T>(*first));
    }
    void push_back(T value) {
        if (size_ == capacity_) grow(size_ + 1);
        data()[size_++] = value;
    }
    void pop_back() { --size_; }
    void insert(T* at, T value) {
        const size_t pos = static_cast<size_t>(at - begin());
        push_back(value);
        std::rotate(begin() + pos, end() - 1, end());
    }
    void erase(T* at) {
        std::copy(at + 1, end(), at);
        --size_;
    }
    void clear() { size_ = 0; }
    void resize(size_t count, T value = T{}) {
        if (count > capacity_) grow(count);
        for (size_t i = size_; i < count; ++i) data()[i] = value;
        size_ = static_cast<uint32_t>(count);
    }
    size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    T* data() { return heap_ ? heap_ : reinterpret_cast<T*>(inline_); }
    const T* data() const { return heap_ ? heap_ : reinterpret_cast<const T*>(inline_); }
    T* begin() { return data(); }
    T* end() { return data() + size_; }
    const T* begin() const { return data(); }
    const T* end() const { return data() + size_; }
    T& operator[](size_t i) { return data()[i]; }
    const T& operator[](size_t i) const { return data()[i]; }
    T& back() { return data()[size_ - 1]; }
    const T& back() const { return data()[size_ - 1]; }
    T& front() { return data()[0]; }
    const T& front() const { return data()[0]; }
    bool operator==(const SmallVector& o) const { return std::equal(begin(), end(), o.begin(), o.end()); }

private:
    void grow(size_t need) {
        const size_t cap = std::max<size_t>(need, size_t{capacity_} * 2);
        T* fresh = static_cast<T*>(::operator new(cap * sizeof(T)));
        if (size_ > 0) std::memcpy(static_cast<void*>(fresh), data(), size_ * sizeof(T));
        free_heap();
        heap_ = fresh;
        capacity_ = static_cast<uint32_t>(cap);
    }
    void free_heap() {
        if (heap_) ::operator delete(heap_);
        heap_ = nullptr;
        capacity_ = N;
    }
    void take(SmallVector& o) {
        heap_ = o.heap_;
        size_ = o.size_;
        capacity_ = o.capacity_;
        if (!heap_ && size_ > 0) std::memcpy(inline_, o.inline_, size_ * sizeof(T));
        o.heap_ = nullptr;
        o.size_ = 0;
        o.capacity_ = N;
    }
    alignas(T) unsigned char inline_[N * sizeof(T)];
    T* heap_ = nullptr;
    uint32_t size_ = 0;
    uint32_t capacity_ = N;
};

} // namespace ingot
