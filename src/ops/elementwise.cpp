// SPDX-License-Identifier: MIT
#include "ops/elementwise.h"

#include <array>
#include <cmath>

#include <ingot/ops/elementwise.h>

#include "ops/common.h"

namespace ingot::ops {

namespace {

std::string shapes_of(const Call& c) {
    std::string text;
    for (size_t i = 0; i < c.inputs.size(); ++i)
        text += (i == 0 ? "" : i + 1 == c.inputs.size() ? " and " : ", ") + c.in(i).shape.str();
    return text;
}

void infer_elementwise(Call& c) {
    const ScalarInfo& s = info(c.op.scalar);
    const size_t first = c.op.scalar == Scalar::where ? 1 : 0;
    const DType dtype = c.in(first).dtype;
    for (size_t i = first + 1; i < c.inputs.size(); ++i) require_same_dtype(s.name, dtype, c.in(i).dtype);
    if (first == 1 && c.in(0).dtype != DType::boolean)
        throw DTypeError(std::string(s.name) + ": the condition has dtype " + name(c.in(0).dtype) + ", not bool");
    if (s.kind == ScalarKind::flt) require_float(s.name, dtype);
    Shape shape = c.in(0).shape;
    for (size_t i = 1; i < c.inputs.size(); ++i) {
        if (c.in(i).shape == shape) continue;
        try {
            shape = broadcast_shapes(shape, c.in(i).shape, s.name);
        } catch (const ShapeError&) {
            throw ShapeError(std::string(s.name) + ": shapes " + shapes_of(c) + " do not broadcast");
        }
    }
    const bool truth = s.kind == ScalarKind::cmp || s.kind == ScalarKind::log;
    c.outputs->push_back({truth ? DType::boolean : dtype, std::move(shape)});
}

void infer_cast(Call& c) { c.outputs->push_back({static_cast<DType>(c.attrs[0]), c.in(0).shape}); }

std::vector<Tensor> vjp_cast(const Vjp& v) { return {cast(v.grads[0], v.inputs[0].dtype())}; }

const std::array<OpDef, static_cast<size_t>(Scalar::count)>& table() {
    static const auto defs = [] {
        std::array<OpDef, static_cast<size_t>(Scalar::count)> t;
        for (size_t i = 0; i < t.size(); ++i) {
            const Scalar f = static_cast<Scalar>(i);
            t[i] = {.name = info(f).name,
                    .prim = Prim::elementwise,
                    .kind = Kind::elementwise,
                    .scalar = f,
                    .infer = infer_elementwise,
                    .vjp = elementwise_vjp(f)};
        }
        return t;
    }();
    return defs;
}

} // namespace

const OpDef& elementwise(Scalar function) { return table()[static_cast<size_t>(function)]; }

const OpDef kCast{.name = "cast", .prim = Prim::cast, .kind = Kind::elementwise, .infer = infer_cast, .vjp = vjp_cast};

namespace {

int category(DType t) { return is_float(t) ? 2 : t == DType::boolean ? 0 : 1; }

/// torch.result_type: scalars (rank 0) promote others only to a higher kind (bool < integers < floats).
DType result_type(const Tensor& a, const Tensor& b) {
    const DType x = a.dtype(), y = b.dtype();
    if (x == y) return x;
    const bool a_scalar = a.rank() == 0, b_scalar = b.rank() == 0;
    if (b_scalar && !a_scalar && category(y) <= category(x)) return x;
    if (a_scalar && !b_scalar && category(x) <= category(y)) return y;
    return promote(x, y);
}

DType result_type(DType t, Number n) {
    if (is_float(t)) return t;
    if (!n.integral) return DType::f32;
    return t == DType::boolean ? DType::i64 : t;
}

Tensor number(const char* op, Number n, DType dtype, Device device) {
    if ((dtype == DType::u8 && (n.value < 0 || n.value > 255)) ||
        (dtype == DType::i32 && std::fabs(n.value + 0.5) > 2147483648.0))
        throw Error(std::string(op) + ": the number " + std::to_string(n.value) + " does not fit " + name(dtype));
    return constant(n.value, dtype, device);
}

void refuse_bool(const char* op, DType dtype) {
    if (dtype == DType::boolean)
        throw DTypeError(std::string(op) + ": dtype bool has no arithmetic; convert with .to(i64) or use logical_*");
}

/// The dtype in which f computes operands of the promoted type t.
DType compute_type(Scalar f, DType t) {
    const ScalarInfo& s = info(f);
    switch (s.kind) {
    case ScalarKind::flt: return is_float(t) ? t : DType::f32;
    case ScalarKind::log: return DType::boolean;
    case ScalarKind::num:
        if (f != Scalar::where) refuse_bool(s.name, t);
        return t;
    case ScalarKind::cmp: return t;
    }
    return t;
}

Tensor unary(Scalar f, const Tensor& x) { return record(elementwise(f), {cast(x, compute_type(f, x.dtype()))}); }

Tensor binary(Scalar f, const Tensor& a, const Tensor& b) {
    const DType t = compute_type(f, result_type(a, b));
    return record(elementwise(f), {cast(a, t), cast(b, t)});
}

Tensor binary(Scalar f, const Tensor& a, Number b) {
    const DType t = compute_type(f, result_type(a.dtype(), b));
    return record(elementwise(f), {cast(a, t), number(info(f).name, b, t, a.device())});
}

Tensor binary(Scalar f, Number a, const Tensor& b) {
    const DType t = compute_type(f, result_type(b.dtype(), a));
    return record(elementwise(f), {number(info(f).name, a, t, b.device()), cast(b, t)});
}

/// Integers are whole already.
Tensor rounding(Scalar f, const Tensor& x) { return is_integer(x.dtype()) ? x : unary(f, x); }

} // namespace

} // namespace ingot::ops

