// SPDX-License-Identifier: MIT
// The primitives that move elements, with their gradients; the rest of the family is in movement_composed.cpp.
#include "ops/movement.h"

#include <ingot/ops/elementwise.h>
#include <ingot/ops/movement.h>

#include "ops/common.h"

namespace ingot::ops {

namespace {

using Tensors = std::vector<Tensor>;

void infer_reshape(Call& c) {
    Shape shape = shape_from(c.attrs, 0);
    if (shape.numel() != c.in(0).shape.numel())
        shape_error("reshape", "shape " + c.in(0).shape.str() + " has " + std::to_string(c.in(0).shape.numel()) +
                                   " elements, which do not fit shape " + shape.str());
    c.outputs->push_back({c.in(0).dtype, std::move(shape)});
}
Tensors vjp_reshape(const Vjp& v) { return {reshape(v.grads[0], v.inputs[0].shape())}; }

void infer_permute(Call& c) {
    Shape shape;
    for (const int64_t a : c.attrs) shape.push_back(c.in(0).shape[static_cast<size_t>(a)]);
    c.outputs->push_back({c.in(0).dtype, std::move(shape)});
}
Tensors vjp_permute(const Vjp& v) {
    Axes inverse(Ints(v.attrs.size(), 0));
    for (size_t i = 0; i < v.attrs.size(); ++i) inverse[static_cast<size_t>(v.attrs[i])] = static_cast<int64_t>(i);
    return {permute(v.grads[0], inverse)};
}

void infer_broadcast_to(Call& c) {
    Shape shape = shape_from(c.attrs, 0);
    const Shape& from = c.in(0).shape;
    bool fits = shape.rank() == from.rank();
    for (size_t i = 0; fits && i < shape.rank(); ++i) fits = from[i] == shape[i] || from[i] == 1;
    if (!fits) shape_error("expand", "shape " + from.str() + " does not broadcast to " + shape.str());
    c.outputs->push_back({c.in(0).dtype, std::move(shape)});
}
Tensors vjp_broadcast_to(const Vjp& v) { return {sum_to(v.grads[0], v.inputs[0].shape())}; }

void infer_slice(Call& c) {
    const size_t r = c.in(0).shape.rank();
    c.outputs->push_back({c.in(0).dtype, Shape(Ints(c.attrs.begin() + 2 * r, c.attrs.begin() + 3 * r))});
}

Tensor record_pad(const Tensor& x, const Ints& low, const Ints& high, double value) {
    Attrs attrs;
    append(attrs, low);
    append(attrs, high);
    attrs.push_back(pack(value));
    return record(kPad, {x}, std::move(attrs));
}

Tensor record_slice(const Tensor& x, const Ints& start, const Ints& step, const Ints& size) {
    Attrs attrs;
    append(attrs, start);
    append(attrs, step);
    append(attrs, size);
    return record(kSlice, {x}, std::move(attrs));
}

/// g with step - 1 zeros between its elements along an axis.
Tensor dilate(const Tensor& g, size_t axis, int64_t step) {
    Shape shape = g.shape();
    const int64_t size = shape[axis];
    Ints spread = shape.dims();
    spread.insert(spread.begin() + axis + 1, 1);
    Ints none(spread.size(), 0), gap = none;
    gap[axis + 1] = step - 1;
    const Tensor padded = record_pad(reshape(g, Shape(spread)), none, gap, 0);
    shape[axis] = size * step;
    return slice(reshape(padded, shape), static_cast<int64_t>(axis), 0, (size - 1) * step + 1);
}

// slice: gradient g at the places it came from, 0 elsewhere.
Tensors vjp_slice(const Vjp& v) {
    const Shape& shape = v.inputs[0].shape();
    const size_t r = shape.rank();
    Tensor g = v.grads[0];
    if (g.numel() == 0) return {constant(0, g.dtype(), g.device(), shape)};
    Ints low, high;
    for (size_t i = 0; i < r; ++i) {
        int64_t start = v.attrs[i], step = v.attrs[r + i];
        const int64_t size = v.attrs[2 * r + i];
        if (step < 0) {
            g = flip(g, static_cast<int64_t>(i));
            start += (size - 1) * step;
            step = -step;
        }
        if (step > 1 && size > 1) g = dilate(g, i, step);
        low.push_back(start);
        high.push_back(shape[i] - start - ((size - 1) * step + 1));
    }
    return {record_pad(g, low, high, 0)};
}

void infer_pad(Call& c) {
    const size_t r = c.in(0).shape.rank();
    Shape shape = c.in(0).shape;
    for (size_t i = 0; i < r; ++i) shape[i] += c.attrs[i] + c.attrs[r + i];
    c.outputs->push_back({c.in(0).dtype, std::move(shape)});
}
Tensors vjp_pad(const Vjp& v) {
    const Ints& size = v.inputs[0].shape().dims();
    return {record_slice(v.grads[0], Ints(v.attrs.begin(), v.attrs.begin() + size.size()), Ints(size.size(), 1), size)};
}

void infer_concat(Call& c) {
    const size_t axis = static_cast<size_t>(c.attrs[0]);
    Shape shape = c.in(0).shape;
    for (size_t i = 1; i < c.inputs.size(); ++i) {
        const Shape& other = c.in(i).shape;
        require_same_dtype("concat", c.in(0).dtype, c.in(i).dtype);
        bool fits = other.rank() == shape.rank();
        for (size_t k = 0; fits && k < shape.rank(); ++k) fits = k == axis || other[k] == shape[k];
        if (!fits)
            shape_error("concat", "shapes " + c.in(0).shape.str() + " and " + other.str() +
                                      " differ in more than axis " + std::to_string(axis));
        shape[axis] += other[axis];
    }
    c.outputs->push_back({c.in(0).dtype, std::move(shape)});
}
Tensors vjp_concat(const Vjp& v) {
    Tensors result(v.inputs.size());
    int64_t start = 0;
    for (size_t i = 0; i < v.inputs.size(); ++i) {
        const int64_t size = v.inputs[i].size(v.attrs[0]);
        if (v.needs[i]) result[i] = slice(v.grads[0], v.attrs[0], start, start + size);
        start += size;
    }
    return result;
}

} // namespace

#define INGOT_VIEW(constant_name, text, rule)                                                                          \
    const OpDef constant_name {                                                                                        \
        .name = text, .prim = Prim::rule, .kind = Kind::view, .infer = infer_##rule, .vjp = vjp_##rule                 \
    }
INGOT_VIEW(kReshape, "reshape", reshape);
INGOT_VIEW(kPermute, "permute", permute);
INGOT_VIEW(kBroadcastTo, "broadcast_to", broadcast_to);
INGOT_VIEW(kSlice, "slice", slice);
INGOT_VIEW(kPad, "pad", pad);
INGOT_VIEW(kConcat, "concat", concat);
#undef INGOT_VIEW

} // namespace ingot::ops

