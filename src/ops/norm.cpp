// SPDX-License-Identifier: MIT
#include "ops/norm.h"

#include <ingot/ops/elementwise.h>
#include <ingot/ops/movement.h>
#include <ingot/ops/norm.h>

#include "ops/common.h"
#include "ops/reduce.h"

namespace ingot::ops {

namespace {

using Tensors = std::vector<Tensor>;

/// The optional inputs, from `first` on; `flag` is the attribute that says whether there is a weight.
struct Affine {
    Tensor weight, bias;
    size_t weight_at = 0, bias_at = 0;
};
Affine affine_of(const Tensors& in, const Attrs& attrs, size_t first, size_t flag) {
    Affine a;
    if (attrs[flag] != 0) {
        a.weight_at = first;
        a.weight = widen(in[first++]);
    }
    if (attrs[flag + 1] != 0) {
        a.bias_at = first;
        a.bias = widen(in[first]);
    }
    return a;
}

Ints last_axes(size_t rank, int64_t count) {
    Ints axes;
    for (size_t i = rank - static_cast<size_t>(count); i < rank; ++i) axes.push_back(static_cast<int64_t>(i));
    return axes;
}

void infer_layer_norm(Call& c) {
    const Type& x = c.in(0);
    require_float("layer_norm", x.dtype);
    const Ints axes = last_axes(x.shape.rank(), c.attrs[0]);
    Shape normalized;
    for (const int64_t a : axes) normalized.push_back(x.shape[static_cast<size_t>(a)]);
    for (size_t i = 1; i < c.inputs.size(); ++i) {
        require_float("layer_norm", c.in(i).dtype);
        if (c.in(i).shape != normalized)
            shape_error("layer_norm", "weight or bias of shape " + c.in(i).shape.str() + " does not fit the axes " +
                                          normalized.str() + " of shape " + x.shape.str());
    }
    c.outputs->push_back(x);
}

// layer_norm: y = xhat w + b, xhat = (x - mean) r, r = 1 / sqrt(var + eps); gradient, with u = g w:
// dx = r (u - mean(u) - xhat mean(u xhat)), dw = sum(g xhat), db = sum(g). (Ba, Kiros and Hinton, 2016.)
Tensors decompose_layer_norm(const Tensors& in, const Attrs& attrs) {
    const Tensor x = widen(in[0]);
    const Affine p = affine_of(in, attrs, 1, 2);
    const Moments m = moments(x, last_axes(x.shape().rank(), attrs[0]));
    Tensor y = (x - m.mean) * rsqrt(m.var + unpack(attrs[1]));
    if (p.weight.defined()) y = y * p.weight;
    if (p.bias.defined()) y = y + p.bias;
    return {cast(y, in[0].dtype())};
}
Tensors vjp_layer_norm(const Vjp& v) {
    const Tensor x = widen(v.inputs[0]), g = widen(v.grads[0]);
    const Affine p = affine_of(v.inputs, v.attrs, 1, 2);
    const Ints axes = last_axes(x.shape().rank(), v.attrs[0]);
    const Moments m = moments(x, axes);
    const Tensor r = rsqrt(m.var + unpack(v.attrs[1]));
    const Tensor xhat = (x - m.mean) * r;
    Tensors result(v.inputs.size());
    if (v.needs[0]) {
        const Tensor u = p.weight.defined() ? g * p.weight : g;
        result[0] = cast(r * (u - mean_keep(u, axes) - xhat * mean_keep(u * xhat, axes)), v.inputs[0].dtype());
    }
    if (p.weight_at > 0 && v.needs[p.weight_at])
        result[p.weight_at] = cast(sum_to(g * xhat, p.weight.shape()), v.inputs[p.weight_at].dtype());
    if (p.bias_at > 0 && v.needs[p.bias_at])
        result[p.bias_at] = cast(sum_to(g, p.bias.shape()), v.inputs[p.bias_at].dtype());
    return result;
}

/// All axes but the channels'.
Ints batch_axes(size_t rank) {
    Ints axes;
    for (size_t i = 0; i < rank; ++i)
        if (i != 1) axes.push_back(static_cast<int64_t>(i));
    return axes;
}

/// [C] as [1, C, 1, ..].
Tensor per_channel(const Tensor& t, size_t rank) { return reshape(t, along_axis(rank, 1, t.numel())); }

void check_batch_norm(const Call& c) {
    const Type& x = c.in(0);
    if (x.shape.rank() < 2) shape_error(c.op.name, "shape " + x.shape.str() + " is not [N, C] or [N, C, ..]");
    require_float(c.op.name, x.dtype);
    for (size_t i = 1; i < c.inputs.size(); ++i) {
        require_float(c.op.name, c.in(i).dtype);
        if (c.in(i).shape != Shape{x.shape[1]})
            shape_error(c.op.name, "shape " + c.in(i).shape.str() + " does not fit " + std::to_string(x.shape[1]) +
                                       " channels of shape " + x.shape.str());
    }
}

void infer_batch_norm_train(Call& c) {
    check_batch_norm(c);
    const Type& x = c.in(0);
    if (count_over(x.shape, batch_axes(x.shape.rank())) < 2)
        shape_error(c.op.name, "shape " + x.shape.str() +
                                   " has fewer than two elements per channel, so there is no variance to train with");
    c.outputs->push_back(x);
    c.outputs->push_back({widened(x.dtype), {x.shape[1]}});
    c.outputs->push_back({widened(x.dtype), {x.shape[1]}});
}

void infer_batch_norm(Call& c) {
    check_batch_norm(c);
    c.outputs->push_back(c.in(0));
}

/// (x - mean) * scale + bias with scale = rsqrt(var + eps) * weight: one multiplication per element.
Tensor normalized(const Tensor& x, const Tensor& mean, const Tensor& var, double eps, const Affine& p) {
    const size_t rank = x.shape().rank();
    Tensor scale = rsqrt(var + eps);
    if (p.weight.defined()) scale = scale * per_channel(p.weight, rank);
    const Tensor y = (x - mean) * scale;
    return p.bias.defined() ? y + per_channel(p.bias, rank) : y;
}

// batch_norm_train: y = xhat w + b over all axes but 1 (Ioffe and Szegedy, 2015); gradient, from the two sums
// db = sum(g), dw = sum(g xhat): dx = w r (g - db / n - xhat dw / n).
Tensors decompose_batch_norm_train(const Tensors& in, const Attrs& attrs) {
    const Tensor x = widen(in[0]);
    const Moments m = moments(x, batch_axes(x.shape().rank()));
    const Tensor y = normalized(x, m.mean, m.var, unpack(attrs[0]), affine_of(in, attrs, 1, 1));
    const Shape channels{x.size(1)};
    return {cast(y, in[0].dtype()), reshape(m.mean, channels), reshape(m.var, channels)};
}
Tensors vjp_batch_norm_train(const Vjp& v) {
    const Tensor x = widen(v.inputs[0]);
    const size_t rank = x.shape().rank();
    const Affine p = affine_of(v.inputs, v.attrs, 1, 1);
    const Ints axes = batch_axes(rank);
    const double n = static_cast<double>(count_over(x.shape(), axes));
    const Tensor centred = x - per_channel(v.outputs[1], rank);
    Tensors result(v.inputs.size());
    Tensor dx;
    if (v.grads[0].defined()) {
        const Tensor g = widen(v.grads[0]);
        const Tensor r = rsqrt(per_channel(v.outputs[2], rank) + unpack(v.attrs[0]));
        const Tensor xhat = centred * r;
        const Tensor db = sum_keep(g, axes), dw = sum_keep(g * xhat, axes);
        const Tensor scale = p.weight.defined() ? r * per_channel(p.weight, rank) : r;
        if (v.needs[0]) dx = scale * (g - db / n - xhat * (dw / n));
        if (p.weight_at > 0) result[p.weight_at] = cast(reshape(dw, p.weight.shape()), v.inputs[p.weight_at].dtype());
        if (p.bias_at > 0) result[p.bias_at] = cast(reshape(db, p.bias.shape()), v.inputs[p.bias_at].dtype());
    }
    // The statistics are results too, and their gradients those of mean and variance.
    if (v.needs[0] && v.grads[1].defined()) {
        const Tensor part = expand(per_channel(v.grads[1], rank) / n, x.shape());
        dx = dx.defined() ? dx + part : part;
    }
    if (v.needs[0] && v.grads[2].defined()) {
        const Tensor part = centred * (per_channel(v.grads[2], rank) * (2 / n));
        dx = dx.defined() ? dx + part : part;
    }
    if (dx.defined()) result[0] = cast(dx, v.inputs[0].dtype());
    return result;
}

Tensors decompose_batch_norm(const Tensors& in, const Attrs& attrs) {
    const Tensor x = widen(in[0]);
    const size_t rank = x.shape().rank();
    return {cast(normalized(x, per_channel(widen(in[1]), rank), per_channel(widen(in[2]), rank), unpack(attrs[0]),
                            affine_of(in, attrs, 3, 1)),
                 in[0].dtype())};
}

void push_affine(std::vector<Tensor>& inputs, Attrs& attrs, const Tensor& weight, const Tensor& bias) {
    attrs.push_back(weight.defined());
    attrs.push_back(bias.defined());
    if (weight.defined()) inputs.push_back(weight);
    if (bias.defined()) inputs.push_back(bias);
}

} // namespace

const OpDef kLayerNorm{
    .name = "layer_norm", .infer = infer_layer_norm, .vjp = vjp_layer_norm, .decompose = decompose_layer_norm};
const OpDef kBatchNormTrain{.name = "batch_norm_train",
                            .infer = infer_batch_norm_train,
                            .vjp = vjp_batch_norm_train,
                            .decompose = decompose_batch_norm_train};
const OpDef kBatchNorm{.name = "batch_norm", .infer = infer_batch_norm, .decompose = decompose_batch_norm};

} // namespace ingot::ops

