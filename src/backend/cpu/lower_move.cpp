// SPDX-License-Identifier: MIT
// Data movement that no program expresses: concatenation, and scattering (where several writes may meet, in an order that
// depends on shapes only). All values row-major.
#include <cstring>

#include <ingot/error.h>

#include "backend/cpu/cpu_backend.h"
#include "base/parallel.h"
#include "core/half.h"

namespace ingot::cpu {

using graph::Prim;

namespace {

/// [outer, axis, inner] around one axis.
struct Split {
    int64_t outer = 1, size = 1, inner = 1;
    Split(const Shape& shape, int64_t axis) {
        for (size_t d = 0; d < shape.rank(); ++d) {
            const auto a = static_cast<size_t>(axis);
            (d < a ? outer : d == a ? size : inner) *= shape[d];
        }
    }
};

class Concat final : public backend::Kernel {
public:
    Concat(const ir::Graph& g, const ir::Node& n) {
        name = "concat";
        const Shape& out = g.type(n.outputs[0]).shape;
        const auto element = static_cast<int64_t>(size_of(g.type(n.outputs[0]).dtype));
        outer_ = Split(out, n.attrs[0]).outer;
        for (const ir::ValueId v : n.inputs) {
            const Split s(g.type(v).shape, n.attrs[0]);
            rows_.push_back(s.size * s.inner * element);
        }
        for (const int64_t r : rows_) row_ += r;
        bytes = 2.0 * static_cast<double>(row_ * outer_);
    }
    void run(void* const* args, void*, program::ErrorWord*) const override {
        char* out = static_cast<char*>(args[rows_.size()]);
        const int64_t grain = std::max<int64_t>(1, 65536 / std::max<int64_t>(1, row_));
        base::parallel_for(outer_, grain, [&](int64_t begin, int64_t end) {
            for (int64_t o = begin; o < end; ++o) {
                char* to = out + o * row_;
                for (size_t i = 0; i < rows_.size(); ++i) {
                    if (rows_[i] > 0)
                        std::memcpy(to, static_cast<const char*>(args[i]) + o * rows_[i],
                                    static_cast<size_t>(rows_[i]));
                    to += rows_[i];
                }
            }
        });
    }

private:
    int64_t outer_ = 1, row_ = 0;
    std::vector<int64_t> rows_; ///< bytes that each input adds to a row
};

/// Reads an index, clamps it into [0, bound) and reports it when that changed it.
int64_t checked_index(const void* data, DType type, int64_t at, int64_t bound, program::ErrorWord* error) {
    const int64_t raw =
        type == DType::i64 ? static_cast<const int64_t*>(data)[at] : static_cast<const int32_t*>(data)[at];
    if (raw >= 0 && raw < bound) return raw;
    if (error->code == 0) *error = {1, raw, bound};
    return raw < 0 ? 0 : bound - 1;
}

template <class T> void add_element(T* to, const T* from) { *to = static_cast<T>(*to + *from); }

struct Half {
    uint16_t bits;
};
struct Brain {
    uint16_t bits;
};
void add_element(Half* to, const Half* from) {
    to->bits = core::f32_to_f16(core::f16_to_f32(to->bits) + core::f16_to_f32(from->bits));
}
void add_element(Brain* to, const Brain* from) {
    to->bits = core::f32_to_bf16(core::bf16_to_f32(to->bits) + core::bf16_to_f32(from->bits));
}

/// scatter, scatter_add (index of src's shape) and index_add (index [K]): base, index, src -> out.
class Scatter final : public backend::Kernel {
public:
    Scatter(const ir::Graph& g, const ir::Node& n)
        : prim_(n.prim()), dtype_(g.type(n.outputs[0]).dtype), index_type_(g.type(n.inputs[1]).dtype),
          base_(g.type(n.inputs[0]).shape), src_(g.type(n.inputs[2]).shape), axis_(static_cast<size_t>(n.attrs[0])) {
        name = n.op->name;
        bytes = static_cast<double>(size_of(dtype_)) *
                (2.0 * static_cast<double>(base_.numel()) + static_cast<double>(src_.numel()));
    }

