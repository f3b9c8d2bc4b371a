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

void check_labels(const Call& c) {
    const Type &x = c.in(0), &labels = c.in(1);
    require_float(c.op.name, x.dtype);
    if (labels.dtype != DType::i64 && labels.dtype != DType::i32)
        throw DTypeError(std::string(c.op.name) + ": labels have dtype " + name(labels.dtype) +
                         "; they must be class numbers, i64 or i32");
    if (x.shape.rank() < 2 || labels.shape != reduced_shape(x.shape, {1}, false))
        shape_error(c.op.name, "labels of shape " + labels.shape.str() + " do not fit " +
                                   (c.op.name == kCrossEntropy.name ? "logits" : "log-probabilities") + " of shape " +
                                   x.shape.str() + "; expected [N, C] and [N], or [N, C, ..] and [N, ..]");
    if (x.shape[1] == 0) shape_error(c.op.name, "shape " + x.shape.str() + " has no classes");
}

void infer_cross_entropy(Call& c) {
    check_labels(c);
    const Reduction reduction = static_cast<Reduction>(c.attrs[2]);
    c.outputs->push_back({c.in(0).dtype, reduction == Reduction::none ? c.in(1).shape : Shape{}});
    if (reduction == Reduction::mean) c.outputs->push_back({widened(c.in(0).dtype), {}});
}

void infer_nll_loss(Call& c) {
    check_labels(c);
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
const OpDef kNllLoss{.name = "nll_loss", .infer = infer_nll_loss, .decompose = decompose_nll_loss};

namespace {

/// Records a loss of labels; one sample without a batch axis, [C] and [], is a batch of one.
Tensor label_loss(const OpDef& op, const Tensor& x, const Tensor& labels, Attrs attrs) {
    const bool single = x.rank() == 1 && labels.rank() == 0;
    const Tensor inputs[] = {single ? unsqueeze(x, 0) : x, single ? unsqueeze(labels, 0) : labels};
    const Tensor loss = record_all(op, inputs, std::move(attrs))[0];
    return single ? reshape(loss, {}) : loss;
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
    return label_loss(kCrossEntropy, logits, labels,
                      {options.ignore_index, pack(options.label_smoothing), static_cast<int64_t>(options.reduction)});
}

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& labels, const NllOptions& options) {
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

} // namespace ingot
