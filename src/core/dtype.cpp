// SPDX-License-Identifier: MIT
#include <ingot/dtype.h>

#include <ingot/error.h>

#include "base/check.h"

namespace ingot {

namespace {
constexpr DType kAll[] = {DType::f32, DType::f64, DType::f16, DType::bf16,
                          DType::i32, DType::i64, DType::u8,  DType::boolean};

/// Order of the types without a fraction: each holds what the ones before it mean.
int integer_rank(DType t) {
    switch (t) {
    case DType::boolean: return 0;
    case DType::u8: return 1;
    case DType::i32: return 2;
    default: return 3;
    }
}
} // namespace

const char* name(DType t) {
    switch (t) {
    case DType::f32: return "f32";
    case DType::f64: return "f64";
    case DType::f16: return "f16";
    case DType::bf16: return "bf16";
    case DType::i32: return "i32";
    case DType::i64: return "i64";
    case DType::u8: return "u8";
    case DType::boolean: return "bool";
    }
    INGOT_ASSERT(false, "a DType outside the enumeration");
}

DType dtype_from_name(const std::string& text) {
    std::string known;
    for (const DType t : kAll) {
        if (text == name(t)) return t;
        known += known.empty() ? "" : ", ";
        known += name(t);
    }
    throw Error("unknown dtype '" + text + "'; known are " + known);
}

DType promote(DType a, DType b) {
    if (a == b) return a;
    if (is_float(a) && is_float(b)) {
        if (a == DType::f64 || b == DType::f64) return DType::f64;
        return DType::f32; // f32 with a half type, or f16 with bf16: neither half holds the other
    }
    if (is_float(a)) return a;
    if (is_float(b)) return b;
    return integer_rank(a) > integer_rank(b) ? a : b;
}

} // namespace ingot
