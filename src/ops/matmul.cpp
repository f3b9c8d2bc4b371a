// SPDX-License-Identifier: MIT
#include "ops/matmul.h"

#include <ingot/ops/elementwise.h>
#include <ingot/ops/matmul.h>
#include <ingot/ops/movement.h>

#include "base/check.h"
#include "ops/common.h"
#include "ops/reduce.h"

namespace ingot::ops {

namespace {

using Tensors = std::vector<Tensor>;

[[noreturn]] void inner_error(const Shape& a, const Shape& b, int64_t x, int64_t y) {
    shape_error("matmul", "shapes " + a.str() + " and " + b.str() + ": inner sizes " + std::to_string(x) + " and " +
                              std::to_string(y) + " differ");
}

void infer_matmul(Call& c) {
    const Shape &a = c.in(0).shape, &b = c.in(1).shape;
    const size_t r = a.rank();
    INGOT_ASSERT(r >= 2 && b.rank() == r, "the public matmul makes ranks equal");
    const bool ta = c.attrs[0] != 0, tb = c.attrs[1] != 0;
    require_same_dtype("matmul", c.in(0).dtype, c.in(1).dtype);
    require_float("matmul", c.in(0).dtype);
    const int64_t m = a[r - (ta ? 1 : 2)], k = a[r - (ta ? 2 : 1)], kb = b[r - (tb ? 1 : 2)], n = b[r - (tb ? 2 : 1)];
    if (k != kb) inner_error(a, b, k, kb);
    Shape shape;
    for (size_t i = 0; i + 2 < r; ++i) {
        if (a[i] != b[i] && a[i] != 1 && b[i] != 1)
            shape_error("matmul", "shapes " + a.str() + " and " + b.str() + ": batch axes do not broadcast");
        shape.push_back(a[i] == 1 ? b[i] : a[i]);
    }
    shape.push_back(m);
    shape.push_back(n);
    if (c.inputs.size() == 3 && c.in(2).shape != Shape{n})
        shape_error("matmul",
                    "bias of shape " + c.in(2).shape.str() + " does not fit " + std::to_string(n) + " columns");
    c.outputs->push_back({c.in(0).dtype, std::move(shape)});
}

// matmul, Y = A' B' (' where transposed): dA' = G B'^T, dB' = A'^T G, written with flags instead of transposes.
Tensors vjp_matmul(const Vjp& v) {
    INGOT_ASSERT(v.inputs.size() == 2 && v.attrs[2] == 0, "gradients are taken before passes add epilogues");
    const Tensor &a = v.inputs[0], &b = v.inputs[1], &g = v.grads[0];
    const bool ta = v.attrs[0] != 0, tb = v.attrs[1] != 0;
    Tensors result(2);
    if (v.needs[0]) result[0] = sum_to(ta ? matmul_flags(b, g, tb, true) : matmul_flags(g, b, false, !tb), a.shape());
    if (v.needs[1]) result[1] = sum_to(tb ? matmul_flags(g, a, true, ta) : matmul_flags(a, g, !ta, false), b.shape());
    return result;
}

void infer_linear(Call& c) {
    const Type &x = c.in(0), &w = c.in(1);
    if (w.shape.rank() != 2 || x.shape.rank() < 1 || x.shape.back() != w.shape[1])
        shape_error("linear", "input of shape " + x.shape.str() + " does not fit weight of shape " + w.shape.str() +
                                  " ([out, in])");
    require_same_dtype("linear", x.dtype, w.dtype);
    require_float("linear", x.dtype);
    if (c.inputs.size() == 3) {
        require_same_dtype("linear", x.dtype, c.in(2).dtype);
        if (c.in(2).shape != Shape{w.shape[0]})
            shape_error("linear", "bias of shape " + c.in(2).shape.str() + " does not fit weight of shape " +
                                      w.shape.str() + " ([out, in])");
    }
    Shape shape = x.shape;
    shape[shape.rank() - 1] = w.shape[0];
    c.outputs->push_back({x.dtype, std::move(shape)});
}

/// All rows of x: [.., K] as [M, K].
Tensor rows(const Tensor& x) {
    const int64_t k = x.shape().back();
    int64_t m = 1;
    for (size_t i = 0; i + 1 < x.shape().rank(); ++i) m *= x.shape()[i];
    return reshape(x, {m, k});
}

// linear: x w^T + b; gradients g w, g^T x, and the sum of g's rows.
Tensors decompose_linear(const Tensors& in, const Attrs&) {
    Shape shape = in[0].shape();
    shape[shape.rank() - 1] = in[1].size(0);
    Tensor y = matmul_flags(rows(in[0]), in[1], false, true);
    if (in.size() == 3) y = y + in[2];
    return {reshape(y, shape)};
}
Tensors vjp_linear(const Vjp& v) {
    const Tensor g = rows(v.grads[0]);
    Tensors result(v.inputs.size());
    if (v.needs[0]) result[0] = reshape(matmul_flags(g, v.inputs[1], false, false), v.inputs[0].shape());
    if (v.needs[1]) result[1] = matmul_flags(g, rows(v.inputs[0]), true, false);
    if (result.size() == 3 && v.needs[2]) result[2] = sum_to(g, v.inputs[2].shape());
    return result;
}

} // namespace

const OpDef kMatmul{
    .name = "matmul", .prim = Prim::matmul, .kind = Kind::contraction, .infer = infer_matmul, .vjp = vjp_matmul};
const OpDef kLinear{.name = "linear", .infer = infer_linear, .vjp = vjp_linear, .decompose = decompose_linear};

Tensor matmul_flags(const Tensor& a, const Tensor& b, bool ta, bool tb) { return record(kMatmul, {a, b}, {ta, tb, 0}); }

} // namespace ingot::ops

