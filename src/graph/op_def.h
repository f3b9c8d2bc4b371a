// SPDX-License-Identifier: MIT
// One record per operator: its name, what kind of thing it is, its shape rule, its gradient and, for everything that is not
// a primitive, its decomposition. Families live in src/ops; passes and backends know only the primitives (Prim).
// OpDefs are immutable objects with static storage; their address is the operator's identity inside one process.
#pragma once

#include <bit>
#include <span>
#include <vector>

#include <ingot/tensor.h>

#include "graph/scalar.h"

namespace ingot::graph {

/// Attributes of a node, as 64-bit words (doubles bit-cast); the layout per primitive stands beside Prim.
using Attrs = SmallVector<int64_t, 8>;
inline int64_t pack(double v) { return std::bit_cast<int64_t>(v); }
inline double unpack(int64_t w) { return std::bit_cast<double>(w); }

struct Type {
    DType dtype = DType::f32;
    Shape shape;
    bool operator==(const Type&) const = default;
    std::string str() const { return std::string(name(dtype)) + shape.str(); }
};

enum class Kind : uint8_t { source, elementwise, reduction, view, indexing, contraction, pooling, opaque, composite };

/// The primitives, with their inputs and attributes. R = rank.
enum class Prim : uint8_t {
    none,        ///< composite: has a decomposition
    placeholder, ///< an input of a graph, or a value that is already computed
    constant,    ///< {dtype, pack(value), shape...}: every element is value
    iota, ///< {dtype, axis, pack(start), pack(step), shape...}: start + step * index along axis (any axis when rank 0)
    uniform, ///< (key i64[2] = {seed, base}) {shape...}: f32 in [0, 1), see program::Code::Random; element i uses word base + i
    elementwise, ///< OpDef::scalar over 1 to 3 inputs, which broadcast
    cast,        ///< (x) {dtype}
    identity,    ///< (x): detach, assign
    sum,
    prod,
    max,
    min, ///< (x) {axes...} ascending; reduced axes stay with size 1. sum of i32, u8, bool gives i64
    argmax,
    argmin,       ///< (x) {axes...}: i64, linear index over the reduced axes
    moments,      ///< (x) {axes...} -> mean, biased variance (Welford); floats only
    reshape,      ///< (x) {shape...}
    permute,      ///< (x) {perm...}: result axis i is x's axis perm[i]
    broadcast_to, ///< (x) {shape...}: same rank, axes of size 1 stretch
    slice,        ///< (x) {start x R, step x R (not 0, may be negative), size x R}
    pad,          ///< (x) {low x R, high x R, pack(value)}, all >= 0
    concat,       ///< (x0, x1, ...) {axis}
    gather,       ///< (x, index i64 or i32, same rank) {axis}: torch.gather
    index_select, ///< (x, index any rank) {axis}: x.shape[:axis] + index.shape + x.shape[axis+1:]
    scatter_add,  ///< (base, index, src) {axis}: torch.scatter_add (index and src of one shape)
    scatter,   ///< (base, index, src) {axis}: torch.scatter; of several writes to one place the last (row-major) wins
    index_add, ///< (base, index [K], src) {axis}: base with src's k-th slice added at index[k]; deterministic order
    matmul, ///< (a [B..., m, k], b [B..., k, n] (, bias [n])) {ta, tb, act}: same rank >= 2, batch axes broadcast; ta: a is [.., k, m]
    conv2d, ///< (x, w (, bias)) {sh, sw, ph, pw, dh, dw, groups, act}
    conv2d_input_grad,  ///< (w, gy) {sh, sw, ph, pw, dh, dw, groups, n, c, h, w}
    conv2d_weight_grad, ///< (x, gy) {sh, sw, ph, pw, dh, dw, groups, kh, kw}
    max_pool2d,         ///< (x) {kh, kw, sh, sw, ph, pw} -> y, idx u8 (position in the window)
    max_pool2d_grad,    ///< (gy, idx) {kh, kw, sh, sw, ph, pw, h, w}
    max_pool2d_gather,  ///< (x, idx) {kh, kw, sh, sw, ph, pw}
    avg_pool2d,         ///< (x) {kh, kw, sh, sw, ph, pw, count_include_pad}
    avg_pool2d_grad,    ///< (gy) {kh, kw, sh, sw, ph, pw, count_include_pad, h, w}
    custom,             ///< made by users: runs a registered kernel (graph/custom_op.h)
    fused,              ///< made by passes only: runs a Program
};

struct OpDef;

/// A recorded application, while its result types are worked out.
struct Call {
    const OpDef& op;
    std::span<const Type* const> inputs;
    const Attrs& attrs;
    std::vector<Type>* outputs; ///< to be filled in
    const Type& in(size_t i) const { return *inputs[i]; }
    /// "add: shapes f32[2, 3], f32[4]": for error messages.
    std::string str() const;
};

/// What a gradient rule sees of a node; grad(i) is undefined when output i has no gradient.
struct Vjp {
    const OpDef& op;
    const Attrs& attrs;
    std::vector<Tensor> inputs, outputs, grads;
    std::vector<bool> needs; ///< per input; results for others may be left undefined
};

struct OpDef {
    const char* name;
    Prim prim = Prim::none;
    Kind kind = Kind::composite;
    Scalar scalar = Scalar::count; ///< for Prim::elementwise
    void (*infer)(Call&) = nullptr;
    /// Gradients of the inputs, recorded with public operators. Null: not differentiable (integers, comparisons: gradient is
    /// none), unless there is a decomposition, which is then differentiated.
    std::vector<Tensor> (*vjp)(const Vjp&) = nullptr;
    /// The same value from simpler operators. Primitives have none.
    std::vector<Tensor> (*decompose)(const std::vector<Tensor>& inputs, const Attrs&) = nullptr;
};

/// Records op(inputs) and returns its results. Checks devices, infers types. Errors: DeviceError naming both devices, what infer throws.
Tensor record(const OpDef& op, std::span<const Tensor> inputs, Attrs attrs = {});
std::vector<Tensor> record_all(const OpDef& op, std::span<const Tensor> inputs, Attrs attrs = {});
inline Tensor record(const OpDef& op, std::initializer_list<Tensor> inputs, Attrs attrs = {}) {
    return record(op, std::span<const Tensor>(inputs.begin(), inputs.size()), std::move(attrs));
}
/// The same for operators without inputs.
Tensor record_source(const OpDef& op, Attrs attrs, Device device);

} // namespace ingot::graph