namespace ingot {

using namespace ops;

Tensor reshape(const Tensor& x, const Shape& shape) {
    Shape to = shape;
    int64_t known = 1, open = -1;
    for (size_t i = 0; i < to.rank(); ++i) {
        if (to[i] >= 0) {
            known *= to[i];
        } else if (to[i] == -1 && open < 0) {
            open = static_cast<int64_t>(i);
        } else {
            shape_error("reshape", "shape " + shape.str() + " has more than one size to work out, or one below -1");
        }
    }
    if (open >= 0) {
        if (known == 0 || x.numel() % known != 0)
            shape_error("reshape", "shape " + x.shape().str() + " has " + std::to_string(x.numel()) +
                                       " elements, which do not fit shape " + shape.str());
        to[static_cast<size_t>(open)] = x.numel() / known;
    }
    if (to == x.shape()) return present(x);
    Attrs attrs;
    append(attrs, to.dims());
    return record(kReshape, {x}, std::move(attrs));
}

Tensor permute(const Tensor& x, const Axes& order) {
    const Shape& shape = x.shape();
    if (order.size() != shape.rank())
        shape_error("permute", "shape " + shape.str() + " needs " + std::to_string(shape.rank()) + " axes, not " +
                                   std::to_string(order.size()));
    Attrs attrs;
    for (const int64_t a : order) attrs.push_back(shape.axis(a, "permute"));
    bool same = true;
    Attrs seen(attrs.size(), 0);
    for (size_t i = 0; i < attrs.size(); ++i) {
        same = same && attrs[i] == static_cast<int64_t>(i);
        if (seen[static_cast<size_t>(attrs[i])]++)
            shape_error("permute", "axis " + std::to_string(attrs[i]) + " of shape " + shape.str() + " is named twice");
    }
    return same ? present(x) : record(kPermute, {x}, std::move(attrs));
}

Tensor expand(const Tensor& x, const Shape& shape) {
    const Shape& from = x.shape();
    if (from == shape) return present(x);
    Shape to = shape, lifted;
    if (to.rank() < from.rank()) shape_error("expand", "shape " + from.str() + " does not broadcast to " + shape.str());
    const size_t extra = to.rank() - from.rank();
    for (size_t i = 0; i < to.rank(); ++i) {
        lifted.push_back(i < extra ? 1 : from[i - extra]);
        if (to[i] == -1 && i >= extra) to[i] = from[i - extra];
        if (to[i] < 0) shape_error("expand", "shape " + from.str() + " does not broadcast to " + shape.str());
    }
    const Tensor y = reshape(x, lifted);
    if (lifted == to) return y;
    Attrs attrs;
    append(attrs, to.dims());
    return record(kBroadcastTo, {y}, std::move(attrs));
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) { return expand(x, shape); }

Tensor slice(const Tensor& x, int64_t axis, int64_t start, int64_t stop, int64_t step) {
    const Shape& shape = x.shape();
    const size_t a = static_cast<size_t>(shape.axis(axis, "slice"));
    if (step < 1) throw Error("slice: the step " + std::to_string(step) + " is not positive; use flip to reverse");
    const int64_t n = shape[a];
    const auto limit = [n](int64_t v) { return std::clamp<int64_t>(v < 0 ? v + n : v, 0, n); };
    start = limit(start);
    stop = std::max(limit(stop), start);
    const int64_t size = (stop - start) / step + ((stop - start) % step != 0 ? 1 : 0);
    if (size == n && step == 1) return present(x);
    const size_t r = shape.rank();
    Ints starts(r, 0), steps(r, 1), sizes = shape.dims();
    starts[a] = start;
    steps[a] = step;
    sizes[a] = size;
    return record_slice(x, starts, steps, sizes);
}

Tensor flip(const Tensor& x, const Axes& axes) {
    const Shape& shape = x.shape();
    const size_t r = shape.rank();
    Ints starts(r, 0), steps(r, 1);
    for (const int64_t axis : normalize_axes(axes, shape, "flip")) {
        const size_t a = static_cast<size_t>(axis);
        starts[a] = std::max<int64_t>(shape[a] - 1, 0);
        steps[a] = -1;
    }
    if (r == 0 || x.numel() == 0) return present(x);
    return record_slice(x, starts, steps, shape.dims());
}

Tensor pad(const Tensor& x, const Ints& amounts, double value) {
    const size_t r = x.shape().rank();
    if (amounts.size() % 2 != 0 || amounts.size() / 2 > r)
        shape_error("pad", std::to_string(amounts.size()) + " amounts do not fit shape " + x.shape().str() +
                               "; give {low, high} of the last axis, then of the one before it");
    Ints low(r, 0), high(r, 0);
    bool any = false;
    for (size_t i = 0; i < amounts.size(); ++i) {
        if (amounts[i] < 0)
            shape_error("pad", "the amount " + std::to_string(amounts[i]) + " is negative; use slice to crop");
        any = any || amounts[i] > 0;
        (i % 2 == 0 ? low : high)[r - 1 - i / 2] = amounts[i];
    }
    return any ? record_pad(x, low, high, value) : present(x);
}

Tensor concat(const std::vector<Tensor>& parts, int64_t axis) {
    if (parts.empty()) throw Error("concat: no tensors given");
    DType dtype = parts[0].dtype();
    for (const Tensor& t : parts) dtype = promote(dtype, t.dtype());
    const int64_t a = parts[0].shape().axis(axis, "concat");
    if (parts.size() == 1) return present(parts[0]);
    std::vector<Tensor> inputs;
    inputs.reserve(parts.size());
    for (const Tensor& t : parts) inputs.push_back(cast(t, dtype));
    return record(kConcat, inputs, {a});
}

} // namespace ingot
