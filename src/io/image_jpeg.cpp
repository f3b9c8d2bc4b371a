// SPDX-License-Identifier: MIT
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <jpeglib.h>
// jerror.h needs jpeglib.h's definitions
#include <jerror.h>

#include <ingot/error.h>

#include "io/image_codecs.h"

namespace ingot::io {

namespace {

/// libjpeg's state with what our callbacks need. `base` first: libjpeg hands back a pointer to it.
struct ErrorManager {
    jpeg_error_mgr base;
    std::jmp_buf jump;
    char text[JMSG_LENGTH_MAX];
};

void on_error(j_common_ptr info) {
    auto* errors = reinterpret_cast<ErrorManager*>(info->err);
    info->err->format_message(info, errors->text);
    std::longjmp(errors->jump, 1);
}

/// Level -1 means damaged data that libjpeg would paper over with grey. These codes mean that pixels are lost; the
/// others (stray bytes before a marker, an odd version number) occur in good files.
void on_message(j_common_ptr info, int level) {
    if (level >= 0) return;
    switch (info->err->msg_code) {
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_ARITH_BAD_CODE: on_error(info); break;
    default: ++info->err->num_warnings;
    }
}

void on_output(j_common_ptr) {} // nothing is ever printed

/// A small progressive file can ask for thousands of passes over a large picture.
void on_progress(j_common_ptr info) {
    constexpr int kMaxScans = 500;
    if (!info->is_decompressor || reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMaxScans) return;
    auto* errors = reinterpret_cast<ErrorManager*>(info->err);
    std::snprintf(errors->text, sizeof(errors->text), "more than %d scans", kMaxScans);
    std::longjmp(errors->jump, 1);
}

struct Decoder {
    jpeg_decompress_struct info{};
    ErrorManager errors{};
    jpeg_progress_mgr progress{};
    bool cmyk = false, inverted = false;

    Decoder() = default;
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;
    /// Frees what libjpeg holds, nothing before jpeg_create_decompress.
    ~Decoder() { jpeg_destroy_decompress(&info); }
};

/// Reads the header and sets the output up. False: errors.text says why.
bool begin(Decoder& d, std::span<const uint8_t> bytes) {
    d.info.err = jpeg_std_error(&d.errors.base);
    d.errors.base.error_exit = on_error;
    d.errors.base.emit_message = on_message;
    d.errors.base.output_message = on_output;
    if (setjmp(d.errors.jump) != 0) return false;
    jpeg_create_decompress(&d.info);
    d.progress.progress_monitor = on_progress;
    d.info.progress = &d.progress;
    jpeg_mem_src(&d.info, bytes.data(), static_cast<unsigned long>(bytes.size()));
    jpeg_read_header(&d.info, TRUE);
    if (static_cast<int64_t>(d.info.image_width) * d.info.image_height > kMaxImagePixels) {
        std::snprintf(d.errors.text, sizeof(d.errors.text), "%u x %u pixels are more than the limit of %lld",
                      d.info.image_width, d.info.image_height, static_cast<long long>(kMaxImagePixels));
        return false;
    }
    // The shortest code of a block of 64 pixels has one bit, colour and the headers come on top: below this there is no
    // picture in the file, and nothing is allocated for one.
    constexpr int64_t kMaxPixelsPerByte = 1032;
    if (static_cast<int64_t>(d.info.image_width) * d.info.image_height >
        kMaxPixelsPerByte * static_cast<int64_t>(bytes.size())) {
        std::snprintf(d.errors.text, sizeof(d.errors.text), "the file is too short for %u x %u pixels",
                      d.info.image_width, d.info.image_height);
        return false;
    }
    d.cmyk = d.info.num_components == 4;
    d.inverted = d.info.saw_Adobe_marker != 0; // Adobe writes CMYK inverted
    d.info.out_color_space = d.cmyk ? JCS_CMYK : d.info.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    return true;
}

/// Decodes all rows, each by way of `row`, which holds one in the decoder's colours; null: straight into their places.
bool decode_rows(Decoder& d, uint8_t* pixels, uint8_t* row) {
    if (setjmp(d.errors.jump) != 0) return false;
    jpeg_start_decompress(&d.info);
    const size_t width = d.info.output_width;
    const size_t stride = width * (d.cmyk ? 3 : static_cast<size_t>(d.info.output_components));
    while (d.info.output_scanline < d.info.output_height) {
        uint8_t* out = pixels + stride * d.info.output_scanline;
        JSAMPROW target = row != nullptr ? row : out;
        jpeg_read_scanlines(&d.info, &target, 1);
        if (row == nullptr) continue;
        if (!d.cmyk) {
            std::memcpy(out, row, stride);
            continue;
        }
        for (size_t x = 0; x < width; ++x)
            for (size_t c = 0; c < 3; ++c) {
                const unsigned ink = row[4 * x + c], black = row[4 * x + 3];
                const unsigned light = d.inverted ? ink * black : (255 - ink) * (255 - black);
                out[3 * x + c] = static_cast<uint8_t>((light + 127) / 255);
            }
    }
    jpeg_finish_decompress(&d.info);
    return true;
}

/// A decoder whose header has been read.
class Reader {
public:
    Reader(std::span<const uint8_t> bytes, const std::string& name) : name_(name) {
        if (!begin(decoder_, bytes)) fail();
    }
    Decoder& decoder() { return decoder_; }
    [[noreturn]] void fail() const { throw FileError(name_ + ": bad JPEG: " + decoder_.errors.text); }
    Image header() const {
        const jpeg_decompress_struct& info = decoder_.info;
        return {static_cast<int>(info.image_width),
                static_cast<int>(info.image_height),
                info.out_color_space == JCS_GRAYSCALE ? 1 : 3,
                {}};
    }

private:
    const std::string& name_;
    Decoder decoder_;
};

} // namespace

Image jpeg_header(std::span<const uint8_t> bytes, const std::string& name) { return Reader(bytes, name).header(); }

Image decode_jpeg(std::span<const uint8_t> bytes, const std::string& name, const DecodeOptions& options) {
    Reader reader(bytes, name);
    Decoder& decoder = reader.decoder();
    Image image = reader.header();
    if (options.min_width > 0 && options.min_height > 0) {
        int factor = 1;
        // libjpeg rounds sizes up
        while (factor < 8 && (image.width + 2 * factor - 1) / (2 * factor) >= options.min_width &&
               (image.height + 2 * factor - 1) / (2 * factor) >= options.min_height)
            factor *= 2;
        decoder.info.scale_num = 1;
        decoder.info.scale_denom = static_cast<unsigned>(factor);
        image.width = (image.width + factor - 1) / factor;
        image.height = (image.height + factor - 1) / factor;
    }
    image.pixels.resize(static_cast<size_t>(image.width) * image.height * image.channels);
    // No row of an Image is aligned to 16 bytes if its length is a multiple of that (pixels.h); others go by way of `row`.
    const size_t stride = static_cast<size_t>(image.width) * image.channels;
    Pixels row;
    if (decoder.cmyk || stride % 16 != 0) row.resize(static_cast<size_t>(image.width) * 4);
    if (!decode_rows(decoder, image.pixels.data(), row.empty() ? nullptr : row.data())) reader.fail();
    return image;
}

} // namespace ingot::io
