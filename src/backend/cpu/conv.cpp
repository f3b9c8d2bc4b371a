// SPDX-License-Identifier: MIT
#include "backend/cpu/conv.h"

#include <ingot/error.h>

#include "base/check.h"

namespace ingot::cpu {

namespace {

double bytes_of(const ConvSpec& s, ConvKind kind) {
    const double x = double(s.n) * double(s.c) * double(s.h) * double(s.w),
                 y = double(s.n) * double(s.o) * double(s.oh) * double(s.ow);
    const double w = double(s.o) * double(s.c / s.groups) * double(s.kh) * double(s.kw);
    const double bias = s.bias && kind != ConvKind::input_grad ? double(s.o) : 0;
    return double(size_of(s.dtype)) * (x + y + w + bias);
}

void check(const ConvSpec& s, ConvKind kind) {
    INGOT_ASSERT(s.dtype == DType::f32 || s.dtype == DType::f64, "convolution of a dtype that has no kernel");
    INGOT_ASSERT(s.groups > 0 && s.c % s.groups == 0 && s.o % s.groups == 0, "groups must divide the channels");
    for (int i = 0; i < 2; ++i) {
        const int64_t in = i == 0 ? s.h : s.w, k = i == 0 ? s.kh : s.kw, out = i == 0 ? s.oh : s.ow;
        INGOT_ASSERT(out == (in + 2 * s.padding[i] - s.dilation[i] * (k - 1) - 1) / s.stride[i] + 1,
                     "the output extent of a convolution does not follow from its input");
    }
    INGOT_ASSERT(kind != ConvKind::input_grad || (!s.bias && s.act == Activation::none),
                 "an input gradient has no bias and no activation");
    INGOT_ASSERT(kind != ConvKind::weight_grad || s.act == Activation::none, "a weight gradient has no activation");
    for (auto [f, channels] : {std::pair(s.x_format, s.c), std::pair(s.y_format, s.o)})
        INGOT_ASSERT(f.block == Format::kAll || (f.block > 0 && channels % f.block == 0),
                     "a block must divide the channels");
}

} // namespace

PrimitivePtr make_conv(const ConvSpec& s, ConvKind kind, Library library) {
    check(s, kind);
    const bool empty = s.n * s.c * s.o * s.oh * s.ow == 0;
    PrimitivePtr p;
    if (!empty && library != Library::onednn) p = make_conv_narrow(s, kind);
    if (!empty && !p && library != Library::own) p = onednn::make_conv(s, kind);
    if (!p && (library != Library::onednn || empty)) p = make_conv_own(s, kind);
    if (!p) return nullptr;
    p->flops = 2.0 * double(s.n) * double(s.o) * double(s.oh) * double(s.ow) * double(s.c / s.groups) * double(s.kh) *
               double(s.kw);
    p->bytes = bytes_of(s, kind);
    return p;
}

PrimitivePtr make_conv2d(const ConvSpec& s) { return make_conv(s, ConvKind::forward, Library::automatic); }
PrimitivePtr make_conv2d_input_grad(const ConvSpec& s) {
    return make_conv(s, ConvKind::input_grad, Library::automatic);
}
PrimitivePtr make_conv2d_weight_grad(const ConvSpec& s) {
    return make_conv(s, ConvKind::weight_grad, Library::automatic);
}

} // namespace ingot::cpu
