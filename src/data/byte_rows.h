// SPDX-License-Identifier: MIT
// Rows of a picture's bytes become floats, many at a time: byte * scale + offset in f64, rounded once to f32. Image::write
// uses it where that gives the very bits of its table, which a table finds out about itself, for all of its 256 values.
#pragma once

#include <cstdint>

namespace ingot::data {

/// byte -> byte * scale + offset.
struct ByteLine {
    double scale = 0, offset = 0;
};

/// Rows of bytes: byte x of row y is at first + y * stride + x * step, or at - x * step when mirrored.
struct ByteRows {
    const uint8_t* first = nullptr;
    int64_t stride = 0, rows = 0, columns = 0;
    bool mirrored = false;
};

/// Narrower rows are not worth it, nor possible here.
constexpr int64_t kLeastColumns = 16;

/// One channel, step 1: out[y * line + x] = float. columns >= kLeastColumns.
void write_rows(const ByteRows& in, const ByteLine& map, float* out, int64_t line);

/// The three channels of pixels, step 3, each with its map, to out, out + plane and out + 2 * plane.
void write_rows_of_3(const ByteRows& in, const ByteLine* maps, float* out, int64_t line, int64_t plane);

} // namespace ingot::data
