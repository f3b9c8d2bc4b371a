// SPDX-License-Identifier: MIT
// Small argument types shared by the operators: numbers mixed with tensors, lists of axes, pairs (height, width), ways
// of reducing a loss. Plain values; they exist so that calls read like PyTorch's: sum(x, {0, 2}), x * 2, {.stride = 2}.
#pragma once

#include <initializer_list>
#include <type_traits>

#include <ingot/shape.h>

namespace ingot {

/// A plain C++ number as an operand beside a tensor. It does not promote the tensor's dtype within a kind (an f16
/// tensor times 2.5 stays f16, an i32 tensor plus 1 stays i32), but as in PyTorch a number with a floating C++ type
/// makes an integer tensor f32. Exact for integers up to 2^53.
struct Number {
    template <class T>
    requires std::is_arithmetic_v<T>
    constexpr Number(T v)
        : value(static_cast<double>(v)), integral(std::is_integral_v<T>) {} // NOLINT: implicit by design
    double value;
    bool integral;
};

/// A list of axes: 1, {1}, {0, -1}; negative ones count from the end. An empty list means all axes where a function
/// reduces, and is documented otherwise.
struct Axes : Ints {
    Axes() = default;
    template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) Axes(T axis)
        : Ints({static_cast<int64_t>(axis)}) {} // NOLINT: implicit by design
    Axes(std::initializer_list<int64_t> axes) : Ints(axes) {}
    Axes(const Ints& axes) : Ints(axes) {} // NOLINT: implicit by design
};

/// A pair (height, width); one number means both.
struct Int2 {
    int64_t h = 0, w = 0;
    Int2() = default;
    template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) Int2(T both)
        : h(static_cast<int64_t>(both)), w(h) {} // NOLINT: implicit by design
    Int2(int64_t height, int64_t width) : h(height), w(width) {}
    bool operator==(const Int2&) const = default;
};

/// What a loss does with the values of its elements.
enum class Reduction : uint8_t { none, mean, sum };

} // namespace ingot
