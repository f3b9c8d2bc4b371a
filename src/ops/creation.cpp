// SPDX-License-Identifier: MIT
#include "ops/creation.h"

#include <cmath>

#include <ingot/ops/creation.h>
#include <ingot/ops/elementwise.h>

#include "ops/common.h"

namespace ingot::ops {

namespace {

void check_sizes(const char* op, const Shape& shape) {
    for (const int64_t d : shape)
        if (d < 0) shape_error(op, "shape " + shape.str() + " has a negative size");
}

void infer_constant(Call& c) { c.outputs->push_back({static_cast<DType>(c.attrs[0]), shape_from(c.attrs, 2)}); }

void infer_iota(Call& c) { c.outputs->push_back({static_cast<DType>(c.attrs[0]), shape_from(c.attrs, 4)}); }

Tensor filled(const char* op, const Shape& shape, double value, DType dtype, const TensorOptions& options) {
    check_sizes(op, shape);
    Tensor t = constant(value, options.dtype.value_or(dtype), options.device.value_or(Device::cpu()), shape);
    if (options.requires_grad) t.set_requires_grad(true);
    return t;
}

Tensor filled_like(const char* op, const Tensor& x, double value, TensorOptions options) {
    if (!options.device) options.device = x.device();
    return filled(op, x.shape(), value, x.dtype(), options);
}

Tensor ramp(int64_t count, double start, double step, DType dtype, const TensorOptions& options) {
    Tensor t = iota({count}, 0, start, step, options.dtype.value_or(dtype), options.device.value_or(Device::cpu()));
    if (options.requires_grad) t.set_requires_grad(true);
    return t;
}

} // namespace

const OpDef kConstant{.name = "constant", .prim = Prim::constant, .kind = Kind::source, .infer = infer_constant};
const OpDef kIota{.name = "iota", .prim = Prim::iota, .kind = Kind::source, .infer = infer_iota};

} // namespace ingot::ops

namespace ingot {

using namespace ops;

Tensor zeros(const Shape& shape, const TensorOptions& options) {
    return filled("zeros", shape, 0, DType::f32, options);
}

Tensor ones(const Shape& shape, const TensorOptions& options) { return filled("ones", shape, 1, DType::f32, options); }

Tensor full(const Shape& shape, Number value, const TensorOptions& options) {
    return filled("full", shape, value.value, value.integral ? DType::i64 : DType::f32, options);
}

Tensor zeros_like(const Tensor& x, const TensorOptions& options) { return filled_like("zeros_like", x, 0, options); }

Tensor ones_like(const Tensor& x, const TensorOptions& options) { return filled_like("ones_like", x, 1, options); }

Tensor full_like(const Tensor& x, Number value, const TensorOptions& options) {
    return filled_like("full_like", x, value.value, options);
}

Tensor arange(Number stop, const TensorOptions& options) { return arange(0, stop, 1, options); }

Tensor arange(Number start, Number stop, Number step, const TensorOptions& options) {
    const double count = std::ceil((stop.value - start.value) / step.value);
    if (step.value == 0 || !(count >= 0) || count > 9e15)
        throw Error("arange: no values lead from " + std::to_string(start.value) + " to " + std::to_string(stop.value) +
                    " in steps of " + std::to_string(step.value));
    const bool integral = start.integral && stop.integral && step.integral;
    return ramp(static_cast<int64_t>(count), start.value, step.value, integral ? DType::i64 : DType::f32, options);
}

Tensor linspace(double start, double stop, int64_t count, const TensorOptions& options) {
    if (count < 0) throw Error("linspace: the count " + std::to_string(count) + " is negative");
    const double step = count > 1 ? (stop - start) / static_cast<double>(count - 1) : 0;
    return ramp(count, start, step, DType::f32, options);
}

Tensor eye(int64_t rows, int64_t columns, const TensorOptions& options) {
    if (columns < 0) columns = rows;
    const Shape shape{rows, columns};
    check_sizes("eye", shape);
    const Device device = options.device.value_or(Device::cpu());
    const Tensor row = iota({rows, 1}, 0, 0, 1, DType::i64, device);
    const Tensor column = iota({1, columns}, 1, 0, 1, DType::i64, device);
    Tensor t = cast(eq(row, column), options.dtype.value_or(DType::f32));
    // A leaf must not have inputs of its own kind; the comparison carries no gradient, so this is one.
    if (options.requires_grad) t.set_requires_grad(true);
    return t;
}

} // namespace ingot
