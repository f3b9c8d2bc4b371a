// SPDX-License-Identifier: MIT
// Casts, and the way between memory and blocks: storage types, strides, broadcasts, transposes.
#include "base/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/block_convert.cpp"
#include <hwy/foreach_target.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "backend/cpu/block-inl.h"
#include "backend/cpu/block_tables.h"
#include "core/half.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::cpu {
namespace HWY_NAMESPACE {
namespace {

using B = uint8_t;

// Without the instruction Highway imitates it, and rounds otherwise.
#undef INGOT_HAVE_F16
#define INGOT_HAVE_F16 (HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128)

// ---- casts

template <class From, class To> HWY_INLINE To cast_one(From v) {
    if constexpr (std::is_same_v<To, bool>) {
        return v != 0;
    } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
        if (v != v) return 0;
        // The bound is a power of two, hence exact in From.
        if (v >= -static_cast<From>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::max();
        if (v < static_cast<From>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
        return static_cast<To>(v);
    } else {
        return static_cast<To>(v);
    }
}

template <class From, class To> void cast_each(void* dst, const void* a, const void*, const void*, size_t n) {
    const From* x = static_cast<const From*>(a);
    To* out = static_cast<To*>(dst);
    for (size_t i = 0; i < n; ++i) out[i] = cast_one<From, To>(x[i]);
}

template <class T> void copy_block(void* dst, const void* a, const void*, const void*, size_t n) {
    if (dst != a) std::memcpy(dst, a, n * sizeof(T));
}

void cast_i32_f32(void* dst, const void* a, const void*, const void*, size_t n) {
    const hn::ScalableTag<float> d;
    const hn::RebindToSigned<decltype(d)> di;
    const int32_t* x = static_cast<const int32_t*>(a);
    float* out = static_cast<float*>(dst);
    size_t i = 0;
    for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) hn::StoreU(hn::ConvertTo(d, hn::LoadU(di, x + i)), d, out + i);
    for (; i < n; ++i) out[i] = static_cast<float>(x[i]);
}

void cast_bool_f32(void* dst, const void* a, const void*, const void*, size_t n) {
    const hn::ScalableTag<float> d;
    const BoolTag<decltype(d)> db;
    const B* x = static_cast<const B*>(a);
    float* out = static_cast<float*>(dst);
    size_t i = 0;
    for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d))
        hn::StoreU(hn::IfThenElseZero(to_mask(d, hn::LoadU(db, x + i)), hn::Set(d, 1.0f)), d, out + i);
    for (; i < n; ++i) out[i] = x[i] ? 1.0f : 0.0f;
}

struct NotZero {
    template <class D, class V> static HWY_INLINE hn::Mask<D> call(D d, V a, V) {
        return hn::Not(hn::Eq(a, hn::Zero(d)));
    }
};

template <class From> MapFn cast_from(DType to) {
    switch (to) {
    case DType::f32: return cast_each<From, float>;
    case DType::f64: return cast_each<From, double>;
    case DType::i32: return cast_each<From, int32_t>;
    case DType::i64: return cast_each<From, int64_t>;
    case DType::boolean: return cast_each<From, bool>;
    default: return nullptr;
    }
}

MapFn find_cast(DType from, DType to) {
    if (from == to) {
        switch (size_of(from)) {
        case 8: return copy_block<int64_t>;
        case 4: return copy_block<int32_t>;
        default: return copy_block<B>;
        }
    }
    switch (from) {
    case DType::f32: return to == DType::boolean ? compare<NotZero, float, 0> : cast_from<float>(to);
    case DType::f64: return cast_from<double>(to);
    case DType::i32: return to == DType::f32 ? cast_i32_f32 : cast_from<int32_t>(to);
    case DType::i64: return cast_from<int64_t>(to);
    case DType::boolean: return to == DType::f32 ? cast_bool_f32 : cast_from<B>(to);
    default: return nullptr;
    }
}

// ---- storage types: whole runs, and single elements