namespace ingot {

using namespace ops;

Tensor matmul(const Tensor& a, const Tensor& b) {
    const Shape &sa = a.shape(), &sb = b.shape();
    if (sa.rank() == 0 || sb.rank() == 0)
        shape_error("matmul", "shapes " + sa.str() + " and " + sb.str() + ": a scalar is not a matrix; use mul");
    const int64_t ka = sa.back(), kb = sb.rank() == 1 ? sb[0] : sb[sb.rank() - 2];
    if (ka != kb) inner_error(sa, sb, ka, kb);
    if (sa.rank() == 2 && sb.rank() == 2) return matmul_flags(a, b, false, false);

    // Rows of a stay rows of the result when b has no batch: one product instead of many.
    Shape result;
    if (sb.rank() <= 2) {
        for (size_t i = 0; i + 1 < sa.rank(); ++i) result.push_back(sa[i]);
        if (sb.rank() == 2) result.push_back(sb[1]);
        const Tensor matrix = sb.rank() == 2 ? b : reshape(b, {kb, 1});
        return reshape(matmul_flags(rows(a), matrix, false, false), result);
    }
    Shape left = sa.rank() == 1 ? Shape{1, ka} : sa, right = sb;
    const auto lift = [](const Shape& s, size_t rank) {
        Shape lifted;
        for (size_t i = s.rank(); i < rank; ++i) lifted.push_back(1);
        for (const int64_t d : s) lifted.push_back(d);
        return lifted;
    };
    const size_t r = std::max(left.rank(), right.rank());
    const Tensor y = matmul_flags(reshape(a, lift(left, r)), reshape(b, lift(right, r)), false, false);
    if (sa.rank() > 1) return y;
    for (size_t i = 0; i < r; ++i)
        if (i != r - 2) result.push_back(y.shape()[i]);
    return reshape(y, result);
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
    if (!bias.defined()) return record(kLinear, {x, weight});
    return record(kLinear, {x, weight, bias});
}

} // namespace ingot
