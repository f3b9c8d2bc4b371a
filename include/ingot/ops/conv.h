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

} // namespace ingot