template <class T> struct Plain {
    using Block = T;
    using Memory = T;
    static HWY_INLINE T load(T v) { return v; }
    static HWY_INLINE T store(T v) { return v; }
    static HWY_INLINE void load_run(T* dst, const T* src, size_t n) {
        if constexpr (sizeof(T) >= 4) { // short runs are common, and memcpy's call costs more than they do
            const hn::ScalableTag<T> d;
            const size_t lanes = hn::Lanes(d);
            size_t i = 0;
            if (n > 16 * lanes) {
                std::memcpy(dst, src, n * sizeof(T));
                return;
            }
            for (; i + lanes <= n; i += lanes) hn::StoreU(hn::LoadU(d, src + i), d, dst + i);
            if (i < n) store_tail(load_tail(d, src + i, n - i), d, dst + i, n - i);
        } else {
            std::memcpy(dst, src, n * sizeof(T));
        }
    }
    static HWY_INLINE void store_run(T* dst, const T* src, size_t n) { load_run(dst, src, n); }
};

struct Bf16 {
    using Block = float;
    using Memory = uint16_t;
    static HWY_INLINE float load(uint16_t v) { return core::bf16_to_f32(v); }
    static HWY_INLINE uint16_t store(float v) { return core::f32_to_bf16(v); }
    template <class DU, class V> static HWY_INLINE V round_bits(DU du, V u) { // the upper half is the result
        const V low = hn::And(hn::ShiftRight<16>(u), hn::Set(du, 1u));
        const V rounded = hn::Add(u, hn::Add(low, hn::Set(du, 0x7FFFu)));
        const V quiet = hn::Or(u, hn::Set(du, 0x400000u));
        // As signed numbers: the compare of magnitudes below 2^31 is the same.
        const hn::RebindToSigned<DU> di;
        const auto magnitude = hn::BitCast(di, hn::And(u, hn::Set(du, 0x7FFFFFFFu)));
        const auto nan = hn::RebindMask(du, hn::Gt(magnitude, hn::Set(di, 0x7F800000)));
        return hn::And(hn::IfThenElse(nan, quiet, rounded), hn::Set(du, 0xFFFF0000u));
    }
    static HWY_INLINE void load_run(float* dst, const uint16_t* src, size_t n) {
        const hn::ScalableTag<uint32_t> du;
        const hn::Rebind<uint16_t, decltype(du)> d16;
        const hn::Rebind<float, decltype(du)> df;
        size_t i = 0;
        for (; i + hn::Lanes(du) <= n; i += hn::Lanes(du))
            hn::StoreU(hn::BitCast(df, hn::ShiftLeft<16>(hn::PromoteTo(du, hn::LoadU(d16, src + i)))), df, dst + i);
        for (; i < n; ++i) dst[i] = load(src[i]);
    }
    static HWY_INLINE void store_run(uint16_t* dst, const float* src, size_t n) {
        const hn::ScalableTag<uint32_t> du;
        const hn::Rebind<uint16_t, decltype(du)> d16;
        const hn::Rebind<float, decltype(du)> df;
        size_t i = 0;
        for (; i + hn::Lanes(du) <= n; i += hn::Lanes(du)) {
            const auto u = round_bits(du, hn::BitCast(du, hn::LoadU(df, src + i)));
            hn::StoreU(hn::TruncateTo(d16, hn::ShiftRight<16>(u)), d16, dst + i);
        }
        for (; i < n; ++i) dst[i] = store(src[i]);
    }
};

struct F16 {
    using Block = float;
    using Memory = uint16_t;
    static HWY_INLINE float load(uint16_t v) { return core::f16_to_f32(v); }
    static HWY_INLINE uint16_t store(float v) { return core::f32_to_f16(v); }
    static HWY_INLINE void load_run(float* dst, const uint16_t* src, size_t n) {
        size_t i = 0;
#if INGOT_HAVE_F16
        const hn::ScalableTag<float> d;
        const hn::Rebind<hwy::float16_t, decltype(d)> d16;
        const auto* p = reinterpret_cast<const hwy::float16_t*>(src);
        for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d))
            hn::StoreU(hn::PromoteTo(d, hn::LoadU(d16, p + i)), d, dst + i);
#endif
        for (; i < n; ++i) dst[i] = load(src[i]);
    }
    static HWY_INLINE void store_run(uint16_t* dst, const float* src, size_t n) {
        size_t i = 0;
#if INGOT_HAVE_F16
        const hn::ScalableTag<float> d;
        const hn::Rebind<hwy::float16_t, decltype(d)> d16;
        auto* p = reinterpret_cast<hwy::float16_t*>(dst);
        for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d))
            hn::StoreU(hn::DemoteTo(d16, hn::LoadU(d, src + i)), d16, p + i);
