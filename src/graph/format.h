// SPDX-License-Identifier: MIT
// Physical layouts. Shapes are always logical (images NCHW, filters OIHW); a Format says how a value lies in memory. Chosen by
// passes/layout; kernels and programs turn a shape and a Format into strides. A value, no ownership.
#pragma once

#include <cstdint>

#include <ingot/shape.h>

namespace ingot {

/// Rank 4 values lie as [N, C/b, H, W, b]: b = 1 is row-major NCHW, b = C (kAll) is channels-last, in between is blocked (b
/// divides C). Values of any other rank are row-major.
struct Format {
    static constexpr int32_t kAll = 0; ///< b = C
    int32_t block = 1;

    static Format row_major() { return {1}; }
    static Format channels_last() { return {kAll}; }
    bool is_row_major() const { return block == 1; }
    bool is_channels_last() const { return block == kAll; }
    bool is_blocked() const { return block > 1; }
    bool operator==(const Format&) const = default;
};

/// Strides in elements over the logical axes, for formats that are not blocked.
Ints strides_of(const Shape& shape, Format format);

} // namespace ingot
