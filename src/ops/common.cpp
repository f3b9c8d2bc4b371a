// SPDX-License-Identifier: MIT
#include "ops/common.h"

#include <ingot/ops/elementwise.h>
#include <ingot/ops/movement.h>

#include "ops/creation.h"
#include "ops/movement.h"
#include "ops/reduce.h"

namespace ingot::ops {

Tensor constant(double value, DType dtype, Device device, const Shape& shape) {
    // What every device computes with, for f16 and bf16 too: 0.1f > 0.1 is false on the reference as well.
    if (is_float(dtype) && dtype != DType::f64) value = static_cast<float>(value);
    Attrs attrs{static_cast<int64_t>(dtype), pack(value)};
    append(attrs, shape.dims());
    return graph::record_source(kConstant, std::move(attrs), device);
}

Tensor constant_like(const Tensor& t, double value) { return constant(value, t.dtype(), t.device()); }

Tensor iota(const Shape& shape, int64_t axis, double start, double step, DType dtype, Device device) {
    Attrs attrs{static_cast<int64_t>(dtype), axis, pack(start), pack(step)};
    append(attrs, shape.dims());
    return graph::record_source(kIota, std::move(attrs), device);
}

Tensor sum_to(const Tensor& g, const Shape& shape) {
    const Shape& from = g.shape();
    if (from == shape) return g;
    const size_t extra = from.rank() - shape.rank();
    Ints axes;
    for (size_t i = 0; i < from.rank(); ++i)
        if (i < extra || (shape[i - extra] == 1 && from[i] != 1)) axes.push_back(static_cast<int64_t>(i));
    Tensor result = axes.empty() ? g : sum_keep(g, axes);
    return reshape(result, shape);
}

DType widened(DType dtype) { return dtype == DType::f16 || dtype == DType::bf16 ? DType::f32 : dtype; }

Tensor widen(const Tensor& x) { return cast(x, widened(x.dtype())); }

Ints normalize_axes(const Ints& axes, const Shape& shape, const char* op) {
    Ints result;
    if (axes.empty()) {
        for (size_t i = 0; i < shape.rank(); ++i) result.push_back(static_cast<int64_t>(i));
        return result;
    }
    for (const int64_t a : axes) result.push_back(shape.axis(a, op));
    std::sort(result.begin(), result.end());
    for (size_t i = 1; i < result.size(); ++i)
        if (result[i] == result[i - 1])
            shape_error(op, "axis " + std::to_string(result[i]) + " of shape " + shape.str() + " is named twice");
    return result;
}

Shape reduced_shape(const Shape& shape, const Ints& axes, bool keepdim) {
    Shape result;
    size_t next = 0;
    for (size_t i = 0; i < shape.rank(); ++i) {
        const bool reduced = next < axes.size() && axes[next] == static_cast<int64_t>(i);
        if (reduced) ++next;
        if (!reduced)
            result.push_back(shape[i]);
        else if (keepdim)
            result.push_back(1);
    }
    return result;
}

int64_t count_over(const Shape& shape, const Ints& axes) {
    int64_t n = 1;
    for (const int64_t a : axes) n *= shape[static_cast<size_t>(a)];
    return n;
}

Shape along_axis(size_t rank, size_t axis, int64_t size) {
    Shape shape(Ints(rank, 1));
    shape[axis] = size;
    return shape;
}

void require_float(const char* op, DType dtype) {
    if (!is_float(dtype))
        throw DTypeError(std::string(op) + ": dtype " + name(dtype) +
                         " is not a float dtype; convert with .to(f32) first");
}

void require_same_dtype(const char* op, DType a, DType b) {
    if (a != b)
        throw DTypeError(std::string(op) + ": dtypes " + name(a) + " and " + name(b) +
                         " differ; convert one with .to(dtype)");
}

void require_index(const char* op, DType dtype) {
    if (dtype != DType::i64 && dtype != DType::i32)
        throw DTypeError(std::string(op) + ": indices have dtype " + name(dtype) + "; they must be i64 or i32");
}

void shape_error(const char* op, const std::string& text) { throw ShapeError(std::string(op) + ": " + text); }

} // namespace ingot::ops
