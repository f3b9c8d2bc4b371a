// SPDX-License-Identifier: MIT
// Intrusive reference counting: RefCounted as a base, Ref<T> as the owning pointer. Half the size and a third of the
// cost of shared_ptr, and the count can be read (the rule of donation needs it). Counts are atomic.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace ingot {

class RefCounted {
public:
    RefCounted() = default;
    RefCounted(const RefCounted&) = delete;
    RefCounted& operator=(const RefCounted&) = delete;
    void retain() const { refs_.fetch_add(1, std::memory_order_relaxed); }
    /// True when this was the last reference; the caller then disposes of the object.
    bool release() const { return refs_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
    /// retain(), unless the object is already being disposed of.
    bool try_retain() const {
        uint32_t n = refs_.load(std::memory_order_relaxed);
        while (n > 0) {
            if (refs_.compare_exchange_weak(n, n + 1, std::memory_order_relaxed)) return true;
        }
        return false;
    }
    uint32_t ref_count() const { return refs_.load(std::memory_order_acquire); }

protected:
    ~RefCounted() = default;

private:
    mutable std::atomic<uint32_t> refs_{0};
};

/// How the last reference disposes of a T; graph nodes specialize it to free long chains without recursion.
template <class T> void dispose(T* object) { delete object; }

template <class T> class Ref {
public:
    Ref() = default;
    Ref(std::nullptr_t) {}
    explicit Ref(T* p) : p_(p) {
        if (p_) p_->retain();
    }
    /// Takes over a reference that is already counted.
    static Ref adopt(T* p) {
        Ref r;
        r.p_ = p;
        return r;
    }
    Ref(const Ref& o) : Ref(o.p_) {}
    Ref(Ref&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
    Ref& operator=(const Ref& o) {
        Ref copy(o);
        std::swap(p_, copy.p_);
        return *this;
    }
    Ref& operator=(Ref&& o) noexcept {
        Ref moved(std::move(o));
        std::swap(p_, moved.p_);
        return *this;
    }
    ~Ref() { reset(); }
    void reset() {
        if (T* p = std::exchange(p_, nullptr); p && p->release()) dispose(p);
    }
    /// Gives up ownership without counting down.
    T* leak() { return std::exchange(p_, nullptr); }
    T* get() const { return p_; }
    T* operator->() const { return p_; }
    T& operator*() const { return *p_; }
    explicit operator bool() const { return p_ != nullptr; }
    bool operator==(const Ref& o) const { return p_ == o.p_; }

private:
    T* p_ = nullptr;
};

template <class T, class... Args> Ref<T> make_ref(Args&&... args) { return Ref<T>(new T(std::forward<Args>(args)...)); }

} // namespace ingot
