// SPDX-License-Identifier: MIT
#include "backend/reference/reference_eval.h"

#include <limits>

#include "backend/reference/reference_parts.h"
#include "base/check.h"
#include "core/half.h"
#include "program/philox.h"
#include "program/scalar_eval.h"

namespace ingot::reference {

using graph::unpack;

HostArray::HostArray(graph::Type t) : type(std::move(t)) {
    if (floating())
        f.resize(static_cast<size_t>(numel()));
    else
        i.resize(static_cast<size_t>(numel()));
}

double activate(double value, int64_t act) {
    if (act == 0) return value;
    return info(static_cast<Scalar>(act - 1)).reference(value, 0, 0);
}

namespace {

/// What an integer dtype keeps of v.
int64_t wrap(DType dtype, int64_t v) {
    switch (dtype) {
    case DType::i32: return static_cast<int32_t>(static_cast<uint32_t>(v));
    case DType::u8: return static_cast<uint8_t>(v);
    case DType::boolean: return v != 0;
    default: return v;
    }
}

int64_t to_integer(DType dtype, double v) {
    if (dtype == DType::boolean) return v != 0;
    if (v != v) return 0;
    // Saturates at the range in which the type computes; u8 computes as i32.
    const bool wide = dtype == DType::i64;
    const double limit = wide ? 9223372036854775808.0 : 2147483648.0;
    if (v >= limit)
        return wide ? std::numeric_limits<int64_t>::max() : wrap(dtype, std::numeric_limits<int32_t>::max());
    if (v < -limit)
        return wide ? std::numeric_limits<int64_t>::min() : wrap(dtype, std::numeric_limits<int32_t>::min());
    return wrap(dtype, static_cast<int64_t>(v));
}

/// v as an element of y at `position`.
void store(HostArray& y, int64_t position, double v) {
    if (y.floating())
        y.f[static_cast<size_t>(position)] = v;
    else
        y.i[static_cast<size_t>(position)] = to_integer(y.type.dtype, v);
}

double rounded(DType dtype, double v) {
    if (dtype == DType::f16) return core::f16_to_f32(core::f32_to_f16(static_cast<float>(v)));
    if (dtype == DType::bf16) return core::bf16_to_f32(core::f32_to_bf16(static_cast<float>(v)));
    return v;
}

void evaluate_elementwise(Scalar function, const Arrays& in, HostArray& y) {
    const DType computed = in.back().type.dtype;
    for_each(y.type.shape, [&](const Ints& index, int64_t position) {
        program::Value v[3];
        for (size_t k = 0; k < in.size(); ++k) {
            const size_t at = static_cast<size_t>(position_of(index, in[k].type.shape));
            if (in[k].floating())
                v[k].f = in[k].f[at];
            else
                v[k].i = in[k].i[at];
        }
        const program::Value r = program::apply(function, computed, v[0], v[1], v[2]);
        if (y.floating())
            y.f[static_cast<size_t>(position)] = r.f;
        else
            y.i[static_cast<size_t>(position)] = wrap(y.type.dtype, r.i);
    });
}

void evaluate_cast(const HostArray& x, HostArray& y) {
    for (int64_t k = 0; k < y.numel(); ++k) {
        const size_t at = static_cast<size_t>(k);
        if (y.floating())
            y.f[at] = rounded(y.type.dtype, x.floating() ? x.f[at] : static_cast<double>(x.i[at]));
        else if (x.floating())
            y.i[at] = to_integer(y.type.dtype, x.f[at]);
        else
            y.i[at] = wrap(y.type.dtype, x.i[at]);
    }
}

void evaluate_iota(const Attrs& attrs, HostArray& y) {
    const size_t axis = static_cast<size_t>(attrs[1]);
    const double start = unpack(attrs[2]), step = unpack(attrs[3]);
    for_each(y.type.shape, [&](const Ints& index, int64_t position) {
        store(y, position, start + step * (index.empty() ? 0.0 : static_cast<double>(index[axis])));
    });
}

void evaluate_uniform(const HostArray& key, HostArray& y) {
    for (int64_t k = 0; k < y.numel(); ++k) {
        const uint64_t word = static_cast<uint64_t>(key.i[1]) + static_cast<uint64_t>(k);
        const uint32_t bits = program::random_word(static_cast<uint64_t>(key.i[0]), word);
        y.f[static_cast<size_t>(k)] = (bits >> 8) * 0x1p-24;
    }
}

} // namespace

void evaluate(const graph::OpDef& op, const Attrs& attrs, const Arrays& in, Arrays& outputs,
              program::ErrorWord& error) {
    std::vector<const graph::Type*> types;
    types.reserve(in.size());
    for (const HostArray& a : in) types.push_back(&a.type);
    std::vector<graph::Type> result_types;
    graph::Call call{op, types, attrs, &result_types};
    op.infer(call);
    outputs.clear();
    for (graph::Type& t : result_types) outputs.emplace_back(std::move(t));
    HostArray& y = outputs[0];

    switch (op.prim) {
    case Prim::constant:
        for (int64_t k = 0; k < y.numel(); ++k) store(y, k, unpack(attrs[1]));
        return;
    case Prim::iota: return evaluate_iota(attrs, y);
    case Prim::uniform: return evaluate_uniform(in[0], y);
    case Prim::elementwise: return evaluate_elementwise(op.scalar, in, y);
    case Prim::cast: return evaluate_cast(in[0], y);
    case Prim::identity:
        y.f = in[0].f;
        y.i = in[0].i;
        return;
    case Prim::sum:
    case Prim::prod:
    case Prim::max:
    case Prim::min:
    case Prim::argmax:
    case Prim::argmin:
    case Prim::moments: return evaluate_reduction(op.prim, attrs, in[0], outputs);
    case Prim::reshape:
    case Prim::permute:
    case Prim::broadcast_to:
    case Prim::slice:
    case Prim::pad:
    case Prim::concat: return evaluate_movement(op.prim, attrs, in, y);
    case Prim::gather:
    case Prim::index_select:
    case Prim::scatter_add:
    case Prim::scatter:
    case Prim::index_add: return evaluate_indexing(op.prim, attrs, in, y, error);
    case Prim::matmul: return evaluate_matmul(attrs, in, y);
    case Prim::conv2d:
    case Prim::conv2d_input_grad:
    case Prim::conv2d_weight_grad: return evaluate_conv(op.prim, attrs, in, y);
    case Prim::max_pool2d:
    case Prim::max_pool2d_grad:
    case Prim::max_pool2d_gather:
    case Prim::avg_pool2d:
    case Prim::avg_pool2d_grad: return evaluate_pool(op.prim, attrs, in, outputs);
    case Prim::custom: return evaluate_custom(op, attrs, in, outputs);
    case Prim::none:
    case Prim::placeholder:
    case Prim::fused: break;
    }
    INGOT_ASSERT(false, op.name);
}

} // namespace ingot::reference
