// SPDX-License-Identifier: MIT
#include <cmath>

#include <ingot/nn/conv.h>
#include <ingot/ops/conv.h>

#include "nn/draw.h"

namespace ingot::nn {

Conv2d::Conv2d(int64_t in_channels, int64_t out_channels, Conv2dOptions options) : options_(options) {
    const std::string sizes = std::to_string(in_channels) + ", " + std::to_string(out_channels);
    if (in_channels <= 0 || out_channels <= 0 || options.kernel.h <= 0 || options.kernel.w <= 0)
        throw ShapeError("Conv2d(" + sizes + "): channels and kernel must be positive");
    if (options.groups <= 0 || in_channels % options.groups != 0 || out_channels % options.groups != 0)
        throw ShapeError("Conv2d(" + sizes + "): groups = " + std::to_string(options.groups) +
                         " does not divide both channels");
    const int64_t fan_in = in_channels / options.groups * options.kernel.h * options.kernel.w;
    const double bound = 1 / std::sqrt(static_cast<double>(fan_in));
    weight = register_parameter(
        "weight",
        draw_uniform({out_channels, in_channels / options.groups, options.kernel.h, options.kernel.w}, bound));
    if (options.bias) bias = register_parameter("bias", draw_uniform({out_channels}, bound));
}

Tensor Conv2d::forward(Tensor x) {
    return conv2d(x, weight, bias,
                  {.stride = options_.stride,
                   .padding = options_.padding,
                   .dilation = options_.dilation,
                   .groups = options_.groups});
}

} // namespace ingot::nn
