// SPDX-License-Identifier: MIT
#include "ops/loss.h"

#include <ingot/ops/creation.h>
#include <ingot/ops/elementwise.h>
#include <ingot/ops/indexing.h>
#include <ingot/ops/loss.h>
#include <ingot/ops/movement.h>
#include <ingot/ops/reduce.h>
#include <ingot/ops/softmax.h>

#include "ops/common.h"
#include "ops/reduce.h"

namespace ingot::ops {

namespace {

using Tensors = std::vector<Tensor>;

void check_labels(const char* op, const Type& x, const Type& labels) {
    require_float(op, x.dtype);
    if (labels.dtype != DType::i64 && labels.dtype != DType::i32)
        throw DTypeError(std::string(op) + ": labels have dtype " + name(labels.dtype) +
                         "; they must be class numbers, i64 or i32");
    if (x.shape.rank() < 2 || labels.shape != reduced_shape(x.shape, {1}, false))
        shape_error(op, "labels of shape " + labels.shape.str() + " do not fit " +
                            (op == kCrossEntropy.name ? "logits" : "log-probabilities") + " of shape " + x.shape.str() +
                            "; expected [N, C] and [N], or [N, C, ..] and [N, ..]");
    if (x.shape[1] == 0) shape_error(op, "shape " + x.shape.str() + " has no classes");
}

void infer_cross_entropy(Call& c) {
    check_labels(c.op.name, c.in(0), c.in(1));
    const Reduction reduction = static_cast<Reduction>(c.attrs[2]);
    c.outputs->push_back({c.in(0).dtype, reduction == Reduction::none ? c.in(1).shape : Shape{}});
    if (reduction == Reduction::mean) c.outputs->push_back({widened(c.in(0).dtype), {}});
}

void infer_nll_loss(Call& c) {
    check_labels(c.op.name, c.in(0), c.in(1));
    c.outputs->push_back(
        {c.in(0).dtype, static_cast<Reduction>(c.attrs[1]) == Reduction::none ? c.in(1).shape : Shape{}});
}

/// x at the labels, [N, 1, S..]; ignored labels read class 0, others out of range are reported by the kernel.
Tensor pick(const Tensor& x, const Tensor& labels, const Tensor& valid) {
    return gather(x, 1, unsqueeze(where(valid, labels, 0), 1));
}

/// The losses of the labels that count, reduced; `count` is set for the mean.
Tensor reduce_valid(const Tensor& loss, const Tensor& valid, Reduction reduction, Tensor* count) {
    const Tensor counted = where(valid, loss, 0);
    if (reduction == Reduction::none) return counted;
    if (reduction == Reduction::sum) return sum(counted);
    *count = sum(cast(valid, loss.dtype()));
    return sum(counted) / *count;
}

// cross_entropy, z = x - max(x), lse = log(sum(exp(z))): (1 - s) (lse - z[label]) + s (lse - mean(z)).
Tensors decompose_cross_entropy(const Tensors& in, const Attrs& attrs) {
    const double smoothing = unpack(attrs[1]);
    const Reduction reduction = static_cast<Reduction>(attrs[2]);
    const Tensor x = widen(in[0]);
    const Tensor valid = ne(in[1], attrs[0]);
    const Tensor top = max_keep(x, {1});
    const Tensor lse = log(sum_keep(exp(x - top), {1}));
    Tensor loss = lse - (pick(x, in[1], valid) - top);
    if (smoothing != 0) loss = loss * (1 - smoothing) + (lse - mean_keep(x - top, {1})) * smoothing;
    Tensor count;
    const Tensor value = reduce_valid(reshape(loss, in[1].shape()), valid, reduction, &count);
    Tensors result{cast(value, in[0].dtype())};
    if (reduction == Reduction::mean) result.push_back(count);
    return result;
}

// Gradient: (softmax(x) - target) g, g divided by the count for the mean, and 0 for ignored labels.
Tensors vjp_cross_entropy(const Vjp& v) {
    Tensors result(2);
    if (!v.grads[0].defined()) return result; // only the count's, which does not depend on the logits
    const double smoothing = unpack(v.attrs[1]);
    const Tensor x = widen(v.inputs[0]), &labels = v.inputs[1];
    const int64_t classes = x.size(1);
    const Tensor class_number = iota(along_axis(x.shape().rank(), 1, classes), 1, 0, 1, labels.dtype(), x.device());
    const double rest = smoothing / static_cast<double>(classes);
    const Tensor target = where(eq(class_number, unsqueeze(labels, 1)), constant_like(x, 1 - smoothing + rest), rest);
    Tensor g = widen(v.grads[0]);
    if (static_cast<Reduction>(v.attrs[2]) == Reduction::mean) g = g / v.outputs[1];
    const Tensor scale = unsqueeze(where(ne(labels, v.attrs[0]), g, 0), 1);
    result[0] = cast((softmax(x, 1) - target) * scale, v.inputs[0].dtype());
    return result;
}

Tensors decompose_nll_loss(const Tensors& in, const Attrs& attrs) {
    const Tensor x = widen(in[0]);
    const Tensor valid = ne(in[1], attrs[0]);
    const Tensor loss = -reshape(pick(x, in[1], valid), in[1].shape());
    Tensor count;
    return {cast(reduce_valid(loss, valid, static_cast<Reduction>(attrs[1]), &count), in[0].dtype())};
}

} // namespace

const OpDef kCrossEntropy{.name = "cross_entropy",
                          .infer = infer_cross_entropy,
                          .vjp = vjp_cross_entropy,
                          .decompose = decompose_cross_entropy};

namespace {

void infer_pair(Call& c) {
    require_same_dtype(c.op.name, c.in(0).dtype, c.in(1).dtype);
    c.outputs->push_back(c.in(0));
}

// binary_cross_entropy: -t max(log(x), -100) - (1 - t) max(log(1 - x), -100); gradient (x - t) / max(x (1 - x), 1e-12), that of
// the target the difference of the logarithms.
Tensor limited(const Tensor& logarithm) { return maximum(logarithm, -100); }
Tensors decompose_binary_cross_entropy(const Tensors& in, const Attrs&) {
    const Tensor x = widen(in[0]), t = widen(in[1]);
    return {cast((t - 1) * limited(log1p(-x)) - t * limited(log(x)), in[0].dtype())};
}
Tensors vjp_binary_cross_entropy(const Vjp& v) {
    const Tensor x = widen(v.inputs[0]), t = widen(v.inputs[1]), g = widen(v.grads[0]);
    Tensors result(2);
    if (v.needs[0]) result[0] = cast(g * (x - t) / maximum(x * (1 - x), 1e-12), v.inputs[0].dtype());
    if (v.needs[1]) result[1] = cast(g * (limited(log1p(-x)) - limited(log(x))), v.inputs[1].dtype());
    return result;
}

const OpDef kBinaryCrossEntropy{.name = "binary_cross_entropy",
                                .infer = infer_pair,
                                .vjp = vjp_binary_cross_entropy,
                                .decompose = decompose_binary_cross_entropy};

Tensor floats(const Tensor& x) { return is_float(x.dtype()) ? x : cast(x, DType::f32); }

} // namespace

const OpDef kNllLoss{.name = "nll_loss", .infer = infer_nll_loss, .decompose = decompose_nll_loss};

namespace {

/// Records a loss of labels; one sample without a batch axis, [C] and [], is a batch of one.
Tensor label_loss(const OpDef& op, const Tensor& x, const Tensor& labels, Attrs attrs) {
    const bool single = x.rank() == 1 && labels.rank() == 0;
    const Tensor inputs[] = {single ? unsqueeze(x, 0) : x, single ? unsqueeze(labels, 0) : labels};
    const Tensor loss = record_all(op, inputs, std::move(attrs))[0];
    return single ? reshape(loss, {}) : loss;
}

/// Cross entropy with weights w, of log-probabilities: w[label] (1 - s) (-logp[label]) + s / C sum(-w logp), divided by the sum
/// of w[label] for the mean.
Tensor weighted_loss(const char* op, const Tensor& logp, const Tensor& labels, const Tensor& weight, double smoothing,
                     int64_t ignore, Reduction reduction, DType dtype) {
    const bool single = logp.rank() == 1 && labels.rank() == 0;
    const Tensor x = single ? unsqueeze(logp, 0) : logp, y = single ? unsqueeze(labels, 0) : labels;
    check_labels(op, {x.dtype(), x.shape()}, {y.dtype(), y.shape()});
    const int64_t classes = x.size(1);
    if (weight.shape() != Shape{classes})
        shape_error(op, "a weight of shape " + weight.shape().str() + " does not fit " + std::to_string(classes) +
                            " classes");
    const Tensor w = reshape(cast(weight, x.dtype()), along_axis(x.shape().rank(), 1, classes));
    const Tensor valid = ne(y, ignore);
    const Tensor own = reshape(pick(expand(w, x.shape()), y, valid), y.shape());
    Tensor loss = -reshape(pick(x * w, y, valid), y.shape());
    if (smoothing != 0) {
        const Tensor all = -reshape(sum_keep(x * w, {1}), y.shape());
        loss = loss * (1 - smoothing) + all * (smoothing / static_cast<double>(classes));
    }
    loss = where(valid, loss, 0);
    if (reduction == Reduction::mean) loss = sum(loss) / sum(where(valid, own, 0));
    if (reduction == Reduction::sum) loss = sum(loss);
    return cast(single ? reshape(loss, {}) : loss, dtype);
}

Tensor reduced(const Tensor& loss, Reduction reduction) {
    if (reduction == Reduction::none) return loss;
    return reduction == Reduction::mean ? mean(loss) : sum(loss);
}

void check_pair(const char* op, const Tensor& x, const Tensor& target) {
    if (x.shape() != target.shape())
        shape_error(op, "shapes " + x.shape().str() + " and " + target.shape().str() + " differ");
    require_float(op, promote(x.dtype(), target.dtype()));
}

} // namespace

} // namespace ingot::ops

