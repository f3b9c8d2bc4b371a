// SPDX-License-Identifier: MIT
#include <ingot/shape.h>

#include <algorithm>

#include <ingot/error.h>

namespace ingot {

int64_t Shape::numel() const {
    int64_t count = 1;
    for (const int64_t d : dims_) {
        if (__builtin_mul_overflow(count, d, &count)) {
            // An empty tensor is empty however large its other axes are.
            if (std::find(begin(), end(), 0) != end()) return 0;
            throw ShapeError("shape " + str() + " has more elements than a 64-bit integer can count");
        }
    }
    return count;
}

std::string Shape::str() const {
    std::string text = "[";
    for (size_t i = 0; i < rank(); ++i) {
        if (i > 0) text += ", ";
        text += std::to_string(dims_[i]);
    }
    return text + "]";
}

int64_t Shape::axis(int64_t axis, const char* op) const {
    const int64_t r = static_cast<int64_t>(rank());
    if (axis >= -r && axis < r) return axis < 0 ? axis + r : axis;
    std::string text = std::string(op) + ": axis " + std::to_string(axis) + " is out of range for shape " + str();
    if (r == 0) throw ShapeError(text + ", which has no axes");
    throw ShapeError(text + "; allowed are " + std::to_string(-r) + " to " + std::to_string(r - 1));
}

Ints Shape::strides() const {
    Ints result(rank(), 1);
    for (size_t i = rank(); i-- > 1;) result[i - 1] = result[i] * dims_[i];
    return result;
}

Shape broadcast_shapes(const Shape& a, const Shape& b, const char* op) {
    const Shape& longer = a.rank() >= b.rank() ? a : b;
    const Shape& shorter = a.rank() >= b.rank() ? b : a;
    Shape result = longer;
    const size_t shift = longer.rank() - shorter.rank();
    for (size_t i = 0; i < shorter.rank(); ++i) {
        const int64_t x = longer[i + shift], y = shorter[i];
        if (x == y || y == 1) continue;
        if (x != 1) {
            throw ShapeError(std::string(op) + ": shapes " + a.str() + " and " + b.str() +
                             " do not broadcast: axes of " + std::to_string(x) + " and " + std::to_string(y) +
                             " differ and neither is 1");
        }
        result[i + shift] = y;
    }
    return result;
}

} // namespace ingot
