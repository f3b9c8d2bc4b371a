// SPDX-License-Identifier: MIT
// Pooling over windows of images. Letters: N = batch, C = channels, H, W = image.
// Result: [N, C, H', W'] with H' = (H + 2 * padding - kernel) / stride + 1, rounded down. Float dtypes.
#pragma once

#include <ingot/ops/types.h>
#include <ingot/tensor.h>

namespace ingot {

struct Pool2dOptions {
    Int2 stride = 0;               ///< 0: the kernel
    Int2 padding = 0;              ///< at most half of the kernel
    bool count_include_pad = true; ///< avg_pool2d only: zeros of the padding count in the mean
};

/// The largest of each window; the padding never wins; NaN wins. The gradient goes to the first largest in row order.
/// x: [N, C, H, W]. Errors: ShapeError (rank, window larger than the padded image, kernel over 256 elements, padding).
Tensor max_pool2d(const Tensor& x, Int2 kernel, const Pool2dOptions& options = {});
/// The mean of each window. x: [N, C, H, W].
Tensor avg_pool2d(const Tensor& x, Int2 kernel, const Pool2dOptions& options = {});
struct Pool1dOptions {
    int64_t stride = 0; ///< 0: the kernel
    int64_t padding = 0;
    bool count_include_pad = true; ///< avg_pool1d only
};
/// The same along one axis. x: [N, C, L]; result: [N, C, L'].
Tensor max_pool1d(const Tensor& x, int64_t kernel, const Pool1dOptions& options = {});
Tensor avg_pool1d(const Tensor& x, int64_t kernel, const Pool1dOptions& options = {});

/// Pooling to a given size: window i of n covers the rows from floor(i H / n) to ceil((i + 1) H / n). Of equally large
/// elements the first in row order takes the gradient. x: [N, C, H, W]; result: [N, C, size.h, size.w].
Tensor adaptive_avg_pool2d(const Tensor& x, Int2 size);
Tensor adaptive_max_pool2d(const Tensor& x, Int2 size);
/// x: [N, C, L]; result: [N, C, size].
Tensor adaptive_avg_pool1d(const Tensor& x, int64_t size);
Tensor adaptive_max_pool1d(const Tensor& x, int64_t size);

/// The mean of each image: adaptive average pooling to 1x1. x: [N, C, H, W]; result: [N, C, 1, 1].
Tensor global_avg_pool2d(const Tensor& x);

} // namespace ingot
