// SPDX-License-Identifier: MIT
#include "backend/cpu/onednn.h"

#ifdef INGOT_HAS_ONEDNN

#include <algorithm>

#include <oneapi/dnnl/dnnl.hpp>
#include <oneapi/dnnl/dnnl_version.h>

#include <ingot/error.h>

#include "backend/cpu/matmul_kernels.h"
#include "base/check.h"
#include "base/parallel.h"

namespace ingot::cpu::onednn {
namespace {

using dnnl::algorithm;
using dnnl::memory;
using Dims = memory::dims;
using Tag = memory::format_tag;
constexpr auto kF32 = memory::data_type::f32;

const dnnl::engine& engine() {
    static const dnnl::engine e(dnnl::engine::kind::cpu, 0);
    return e;
}
const dnnl::stream& stream() {
    static const dnnl::stream s(engine());
    return s;
}

// --- What differs between 2.x and 3.x -------------------------------------------------------------------------------

using MatmulDesc = dnnl::matmul::primitive_desc;
MatmulDesc matmul_desc(const memory::desc& a, const memory::desc& b, const memory::desc* bias, const memory::desc& c,
                       const dnnl::primitive_attr& attr) {
#if DNNL_VERSION_MAJOR >= 3
    return bias ? MatmulDesc(engine(), a, b, *bias, c, attr, true) : MatmulDesc(engine(), a, b, c, attr, true);
#else
    return MatmulDesc(bias ? dnnl::matmul::desc(a, b, *bias, c) : dnnl::matmul::desc(a, b, c), attr, engine(), true);
#endif
}

/// The descriptors of one convolution; `bias` is null without one.
struct ConvDescs {
    memory::desc x, w, y;
    const memory::desc* bias;
    Dims stride, dilation, padding;
};

using ForwardDesc = dnnl::convolution_forward::primitive_desc;
ForwardDesc forward_desc(const ConvDescs& c, const dnnl::primitive_attr& attr) {
    constexpr auto kind = dnnl::prop_kind::forward_training;
    constexpr auto alg = algorithm::convolution_direct; // Winograd loses for narrow layers and costs accuracy
#if DNNL_VERSION_MAJOR >= 3
    return c.bias ? ForwardDesc(engine(), kind, alg, c.x, c.w, *c.bias, c.y, c.stride, c.dilation, c.padding, c.padding,
                                attr, true)
                  : ForwardDesc(engine(), kind, alg, c.x, c.w, c.y, c.stride, c.dilation, c.padding, c.padding, attr,
                                true);
#else
    using Desc = dnnl::convolution_forward::desc;
    return ForwardDesc(c.bias ? Desc(kind, alg, c.x, c.w, *c.bias, c.y, c.stride, c.dilation, c.padding, c.padding)
                              : Desc(kind, alg, c.x, c.w, c.y, c.stride, c.dilation, c.padding, c.padding),
                       attr, engine(), true);
#endif
}

using DataDesc = dnnl::convolution_backward_data::primitive_desc;
DataDesc data_desc(const ConvDescs& c, const dnnl::primitive_attr& attr, const ForwardDesc& hint) {
    constexpr auto alg = algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
    return DataDesc(engine(), alg, c.x, c.w, c.y, c.stride, c.dilation, c.padding, c.padding, hint, attr, true);
#else
    return DataDesc(
        dnnl::convolution_backward_data::desc(alg, c.x, c.w, c.y, c.stride, c.dilation, c.padding, c.padding), attr,
        engine(), hint, true);
#endif
}

using WeightsDesc = dnnl::convolution_backward_weights::primitive_desc;
WeightsDesc weights_desc(const ConvDescs& c, const dnnl::primitive_attr& attr, const ForwardDesc& hint) {
    constexpr auto alg = algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
    return c.bias ? WeightsDesc(engine(), alg, c.x, c.w, *c.bias, c.y, c.stride, c.dilation, c.padding, c.padding, hint,
                                attr, true)
                  : WeightsDesc(engine(), alg, c.x, c.w, c.y, c.stride, c.dilation, c.padding, c.padding, hint, attr,
                                true);
#else
    using Desc = dnnl::convolution_backward_weights::desc;
    return WeightsDesc(c.bias ? Desc(alg, c.x, c.w, *c.bias, c.y, c.stride, c.dilation, c.padding, c.padding)
                              : Desc(alg, c.x, c.w, c.y, c.stride, c.dilation, c.padding, c.padding),
                       attr, engine(), hint, true);
#endif
}

// --- Common ---------------------------------------------------------------------------------------------------------

dnnl::primitive_attr attributes() {
    dnnl::primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    return attr;
}

/// The suffix of a primitive's name.
std::string suffix(bool bias, Activation act) {
    static constexpr const char* kNames[] = {"", "+relu", "+sigmoid", "+tanh"};
    return std::string(bias ? "+bias" : "") + kNames[static_cast<int>(act)];
}

/// Whether `pd` exists and is more than oneDNN's reference loops (which take seconds where ours take milliseconds).
template <class Desc> bool usable(const Desc& pd) {
    return static_cast<bool>(pd) && std::string(pd.impl_info_str()).find("ref") == std::string::npos;
}

/// A short list of oneDNN primitives over operands and pieces of the workspace.
class Sequence final : public Primitive {
public:
    /// The memory of operand `index`.
    dnnl_memory_t operand(const memory::desc& desc, int index) { return bind(desc, index, 0); }
    /// Memory in the workspace; null for an empty one.
    dnnl_memory_t scratch(const memory::desc& desc) {
        const size_t bytes = desc.get_size();
        if (bytes == 0) return nullptr;
        const size_t at = workspace_bytes;
        workspace_bytes += (bytes + 63) / 64 * 64;
        return bind(desc, -1, at);
    }
    void add(dnnl::primitive primitive, std::vector<dnnl_exec_arg_t> args) {
        std::erase_if(args, [](const dnnl_exec_arg_t& a) { return a.memory == nullptr; });
        steps_.push_back({std::move(primitive), std::move(args)});
        kernels = static_cast<int32_t>(steps_.size());
    }
    void add_reorder(const memory::desc& from_desc, dnnl_memory_t from, const memory::desc& to_desc, dnnl_memory_t to) {
        dnnl::primitive_attr attr;
        attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
        const dnnl::reorder::primitive_desc pd(engine(), from_desc, engine(), to_desc, attr);
        add(dnnl::reorder(pd),
            {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}, {DNNL_ARG_SCRATCHPAD, scratch(pd.scratchpad_desc())}});
    }