    void run(void* const* args, void*, program::ErrorWord* error) const override {
        switch (dtype_) {
        case DType::f32: return scatter<float>(args, error);
        case DType::f64: return scatter<double>(args, error);
        case DType::f16: return scatter<Half>(args, error);
        case DType::bf16: return scatter<Brain>(args, error);
        case DType::i32: return scatter<int32_t>(args, error);
        case DType::i64: return scatter<int64_t>(args, error);
        case DType::u8:
        case DType::boolean: return scatter<uint8_t>(args, error);
        }
    }

private:
    template <class T> void scatter(void* const* args, program::ErrorWord* error) const {
        const T* src = static_cast<const T*>(args[2]);
        T* out = static_cast<T*>(args[3]);
        if (base_.numel() > 0) std::memcpy(out, args[0], static_cast<size_t>(base_.numel()) * sizeof(T));
        if (src_.numel() == 0) return;
        if (base_[axis_] == 0) {
            if (error->code == 0) *error = {1, 0, 0};
            return;
        }
        if (prim_ == Prim::index_add) return index_add<T>(args[1], src, out, error);
        // Row-major over src: later writes win, sums are added in that order.
        const Ints strides = base_.strides();
        Ints at(src_.rank(), 0);
        for (int64_t i = 0; i < src_.numel(); ++i) {
            int64_t to = checked_index(args[1], index_type_, i, base_[axis_], error) * strides[axis_];
            for (size_t d = 0; d < at.size(); ++d) {
                if (d != axis_) to += at[d] * strides[d];
            }
            if (prim_ == Prim::scatter) {
                out[to] = src[i];
            } else {
                add_element(out + to, src + i);
            }
            for (size_t d = at.size(); d-- > 0;) {
                if (++at[d] < src_[d]) break;
                at[d] = 0;
            }
        }
    }

    /// The slices are added in the order of the index; threads share the inner elements, so the order is the same for any number.
    template <class T> void index_add(const void* index, const T* src, T* out, program::ErrorWord* error) const {
        const Split b(base_, static_cast<int64_t>(axis_)), s(src_, static_cast<int64_t>(axis_));
        std::vector<int64_t> rows(static_cast<size_t>(s.size));
        for (int64_t k = 0; k < s.size; ++k)
            rows[static_cast<size_t>(k)] = checked_index(index, index_type_, k, b.size, error);
        const int64_t lanes = 64;
        const int64_t blocks = (b.inner + lanes - 1) / lanes;
        base::parallel_for(b.outer * blocks, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, s.size * lanes)),
                           [&](int64_t begin, int64_t end) {
                               for (int64_t t = begin; t < end; ++t) {
                                   const int64_t o = t / blocks, first = t % blocks * lanes,
                                                 last = std::min(b.inner, first + lanes);
                                   for (int64_t k = 0; k < s.size; ++k) {
                                       T* to = out + (o * b.size + rows[static_cast<size_t>(k)]) * b.inner;
                                       const T* from = src + (o * s.size + k) * b.inner;
                                       for (int64_t i = first; i < last; ++i) add_element(to + i, from + i);
                                   }
                               }
                           });
    }

    Prim prim_;
    DType dtype_, index_type_;
    Shape base_, src_;
    size_t axis_;
};

} // namespace

backend::KernelPtr lower_move(const ir::Graph& g, const ir::Node& n) {
    switch (n.prim()) {
    case Prim::concat: return std::make_unique<Concat>(g, n);
    case Prim::scatter:
    case Prim::scatter_add:
    case Prim::index_add: return std::make_unique<Scatter>(g, n);
    default: return nullptr;
    }
}

} // namespace ingot::cpu