namespace ingot {

using namespace ops;

Tensor cross_entropy(const Tensor& logits, const Tensor& labels, const CrossEntropyOptions& options) {
    if (!(options.label_smoothing >= 0 && options.label_smoothing <= 1))
        throw Error("cross_entropy: label_smoothing " + std::to_string(options.label_smoothing) + " is not in [0, 1]");
    if (options.weight.defined())
        return weighted_loss(kCrossEntropy.name, log_softmax(widen(logits), logits.rank() == 1 ? 0 : 1), labels,
                             options.weight, options.label_smoothing, options.ignore_index, options.reduction,
                             logits.dtype());
    return label_loss(kCrossEntropy, logits, labels,
                      {options.ignore_index, pack(options.label_smoothing), static_cast<int64_t>(options.reduction)});
}

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& labels, const NllOptions& options) {
    if (options.weight.defined())
        return weighted_loss(kNllLoss.name, widen(log_probabilities), labels, options.weight, 0, options.ignore_index,
                             options.reduction, log_probabilities.dtype());
    return label_loss(kNllLoss, log_probabilities, labels,
                      {options.ignore_index, static_cast<int64_t>(options.reduction)});
}

Tensor mse_loss(const Tensor& x, const Tensor& target, const LossOptions& options) {
    check_pair("mse_loss", x, target);
    return reduced(square(x - target), options.reduction);
}

