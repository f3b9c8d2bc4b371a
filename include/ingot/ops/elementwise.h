// SPDX-License-Identifier: MIT
// Functions applied to each element, with broadcasting (shapes are aligned at the right, axes of size 1 stretch), and
// the operators + - * / < <= > >=. Operands of different dtypes are promoted as in PyTorch; numbers do not promote
// (Number).
// Shapes: every tensor argument has any shape; with more than one, the result has their broadcast shape.
// dtypes: "float" functions take integers too and then compute in f32. f16 and bf16 compute in f32 and round when
// stored.
// Errors: ShapeError "add: shapes [2, 3] and [4] do not broadcast"; DTypeError where a function has no meaning for a
// dtype; DeviceError for operands on two devices. Comparisons, logical functions, rounding and integers carry no
// gradient.
#pragma once

#include <limits>

#include <ingot/ops/types.h>
#include <ingot/tensor.h>

namespace ingot {

// Arithmetic on any number type. bool operands of add, sub, mul, neg, abs and sign are errors, as their meaning is
// unclear.
Tensor add(const Tensor& a, const Tensor& b);
Tensor add(const Tensor& a, Number b);
Tensor add(Number a, const Tensor& b);
Tensor sub(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, Number b);
Tensor sub(Number a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, Number b);
Tensor mul(Number a, const Tensor& b);
/// True division: integers give f32.
Tensor div(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, Number b);
Tensor div(Number a, const Tensor& b);
/// floor(a / b), rounded towards minus infinity, of the operands' dtype; no gradient. Integer division by 0 gives 0.
Tensor floor_divide(const Tensor& a, const Tensor& b);
Tensor floor_divide(const Tensor& a, Number b);
/// a - floor(a / b) * b: has the sign of b. Integer remainder by 0 gives 0.
Tensor remainder(const Tensor& a, const Tensor& b);
Tensor remainder(const Tensor& a, Number b);
/// a to the power b. Integers: only with a number 0 <= b <= 64 (exact, wraps); cast first otherwise.
/// The gradient is finite wherever the power rule is: pow(x, 2) has gradient 0 at 0.
Tensor pow(const Tensor& a, const Tensor& b);
Tensor pow(const Tensor& a, Number b);
Tensor pow(Number a, const Tensor& b);
/// The larger, the smaller; NaN if either is NaN. Where they are equal each gets half of the gradient.
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor maximum(const Tensor& a, Number b);
Tensor minimum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, Number b);
/// x limited to [low, high]; NaN stays. The gradient passes where low <= x <= high.
Tensor clamp(const Tensor& x, double low, double high = std::numeric_limits<double>::infinity());

Tensor neg(const Tensor& x);
Tensor abs(const Tensor& x);
/// -1, 0 or 1; NaN stays.
Tensor sign(const Tensor& x);
Tensor square(const Tensor& x);

// Float functions.
Tensor exp(const Tensor& x);
Tensor expm1(const Tensor& x);
Tensor log(const Tensor& x);
Tensor log1p(const Tensor& x);
/// Gradient at 0: infinite, as in PyTorch.
Tensor sqrt(const Tensor& x);
Tensor rsqrt(const Tensor& x);
Tensor reciprocal(const Tensor& x);
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor erf(const Tensor& x);
/// 1 / (1 + exp(-x)).
Tensor sigmoid(const Tensor& x);
// Rounding; integers are returned as they are, gradients are 0. round: halves go to the even neighbour.
Tensor floor(const Tensor& x);
Tensor ceil(const Tensor& x);
Tensor round(const Tensor& x);
Tensor trunc(const Tensor& x);

// Comparisons give bool; NaN is unequal to everything.
Tensor isnan(const Tensor& x);
Tensor eq(const Tensor& a, const Tensor& b);
Tensor eq(const Tensor& a, Number b);
Tensor ne(const Tensor& a, const Tensor& b);
Tensor ne(const Tensor& a, Number b);
Tensor lt(const Tensor& a, const Tensor& b);
Tensor lt(const Tensor& a, Number b);
Tensor le(const Tensor& a, const Tensor& b);
Tensor le(const Tensor& a, Number b);
Tensor gt(const Tensor& a, const Tensor& b);
Tensor gt(const Tensor& a, Number b);
Tensor ge(const Tensor& a, const Tensor& b);
Tensor ge(const Tensor& a, Number b);
// Logic on truth values; other dtypes mean x != 0.
Tensor logical_not(const Tensor& x);
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_xor(const Tensor& a, const Tensor& b);

/// a where condition (bool) is true, else b.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
Tensor where(const Tensor& condition, const Tensor& a, Number b);
Tensor where(const Tensor& condition, Number a, const Tensor& b);

/// x converted: float to integer truncates toward zero, anything to bool is x != 0; x itself when nothing changes.
Tensor cast(const Tensor& x, DType dtype);

// Activations (float dtypes).
/// max(x, 0); NaN stays; gradient 0 at 0.
Tensor relu(const Tensor& x);
/// x where x > 0, else slope * x.
Tensor leaky_relu(const Tensor& x, double slope = 0.01);
/// x * Phi(x), the exact form with erf (Hendrycks and Gimpel, 2016).
Tensor gelu(const Tensor& x);
/// Its approximation 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), which GPT-2 uses.
Tensor gelu_tanh(const Tensor& x);
/// x * sigmoid(x), also called swish.
Tensor silu(const Tensor& x);
/// log(1 + exp(x)), without overflow.
Tensor softplus(const Tensor& x);
/// x where x > 0, else alpha * (exp(x) - 1).
Tensor elu(const Tensor& x, double alpha = 1.0);

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator+(const Tensor& a, Number b) { return add(a, b); }
inline Tensor operator+(Number a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator-(const Tensor& a, Number b) { return sub(a, b); }
inline Tensor operator-(Number a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator*(const Tensor& a, Number b) { return mul(a, b); }
inline Tensor operator*(Number a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator/(const Tensor& a, Number b) { return div(a, b); }
inline Tensor operator/(Number a, const Tensor& b) { return div(a, b); }
inline Tensor operator-(const Tensor& x) { return neg(x); }
inline Tensor operator<(const Tensor& a, const Tensor& b) { return lt(a, b); }
inline Tensor operator<(const Tensor& a, Number b) { return lt(a, b); }
inline Tensor operator<(Number a, const Tensor& b) { return gt(b, a); }
inline Tensor operator<=(const Tensor& a, const Tensor& b) { return le(a, b); }
inline Tensor operator<=(const Tensor& a, Number b) { return le(a, b); }
inline Tensor operator<=(Number a, const Tensor& b) { return ge(b, a); }
inline Tensor operator>(const Tensor& a, const Tensor& b) { return gt(a, b); }
inline Tensor operator>(const Tensor& a, Number b) { return gt(a, b); }
inline Tensor operator>(Number a, const Tensor& b) { return lt(b, a); }
inline Tensor operator>=(const Tensor& a, const Tensor& b) { return ge(a, b); }
inline Tensor operator>=(const Tensor& a, Number b) { return ge(a, b); }
inline Tensor operator>=(Number a, const Tensor& b) { return le(b, a); }

} // namespace ingot
