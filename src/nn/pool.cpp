// SPDX-License-Identifier: MIT
#include <ingot/nn/pool.h>

namespace ingot::nn {

Tensor MaxPool2d::forward(Tensor x) { return max_pool2d(x, kernel_, options_); }
Tensor AvgPool2d::forward(Tensor x) { return avg_pool2d(x, kernel_, options_); }

namespace {

Int2 checked(const char* layer, Int2 size) {
    if (size.h < 1 || size.w < 1) throw ShapeError(std::string(layer) + ": the output size must be at least 1");
    return size;
}

} // namespace

AdaptiveAvgPool2d::AdaptiveAvgPool2d(Int2 output_size) : size_(checked("AdaptiveAvgPool2d", output_size)) {}
Tensor AdaptiveAvgPool2d::forward(Tensor x) { return adaptive_avg_pool2d(x, size_); }

AdaptiveMaxPool2d::AdaptiveMaxPool2d(Int2 output_size) : size_(checked("AdaptiveMaxPool2d", output_size)) {}
Tensor AdaptiveMaxPool2d::forward(Tensor x) { return adaptive_max_pool2d(x, size_); }

AdaptiveAvgPool1d::AdaptiveAvgPool1d(int64_t output_size) : size_(checked("AdaptiveAvgPool1d", output_size).h) {}
Tensor AdaptiveAvgPool1d::forward(Tensor x) { return adaptive_avg_pool1d(x, size_); }

AdaptiveMaxPool1d::AdaptiveMaxPool1d(int64_t output_size) : size_(checked("AdaptiveMaxPool1d", output_size).h) {}
Tensor AdaptiveMaxPool1d::forward(Tensor x) { return adaptive_max_pool1d(x, size_); }

Tensor MaxPool1d::forward(Tensor x) { return max_pool1d(x, kernel_, options_); }
Tensor AvgPool1d::forward(Tensor x) { return avg_pool1d(x, kernel_, options_); }

} // namespace ingot::nn