    /// The last step: act over the `count` dense elements of an operand.
    void finish(Activation act, int operand, int64_t count) {
        act_ = act;
        act_operand_ = operand;
        act_count_ = count;
    }

    void run(void* const* args, void* workspace) const override {
        base::sync_library_threads();
        for (const Binding& b : bindings_)
            b.memory.set_data_handle(b.operand >= 0 ? args[b.operand] : static_cast<char*>(workspace) + b.offset);
        for (const Step& s : steps_) {
            const dnnl_status_t status = dnnl_primitive_execute(s.primitive.get(), stream().get(),
                                                                static_cast<int>(s.args.size()), s.args.data());
            if (status != dnnl_success)
                throw Error(name + ": oneDNN failed with status " + std::to_string(static_cast<int>(status)));
        }
        if (act_ == Activation::none) return;
        const int64_t grain = act_ == Activation::relu ? 32 << 10 : 4 << 10; // about 5 us
        base::parallel_for(act_count_, grain, [&](int64_t begin, int64_t end) {
            activate(static_cast<float*>(args[act_operand_]) + begin, end - begin, act_);
        });
    }

private:
    struct Binding {
        dnnl::memory memory;
        int operand;
        size_t offset;
    };
    struct Step {
        dnnl::primitive primitive;
        std::vector<dnnl_exec_arg_t> args;
    };
    dnnl_memory_t bind(const memory::desc& desc, int operand, size_t offset) {
        bindings_.push_back({memory(desc, engine(), DNNL_MEMORY_NONE), operand, offset});
        return bindings_.back().memory.get();
    }
    std::vector<Binding> bindings_;
    std::vector<Step> steps_;
    Activation act_ = Activation::none;
    int act_operand_ = 0;
    int64_t act_count_ = 0;
};

Dims dims_of(const Ints& ints) { return Dims(ints.begin(), ints.end()); }

/// The descriptor of one operand of a matmul: batch axes of stride 0 are broadcast (extent 1).
memory::desc matmul_operand(const Ints& batch, const Ints& strides, int64_t rows, int64_t cols, int64_t row,
                            int64_t col) {
    Dims dims = dims_of(batch), s = dims_of(strides);
    // The stride of an axis of extent 1 means nothing; one that fits lets oneDNN recognise the layout.
    if (rows == 1) row = col == 1 ? cols : 1;
    if (cols == 1) col = row == 1 ? rows : 1;
    int64_t span = std::max(rows * row, cols * col);
    for (size_t i = dims.size(); i-- > 0;) {
        if (s[i] == 0) {
            dims[i] = 1;
            s[i] = span; // of an axis of extent 1: anything that does not look like an overlap
        }
        span = std::max(span, s[i] * dims[i]);
    }
    dims.insert(dims.end(), {rows, cols});
    s.insert(s.end(), {row, col});
    return memory::desc(dims, kF32, s);
}

Tag tag_of(Format f, int64_t channels) {
    if (f.is_channels_last() || f.block == channels) return Tag::nhwc;
    switch (f.block) {
    case 1: return Tag::nchw;
    case 4: return Tag::nChw4c;
    case 8: return Tag::nChw8c;
    case 16: return Tag::nChw16c;
    default: return Tag::undef;
    }
}

} // namespace