Tensor l1_loss(const Tensor& x, const Tensor& target, const LossOptions& options) {
    check_pair("l1_loss", x, target);
    return reduced(abs(x - target), options.reduction);
}

// softplus(x) - x t = -t log(sigmoid(x)) - (1 - t) log(1 - sigmoid(x)).
Tensor bce_with_logits(const Tensor& x, const Tensor& target, const LossOptions& options) {
    check_pair("bce_with_logits", x, target);
    return reduced(softplus(x) - x * target, options.reduction);
}

Tensor binary_cross_entropy(const Tensor& x, const Tensor& target, const LossOptions& options) {
    check_pair("binary_cross_entropy", x, target);
    return reduced(record(kBinaryCrossEntropy, {floats(x), cast(target, floats(x).dtype())}), options.reduction);
}

Tensor huber_loss(const Tensor& x, const Tensor& target, const HuberOptions& options) {
    check_pair("huber_loss", x, target);
    if (!(options.delta > 0)) throw Error("huber_loss: delta must be above 0");
    const Tensor d = abs(x - target);
    // Both branches are finite wherever d is: the square only of what is small.
    const Tensor small = minimum(d, options.delta);
    return reduced(small * small * 0.5 + (d - small) * options.delta, options.reduction);
}

Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, const SmoothL1Options& options) {
    check_pair("smooth_l1_loss", x, target);
    if (!(options.beta >= 0)) throw Error("smooth_l1_loss: beta must not be negative");
    if (options.beta == 0) return reduced(abs(x - target), options.reduction);
    const Tensor d = abs(x - target), small = minimum(d, options.beta);
    return reduced(small * small * (0.5 / options.beta) + (d - small), options.reduction);
}