#endif
        for (; i < n; ++i) dst[i] = store(src[i]);
    }
};

struct U8 {
    using Block = int32_t;
    using Memory = uint8_t;
    static HWY_INLINE int32_t load(uint8_t v) { return v; }
    static HWY_INLINE uint8_t store(int32_t v) { return static_cast<uint8_t>(v); }
    static HWY_INLINE void load_run(int32_t* dst, const uint8_t* src, size_t n) {
        const hn::ScalableTag<int32_t> d;
        const hn::Rebind<uint8_t, decltype(d)> d8;
        size_t i = 0;
        for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d))
            hn::StoreU(hn::PromoteTo(d, hn::LoadU(d8, src + i)), d, dst + i);
        for (; i < n; ++i) dst[i] = src[i];
    }
    static HWY_INLINE void store_run(uint8_t* dst, const int32_t* src, size_t n) {
        const hn::ScalableTag<uint32_t> du;
        const hn::Rebind<uint8_t, decltype(du)> d8;
        const auto* p = reinterpret_cast<const uint32_t*>(src);
        size_t i = 0;
        for (; i + hn::Lanes(du) <= n; i += hn::Lanes(du))
            hn::StoreU(hn::TruncateTo(d8, hn::LoadU(du, p + i)), d8, dst + i);
        for (; i < n; ++i) dst[i] = store(src[i]);
    }
};

template <class T> HWY_INLINE void fill_run(T* dst, T v, size_t n) {
    if constexpr (sizeof(T) >= 4) {
        const hn::ScalableTag<T> d;
        const auto x = hn::Set(d, v);
        const size_t lanes = hn::Lanes(d);
        size_t i = 0;
        for (; i + lanes <= n; i += lanes) hn::StoreU(x, d, dst + i);
        if (i < n) store_tail(x, d, dst + i, n - i);
    } else {
        std::memset(dst, static_cast<int>(v), n);
    }
}

// dst[i * dst_stride + j] = src[j * src_stride + i] for i < rows, j < len; four-byte elements go 4 x 4 in registers.
template <class T>
HWY_INLINE void transpose(T* dst, int64_t dst_stride, const T* src, int64_t src_stride, int64_t rows, int64_t len) {
    int64_t done = 0; // rows
#if HWY_TARGET != HWY_SCALAR
    if (sizeof(T) == 4 && dst_stride == len && (len == 2 || len == 3)) { // pairs and colours
        const hn::ScalableTag<T> d;
        const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
        for (; done + lanes <= rows; done += lanes) {
            const auto a = hn::LoadU(d, src + done), b = hn::LoadU(d, src + src_stride + done);
            if (len == 2)
                hn::StoreInterleaved2(a, b, d, dst + done * 2);
            else
                hn::StoreInterleaved3(a, b, hn::LoadU(d, src + 2 * src_stride + done), d, dst + done * 3);
        }
    }
    if (sizeof(T) == 4 && len >= 4) {
        const hn::FixedTag<uint32_t, 4> d;
        const hn::RepartitionToWide<decltype(d)> dw;
        const uint32_t* s = reinterpret_cast<const uint32_t*>(src);
        uint32_t* t = reinterpret_cast<uint32_t*>(dst);
        for (; done + 4 <= rows; done += 4) {
            int64_t j = 0;
            for (; j + 4 <= len; j += 4) {
                const uint32_t* p = s + j * src_stride + done;
                const auto a = hn::LoadU(d, p), b = hn::LoadU(d, p + src_stride);
                const auto c = hn::LoadU(d, p + 2 * src_stride), e = hn::LoadU(d, p + 3 * src_stride);
                const auto ab0 = hn::BitCast(dw, hn::InterleaveLower(d, a, b)),
                           ab1 = hn::BitCast(dw, hn::InterleaveUpper(d, a, b));
                const auto ce0 = hn::BitCast(dw, hn::InterleaveLower(d, c, e)),
                           ce1 = hn::BitCast(dw, hn::InterleaveUpper(d, c, e));
                uint32_t* q = t + done * dst_stride + j;
                hn::StoreU(hn::BitCast(d, hn::InterleaveLower(dw, ab0, ce0)), d, q);
                hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(dw, ab0, ce0)), d, q + dst_stride);
                hn::StoreU(hn::BitCast(d, hn::InterleaveLower(dw, ab1, ce1)), d, q + 2 * dst_stride);
                hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(dw, ab1, ce1)), d, q + 3 * dst_stride);
            }
            for (; j < len; ++j)
                for (int64_t i = 0; i < 4; ++i) dst[(done + i) * dst_stride + j] = src[j * src_stride + done + i];
        }
    }
