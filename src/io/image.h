// SPDX-License-Identifier: MIT
// Pictures: JPEG and PNG in, PNG out, resizing and greying. Used by the data sets and by `ingot predict`. An Image is a
// value; every function is safe to call from several threads. Damaged and truncated files are errors, never half a
// picture. EXIF orientation and colour profiles are not applied; alpha is dropped (all as PIL's convert("RGB") does).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/pixels.h"

namespace ingot::io {

struct Image {
    int width = 0, height = 0;
    int channels = 0; ///< 1 (grey) or 3 (RGB)
    Pixels pixels;    ///< [height, width, channels]
};

/// Limits checked before anything is decoded.
inline constexpr int64_t kMaxImagePixels = 64'000'000;
inline constexpr int64_t kMaxImageFileBytes = 512'000'000;

/// What a caller that will shrink the picture can do without. A JPEG then comes reduced by the largest of 2, 4, 8 that
/// leaves at least these sizes (PIL's draft mode): the decoder leaves out what would be averaged away, which is several
/// times faster. 0: as it is.
struct DecodeOptions {
    int min_width = 0, min_height = 0;
};

/// Decodes a JPEG or PNG file held in memory; `name` stands for it in errors. 16-bit, palette and grey PNGs with fewer
/// bits become 8-bit. Errors: FileError.
Image decode_image(std::span<const uint8_t> bytes, const std::string& name, const DecodeOptions& options = {});

/// Reads and decodes the file `path`.
Image read_image(const std::string& path, const DecodeOptions& options = {});

/// Sizes and channels that decoding would give, from the header alone (pixels stays empty). Errors: FileError.
Image read_image_header(const std::string& path);

/// Bilinear with antialiasing when shrinking: the filter of PIL.Image.resize(BILINEAR), in its fixed-point arithmetic,
/// so the bits do not depend on the machine. width, height > 0.
Image resize(const Image& image, int width, int height);

/// ITU-R 601 luma, (19595 R + 38470 G + 7471 B + 2^15) >> 16; a grey image comes back as it is.
Image to_grey(const Image& image);

/// Grey repeated in three channels; a colour image comes back as it is.
Image to_rgb(const Image& image);

/// A PNG file of the image, 8 bits per channel. The same image gives the same bytes (with the same zlib).
std::vector<uint8_t> encode_png(const Image& image);

/// encode_png() into the file `path`, atomically.
void write_png(const std::string& path, const Image& image);

} // namespace ingot::io
