// SPDX-License-Identifier: MIT
// Makes PNG files chunk by chunk and JPEG files through libjpeg, for tests.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include <jpeglib.h>
#include <zlib.h>

#include "io/io_testing.h"

namespace ingot::testing {

inline void append_be32(Bytes& to, uint32_t v) {
    for (const int shift : {24, 16, 8, 0}) to.push_back(static_cast<uint8_t>(v >> shift));
}

inline void append_chunk(Bytes& png, const char* type, const Bytes& data) {
    append_be32(png, static_cast<uint32_t>(data.size()));
    const size_t at = png.size();
    png.insert(png.end(), type, type + 4);
    png.insert(png.end(), data.begin(), data.end());
    append_be32(png, static_cast<uint32_t>(::crc32(0, png.data() + at, static_cast<uInt>(png.size() - at))));
}

/// color_type: 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGBA. rows: per row a filter byte (0) and the samples.
inline Bytes make_png(uint32_t width, uint32_t height, int bits, int color_type, const Bytes& rows,
                      const Bytes& palette = {}, const Bytes& transparency = {}) {
    Bytes png = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'}, header;
    append_be32(header, width);
    append_be32(header, height);
    for (const int v : {bits, color_type, 0, 0, 0}) header.push_back(static_cast<uint8_t>(v));
    append_chunk(png, "IHDR", header);
    if (!palette.empty()) append_chunk(png, "PLTE", palette);
    if (!transparency.empty()) append_chunk(png, "tRNS", transparency);
    uLongf size = compressBound(static_cast<uLong>(rows.size()));
    Bytes packed(size);
    EXPECT_EQ(compress(packed.data(), &size, rows.data(), static_cast<uLong>(rows.size())), Z_OK);
    packed.resize(size);
    append_chunk(png, "IDAT", packed);
    append_chunk(png, "IEND", {});
    return png;
}

/// A JPEG of `pixels` ([height, width, channels]; channels 4 is CMYK, written inverted as Adobe does).
inline Bytes make_jpeg(int width, int height, int channels, std::span<const uint8_t> pixels, bool progressive = false,
                       int quality = 95) {
    jpeg_compress_struct info{};
    jpeg_error_mgr errors{};
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    unsigned char* data = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&info, &data, &size);
    info.image_width = static_cast<JDIMENSION>(width);
    info.image_height = static_cast<JDIMENSION>(height);
    info.input_components = channels;
    info.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, quality, TRUE);
    if (progressive) jpeg_simple_progression(&info);
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
        auto* row = const_cast<JSAMPLE*>(pixels.data()) +
                    static_cast<size_t>(info.next_scanline) * static_cast<size_t>(width * channels);
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    Bytes bytes(data, data + size);
    std::free(data);
    return bytes;
}

} // namespace ingot::testing
