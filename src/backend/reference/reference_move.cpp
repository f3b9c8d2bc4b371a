// SPDX-License-Identifier: MIT
// Movement and indexing: for every element of the result (or of the source), where it comes from (or goes to).
#include "backend/reference/reference_parts.h"
#include "base/check.h"

namespace ingot::reference {

using graph::unpack;

namespace {

void evaluate_slice(const Attrs& attrs, const HostArray& x, HostArray& y) {
    const size_t r = x.type.shape.rank();
    for_each(y.type.shape, [&](const Ints& index, int64_t to) {
        Ints from = index;
        for (size_t i = 0; i < r; ++i) from[i] = attrs[i] + index[i] * attrs[r + i];
        y.copy(to, x, position_of(from, x.type.shape));
    });
}

void evaluate_pad(const Attrs& attrs, const HostArray& x, HostArray& y) {
    const size_t r = x.type.shape.rank();
    const double value = unpack(attrs[2 * r]);
    for (double& v : y.f) v = value;
    for (int64_t& v : y.i) v = static_cast<int64_t>(value);
    for_each(x.type.shape, [&](const Ints& index, int64_t from) {
        Ints to = index;
        for (size_t i = 0; i < r; ++i) to[i] += attrs[i];
        y.copy(position_of(to, y.type.shape), x, from);
    });
}

void evaluate_concat(const Attrs& attrs, const Arrays& in, HostArray& y) {
    int64_t start = 0;
    const size_t axis = static_cast<size_t>(attrs[0]);
    for (const HostArray& x : in) {
        for_each(x.type.shape, [&](const Ints& index, int64_t from) {
            Ints to = index;
            to[axis] += start;
            y.copy(position_of(to, y.type.shape), x, from);
        });
        start += x.type.shape[axis];
    }
}

/// The element of `index` at `position`, checked against x's axis.
int64_t index_at(const HostArray& index, int64_t position, int64_t bound, program::ErrorWord& error) {
    return checked_index(index.i[static_cast<size_t>(position)], bound, error);
}

void add_to(HostArray& y, int64_t to, const HostArray& x, int64_t from) {
    const size_t t = static_cast<size_t>(to), s = static_cast<size_t>(from);
    if (y.floating()) {
        y.f[t] += x.f[s];
        return;
    }
    const uint64_t sum = static_cast<uint64_t>(y.i[t]) + static_cast<uint64_t>(x.i[s]);
    switch (y.type.dtype) {
    case DType::i32: y.i[t] = static_cast<int32_t>(static_cast<uint32_t>(sum)); return;
    case DType::u8: y.i[t] = static_cast<uint8_t>(sum); return;
    case DType::boolean: y.i[t] = sum != 0; return;
    default: y.i[t] = static_cast<int64_t>(sum);
    }
}

} // namespace

void evaluate_movement(Prim prim, const Attrs& attrs, const Arrays& in, HostArray& y) {
    const HostArray& x = in[0];
    switch (prim) {
    case Prim::reshape:
        y.f = x.f;
        y.i = x.i;
        return;
    case Prim::permute:
        for_each(y.type.shape, [&](const Ints& index, int64_t to) {
            Ints from = index;
            for (size_t i = 0; i < index.size(); ++i) from[static_cast<size_t>(attrs[i])] = index[i];
            y.copy(to, x, position_of(from, x.type.shape));
        });
        return;
    case Prim::broadcast_to:
        for_each(y.type.shape, [&](const Ints& index, int64_t to) { y.copy(to, x, position_of(index, x.type.shape)); });
        return;
    case Prim::slice: return evaluate_slice(attrs, x, y);
    case Prim::pad: return evaluate_pad(attrs, x, y);
    case Prim::concat: return evaluate_concat(attrs, in, y);
    default: INGOT_ASSERT(false, "not a movement");
    }
}

void evaluate_indexing(Prim prim, const Attrs& attrs, const Arrays& in, HostArray& y, program::ErrorWord& error) {
    const HostArray &x = in[0], &index = in[1];
    const size_t axis = static_cast<size_t>(attrs[0]);
    const int64_t bound = x.type.shape[axis];
    switch (prim) {
    case Prim::gather:
        for_each(y.type.shape, [&](const Ints& at, int64_t to) {
            Ints from = at;
            from[axis] = index_at(index, to, bound, error);
            y.copy(to, x, position_of(from, x.type.shape));
        });
        return;
    case Prim::index_select:
        for_each(y.type.shape, [&](const Ints& at, int64_t to) {
            // at = x's axes before `axis`, index's axes, x's axes after `axis`.
            const size_t k = index.type.shape.rank();
            const Ints where(at.begin() + axis, at.begin() + axis + k);
            Ints from(at.begin(), at.begin() + axis);
            from.push_back(index_at(index, position_of(where, index.type.shape), bound, error));
            for (size_t i = axis + k; i < at.size(); ++i) from.push_back(at[i]);
            y.copy(to, x, position_of(from, x.type.shape));
        });
        return;
    case Prim::scatter:
    case Prim::scatter_add:
        y.f = x.f;
        y.i = x.i;
        for_each(index.type.shape, [&](const Ints& at, int64_t from) {
            Ints to = at;
            to[axis] = index_at(index, from, bound, error);
            const int64_t position = position_of(to, y.type.shape);
            if (prim == Prim::scatter)
                y.copy(position, in[2], from);
            else
                add_to(y, position, in[2], from);
        });
        return;
    case Prim::index_add:
        y.f = x.f;
        y.i = x.i;
        for_each(in[2].type.shape, [&](const Ints& at, int64_t from) {
            Ints to = at;
            to[axis] = index_at(index, at[axis], bound, error);
            add_to(y, position_of(to, y.type.shape), in[2], from);
        });
        return;
    default: INGOT_ASSERT(false, "not indexing");
    }
}

} // namespace ingot::reference
