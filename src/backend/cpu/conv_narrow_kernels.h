// SPDX-License-Identifier: MIT
// Register kernels for convolutions with few input channels, under conv_narrow.cpp: one image (or some of its rows) at a time,
// one thread, SIMD chosen at run time. Two shapes of tile, by where y's vectors run:
//   channels: y is [row][pixel][o], a vector holds output channels; any stride.
//   width:    y is [o][row][pixel], a vector holds neighbouring pixels; stride 1 and rows of at least one vector.
// Every tap (c, kh, kw) is an offset from the pixel's base address in the source, which holds its own padding.
#pragma once

#include <cstdint>

namespace ingot::cpu {

struct NarrowForward {
    const float* x = nullptr;         ///< source at the base address of the first output pixel
    int64_t x_row = 0, x_pixel = 0;   ///< source elements between output rows, output pixels
    const int64_t* offsets = nullptr; ///< [taps]
    int64_t taps = 0;
    const float* w = nullptr; ///< packed: channels [taps][narrow_padded(o)]; width: per group of channels [taps][group]
    const float* bias = nullptr; ///< [o], padded as w
    float* y = nullptr;
    int64_t y_row = 0, y_channel = 0;          ///< y_channel: width only
    int64_t rows = 0, width = 0, channels = 0; ///< of y
    bool relu = false;
};

/// Adds one image's contribution to `sums`: channels [padded taps][narrow_padded(o)], width [o][padded taps][lanes].
/// bias_sums (may be null): channels [narrow_padded(o)], width [o][lanes].
struct NarrowWeightGrad {
    const float* x = nullptr;
    int64_t x_row = 0, x_pixel = 0;
    const int64_t* offsets = nullptr; ///< [padded taps]; the padding repeats some tap
    int64_t taps = 0;                 ///< padded
    const float* gy = nullptr;
    int64_t y_row = 0, y_channel = 0;
    int64_t rows = 0, width = 0, channels = 0;
    float* sums = nullptr;
    float* bias_sums = nullptr;
};

int64_t narrow_lanes();
/// Taps per register tile of the weight gradient: the number of taps is padded to a multiple of it.
int64_t narrow_tap_group(bool width_path);
/// Output channels of the next width tile when `left` are left.
int64_t narrow_channel_group(int64_t left);
inline int64_t narrow_padded(int64_t channels) {
    return (channels + narrow_lanes() - 1) / narrow_lanes() * narrow_lanes();
}

void narrow_forward_channels(const NarrowForward& a);
void narrow_forward_width(const NarrowForward& a);
void narrow_weight_grad_channels(const NarrowWeightGrad& a);
void narrow_weight_grad_width(const NarrowWeightGrad& a);
/// out[i] = sum of `lanes` elements at in + i * lanes.
void narrow_sum_lanes(const float* in, int64_t count, float* out);

} // namespace ingot::cpu
