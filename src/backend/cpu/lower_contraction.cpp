// SPDX-License-Identifier: MIT
// Matrix products, convolutions and pooling: from a node's attributes to the specification of a primitive.
#include <ingot/error.h>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/primitive.h"

namespace ingot::cpu {

using graph::Prim;

namespace {

class PrimitiveKernel final : public backend::Kernel {
public:
    explicit PrimitiveKernel(PrimitivePtr primitive) : primitive_(std::move(primitive)) {
        name = primitive_->name;
        bytes = primitive_->bytes;
        flops = primitive_->flops;
        launches = primitive_->kernels;
        workspace_bytes = primitive_->workspace_bytes;
    }
    void run(void* const* args, void* workspace, program::ErrorWord*) const override {
        primitive_->run(args, workspace);
    }

private:
    PrimitivePtr primitive_;
};

/// The act attribute: 0 none, 1 + Scalar.
Activation activation(int64_t attr) {
    if (attr == 0) return Activation::none;
    switch (static_cast<Scalar>(attr - 1)) {
    case Scalar::relu: return Activation::relu;
    case Scalar::sigmoid: return Activation::sigmoid;
    case Scalar::tanh: return Activation::tanh;
    default: throw Error("an activation that no kernel has");
    }
}

const ir::Value& value(const ir::Graph& g, ir::ValueId v) { return g.values[static_cast<size_t>(v)]; }

PrimitivePtr matmul(const ir::Graph& g, const ir::Node& n) {
    const Shape& a = g.type(n.inputs[0]).shape;
    const Shape& b = g.type(n.inputs[1]).shape;
    const Shape& y = g.type(n.outputs[0]).shape;
    const size_t r = y.rank();
    const bool ta = n.attrs[0] != 0, tb = n.attrs[1] != 0;
    MatmulSpec s;
    s.dtype = g.type(n.outputs[0]).dtype;
    s.m = y[r - 2];
    s.n = y[r - 1];
    s.k = a[r - (ta ? 2 : 1)];
    const Ints sa = a.strides(), sb = b.strides();
    for (size_t d = 0; d + 2 < r; ++d) {
        s.batch.push_back(y[d]);
        s.a_batch.push_back(a[d] == 1 ? 0 : sa[d]);
        s.b_batch.push_back(b[d] == 1 ? 0 : sb[d]);
    }
    s.a_row = sa[r - (ta ? 1 : 2)];
    s.a_col = sa[r - (ta ? 2 : 1)];
    s.b_row = sb[r - (tb ? 1 : 2)];
    s.b_col = sb[r - (tb ? 2 : 1)];
    s.bias = n.inputs.size() == 3;
    s.act = activation(n.attrs[2]);
    return make_matmul(s);
}

ConvSpec conv_spec(const ir::Node& n, DType dtype, const Shape& x, const Shape& w, const Shape& y) {
    ConvSpec s;
    s.dtype = dtype;
    s.n = x[0];
    s.c = x[1];
    s.h = x[2];
    s.w = x[3];
    s.o = w[0];
    s.kh = w[2];
    s.kw = w[3];
    s.oh = y[2];
    s.ow = y[3];
    for (size_t i = 0; i < 2; ++i) {
        s.stride[i] = n.attrs[i];
        s.padding[i] = n.attrs[2 + i];
        s.dilation[i] = n.attrs[4 + i];
    }
    s.groups = n.attrs[6];
    return s;
}

PrimitivePtr conv(const ir::Graph& g, const ir::Node& n) {
    const DType dtype = g.type(n.outputs[0]).dtype;
    const ir::Value &in0 = value(g, n.inputs[0]), &in1 = value(g, n.inputs[1]), &out = value(g, n.outputs[0]);
    switch (n.prim()) {
    case Prim::conv2d: {
        ConvSpec s = conv_spec(n, dtype, in0.type.shape, in1.type.shape, out.type.shape);
        s.x_format = in0.format;
        s.y_format = out.format;
        s.bias = n.inputs.size() == 3;
        s.act = activation(n.attrs[7]);
        return make_conv2d(s);
    }
    case Prim::conv2d_input_grad: {
        ConvSpec s = conv_spec(n, dtype, out.type.shape, in0.type.shape, in1.type.shape);
        s.x_format = out.format;
        s.y_format = in1.format;
        return make_conv2d_input_grad(s);
    }
    default: {
        ConvSpec s = conv_spec(n, dtype, in0.type.shape, out.type.shape, in1.type.shape);
        s.x_format = in0.format;
        s.y_format = in1.format;
        return make_conv2d_weight_grad(s);
    }
    }
}

PrimitivePtr pool(const ir::Graph& g, const ir::Node& n) {
    const bool backward = n.prim() == Prim::max_pool2d_grad || n.prim() == Prim::avg_pool2d_grad;
    const ir::Value& x = value(g, backward ? n.outputs[0] : n.inputs[0]);
    const ir::Value& y = value(g, backward ? n.inputs[0] : n.outputs[0]);
    PoolSpec s;
    s.dtype = x.type.dtype;
    s.n = x.type.shape[0];
    s.c = x.type.shape[1];
    s.h = x.type.shape[2];
    s.w = x.type.shape[3];
    s.oh = y.type.shape[2];
    s.ow = y.type.shape[3];
    s.kh = n.attrs[0];
    s.kw = n.attrs[1];
    for (size_t i = 0; i < 2; ++i) {
        s.stride[i] = n.attrs[2 + i];
        s.padding[i] = n.attrs[4 + i];
    }
    s.format = x.format;
    switch (n.prim()) {
    case Prim::max_pool2d: return make_max_pool2d(s);
    case Prim::max_pool2d_grad: return make_max_pool2d_grad(s);
    case Prim::max_pool2d_gather: return make_max_pool2d_gather(s);
    case Prim::avg_pool2d: s.count_include_pad = n.attrs[6] != 0; return make_avg_pool2d(s);
    default: s.count_include_pad = n.attrs[6] != 0; return make_avg_pool2d_grad(s);
    }
}

} // namespace

backend::KernelPtr lower_contraction(const ir::Graph& g, const ir::Node& n) {
    const auto supported = [&] {
        const DType t = g.type(n.outputs[0]).dtype;
        return t == DType::f32 || t == DType::f64;
    };
    switch (n.prim()) {
    case Prim::matmul: return supported() ? std::make_unique<PrimitiveKernel>(matmul(g, n)) : nullptr;
    case Prim::conv2d:
    case Prim::conv2d_input_grad:
    case Prim::conv2d_weight_grad: return supported() ? std::make_unique<PrimitiveKernel>(conv(g, n)) : nullptr;
    case Prim::max_pool2d:
    case Prim::max_pool2d_grad:
    case Prim::max_pool2d_gather:
    case Prim::avg_pool2d:
    case Prim::avg_pool2d_grad: return supported() ? std::make_unique<PrimitiveKernel>(pool(g, n)) : nullptr;
    default: return nullptr;
    }
}

} // namespace ingot::cpu
