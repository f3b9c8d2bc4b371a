// SPDX-License-Identifier: MIT
// Convolution, in the sense of deep learning (cross-correlation), with PyTorch's layouts and options.
// Letters: N = batch, C = input channels, O = output channels, H, W = image, G = groups.
#pragma once

#include <ingot/ops/types.h>
#include <ingot/tensor.h>

namespace ingot {

struct Conv2dOptions {
    Int2 stride = 1;
    Int2 padding = 0; ///< zeros at both sides
    Int2 dilation = 1;
    int64_t groups = 1; ///< divides C and O
};

/// x: [N, C, H, W]; weight: [O, C / G, kh, kw]; bias: [O] or undefined; one float dtype. Result: [N, O, H', W'] with
/// H' = (H + 2 * padding - dilation * (kh - 1) - 1) / stride + 1, rounded down.
/// Errors: ShapeError naming the shapes and what does not fit; DTypeError.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const Conv2dOptions& options = {});

struct Conv1dOptions {
    int64_t stride = 1;
    int64_t padding = 0; ///< zeros at both ends
    int64_t dilation = 1;
    int64_t groups = 1; ///< divides C and O
};

/// conv2d along one axis. x: [N, C, L]; weight: [O, C / G, k]; bias: [O] or undefined. Result: [N, O, L'].
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const Conv1dOptions& options = {});

struct ConvTranspose2dOptions {
    Int2 stride = 1;
    Int2 padding = 0;        ///< rows and columns cut off the result at both sides
    Int2 output_padding = 0; ///< more rows and columns at the end; below stride
    Int2 dilation = 1;
    int64_t groups = 1; ///< divides C and O
};

/// The transpose of conv2d, as its gradient by x: every element of x adds its multiple of the kernel to the result.
/// x: [N, C, H, W]; weight: [C, O / G, kh, kw]; bias: [O] or undefined. Result: [N, O, H', W'] with
/// H' = (H - 1) * stride - 2 * padding + dilation * (kh - 1) + output_padding + 1. Errors: ShapeError; DTypeError.
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTranspose2dOptions& options = {});

struct ConvTranspose1dOptions {
    int64_t stride = 1;
    int64_t padding = 0;
    int64_t output_padding = 0; ///< below stride
    int64_t dilation = 1;
    int64_t groups = 1;
};

/// conv_transpose2d along one axis. x: [N, C, L]; weight: [C, O / G, k]. Result: [N, O, L'].
Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTranspose1dOptions& options = {});

} // namespace ingot