bool available() { return true; }

PrimitivePtr make_matmul(const MatmulSpec& s) {
    if (s.dtype != DType::f32 || s.batch.size() + 2 > DNNL_MAX_NDIMS) return nullptr;
    base::sync_library_threads();
    const memory::desc a = matmul_operand(s.batch, s.a_batch, s.m, s.k, s.a_row, s.a_col);
    const memory::desc b = matmul_operand(s.batch, s.b_batch, s.k, s.n, s.b_row, s.b_col);
    Dims c_dims = dims_of(s.batch), bias_dims(s.batch.size() + 1, 1);
    c_dims.insert(c_dims.end(), {s.m, s.n});
    bias_dims.push_back(s.n);
    Dims c_strides(c_dims.size(), 1);
    for (size_t i = c_dims.size() - 1; i-- > 0;) c_strides[i] = c_strides[i + 1] * c_dims[i + 1];
    Dims bias_strides(bias_dims.size(), s.n);
    bias_strides.back() = 1;
    const memory::desc c(c_dims, kF32, c_strides), bias(bias_dims, kF32, bias_strides);
    const MatmulDesc pd = matmul_desc(a, b, s.bias ? &bias : nullptr, c, attributes());
    if (!usable(pd)) return nullptr;
    auto p = std::make_unique<Sequence>();
    p->name = "onednn:matmul" + suffix(s.bias, s.act);
    p->add(dnnl::matmul(pd), {{DNNL_ARG_SRC, p->operand(a, 0)},
                              {DNNL_ARG_WEIGHTS, p->operand(b, 1)},
                              {DNNL_ARG_BIAS, s.bias ? p->operand(bias, 2) : nullptr},
                              {DNNL_ARG_DST, p->operand(c, s.bias ? 3 : 2)},
                              {DNNL_ARG_SCRATCHPAD, p->scratch(pd.scratchpad_desc())}});
    int64_t count = 1;
    for (const int64_t d : c_dims) count *= d;
    p->finish(s.act, s.bias ? 3 : 2, count);
    return p;
}

