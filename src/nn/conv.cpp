// SPDX-License-Identifier: MIT
#include <ingot/nn/conv.h>
#include <ingot/ops/conv.h>

#include "nn/draw.h"

namespace ingot::nn {

namespace {

/// Errors: ShapeError for sizes of `layer` that make no sense.
void check(const char* layer, int64_t in, int64_t out, Int2 kernel, int64_t groups) {
    const std::string what = std::string(layer) + "(" + std::to_string(in) + ", " + std::to_string(out) + ")";
    if (in <= 0 || out <= 0 || kernel.h <= 0 || kernel.w <= 0)
        throw ShapeError(what + ": channels and kernel must be positive");
    if (groups <= 0 || in % groups != 0 || out % groups != 0)
        throw ShapeError(what + ": groups = " + std::to_string(groups) + " does not divide both channels");
}

} // namespace

Conv2d::Conv2d(int64_t in_channels, int64_t out_channels, Conv2dOptions options) : options_(options) {
    check("Conv2d", in_channels, out_channels, options.kernel, options.groups);
    draw_parameters(*this, {out_channels, in_channels / options.groups, options.kernel.h, options.kernel.w},
                    out_channels, options.bias);
}

Tensor Conv2d::forward(Tensor x) {
    return conv2d(x, weight, bias,
                  {.stride = options_.stride,
                   .padding = options_.padding,
                   .dilation = options_.dilation,
                   .groups = options_.groups});
}

Conv1d::Conv1d(int64_t in_channels, int64_t out_channels, Conv1dOptions options) : options_(options) {
    check("Conv1d", in_channels, out_channels, options.kernel, options.groups);
    draw_parameters(*this, {out_channels, in_channels / options.groups, options.kernel}, out_channels, options.bias);
}

Tensor Conv1d::forward(Tensor x) {
    return conv1d(x, weight, bias,
                  {.stride = options_.stride,
                   .padding = options_.padding,
                   .dilation = options_.dilation,
                   .groups = options_.groups});
}

ConvTranspose2d::ConvTranspose2d(int64_t in_channels, int64_t out_channels, ConvTranspose2dOptions options)
    : options_(options) {
    check("ConvTranspose2d", in_channels, out_channels, options.kernel, options.groups);
    draw_parameters(*this, {in_channels, out_channels / options.groups, options.kernel.h, options.kernel.w},
                    out_channels, options.bias);
}

Tensor ConvTranspose2d::forward(Tensor x) {
    return conv_transpose2d(x, weight, bias,
                            {.stride = options_.stride,
                             .padding = options_.padding,
                             .output_padding = options_.output_padding,
                             .dilation = options_.dilation,
                             .groups = options_.groups});
}

ConvTranspose1d::ConvTranspose1d(int64_t in_channels, int64_t out_channels, ConvTranspose1dOptions options)
    : options_(options) {
    check("ConvTranspose1d", in_channels, out_channels, options.kernel, options.groups);
    draw_parameters(*this, {in_channels, out_channels / options.groups, options.kernel}, out_channels, options.bias);
}

Tensor ConvTranspose1d::forward(Tensor x) {
    return conv_transpose1d(x, weight, bias,
                            {.stride = options_.stride,
                             .padding = options_.padding,
                             .output_padding = options_.output_padding,
                             .dilation = options_.dilation,
                             .groups = options_.groups});
}

} // namespace ingot::nn
