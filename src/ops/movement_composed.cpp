// SPDX-License-Identifier: MIT
// Operators that move elements, made from the primitives in movement.cpp.
#include <ingot/ops/creation.h>
#include <ingot/ops/movement.h>

#include "ops/common.h"

namespace ingot::ops {

namespace {

using Tensors = std::vector<Tensor>;

/// The parts as one node, so that their gradients are joined by one concatenation instead of padded and added.
void infer_split(Call& c) {
    const auto axis = static_cast<size_t>(c.attrs[0]);
    for (size_t i = 1; i < c.attrs.size(); ++i) {
        Shape shape = c.in(0).shape;
        shape[axis] = c.attrs[i];
        c.outputs->push_back({c.in(0).dtype, std::move(shape)});
    }
}
Tensors decompose_split(const Tensors& in, const Attrs& attrs) {
    Tensors parts;
    int64_t start = 0;
    for (size_t i = 1; i < attrs.size(); ++i) {
        parts.push_back(slice(in[0], attrs[0], start, start + attrs[i]));
        start += attrs[i];
    }
    return parts;
}
Tensors vjp_split(const Vjp& v) {
    Tensors parts = v.grads;
    for (size_t i = 0; i < parts.size(); ++i)
        if (!parts[i].defined()) parts[i] = zeros_like(v.outputs[i]);
    return {concat(parts, v.attrs[0])};
}

const OpDef kSplit{.name = "split", .infer = infer_split, .vjp = vjp_split, .decompose = decompose_split};

/// `sizes` add up to the axis.
Tensors record_split(const Tensor& x, int64_t axis, const Ints& sizes) {
    if (sizes.size() <= 1) return {present(x)};
    Attrs attrs{axis};
    append(attrs, sizes);
    const Tensor inputs[] = {x};
    return record_all(kSplit, inputs, std::move(attrs));
}

} // namespace

} // namespace ingot::ops