#endif
    for (int64_t j = 0; j < len; ++j)
        for (int64_t i = done; i < rows; ++i) dst[i * dst_stride + j] = src[j * src_stride + i];
}

template <class S>
void load_block(void* block, const void* memory, int64_t rows, int64_t len, int64_t row_stride, int64_t lane_stride) {
    typename S::Block* dst = static_cast<typename S::Block*>(block);
    const typename S::Memory* src = static_cast<const typename S::Memory*>(memory);
    if (lane_stride == 1) {
        if (row_stride == len || rows == 1) return S::load_run(dst, src, static_cast<size_t>(rows * len));
        if (row_stride == 0 && rows > 2) { // one row again and again: what is there already doubles
            S::load_run(dst, src, static_cast<size_t>(len));
            for (int64_t have = len; have < rows * len;) {
                const int64_t more = have < rows * len - have ? have : rows * len - have;
                std::memcpy(dst + have, dst, static_cast<size_t>(more) * sizeof(*dst));
                have += more;
            }
            return;
        }
        for (int64_t i = 0; i < rows; ++i) S::load_run(dst + i * len, src + i * row_stride, static_cast<size_t>(len));
    } else if (lane_stride == 0) {
        for (int64_t i = 0; i < rows; ++i)
            fill_run(dst + i * len, S::load(src[i * row_stride]), static_cast<size_t>(len));
    } else if (row_stride == 1 && rows > 1) {
        if constexpr (std::is_same_v<typename S::Block, typename S::Memory>) {
            transpose(dst, len, src, lane_stride, rows, len);
        } else {
            for (int64_t j = 0; j < len; ++j)
                for (int64_t i = 0; i < rows; ++i) dst[i * len + j] = S::load(src[j * lane_stride + i]);
        }
    } else {
        for (int64_t i = 0; i < rows; ++i)
            for (int64_t j = 0; j < len; ++j) dst[i * len + j] = S::load(src[i * row_stride + j * lane_stride]);
    }
}

template <class S>
void store_block(const void* block, void* memory, int64_t rows, int64_t len, int64_t row_stride, int64_t lane_stride) {
    const typename S::Block* src = static_cast<const typename S::Block*>(block);
    typename S::Memory* dst = static_cast<typename S::Memory*>(memory);
    if (lane_stride == 1) {
        if (row_stride == len || rows == 1) return S::store_run(dst, src, static_cast<size_t>(rows * len));
        for (int64_t i = 0; i < rows; ++i) S::store_run(dst + i * row_stride, src + i * len, static_cast<size_t>(len));
    } else if (row_stride == 1 && rows > 1) {
        if constexpr (std::is_same_v<typename S::Block, typename S::Memory>) {
            transpose(dst, lane_stride, src, len, len, rows); // the block's columns are rows of memory
        } else {
            for (int64_t j = 0; j < len; ++j)
                for (int64_t i = 0; i < rows; ++i) dst[j * lane_stride + i] = S::store(src[i * len + j]);
        }
    } else {
        for (int64_t i = 0; i < rows; ++i)
            for (int64_t j = 0; j < len; ++j) dst[i * row_stride + j * lane_stride] = S::store(src[i * len + j]);
    }
}

LoadFn find_load(DType memory) {
    switch (memory) {
    case DType::f32: return load_block<Plain<float>>;
    case DType::f64: return load_block<Plain<double>>;
    case DType::i32: return load_block<Plain<int32_t>>;
    case DType::i64: return load_block<Plain<int64_t>>;
    case DType::boolean: return load_block<Plain<B>>;
    case DType::f16: return load_block<F16>;
    case DType::bf16: return load_block<Bf16>;
    case DType::u8: return load_block<U8>;
    }
    return nullptr;
}

StoreFn find_store(DType memory) {
    switch (memory) {
    case DType::f32: return store_block<Plain<float>>;
    case DType::f64: return store_block<Plain<double>>;
    case DType::i32: return store_block<Plain<int32_t>>;
    case DType::i64: return store_block<Plain<int64_t>>;
    case DType::boolean: return store_block<Plain<B>>;
    case DType::f16: return store_block<F16>;
    case DType::bf16: return store_block<Bf16>;
    case DType::u8: return store_block<U8>;
    }
    return nullptr;
}

