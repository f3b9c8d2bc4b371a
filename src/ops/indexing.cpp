// SPDX-License-Identifier: MIT
#include "ops/indexing.h"

#include <ingot/ops/creation.h>
#include <ingot/ops/elementwise.h>
#include <ingot/ops/indexing.h>
#include <ingot/ops/movement.h>

#include "ops/common.h"

namespace ingot::ops {

namespace {

using Tensors = std::vector<Tensor>;

/// index has x's rank and is not larger than x along the axes other than `axis`.
void check_index(const char* op, const Shape& x, const Type& index, int64_t axis) {
    require_index(op, index.dtype);
    bool fits = index.shape.rank() == x.rank();
    for (size_t i = 0; fits && i < x.rank(); ++i) fits = i == static_cast<size_t>(axis) || index.shape[i] <= x[i];
    if (!fits)
        shape_error(op, "index of shape " + index.shape.str() + " does not fit shape " + x.str() + " along axis " +
                            std::to_string(axis));
    if (x[static_cast<size_t>(axis)] == 0 && index.shape.numel() > 0)
        shape_error(op, "axis " + std::to_string(axis) + " of shape " + x.str() + " has no elements to index");
}

void infer_gather(Call& c) {
    check_index("gather", c.in(0).shape, c.in(1), c.attrs[0]);
    c.outputs->push_back({c.in(0).dtype, c.in(1).shape});
}
// gather: gradient g added where it was read.
Tensors vjp_gather(const Vjp& v) { return {scatter_add(zeros_like(v.inputs[0]), v.attrs[0], v.inputs[1], v.grads[0])}; }

void infer_scatter(Call& c) {
    const char* op = c.op.name;
    require_same_dtype(op, c.in(0).dtype, c.in(2).dtype);
    if (c.in(1).shape != c.in(2).shape)
        shape_error(op, "index of shape " + c.in(1).shape.str() + " and source of shape " + c.in(2).shape.str() +
                            " differ");
    check_index(op, c.in(0).shape, c.in(1), c.attrs[0]);
    c.outputs->push_back(c.in(0));
}
// scatter: gradients: of x, g where nothing was written; of src, g where it was written.
Tensors vjp_scatter(const Vjp& v) {
    const Tensor &index = v.inputs[1], &g = v.grads[0];
    Tensors result(3);
    if (v.needs[0]) result[0] = scatter(g, v.attrs[0], index, zeros_like(v.inputs[2]));
    if (v.needs[2]) result[2] = gather(g, v.attrs[0], index);
    return result;
}
Tensors vjp_scatter_add(const Vjp& v) {
    Tensors result(3);
    result[0] = v.grads[0];
    if (v.needs[2]) result[2] = gather(v.grads[0], v.attrs[0], v.inputs[1]);
    return result;
}

/// `shape` with `part` in place of an axis.
Shape replaced(const Shape& shape, size_t axis, const Shape& part) {
    Shape result;
    for (size_t i = 0; i < shape.rank(); ++i) {
        if (i != axis)
            result.push_back(shape[i]);
        else
            for (const int64_t d : part) result.push_back(d);
    }
    return result;
}

void infer_index_select(Call& c) {
    require_index("index_select", c.in(1).dtype);
    const size_t axis = static_cast<size_t>(c.attrs[0]);
    if (c.in(0).shape[axis] == 0 && c.in(1).shape.numel() > 0)
        shape_error("index_select",
                    "axis " + std::to_string(axis) + " of shape " + c.in(0).shape.str() + " has no elements to index");
    c.outputs->push_back({c.in(0).dtype, replaced(c.in(0).shape, axis, c.in(1).shape)});
}
Tensors vjp_index_select(const Vjp& v) {
    const Tensor& index = v.inputs[1];
    const Shape flat = replaced(v.inputs[0].shape(), static_cast<size_t>(v.attrs[0]), {index.numel()});
    return {index_add(zeros_like(v.inputs[0]), v.attrs[0], reshape(index, {index.numel()}), reshape(v.grads[0], flat))};
}

void infer_index_add(Call& c) {
    require_index("index_add", c.in(1).dtype);
    require_same_dtype("index_add", c.in(0).dtype, c.in(2).dtype);
    const Shape& index = c.in(1).shape;
    const size_t axis = static_cast<size_t>(c.attrs[0]);
    if (index.rank() != 1 || c.in(2).shape != replaced(c.in(0).shape, axis, index))
        shape_error("index_add", "shape " + c.in(0).shape.str() + " with index of shape " + index.str() +
                                     " and source of shape " + c.in(2).shape.str() + " do not fit along axis " +
                                     std::to_string(axis));
    if (c.in(0).shape[axis] == 0 && index.numel() > 0)
        shape_error("index_add",
                    "axis " + std::to_string(axis) + " of shape " + c.in(0).shape.str() + " has no elements to index");
    c.outputs->push_back(c.in(0));
}
Tensors vjp_index_add(const Vjp& v) {
    Tensors result(3);
    result[0] = v.grads[0];
    if (v.needs[2]) result[2] = index_select(v.grads[0], v.attrs[0], v.inputs[1]);
    return result;
}

} // namespace

#define INGOT_INDEXING(constant_name, rule, shape_rule)                                                                \
    const OpDef constant_name {                                                                                        \
        .name = #rule, .prim = Prim::rule, .kind = Kind::indexing, .infer = shape_rule, .vjp = vjp_##rule              \
    }
INGOT_INDEXING(kGather, gather, infer_gather);
INGOT_INDEXING(kScatter, scatter, infer_scatter);
INGOT_INDEXING(kScatterAdd, scatter_add, infer_scatter);
INGOT_INDEXING(kIndexSelect, index_select, infer_index_select);
INGOT_INDEXING(kIndexAdd, index_add, infer_index_add);
#undef INGOT_INDEXING

} // namespace ingot::ops

