// SPDX-License-Identifier: MIT
#include <ingot/nn/pool.h>

namespace ingot::nn {

Tensor MaxPool2d::forward(Tensor x) { return max_pool2d(x, kernel_, options_); }
Tensor AvgPool2d::forward(Tensor x) { return avg_pool2d(x, kernel_, options_); }

AdaptiveAvgPool2d::AdaptiveAvgPool2d(Int2 output_size) {
    if (output_size != Int2(1))
        throw Error("AdaptiveAvgPool2d: only an output size of 1 is there; use AvgPool2d for others");
}

Tensor AdaptiveAvgPool2d::forward(Tensor x) { return global_avg_pool2d(x); }

} // namespace ingot::nn