// ---- rounding to storage types, splat

void round_bf16(void* dst, const void* a, const void*, const void*, size_t n) {
    const hn::ScalableTag<uint32_t> du;
    const uint32_t* x = static_cast<const uint32_t*>(a);
    uint32_t* out = static_cast<uint32_t*>(dst);
    size_t i = 0;
    for (; i + hn::Lanes(du) <= n; i += hn::Lanes(du))
        hn::StoreU(Bf16::round_bits(du, hn::LoadU(du, x + i)), du, out + i);
    if (i < n) store_tail(Bf16::round_bits(du, load_tail(du, x + i, n - i)), du, out + i, n - i);
}

void round_f16(void* dst, const void* a, const void*, const void*, size_t n) {
    const float* x = static_cast<const float*>(a);
    float* out = static_cast<float*>(dst);
    uint16_t half[64];
    for (size_t i = 0; i < n; i += 64) {
        const size_t count = n - i < 64 ? n - i : 64;
        F16::store_run(half, x + i, count);
        F16::load_run(out + i, half, count);
    }
}

void round_u8(void* dst, const void* a, const void*, const void*, size_t n) {
    const int32_t* x = static_cast<const int32_t*>(a);
    int32_t* out = static_cast<int32_t*>(dst);
    for (size_t i = 0; i < n; ++i) out[i] = x[i] & 0xFF;
}

MapFn find_round(DType memory) {
    if (memory == DType::bf16) return round_bf16;
    if (memory == DType::f16) return round_f16;
    return memory == DType::u8 ? round_u8 : nullptr;
}

void stream_bytes(void* memory, const void* block, size_t bytes) {
    const hn::ScalableTag<uint8_t> d;
    const size_t lanes = hn::Lanes(d);
    uint8_t* dst = static_cast<uint8_t*>(memory);
    const uint8_t* src = static_cast<const uint8_t*>(block);
    const size_t head = bytes < lanes ? bytes : (lanes - reinterpret_cast<uintptr_t>(dst) % lanes) % lanes;
    std::memcpy(dst, src, head);
    size_t i = head;
    for (; i + lanes <= bytes; i += lanes) hn::Stream(hn::LoadU(d, src + i), d, dst + i);
    std::memcpy(dst + i, src + i, bytes - i);
}

template <class T> void splat(void* dst, const void* a, const void*, const void*, size_t n) {
    fill_run(static_cast<T*>(dst), *static_cast<const T*>(a), n);
}

MapFn find_splat(DType type) {
    switch (type) {
    case DType::f32: return splat<float>;
    case DType::f64: return splat<double>;
    case DType::i32: return splat<int32_t>;
    case DType::i64: return splat<int64_t>;
    default: return splat<B>;
    }
}

} // namespace

void fill_convert(ConvertTable& f) {
    for (int i = 0; i < 8; ++i) {
        const DType t = static_cast<DType>(i);
        for (int j = 0; j < 8; ++j) f.cast[i][j] = find_cast(t, static_cast<DType>(j));
        f.round[i] = find_round(t);
        f.splat[i] = find_splat(t);
        f.load[i] = find_load(t);
        f.store[i] = find_store(t);
    }
    f.stream = stream_bytes;
}

} // namespace HWY_NAMESPACE
} // namespace ingot::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::cpu {

HWY_EXPORT(fill_convert);

namespace {
const ConvertTable& table() {
    static const ConvertTable t = [] {
        ConvertTable fresh;
        HWY_DYNAMIC_DISPATCH(fill_convert)(fresh);
        return fresh;
    }();
    return t;
}
size_t at(DType t) { return static_cast<size_t>(t); }
} // namespace

MapFn cast_function(DType from, DType to) { return table().cast[at(from)][at(to)]; }
MapFn round_function(DType memory) { return table().round[at(memory)]; }
MapFn splat_function(DType type) { return table().splat[at(type)]; }
LoadFn load_function(DType memory) { return table().load[at(memory)]; }
StoreFn store_function(DType memory) { return table().store[at(memory)]; }

void stream_end() { hwy::FlushStream(); }
void stream_copy(void* memory, const void* block, size_t bytes) { table().stream(memory, block, bytes); }

} // namespace ingot::cpu
#endif
