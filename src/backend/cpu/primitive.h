// SPDX-License-Identifier: MIT
// The heavy CPU primitives: matrix products, convolutions, pooling, data movement that no fused program expresses. Each is
// planned once (make_*) and then run any number of times without allocating or creating anything. Made and owned by the
// executables' kernels (backend/cpu/lower_*.cpp). run() of one object must not be called from two threads at once.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ingot/dtype.h>
#include <ingot/shape.h>

#include "graph/format.h"

namespace ingot::cpu {

/// What is applied to a contraction's result before it is stored: y = act(x w + bias).
enum class Activation : uint8_t { none, relu, sigmoid, tanh };

class Primitive {
public:
    virtual ~Primitive() = default;
    /// args: the operands in the order that the make_* function documents, results last. workspace: workspace_bytes() of
    /// 64-byte aligned memory that holds nothing between runs (may be null when zero).
    virtual void run(void* const* args, void* workspace) const = 0;

    size_t workspace_bytes = 0;
    std::string name; ///< for reports, for example "onednn:matmul+relu"
    double flops = 0;
    double bytes = 0; ///< least memory traffic: operands and results once
    int32_t kernels =
        1; ///< library primitives inside, reorders counted; an activation at the end belongs to what it ends
};
using PrimitivePtr = std::unique_ptr<Primitive>;

/// C[batch, m, n] = act(A[batch, m, k] B[batch, k, n] + bias[n]). args: A, B, (bias,) C.
/// Batch strides are per batch axis (0 = broadcast), row/column strides in elements: any transposed view is fine. C is dense
/// row-major. f32 or f64 (own blocked kernel for f64 and without oneDNN).
struct MatmulSpec {
    DType dtype = DType::f32;
    Ints batch; ///< extents of the batch axes of C
    int64_t m = 0, n = 0, k = 0;
    Ints a_batch, b_batch; ///< strides per batch axis
    int64_t a_row = 0, a_col = 0, b_row = 0, b_col = 0;
    bool bias = false;
    Activation act = Activation::none;
};
PrimitivePtr make_matmul(const MatmulSpec&);

/// A convolution (cross-correlation, as in PyTorch). N, C, H, W input; O outputs; x [N, C, H, W], w [O, C/groups, KH, KW],
/// y [N, O, OH, OW], OH = (H + 2 pad - dil (KH - 1) - 1) / stride + 1. w and its gradient are row-major OIHW.
struct ConvSpec {
    DType dtype = DType::f32;
    int64_t n = 0, c = 0, h = 0, w = 0, o = 0, kh = 0, kw = 0, oh = 0, ow = 0;
    int64_t stride[2] = {1, 1}, padding[2] = {0, 0}, dilation[2] = {1, 1};
    int64_t groups = 1;
    Format x_format, y_format; ///< row-major, channels-last, or blocked
    bool bias = false;
    Activation act = Activation::none;
};
PrimitivePtr make_conv2d(const ConvSpec&);             ///< args: x, w, (bias,) y
PrimitivePtr make_conv2d_input_grad(const ConvSpec&);  ///< args: w, gy, gx; bias and act must be off
PrimitivePtr make_conv2d_weight_grad(const ConvSpec&); ///< args: x, gy, gw (, gb[O] when spec.bias)

/// Pooling. x, y as above with C = O. Max pooling also yields idx: u8 [N, C, OH, OW] in y's format, the position kh * KW + kw in
/// the window of the first maximum (NaN counts as largest; windows of at most 256 elements). Padding never wins.
struct PoolSpec {
    DType dtype = DType::f32;
    int64_t n = 0, c = 0, h = 0, w = 0, kh = 0, kw = 0, oh = 0, ow = 0;
    int64_t stride[2] = {1, 1}, padding[2] = {0, 0};
    bool count_include_pad = true; ///< average pooling: divide by KH KW everywhere, else by the elements inside
    Format format;                 ///< of x, y, idx and gradients alike
};
PrimitivePtr make_max_pool2d(const PoolSpec&); ///< args: x, y, idx
PrimitivePtr
make_max_pool2d_grad(const PoolSpec&); ///< args: gy, idx, gx: gx = sum of gy over the windows whose maximum it was
PrimitivePtr make_max_pool2d_gather(const PoolSpec&); ///< args: x, idx, y: y = x at idx (the transpose of the gradient)
PrimitivePtr make_avg_pool2d(const PoolSpec&);        ///< args: x, y
PrimitivePtr make_avg_pool2d_grad(const PoolSpec&);   ///< args: gy, gx

} // namespace ingot::cpu
