// SPDX-License-Identifier: MIT
// The table of scalar functions: one row per elementwise primitive. The row's name is the operator's name everywhere
// (function, OpDef, dump, program, test row). A new scalar function is one row here, its C spelling included, and one
// vector body in the CPU's block functions. Users: ops/ (definitions), program/ (code), backend/codegen (printing),
// backend/reference (evaluation).
//
// Kinds: num = any number type, result of the same type; flt = floating types only, result of the same type;
// cmp = any number type (also bool), result bool; log = bool operands and result.
// Cost: the time for one f32 in vector code; an addition takes 1. Fusion does not repeat what costs more, the CPU divides work by it.
#pragma once

#include <cmath>
#include <cstdint>

namespace ingot {

// X(name, arity, kind, cost, C spelling over a, b, c (float types), reference in double over a, b, c)
// clang-format off
#define INGOT_SCALAR_FUNCTIONS(X)                                                                                      \
    X(neg, 1, num, 1, "(-a)", -a)                                                                                      \
    X(abs, 1, num, 1, "abs(a)", std::fabs(a))                                                                          \
    X(sign, 1, num, 1, "((a > 0) - (a < 0))", a != a ? a : double((a > 0) - (a < 0)))                                  \
    X(relu, 1, num, 1, "(a < 0 ? 0 : a)", a < 0 ? 0.0 : a)                                                             \
    X(exp, 1, flt, 6, "exp(a)", std::exp(a))                                                                           \
    X(expm1, 1, flt, 6, "expm1(a)", std::expm1(a))                                                                     \
    X(log, 1, flt, 6, "log(a)", std::log(a))                                                                           \
    X(log1p, 1, flt, 6, "log1p(a)", std::log1p(a))                                                                     \
    X(sqrt, 1, flt, 2, "sqrt(a)", std::sqrt(a))                                                                        \
    X(rsqrt, 1, flt, 2, "rsqrt(a)", 1.0 / std::sqrt(a))                                                                \
    X(reciprocal, 1, flt, 2, "(1 / a)", 1.0 / a)                                                                       \
    X(sin, 1, flt, 6, "sin(a)", std::sin(a))                                                                           \
    X(cos, 1, flt, 6, "cos(a)", std::cos(a))                                                                           \
    X(tanh, 1, flt, 6, "tanh(a)", std::tanh(a))                                                                        \
    X(erf, 1, flt, 6, "erf(a)", std::erf(a))                                                                           \
    X(sigmoid, 1, flt, 6, "(1 / (1 + exp(-a)))", 1.0 / (1.0 + std::exp(-a)))                                           \
    X(floor, 1, flt, 1, "floor(a)", std::floor(a))                                                                     \
    X(ceil, 1, flt, 1, "ceil(a)", std::ceil(a))                                                                        \
    X(round, 1, flt, 1, "rint(a)", std::nearbyint(a))                                                                  \
    X(trunc, 1, flt, 1, "trunc(a)", std::trunc(a))                                                                     \
    X(isnan, 1, cmp, 1, "(a != a)", double(a != a))                                                                    \
    X(logical_not, 1, log, 1, "(!a)", double(a == 0))                                                                  \
    X(add, 2, num, 1, "(a + b)", a + b)                                                                                \
    X(sub, 2, num, 1, "(a - b)", a - b)                                                                                \
    X(mul, 2, num, 1, "(a * b)", a * b)                                                                                \
    X(div, 2, flt, 2, "(a / b)", a / b)                                                                                \
    X(floor_divide, 2, num, 2, "floor(a / b)", std::floor(a / b))                                                      \
    X(remainder, 2, num, 2, "(a - floor(a / b) * b)", a - std::floor(a / b) * b)                                       \
    X(pow, 2, flt, 80, "pow(a, b)", std::pow(a, b))                                                                    \
    X(maximum, 2, num, 1, "(a > b || a != a ? a : b)", (a > b || a != a) ? a : b)                                      \
    X(minimum, 2, num, 1, "(a < b || a != a ? a : b)", (a < b || a != a) ? a : b)                                      \
    X(eq, 2, cmp, 1, "(a == b)", double(a == b))                                                                       \
    X(ne, 2, cmp, 1, "(a != b)", double(a != b))                                                                       \
    X(lt, 2, cmp, 1, "(a < b)", double(a < b))                                                                         \
    X(le, 2, cmp, 1, "(a <= b)", double(a <= b))                                                                       \
    X(gt, 2, cmp, 1, "(a > b)", double(a > b))                                                                         \
    X(ge, 2, cmp, 1, "(a >= b)", double(a >= b))                                                                       \
    X(logical_and, 2, log, 1, "(a && b)", double(a != 0 && b != 0))                                                    \
    X(logical_or, 2, log, 1, "(a || b)", double(a != 0 || b != 0))                                                     \
    X(logical_xor, 2, log, 1, "(a != b)", double((a != 0) != (b != 0)))                                                \
    X(where, 3, num, 1, "(a ? b : c)", a != 0 ? b : c)
// clang-format on

enum class Scalar : uint8_t {
#define INGOT_ROW(name, arity, kind, cost, spelling, reference) name,
    INGOT_SCALAR_FUNCTIONS(INGOT_ROW)
#undef INGOT_ROW
        count
};

enum class ScalarKind : uint8_t { num, flt, cmp, log };

struct ScalarInfo {
    const char* name;
    uint8_t arity;
    ScalarKind kind;
    uint8_t cost;
    const char* spelling;                              ///< C over a, b, c
    double (*reference)(double a, double b, double c); ///< exact for integers up to 2^53
};

inline constexpr ScalarInfo kScalarTable[] = {
#define INGOT_ROW(name, arity, kind, cost, spelling, expr)                                                             \
    {#name,                                                                                                            \
     arity,                                                                                                            \
     ScalarKind::kind,                                                                                                 \
     cost,                                                                                                             \
     spelling,                                                                                                         \
     []([[maybe_unused]] double a, [[maybe_unused]] double b, [[maybe_unused]] double c) -> double { return expr; }},
    INGOT_SCALAR_FUNCTIONS(INGOT_ROW)
#undef INGOT_ROW
};

inline const ScalarInfo& info(Scalar f) { return kScalarTable[static_cast<int>(f)]; }

} // namespace ingot
