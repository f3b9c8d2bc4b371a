// SPDX-License-Identifier: MIT
// Shapes of tensors: a short list of sizes, outermost first; an empty list is a scalar. Values, no sharing.
#pragma once

#include <string>
#include <vector>

#include <ingot/small_vector.h>

namespace ingot {

/// A small list of integers: axes, permutations, strides.
using Ints = SmallVector<int64_t, 6>;

class Shape {
public:
    Shape() = default;
    Shape(std::initializer_list<int64_t> dims) : dims_(dims) {}
    explicit Shape(const std::vector<int64_t>& dims) : dims_(dims.begin(), dims.end()) {}
    explicit Shape(const Ints& dims) : dims_(dims) {}

    size_t rank() const { return dims_.size(); }
    bool empty() const { return dims_.empty(); }
    /// Size of axis `i`, 0 <= i < rank().
    int64_t operator[](size_t i) const { return dims_[i]; }
    int64_t& operator[](size_t i) { return dims_[i]; }
    int64_t back() const { return dims_.back(); }
    /// Number of elements; 1 for a scalar.
    int64_t numel() const;
    const Ints& dims() const { return dims_; }
    const int64_t* begin() const { return dims_.begin(); }
    const int64_t* end() const { return dims_.end(); }
    void push_back(int64_t d) { dims_.push_back(d); }
    bool operator==(const Shape& o) const = default;
    /// "[2, 3]"; "[]" for a scalar.
    std::string str() const;
    /// The axis `axis` (negative counts from the end) as 0 <= a < rank. Errors: ShapeError naming `op`.
    int64_t axis(int64_t axis, const char* op) const;
    /// Row-major strides in elements.
    Ints strides() const;

private:
    Ints dims_;
};

/// The shape that `a` and `b` broadcast to (right-aligned, 1 stretches). Errors: ShapeError naming `op` and both shapes.
Shape broadcast_shapes(const Shape& a, const Shape& b, const char* op);

} // namespace ingot
