// SPDX-License-Identifier: MIT
// Helpers shared by the operator families: constants, axes, dtypes and the reduction of gradients of broadcast inputs.
// Used by src/ops only. Everything here records nodes or throws users' errors; no state.
#pragma once

#include <string>
#include <vector>

#include <ingot/ops/types.h>
#include <ingot/tensor.h>

#include "graph/node.h"
#include "graph/op_def.h"

namespace ingot::ops {

using graph::Attrs;
using graph::Call;
using graph::Kind;
using graph::OpDef;
using graph::pack;
using graph::Prim;
using graph::record;
using graph::record_all;
using graph::Type;
using graph::unpack;
using graph::Vjp;

/// A tensor that has `value` everywhere.
Tensor constant(double value, DType dtype, Device device, const Shape& shape = {});
/// The same as a scalar of t's dtype and device.
Tensor constant_like(const Tensor& t, double value);
/// start + step * index along `axis`.
Tensor iota(const Shape& shape, int64_t axis, double start, double step, DType dtype, Device device);

/// The gradient of an input of `shape` that was broadcast to g's shape.
Tensor sum_to(const Tensor& g, const Shape& shape);

/// f16 and bf16 as f32, so that composed operators round once; other dtypes as they are.
Tensor widen(const Tensor& x);
DType widened(DType dtype);

/// `axes` as 0 <= a < rank, ascending; all axes for an empty list. Errors: ShapeError naming op, for repeated ones too.
Ints normalize_axes(const Ints& axes, const Shape& shape, const char* op);
/// `shape` with the given (normalized) axes of size 1, or without them.
Shape reduced_shape(const Shape& shape, const Ints& axes, bool keepdim);
/// The number of elements over the given (normalized) axes.
int64_t count_over(const Shape& shape, const Ints& axes);
/// [1, .., shape[axis], .., 1]: what broadcasts along one axis.
Shape along_axis(size_t rank, size_t axis, int64_t size);

/// Errors: DTypeError "op: dtype i64 is not a float dtype; ...".
void require_float(const char* op, DType dtype);
/// Errors: DTypeError when the dtypes differ.
void require_same_dtype(const char* op, DType a, DType b);
/// Errors: DTypeError unless i64 or i32.
void require_index(const char* op, DType dtype);
[[noreturn]] void shape_error(const char* op, const std::string& text);

inline Shape shape_from(const Attrs& attrs, size_t first) { return Shape(Ints(attrs.begin() + first, attrs.end())); }
inline void append(Attrs& attrs, const Ints& values) {
    for (const int64_t v : values) attrs.push_back(v);
}

/// x's present value: what an operator that has nothing to do returns, so that its result never follows a cell's later writes.
inline Tensor present(const Tensor& x) { return Tensor(graph::resolve(x, "view")); }

} // namespace ingot::ops