namespace ingot {

using namespace ops;

#define INGOT_UNARY(f)                                                                                                 \
    Tensor f(const Tensor& x) { return unary(Scalar::f, x); }
#define INGOT_BINARY(f)                                                                                                \
    Tensor f(const Tensor& a, const Tensor& b) { return binary(Scalar::f, a, b); }                                     \
    Tensor f(const Tensor& a, Number b) { return binary(Scalar::f, a, b); }
#define INGOT_BINARY_BOTH(f)                                                                                           \
    INGOT_BINARY(f)                                                                                                    \
    Tensor f(Number a, const Tensor& b) { return binary(Scalar::f, a, b); }

INGOT_BINARY_BOTH(add)
INGOT_BINARY_BOTH(sub)
INGOT_BINARY_BOTH(mul)
INGOT_BINARY_BOTH(div)
INGOT_BINARY(floor_divide)
INGOT_BINARY(remainder)
INGOT_BINARY(maximum)
INGOT_BINARY(minimum)
INGOT_BINARY(eq)
INGOT_BINARY(ne)
INGOT_BINARY(lt)
INGOT_BINARY(le)
INGOT_BINARY(gt)
INGOT_BINARY(ge)
INGOT_UNARY(neg)
INGOT_UNARY(abs)
INGOT_UNARY(sign)
INGOT_UNARY(exp)
INGOT_UNARY(expm1)
INGOT_UNARY(log)
INGOT_UNARY(log1p)
INGOT_UNARY(sqrt)
INGOT_UNARY(rsqrt)
INGOT_UNARY(reciprocal)
INGOT_UNARY(sin)
INGOT_UNARY(cos)
INGOT_UNARY(tanh)
INGOT_UNARY(erf)
INGOT_UNARY(sigmoid)
INGOT_UNARY(relu)
INGOT_UNARY(isnan)
INGOT_UNARY(logical_not)
#undef INGOT_UNARY
#undef INGOT_BINARY
#undef INGOT_BINARY_BOTH

Tensor floor(const Tensor& x) { return rounding(Scalar::floor, x); }
Tensor ceil(const Tensor& x) { return rounding(Scalar::ceil, x); }
Tensor round(const Tensor& x) { return rounding(Scalar::round, x); }
Tensor trunc(const Tensor& x) { return rounding(Scalar::trunc, x); }

Tensor logical_and(const Tensor& a, const Tensor& b) { return binary(Scalar::logical_and, a, b); }
Tensor logical_or(const Tensor& a, const Tensor& b) { return binary(Scalar::logical_or, a, b); }
Tensor logical_xor(const Tensor& a, const Tensor& b) { return binary(Scalar::logical_xor, a, b); }

Tensor square(const Tensor& x) { return mul(x, x); }

namespace {

void refuse_integer_power(DType dtype) {
    if (!is_float(dtype))
        throw DTypeError(std::string("pow: dtype ") + name(dtype) +
                         " has powers only with a number from 0 to 64 as exponent; convert with .to(f32) first");
}

Tensor integer_power(const Tensor& a, double exponent) {
    refuse_bool("pow", a.dtype());
    if (!(exponent >= 0 && exponent <= 64)) refuse_integer_power(a.dtype());
    Tensor result, base = a;
    for (int n = static_cast<int>(exponent); n > 0; n >>= 1) {
        if (n & 1) result = result.defined() ? mul(result, base) : base;
        if (n > 1) base = mul(base, base);
    }
    return result.defined() ? result : constant(1, a.dtype(), a.device(), a.shape());
}

} // namespace

Tensor pow(const Tensor& a, const Tensor& b) {
    refuse_integer_power(result_type(a, b));
    return binary(Scalar::pow, a, b);
}

Tensor pow(const Tensor& a, Number b) {
    if (!is_float(a.dtype()) && b.integral) return integer_power(a, b.value);
    // The usual exponents have cheaper forms, whose gradients are finite wherever the power rule's is.
    if (is_float(a.dtype())) {
        if (b.value == 1) return present(a);
        if (b.value == 2) return mul(a, a);
        if (b.value == 3) return mul(mul(a, a), a);
        if (b.value == 0.5) return sqrt(a);
        if (b.value == -0.5) return rsqrt(a);
        if (b.value == -1) return reciprocal(a);
    }
    return binary(Scalar::pow, a, b);
}

Tensor pow(Number a, const Tensor& b) {
    refuse_integer_power(result_type(b.dtype(), a));
    return binary(Scalar::pow, a, b);
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
    const DType t = result_type(a, b);
    return record(elementwise(Scalar::where), {condition, cast(a, t), cast(b, t)});
}

Tensor where(const Tensor& condition, const Tensor& a, Number b) {
    const DType t = result_type(a.dtype(), b);
    return record(elementwise(Scalar::where), {condition, cast(a, t), number("where", b, t, a.device())});
}

Tensor where(const Tensor& condition, Number a, const Tensor& b) {
    const DType t = result_type(b.dtype(), a);
    return record(elementwise(Scalar::where), {condition, number("where", a, t, b.device()), cast(b, t)});
}

Tensor cast(const Tensor& x, DType dtype) {
    if (x.dtype() == dtype) return x;
    return record(kCast, {x}, {static_cast<int64_t>(dtype)});
}

Tensor Tensor::to(DType dtype) const { return cast(*this, dtype); }

} // namespace ingot
