// SPDX-License-Identifier: MIT
#include "ops/attention.h"

#include <algorithm>
#include <cmath>

#include <ingot/ops/attention.h>
#include <ingot/ops/elementwise.h>
#include <ingot/ops/movement.h>
#include <ingot/ops/random.h>
#include <ingot/ops/softmax.h>

#include "ops/common.h"
#include "ops/matmul.h"

namespace ingot::ops {

namespace {

using Tensors = std::vector<Tensor>;

enum Attr : size_t { kCausal, kScale, kHasMask, kDropout };

/// The shape without its last two axes.
Shape batch_of(const Shape& s) { return Shape(Ints(s.begin(), s.end() - 2)); }

Shape scores_shape(const Shape& q, const Shape& k) {
    Shape shape = broadcast_shapes(batch_of(q), batch_of(k), "scaled_dot_product_attention");
    shape.push_back(q[q.rank() - 2]);
    shape.push_back(k[k.rank() - 2]);
    return shape;
}

void infer_attention(Call& c) {
    const char* op = c.op.name;
    const Shape &q = c.in(0).shape, &k = c.in(1).shape, &v = c.in(2).shape;
    const size_t r = q.rank();
    if (k[r - 1] != q[r - 1] || v[r - 2] != k[r - 2])
        shape_error(op, "queries " + q.str() + ", keys " + k.str() + " and values " + v.str() +
                            " do not fit; expected [.., T, D], [.., S, D] and [.., S, E]");
    require_float(op, c.in(0).dtype);
    require_same_dtype(op, c.in(0).dtype, c.in(1).dtype);
    require_same_dtype(op, c.in(0).dtype, c.in(2).dtype);
    const Shape scores = scores_shape(q, k);
    if (c.attrs[kHasMask] != 0) {
        const Type& mask = c.in(3);
        if (mask.dtype != DType::boolean && !is_float(mask.dtype))
            throw DTypeError(std::string(op) + ": the mask has dtype " + name(mask.dtype) + ", not bool or a float");
        if (broadcast_shapes(scores, mask.shape, op) != scores)
            shape_error(op, "a mask of shape " + mask.shape.str() + " does not fit scores of shape " + scores.str());
    }
    Shape shape = broadcast_shapes(batch_of(scores), batch_of(v), op);
    shape.push_back(q[r - 2]);
    shape.push_back(v[r - 1]);
    c.outputs->push_back({c.in(0).dtype, std::move(shape)});
}

// w = softmax(q k^T scale + mask), y = dropout(w) v. Has no gradient rule of its own: that of this, in which the forward's
// values are found again as common subexpressions.
Tensors decompose_attention(const Tensors& in, const Attrs& attrs) {
    const Tensor &q = in[0], &k = in[1], &v = in[2];
    const DType dtype = q.dtype();
    Tensor s = widen(matmul_flags(q, k, false, true)) * unpack(attrs[kScale]);
    if (attrs[kHasMask] != 0) {
        const Tensor& mask = in[3];
        s = mask.dtype() == DType::boolean ? where(mask, s, -INFINITY) : s + cast(mask, s.dtype());
    }
    if (attrs[kCausal] != 0) {
        const int64_t t = s.size(-2), keys = s.size(-1);
        const Tensor query = iota({t, 1}, 0, 0, 1, DType::i32, s.device());
        const Tensor key = iota({1, keys}, 1, 0, 1, DType::i32, s.device());
        s = where(key <= query, s, -INFINITY);
    }
    Tensor w = softmax(s, -1);
    const double p = unpack(attrs[kDropout]);
    if (p > 0) w = where(in.back() >= p, w * (1 / (1 - p)), 0);
    return {matmul_flags(cast(w, dtype), v, false, false)};
}

} // namespace

const OpDef kAttention{
    .name = "scaled_dot_product_attention", .infer = infer_attention, .decompose = decompose_attention};

} // namespace ingot::ops

namespace ingot {

using namespace ops;

Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    const AttentionOptions& options) {
    const char* op = kAttention.name;
    if (std::min({q.rank(), k.rank(), v.rank()}) < 2)
        shape_error(op, "queries " + q.shape().str() + ", keys " + k.shape().str() + " and values " + v.shape().str() +
                            " must be at least matrices: [.., T, D], [.., S, D] and [.., S, E]");
    if (options.mask.defined() && options.is_causal)
        throw Error(std::string(op) + ": give a mask or is_causal, not both");
    if (!(options.dropout_p >= 0 && options.dropout_p < 1))
        throw Error(std::string(op) + ": the dropout probability " + std::to_string(options.dropout_p) +
                    " is not in [0, 1)");
    // Axes of size 1 in front make the ranks equal.
    const auto rank = static_cast<size_t>(std::max({q.rank(), k.rank(), v.rank()}));
    const auto lifted = [rank](const Tensor& t) {
        Shape shape;
        for (size_t i = t.shape().rank(); i < rank; ++i) shape.push_back(1);
        for (const int64_t d : t.shape()) shape.push_back(d);
        return reshape(t, shape);
    };
    Tensors inputs{lifted(q), lifted(k), lifted(v)};
    const double scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(q.size(-1))));
    const Attrs attrs{options.is_causal, pack(scale), options.mask.defined(), pack(options.dropout_p)};
    if (options.mask.defined()) inputs.push_back(options.mask);
    if (options.dropout_p > 0)
        inputs.push_back(rand(scores_shape(inputs[0].shape(), inputs[1].shape()), {.device = q.device()}));
    return record_all(kAttention, inputs, attrs)[0];
}

} // namespace ingot