namespace ingot {

using namespace ops;

Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight, const Tensor& bias,
                  double eps) {
    const Shape& shape = x.shape();
    const size_t n = normalized_shape.rank();
    if (n == 0 || n > shape.rank() || !std::equal(normalized_shape.begin(), normalized_shape.end(), shape.end() - n))
        shape_error("layer_norm", "shape " + shape.str() + " does not end with " + normalized_shape.str());
    std::vector<Tensor> inputs{x};
    Attrs attrs{static_cast<int64_t>(n), pack(eps)};
    push_affine(inputs, attrs, weight, bias);
    return record(kLayerNorm, inputs, std::move(attrs));
}

BatchNorm batch_norm_train(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
    std::vector<Tensor> inputs{x};
    Attrs attrs{pack(eps)};
    push_affine(inputs, attrs, weight, bias);
    std::vector<Tensor> results = record_all(kBatchNormTrain, inputs, std::move(attrs));
    return {std::move(results[0]), std::move(results[1]), std::move(results[2])};
}

Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& var, const Tensor& weight, const Tensor& bias,
                  double eps) {
    std::vector<Tensor> inputs{x, mean, var};
    Attrs attrs{pack(eps)};
    push_affine(inputs, attrs, weight, bias);
    return record(kBatchNorm, inputs, std::move(attrs));
}