Tensor kl_div(const Tensor& x, const Tensor& target, const KlDivOptions& options) {
    check_pair("kl_div", x, target);
    Tensor loss;
    if (options.log_target) {
        loss = exp(target) * (target - x);
    } else {
        // 0 log(0) is 0, and so is its gradient.
        const Tensor positive = where(target > 0, target, 1);
        loss = where(target > 0, target * log(positive), 0) - target * x;
    }
    if (!options.batch_mean) return reduced(loss, options.reduction);
    if (x.rank() == 0) throw ShapeError("kl_div: batch_mean needs a batch axis, x has shape []");
    return sum(loss) / static_cast<double>(x.size(0));
}

Tensor cosine_similarity(const Tensor& a, const Tensor& b, int64_t axis, double eps) {
    const Shape shape = broadcast_shapes(a.shape(), b.shape(), "cosine_similarity");
    require_float("cosine_similarity", promote(a.dtype(), b.dtype()));
    const int64_t along = shape.axis(axis, "cosine_similarity");
    const Tensor x = expand(a, shape), y = expand(b, shape);
    // Squared norms, so that a norm of 0 has a gradient.
    const Tensor xx = maximum(sum(x * x, along), eps * eps), yy = maximum(sum(y * y, along), eps * eps);
    return sum(x * y, along) / sqrt(xx * yy);
}

namespace {

void check_signs(const char* op, const Tensor& label, const Shape& shape) {
    if (label.shape() != shape)
        shape_error(op, "labels of shape " + label.shape().str() + " do not fit; expected " + shape.str());
}

} // namespace

Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& label, const MarginOptions& options) {
    check_pair("cosine_embedding_loss", a, b);
    if (a.rank() != 2) shape_error("cosine_embedding_loss", "shape " + a.shape().str() + " is not [N, D]");
    check_signs("cosine_embedding_loss", label, {a.size(0)});
    // As PyTorch 1.13: not cosine_similarity(), but 1e-12 (a float there) added to the squared norms; at the margin the
    // gradient passes.
    constexpr double kEps = 1e-12F;
    const Tensor aa = sum(a * a, 1) + kEps, bb = sum(b * b, 1) + kEps, c = sum(a * b, 1) / sqrt(aa * bb);
    const Tensor other = where(eq(label, -1), clamp(c - options.margin, 0), 0);
    return reduced(where(eq(label, 1), 1 - c, other), options.reduction);
}

Tensor hinge_embedding_loss(const Tensor& x, const Tensor& label, const MarginOptions& options) {
    require_float("hinge_embedding_loss", x.dtype());
    check_signs("hinge_embedding_loss", label, x.shape());
    return reduced(where(eq(label, 1), x, where(eq(label, -1), clamp(options.margin - x, 0), 0)), options.reduction);
}

} // namespace ingot
