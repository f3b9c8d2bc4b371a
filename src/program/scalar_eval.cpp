// SPDX-License-Identifier: MIT
#include "program/scalar_eval.h"

#include <limits>

#include "base/check.h"

namespace ingot::program {
namespace {

int64_t wrap(DType type, uint64_t v) {
    return type == DType::i32 ? static_cast<int64_t>(static_cast<int32_t>(static_cast<uint32_t>(v)))
                              : static_cast<int64_t>(v);
}

int64_t floor_divide(int64_t a, int64_t b) {
    if (b == 0) return 0;
    if (b == -1) return static_cast<int64_t>(0u - static_cast<uint64_t>(a)); // the smallest number wraps
    const int64_t q = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

int64_t remainder(int64_t a, int64_t b) {
    if (b == 0 || b == -1) return 0;
    const int64_t r = a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

int64_t apply_integer(Scalar function, DType type, int64_t a, int64_t b, int64_t c) {
    const uint64_t ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
    switch (function) {
    case Scalar::neg: return wrap(type, 0u - ua);
    case Scalar::abs: return a < 0 ? wrap(type, 0u - ua) : a;
    case Scalar::sign: return (a > 0) - (a < 0);
    case Scalar::relu: return a < 0 ? 0 : a;
    case Scalar::isnan: return 0;
    case Scalar::logical_not: return a == 0;
    case Scalar::add: return wrap(type, ua + ub);
    case Scalar::sub: return wrap(type, ua - ub);
    case Scalar::mul: return wrap(type, ua * ub);
    case Scalar::floor_divide: return wrap(type, static_cast<uint64_t>(floor_divide(a, b)));
    case Scalar::remainder: return remainder(a, b);
    case Scalar::maximum: return a > b ? a : b;
    case Scalar::minimum: return a < b ? a : b;
    case Scalar::eq: return a == b;
    case Scalar::ne: return a != b;
    case Scalar::lt: return a < b;
    case Scalar::le: return a <= b;
    case Scalar::gt: return a > b;
    case Scalar::ge: return a >= b;
    case Scalar::logical_and: return a != 0 && b != 0;
    case Scalar::logical_or: return a != 0 || b != 0;
    case Scalar::logical_xor: return (a != 0) != (b != 0);
    case Scalar::where: return a != 0 ? b : c;
    default: INGOT_ASSERT(false, "a function of floats on integers");
    }
}

template <class T> int64_t saturate(double f) {
    if (f != f) return 0;
    if (f >= -static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::max();
    if (f < static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
    return static_cast<int64_t>(static_cast<T>(f));
}

} // namespace

Value apply(Scalar function, DType type, Value a, Value b, Value c) {
    const ScalarInfo& f = info(function);
    if (function == Scalar::where) return a.i != 0 ? b : c;
    if (!is_float(type)) return {0, apply_integer(function, type, a.i, b.i, c.i)};
    const double result = f.reference(a.f, b.f, c.f);
    if (f.kind == ScalarKind::cmp) return {0, result != 0 ? 1 : 0};
    return {result, 0};
}

Value cast(DType from, DType to, Value a) {
    if (to == DType::boolean) return {0, is_float(from) ? a.f != 0 : a.i != 0};
    if (is_float(from)) {
        if (to == DType::f32) return {static_cast<double>(static_cast<float>(a.f)), 0};
        if (to == DType::f64) return a;
        return {0, to == DType::i32 ? saturate<int32_t>(a.f) : saturate<int64_t>(a.f)};
    }
    if (to == DType::f32) return {static_cast<double>(static_cast<float>(a.i)), 0};
    if (to == DType::f64) return {static_cast<double>(a.i), 0};
    return {0, wrap(to, static_cast<uint64_t>(a.i))};
}

} // namespace ingot::program