namespace {

/// [N, C, S..] normalized in `groups` groups, times weight plus bias per channel.
Tensor group_normalized(const char* op, const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias,
                        double eps) {
    const int64_t channels = x.size(1);
    for (const Tensor& t : {weight, bias})
        if (t.defined() && t.shape() != Shape{channels})
            shape_error(op, "shape " + t.shape().str() + " does not fit " + std::to_string(channels) +
                                " channels of shape " + x.shape().str());
    const int64_t size = x.size(0) * groups == 0 ? 0 : x.numel() / (x.size(0) * groups);
    const Tensor wide = reshape(widen(x), {x.size(0), groups, size});
    Tensor y = reshape(layer_norm(wide, {size}, {}, {}, eps), x.shape());
    if (weight.defined()) y = y * per_channel(widen(weight), x.shape().rank());
    if (bias.defined()) y = y + per_channel(widen(bias), x.shape().rank());
    return cast(y, x.dtype());
}

double epsilon(DType dtype) {
    switch (dtype) {
    case DType::f64: return 0x1p-52;
    case DType::f16: return 0x1p-10;
    case DType::bf16: return 0x1p-7;
    default: return 0x1p-23;
    }
}

} // namespace

Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias, double eps) {
    if (x.rank() < 2) shape_error("group_norm", "shape " + x.shape().str() + " is not [N, C] or [N, C, ..]");
    require_float("group_norm", x.dtype());
    if (groups < 1 || x.size(1) % groups != 0)
        shape_error("group_norm", std::to_string(groups) + " groups do not divide the " + std::to_string(x.size(1)) +
                                      " channels of shape " + x.shape().str());
    return group_normalized("group_norm", x, groups, weight, bias, eps);
}

Tensor instance_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
    if (x.rank() < 3) shape_error("instance_norm", "shape " + x.shape().str() + " is not [N, C, ..]");
    require_float("instance_norm", x.dtype());
    if (x.numel() == x.size(0) * x.size(1))
        shape_error("instance_norm",
                    "shape " + x.shape().str() + " has one element per channel, which has no variance");
    return group_normalized("instance_norm", x, x.size(1), weight, bias, eps);
}

Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight, std::optional<double> eps) {
    const Shape& shape = x.shape();
    const size_t n = normalized_shape.rank();
    if (n == 0 || n > shape.rank() || !std::equal(normalized_shape.begin(), normalized_shape.end(), shape.end() - n))
        shape_error("rms_norm", "shape " + shape.str() + " does not end with " + normalized_shape.str());
    require_float("rms_norm", x.dtype());
    if (weight.defined() && weight.shape() != normalized_shape)
        shape_error("rms_norm", "weight of shape " + weight.shape().str() + " does not fit the axes " +
                                    normalized_shape.str() + " of shape " + shape.str());
    const Tensor wide = widen(x);
    const Ints axes = last_axes(shape.rank(), static_cast<int64_t>(n));
    Tensor y = wide * rsqrt(mean_keep(wide * wide, axes) + eps.value_or(epsilon(x.dtype())));
    if (weight.defined()) y = y * widen(weight);
    return cast(y, x.dtype());
}

} // namespace ingot
