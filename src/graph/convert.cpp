// SPDX-License-Identifier: MIT
#include "graph/convert.h"

#include <cstring>

#include "core/half.h"

namespace ingot::graph {

namespace {

struct HalfBits {
    uint16_t bits;
};
struct BrainBits {
    uint16_t bits;
};
struct Boolean {
    uint8_t byte;
};

template <class T> T load(T v) { return v; }
inline float load(HalfBits v) { return core::f16_to_f32(v.bits); }
inline float load(BrainBits v) { return core::bf16_to_f32(v.bits); }
inline uint8_t load(Boolean v) { return v.byte != 0; }

template <class To, class From> To store(From v) {
    if constexpr (std::is_same_v<To, HalfBits>) {
        return {core::f32_to_f16(static_cast<float>(v))};
    } else if constexpr (std::is_same_v<To, BrainBits>) {
        return {core::f32_to_bf16(static_cast<float>(v))};
    } else if constexpr (std::is_same_v<To, Boolean>) {
        return {static_cast<uint8_t>(v != 0)};
    } else if constexpr (std::is_same_v<To, uint8_t> && std::is_floating_point_v<From>) {
        return static_cast<uint8_t>(static_cast<int64_t>(v));
    } else {
        return static_cast<To>(v);
    }
}

template <class F> void with_type(DType t, F&& f) {
    switch (t) {
    case DType::f32: return f(float{});
    case DType::f64: return f(double{});
    case DType::f16: return f(HalfBits{});
    case DType::bf16: return f(BrainBits{});
    case DType::i32: return f(int32_t{});
    case DType::i64: return f(int64_t{});
    case DType::u8: return f(uint8_t{});
    case DType::boolean: return f(Boolean{});
    }
}

} // namespace

void convert_elements(void* to, DType to_type, const void* from, DType from_type, int64_t count) {
    if (count == 0) return;
    if (to_type == from_type) {
        std::memmove(to, from, static_cast<size_t>(count) * size_of(to_type));
        return;
    }
    with_type(from_type, [&](auto source) {
        with_type(to_type, [&](auto target) {
            using From = decltype(source);
            using To = decltype(target);
            const auto* in = static_cast<const From*>(from);
            auto* out = static_cast<To*>(to);
            for (int64_t i = 0; i < count; ++i) out[i] = store<To>(load(in[i]));
        });
    });
}

} // namespace ingot::graph
