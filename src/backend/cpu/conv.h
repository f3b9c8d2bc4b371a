// SPDX-License-Identifier: MIT
// Convolutions: which implementation serves (conv.cpp), and the two own implementations: the general
// one (conv_own.cpp) and the one for few input channels (conv_narrow.cpp). make_* of primitive.h choose; tests and benchmarks
// name the library.
#pragma once

#include <algorithm>

#include "backend/cpu/onednn.h"
#include "backend/cpu/primitive.h"

namespace ingot::cpu {

/// As make_conv2d*; null when `library` is onednn and cannot serve. `own` always serves.
PrimitivePtr make_conv(const ConvSpec& spec, ConvKind kind, Library library);

/// Any convolution, f32 and f64, any formats: columns of x in the workspace, then the block product of matmul_kernels.h.
PrimitivePtr make_conv_own(const ConvSpec& spec, ConvKind kind);

/// Forward and weight gradient for few input channels, without columns. Null when it does not fit.
PrimitivePtr make_conv_narrow(const ConvSpec& spec, ConvKind kind);

/// Elements between channels, pixels and blocks of one image [C, H * W] in a format.
struct ImageLayout {
    int64_t channels, pixels, block;
    ImageLayout(Format f, int64_t c, int64_t hw) : channels(c), pixels(hw), block(f.is_channels_last() ? c : f.block) {}
    int64_t at(int64_t c, int64_t pixel) const { return (c / block * pixels + pixel) * block + c % block; }
    int64_t pixel_stride() const { return block; }
    /// Between neighbouring channels of one block; of row-major images, of any two neighbours.
    int64_t channel_stride() const { return block == 1 ? pixels : 1; }
    /// How many of the channels [c, end) from c on are channel_stride() apart.
    int64_t run(int64_t c, int64_t end) const { return block == 1 ? end - c : std::min(end - c, block - c % block); }
};

} // namespace ingot::cpu
