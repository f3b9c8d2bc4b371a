// SPDX-License-Identifier: MIT
// Element types of tensors. f16 and bf16 are storage types: arithmetic on them runs in f32 and rounds when stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace ingot {

enum class DType : uint8_t { f32, f64, f16, bf16, i32, i64, u8, boolean };

inline constexpr DType f32 = DType::f32;
inline constexpr DType f64 = DType::f64;
inline constexpr DType f16 = DType::f16;
inline constexpr DType bf16 = DType::bf16;
inline constexpr DType i32 = DType::i32;
inline constexpr DType i64 = DType::i64;
inline constexpr DType u8 = DType::u8;
inline constexpr DType boolean = DType::boolean;

/// Bytes of one element.
constexpr size_t size_of(DType t) {
    switch (t) {
    case DType::f64:
    case DType::i64: return 8;
    case DType::f32:
    case DType::i32: return 4;
    case DType::f16:
    case DType::bf16: return 2;
    case DType::u8:
    case DType::boolean: return 1;
    }
    return 0;
}

constexpr bool is_float(DType t) { return t == DType::f32 || t == DType::f64 || t == DType::f16 || t == DType::bf16; }
constexpr bool is_integer(DType t) { return t == DType::i32 || t == DType::i64 || t == DType::u8; }

/// The dtype's name: "f32", "bf16", "bool".
const char* name(DType t);

/// The dtype named `text` (as printed by name()). Errors: ingot::Error for an unknown name.
DType dtype_from_name(const std::string& text);

/// The common type of two operands (the rules of torch.promote_types for these types; f16 with bf16 gives f32).
DType promote(DType a, DType b);

/// The C++ type <-> DType table: dtype_of<float>() == f32, dtype_of<bool>() == boolean.
template <class T> constexpr DType dtype_of();
template <> constexpr DType dtype_of<float>() { return DType::f32; }
template <> constexpr DType dtype_of<double>() { return DType::f64; }
template <> constexpr DType dtype_of<int32_t>() { return DType::i32; }
template <> constexpr DType dtype_of<int64_t>() { return DType::i64; }
template <> constexpr DType dtype_of<long long>() { return DType::i64; }
template <> constexpr DType dtype_of<uint8_t>() { return DType::u8; }
template <> constexpr DType dtype_of<bool>() { return DType::boolean; }

} // namespace ingot