namespace ingot {

using namespace ops;

Tensor transpose(const Tensor& x, int64_t axis0, int64_t axis1) {
    const Shape& shape = x.shape();
    Axes order;
    for (size_t i = 0; i < shape.rank(); ++i) order.push_back(static_cast<int64_t>(i));
    std::swap(order[static_cast<size_t>(shape.axis(axis0, "transpose"))],
              order[static_cast<size_t>(shape.axis(axis1, "transpose"))]);
    return permute(x, order);
}

Tensor squeeze(const Tensor& x, const Axes& axes) {
    const Shape& shape = x.shape();
    Ints ones;
    for (const int64_t a : normalize_axes(axes, shape, "squeeze"))
        if (shape[static_cast<size_t>(a)] == 1) ones.push_back(a);
    return reshape(x, reduced_shape(shape, ones, false));
}

Tensor unsqueeze(const Tensor& x, int64_t axis) {
    Ints dims = x.shape().dims();
    const int64_t r = static_cast<int64_t>(dims.size()) + 1;
    if (axis < -r || axis >= r)
        shape_error("unsqueeze", "axis " + std::to_string(axis) + " is out of range for shape " + x.shape().str() +
                                     "; allowed are " + std::to_string(-r) + " to " + std::to_string(r - 1));
    dims.insert(dims.begin() + (axis < 0 ? axis + r : axis), 1);
    return reshape(x, Shape(dims));
}

Tensor flatten(const Tensor& x, int64_t start, int64_t stop) {
    const Shape& shape = x.shape();
    if (shape.rank() == 0) return reshape(x, {1});
    const int64_t first = shape.axis(start, "flatten"), last = shape.axis(stop, "flatten");
    if (first > last)
        shape_error("flatten", "axis " + std::to_string(start) + " comes after axis " + std::to_string(stop) +
                                   " of shape " + shape.str());
    Shape joined;
    for (int64_t i = 0; i < static_cast<int64_t>(shape.rank()); ++i) {
        const int64_t d = shape[static_cast<size_t>(i)];
        if (i > first && i <= last) {
            joined[static_cast<size_t>(first)] *= d;
        } else {
            joined.push_back(d);
        }
    }
    return reshape(x, joined);
}

Tensor unflatten(const Tensor& x, int64_t axis, const Shape& sizes) {
    const auto a = static_cast<size_t>(x.shape().axis(axis, "unflatten"));
    int64_t known = 1, open = 0;
    for (const int64_t s : sizes) {
        if (s == -1)
            ++open;
        else
            known *= s;
    }
    const int64_t n = x.shape()[a];
    if (sizes.rank() == 0 || open > 1 || known <= 0 || (open == 0 ? known != n : n % known != 0))
        shape_error("unflatten",
                    "axis " + std::to_string(a) + " of shape " + x.shape().str() + " does not become " + sizes.str());
    Shape shape;
    for (size_t i = 0; i < x.shape().rank(); ++i) {
        if (i != a)
            shape.push_back(x.shape()[i]);
        else
            for (const int64_t s : sizes) shape.push_back(s == -1 ? n / known : s);
    }
    return reshape(x, shape);
}

Tensor narrow(const Tensor& x, int64_t axis, int64_t start, int64_t length) {
    const int64_t n = x.shape()[static_cast<size_t>(x.shape().axis(axis, "narrow"))];
    if (start < 0 || length < 0 || start + length > n)
        shape_error("narrow", std::to_string(length) + " elements from " + std::to_string(start) +
                                  " are not all in axis " + std::to_string(axis) + " of shape " + x.shape().str());
    return slice(x, axis, start, start + length);
}

Tensor select(const Tensor& x, int64_t axis, int64_t index) {
    const int64_t a = x.shape().axis(axis, "select");
    const int64_t n = x.shape()[static_cast<size_t>(a)];
    if (index < -n || index >= n)
        shape_error("select", "index " + std::to_string(index) + " is out of range for axis " + std::to_string(axis) +
                                  " of shape " + x.shape().str());
    if (index < 0) index += n;
    return reshape(slice(x, a, index, index + 1), reduced_shape(x.shape(), {a}, false));
}

Tensor stack(const std::vector<Tensor>& parts, int64_t axis) {
    if (parts.empty()) throw Error("stack: no tensors given");
    std::vector<Tensor> lifted;
    lifted.reserve(parts.size());
    for (const Tensor& t : parts) {
        if (t.shape() != parts[0].shape())
            shape_error("stack", "shapes " + parts[0].shape().str() + " and " + t.shape().str() + " differ");
        lifted.push_back(unsqueeze(t, axis));
    }
    return concat(lifted, axis < 0 ? axis + parts[0].rank() + 1 : axis);
}

std::vector<Tensor> split(const Tensor& x, int64_t size, int64_t axis) {
    const int64_t along = x.shape().axis(axis, "split"), n = x.shape()[static_cast<size_t>(along)];
    if (size < 1) throw Error("split: the size " + std::to_string(size) + " is not positive");
    Ints sizes;
    for (int64_t i = 0; i < n; i += size) sizes.push_back(std::min(size, n - i));
    return record_split(x, along, sizes);
}

std::vector<Tensor> split_with_sizes(const Tensor& x, const Ints& sizes, int64_t axis) {
    const int64_t along = x.shape().axis(axis, "split_with_sizes"), n = x.shape()[static_cast<size_t>(along)];
    int64_t total = 0;
    bool negative = false;
    for (const int64_t s : sizes) {
        negative = negative || s < 0;
        total += s;
    }
    if (total != n || negative)
        shape_error("split_with_sizes", "sizes " + Shape(sizes).str() + " do not add up to axis " +
                                            std::to_string(axis) + " of shape " + x.shape().str());
    if (sizes.size() == 0) return {};
    return record_split(x, along, sizes);
}

std::vector<Tensor> chunk(const Tensor& x, int64_t count, int64_t axis) {
    const int64_t n = x.shape()[static_cast<size_t>(x.shape().axis(axis, "chunk"))];
    if (count < 1) throw Error("chunk: the count " + std::to_string(count) + " is not positive");
    return split(x, std::max<int64_t>((n + count - 1) / count, 1), axis);
}

} // namespace ingot