namespace {

/// One convolution with x in `x_tag` and the weights in `w_tag`; x is reordered from or to the spec's format if that differs.
PrimitivePtr build_conv(const ConvSpec& s, ConvKind kind, Tag x_tag, Tag w_tag) {
    const Dims x_dims{s.n, s.c, s.h, s.w};
    Dims w_dims{s.o / s.groups, s.c / s.groups, s.kh, s.kw};
    if (s.groups > 1) w_dims.insert(w_dims.begin(), s.groups);
    const memory::desc user_x(x_dims, kF32, tag_of(s.x_format, s.c)), bias({s.o}, kF32, Tag::x);
    const memory::desc user_w(w_dims, kF32, s.groups > 1 ? Tag::goihw : Tag::oihw);
    const ConvDescs descs{memory::desc(x_dims, kF32, x_tag),
                          memory::desc(w_dims, kF32, w_tag),
                          memory::desc({s.n, s.o, s.oh, s.ow}, kF32, tag_of(s.y_format, s.o)),
                          s.bias ? &bias : nullptr,
                          {s.stride[0], s.stride[1]},
                          {s.dilation[0] - 1, s.dilation[1] - 1},
                          {s.padding[0], s.padding[1]}};
    const ForwardDesc forward = forward_desc(descs, attributes());
    if (!forward) return nullptr;
    auto p = std::make_unique<Sequence>();

    // An operand in the layout that the primitive wants: as it is, or reordered into the workspace.
    const auto input = [&](const memory::desc& user, const memory::desc& want, int index) {
        const dnnl_memory_t from = p->operand(user, index);
        if (want == user) return from;
        const dnnl_memory_t to = p->scratch(want);
        p->add_reorder(user, from, want, to);
        return to;
    };
    // A result in the primitive's layout; `finish` then brings it into the operand.
    const auto output = [&](const memory::desc& user, const memory::desc& have, int index) {
        return have == user ? p->operand(user, index) : p->scratch(have);
    };
    const auto finish = [&](const memory::desc& user, const memory::desc& have, dnnl_memory_t from, int index) {
        if (!(have == user)) p->add_reorder(have, from, user, p->operand(user, index));
    };
    switch (kind) {
    case ConvKind::forward: {
        if (!usable(forward)) return nullptr;
        p->name = "onednn:conv2d" + suffix(s.bias, s.act);
        const dnnl_memory_t x = input(user_x, descs.x, 0), w = input(user_w, forward.weights_desc(), 1);
        p->add(dnnl::convolution_forward(forward), {{DNNL_ARG_SRC, x},
                                                    {DNNL_ARG_WEIGHTS, w},
                                                    {DNNL_ARG_BIAS, s.bias ? p->operand(bias, 2) : nullptr},
                                                    {DNNL_ARG_DST, p->operand(descs.y, s.bias ? 3 : 2)},
                                                    {DNNL_ARG_SCRATCHPAD, p->scratch(forward.scratchpad_desc())}});
        p->finish(s.act, s.bias ? 3 : 2, s.n * s.o * s.oh * s.ow);
        break;
    }
    case ConvKind::input_grad: {
        const DataDesc pd = data_desc(descs, attributes(), forward);
        if (!usable(pd)) return nullptr;
        p->name = "onednn:conv2d_input_grad";
        const dnnl_memory_t w = input(user_w, pd.weights_desc(), 0), gx = output(user_x, descs.x, 2);
        p->add(dnnl::convolution_backward_data(pd), {{DNNL_ARG_WEIGHTS, w},
                                                     {DNNL_ARG_DIFF_DST, p->operand(descs.y, 1)},
                                                     {DNNL_ARG_DIFF_SRC, gx},
                                                     {DNNL_ARG_SCRATCHPAD, p->scratch(pd.scratchpad_desc())}});
        finish(user_x, descs.x, gx, 2);
        break;
    }
    case ConvKind::weight_grad: {
        const WeightsDesc pd = weights_desc(descs, attributes(), forward);
        if (!usable(pd)) return nullptr;
        p->name = "onednn:conv2d_weight_grad" + suffix(s.bias, Activation::none);
        const dnnl_memory_t x = input(user_x, descs.x, 0), gw = output(user_w, pd.diff_weights_desc(), 2);
        p->add(dnnl::convolution_backward_weights(pd), {{DNNL_ARG_SRC, x},
                                                        {DNNL_ARG_DIFF_DST, p->operand(descs.y, 1)},
                                                        {DNNL_ARG_DIFF_WEIGHTS, gw},
                                                        {DNNL_ARG_DIFF_BIAS, s.bias ? p->operand(bias, 3) : nullptr},
                                                        {DNNL_ARG_SCRATCHPAD, p->scratch(pd.scratchpad_desc())}});
        finish(user_w, pd.diff_weights_desc(), gw, 2);
        break;
    }
    }
    return p;
}

} // namespace

PrimitivePtr make_conv(const ConvSpec& s, ConvKind kind) {
    const Tag x_tag = tag_of(s.x_format, s.c), y_tag = tag_of(s.y_format, s.o);
    if (s.dtype != DType::f32 || x_tag == Tag::undef || y_tag == Tag::undef) return nullptr;
    base::sync_library_threads();
#if DNNL_VERSION_MAJOR < 3
    // 2.x prefers its "brgconv" forward kernels for channels-last. With more than a few images its older AVX-512 kernels are up
    // to 1.8 times faster (512 channels at 4 x 4) and never slower; asking for their layout of the weights selects them.
    if (kind == ConvKind::forward && x_tag == Tag::nhwc && y_tag == Tag::nhwc && s.groups == 1 && s.c % 16 == 0 &&
        s.o % 16 == 0 && s.kh * s.kw > 1 && s.n >= 4)
        if (PrimitivePtr p = build_conv(s, kind, x_tag, Tag::OIhw16i16o)) return p;
#endif
    // oneDNN chooses the layout of the weights: reordering them costs less than it gains on every layer measured.
    PrimitivePtr p = build_conv(s, kind, x_tag, Tag::any);
    // It has no kernels from one format to another.
    if (!p && x_tag != y_tag && (y_tag == Tag::nhwc || y_tag == Tag::nchw)) p = build_conv(s, kind, y_tag, Tag::any);
    return p;
}

} // namespace ingot::cpu::onednn

#else

namespace ingot::cpu::onednn {
bool available() { return false; }
PrimitivePtr make_matmul(const MatmulSpec&) { return nullptr; }
PrimitivePtr make_conv(const ConvSpec&, ConvKind) { return nullptr; }
} // namespace ingot::cpu::onednn

#endif