namespace ingot {

using namespace ops;

Tensor gather(const Tensor& x, int64_t axis, const Tensor& index) {
    return record(kGather, {x, index}, {x.shape().axis(axis, "gather")});
}

Tensor take_along_dim(const Tensor& x, const Tensor& index, int64_t axis) {
    const size_t a = static_cast<size_t>(x.shape().axis(axis, "take_along_dim"));
    Shape from = x.shape(), at = index.shape();
    if (at.rank() != from.rank())
        shape_error("take_along_dim", "shapes " + from.str() + " and " + at.str() + " have different ranks");
    const int64_t size = from[a], taken = at[a];
    from[a] = at[a] = 1;
    Shape common = broadcast_shapes(from, at, "take_along_dim");
    from = at = common;
    from[a] = size;
    at[a] = taken;
    return gather(expand(x, from), axis, expand(index, at));
}

Tensor scatter(const Tensor& x, int64_t axis, const Tensor& index, const Tensor& src) {
    return record(kScatter, {x, index, src}, {x.shape().axis(axis, "scatter")});
}

Tensor scatter_add(const Tensor& x, int64_t axis, const Tensor& index, const Tensor& src) {
    return record(kScatterAdd, {x, index, src}, {x.shape().axis(axis, "scatter_add")});
}

Tensor index_select(const Tensor& x, int64_t axis, const Tensor& index) {
    return record(kIndexSelect, {x, index}, {x.shape().axis(axis, "index_select")});
}

Tensor index_add(const Tensor& x, int64_t axis, const Tensor& index, const Tensor& src) {
    return record(kIndexAdd, {x, index, src}, {x.shape().axis(axis, "index_add")});
}

Tensor one_hot(const Tensor& ids, int64_t classes, DType dtype) {
    require_index("one_hot", ids.dtype());
    if (classes < 1) throw Error("one_hot: the number of classes " + std::to_string(classes) + " is not positive");
    Shape shape = ids.shape();
    shape.push_back(classes);
    // Scattering, not comparing with 0, 1, ..: a bad id must be reported.
    const Tensor index = unsqueeze(ids, -1);
    return scatter(constant(0, dtype, ids.device(), shape), -1, index, constant(1, dtype, ids.device(), index.shape()));
}

Tensor embedding(const Tensor& weight, const Tensor& ids) {
    if (weight.rank() != 2)
        shape_error("embedding", "the weight has shape " + weight.shape().str() + ", not [vocabulary, size]");
    require_index("embedding", ids.dtype());
    return index_select(weight, 0, ids);
}

} // namespace ingot
