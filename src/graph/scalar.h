// SPDX-License-Identifier: MIT
// The table of scalar functions: one row per elementwise primitive. The row's name is the operator's name everywhere
// (function, OpDef, dump, program, test row). A new scalar function is one row here, its C spelling included, and one
// vector body in the CPU's block functions. Users: ops/ (definitions), program/ (code), backend/codegen (printing),
// backend/reference (evaluation).
//
// Kinds: num = any number type, result of the same type; flt = floating types only, result of the same type;
// cmp = any number type (also bool), result bool; log = bool operands and result.
#pragma once

#include <cmath>
#include <cstdint>

namespace ingot {

// X(name, arity, kind, C spelling over a, b, c (float types), reference in double over a, b, c)
// clang-format off
#define INGOT_SCALAR_FUNCTIONS(X)                                                                                      \
    X(neg, 1, num, "(-a)", -a)                                                                                         \
    X(abs, 1, num, "abs(a)", std::fabs(a))                                                                             \
    X(sign, 1, num, "((a > 0) - (a < 0))", a != a ? a : double((a > 0) - (a < 0)))                                     \
    X(relu, 1, num, "(a < 0 ? 0 : a)", a < 0 ? 0.0 : a)                                                                \
    X(exp, 1, flt, "exp(a)", std::exp(a))                                                                              \
    X(expm1, 1, flt, "expm1(a)", std::expm1(a))                                                                        \
    X(log, 1, flt, "log(a)", std::log(a))                                                                              \
    X(log1p, 1, flt, "log1p(a)", std::log1p(a))                                                                        \
    X(sqrt, 1, flt, "sqrt(a)", std::sqrt(a))                                                                           \
    X(rsqrt, 1, flt, "rsqrt(a)", 1.0 / std::sqrt(a))                                                                   \
    X(reciprocal, 1, flt, "(1 / a)", 1.0 / a)                                                                          \
    X(sin, 1, flt, "sin(a)", std::sin(a))                                                                              \
    X(cos, 1, flt, "cos(a)", std::cos(a))                                                                              \
    X(tanh, 1, flt, "tanh(a)", std::tanh(a))                                                                           \
    X(erf, 1, flt, "erf(a)", std::erf(a))                                                                              \
    X(sigmoid, 1, flt, "(1 / (1 + exp(-a)))", 1.0 / (1.0 + std::exp(-a)))                                              \
    X(floor, 1, flt, "floor(a)", std::floor(a))                                                                        \
    X(ceil, 1, flt, "ceil(a)", std::ceil(a))                                                                           \
    X(round, 1, flt, "rint(a)", std::nearbyint(a))                                                                     \
    X(trunc, 1, flt, "trunc(a)", std::trunc(a))                                                                        \
    X(isnan, 1, cmp, "(a != a)", double(a != a))                                                                       \
    X(logical_not, 1, log, "(!a)", double(a == 0))                                                                     \
    X(add, 2, num, "(a + b)", a + b)                                                                                   \
    X(sub, 2, num, "(a - b)", a - b)                                                                                   \
    X(mul, 2, num, "(a * b)", a * b)                                                                                   \
    X(div, 2, flt, "(a / b)", a / b)                                                                                   \
    X(floor_divide, 2, num, "floor(a / b)", std::floor(a / b))                                                         \
    X(remainder, 2, num, "(a - floor(a / b) * b)", a - std::floor(a / b) * b)                                          \
    X(pow, 2, flt, "pow(a, b)", std::pow(a, b))                                                                        \
    X(maximum, 2, num, "(a > b || a != a ? a : b)", (a > b || a != a) ? a : b)                                         \
    X(minimum, 2, num, "(a < b || a != a ? a : b)", (a < b || a != a) ? a : b)                                         \
    X(eq, 2, cmp, "(a == b)", double(a == b))                                                                          \
    X(ne, 2, cmp, "(a != b)", double(a != b))                                                                          \
    X(lt, 2, cmp, "(a < b)", double(a < b))                                                                            \
    X(le, 2, cmp, "(a <= b)", double(a <= b))                                                                          \
    X(gt, 2, cmp, "(a > b)", double(a > b))                                                                            \
    X(ge, 2, cmp, "(a >= b)", double(a >= b))                                                                          \
    X(logical_and, 2, log, "(a && b)", double(a != 0 && b != 0))                                                       \
    X(logical_or, 2, log, "(a || b)", double(a != 0 || b != 0))                                                        \
    X(logical_xor, 2, log, "(a != b)", double((a != 0) != (b != 0)))                                                   \
    X(where, 3, num, "(a ? b : c)", a != 0 ? b : c)
// clang-format on

enum class Scalar : uint8_t {
#define INGOT_ROW(name, arity, kind, spelling, reference) name,
    INGOT_SCALAR_FUNCTIONS(INGOT_ROW)
#undef INGOT_ROW
        count
};

enum class ScalarKind : uint8_t { num, flt, cmp, log };

struct ScalarInfo {
    const char* name;
    uint8_t arity;
    ScalarKind kind;
    const char* spelling;                              ///< C over a, b, c
    double (*reference)(double a, double b, double c); ///< exact for integers up to 2^53
};

inline constexpr ScalarInfo kScalarTable[] = {
#define INGOT_ROW(name, arity, kind, spelling, expr)                                                                   \
    {#name, arity, ScalarKind::kind, spelling,                                                                         \
     []([[maybe_unused]] double a, [[maybe_unused]] double b, [[maybe_unused]] double c) -> double { return expr; }},
    INGOT_SCALAR_FUNCTIONS(INGOT_ROW)
#undef INGOT_ROW
};

inline const ScalarInfo& info(Scalar f) { return kScalarTable[static_cast<int>(f)]; }

} // namespace ingot
