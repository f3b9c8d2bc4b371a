// SPDX-License-Identifier: MIT
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <memory>

#include <png.h>

#include <ingot/error.h>

#include "base/check.h"
#include "io/atomic_file.h"
#include "io/image_codecs.h"

namespace ingot::io {

namespace {

constexpr uint64_t kMaxRatio = 1032; // the most that deflate can do

/// What the callbacks share with the functions below. Reading uses `from`, writing uses `to`.
struct Codec {
    png_structp png = nullptr;
    png_infop info = nullptr;
    bool writing = false;
    const uint8_t* from = nullptr;
    size_t bytes = 0, left = 0; ///< of the file; not yet read
    std::vector<uint8_t> to;
    bool out_of_memory = false;
    char text[160] = "not enough memory";

    ~Codec() {
        if (writing)
            png_destroy_write_struct(&png, &info);
        else
            png_destroy_read_struct(&png, &info, nullptr);
    }
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
    auto* codec = static_cast<Codec*>(png_get_error_ptr(png));
    std::snprintf(codec->text, sizeof(codec->text), "%s", message);
    std::longjmp(png_jmpbuf(png), 1);
}

void on_warning(png_structp, png_const_charp) {} // libpng's warnings concern ancillary chunks only

void on_read(png_structp png, png_bytep out, size_t bytes) {
    auto* codec = static_cast<Codec*>(png_get_io_ptr(png));
    if (bytes > codec->left) png_error(png, "the file ends too early");
    std::memcpy(out, codec->from, bytes);
    codec->from += bytes;
    codec->left -= bytes;
}

void on_write(png_structp png, png_bytep data, size_t bytes) {
    auto* codec = static_cast<Codec*>(png_get_io_ptr(png));
    try {
        codec->to.insert(codec->to.end(), data, data + bytes);
    } catch (const std::bad_alloc&) { // must not unwind through libpng's frames; reported after the jump
        codec->out_of_memory = true;
    }
    if (codec->out_of_memory) png_error(png, "not enough memory");
}

bool read_header(Codec& codec, Image& image) {
    if (setjmp(png_jmpbuf(codec.png)) != 0) return false;
    png_set_read_fn(codec.png, &codec, on_read);
    // Checked below as a product; these bounds keep libpng's own row arithmetic small.
    png_set_user_limits(codec.png, 1'000'000, 1'000'000);
    png_set_chunk_malloc_max(codec.png, 8'000'000);
    png_read_info(codec.png, codec.info);
    const int64_t width = png_get_image_width(codec.png, codec.info);
    const int64_t height = png_get_image_height(codec.png, codec.info);
    if (width * height > kMaxImagePixels) {
        std::snprintf(codec.text, sizeof(codec.text), "%lld x %lld pixels are more than the limit of %lld",
                      static_cast<long long>(width), static_cast<long long>(height),
                      static_cast<long long>(kMaxImagePixels));
        return false;
    }
    // Nothing is allocated for pixels that the compressed data cannot hold.
    if (static_cast<uint64_t>(png_get_rowbytes(codec.png, codec.info)) * static_cast<uint64_t>(height) >
        kMaxRatio * codec.bytes)
        png_error(codec.png, "the file is too short for its size in pixels");
    const int type = png_get_color_type(codec.png, codec.info);
    png_set_scale_16(codec.png);
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(codec.png);
    if (type == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(codec.png);
    png_set_strip_alpha(codec.png);
    png_set_interlace_handling(codec.png);
    png_read_update_info(codec.png, codec.info);
    image.width = static_cast<int>(width);
    image.height = static_cast<int>(height);
    image.channels = png_get_channels(codec.png, codec.info);
    if (image.channels != 1 && image.channels != 3) png_error(codec.png, "unexpected number of channels");
    return true;
}

bool read_pixels(Codec& codec, uint8_t** rows) {
    if (setjmp(png_jmpbuf(codec.png)) != 0) return false;
    png_read_image(codec.png, rows);
    png_read_end(codec.png, nullptr); // a missing end is a truncated file
    return true;
}

bool write_all(Codec& codec, const Image& image) {
    if (setjmp(png_jmpbuf(codec.png)) != 0) return false;
    png_set_write_fn(codec.png, &codec, on_write, [](png_structp) {});
    png_set_IHDR(codec.png, codec.info, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height),
                 8, image.channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(codec.png, codec.info);
    const size_t stride = static_cast<size_t>(image.width) * image.channels;
    for (int y = 0; y < image.height; ++y) png_write_row(codec.png, image.pixels.data() + stride * y);
    png_write_end(codec.png, nullptr);
    return true;
}

} // namespace

namespace {

[[noreturn]] void fail(const Codec& codec, const std::string& name) {
    throw FileError(name + ": bad PNG: " + codec.text);
}

/// Sets the codec up and reads the header.
Image begin(Codec& codec, std::span<const uint8_t> bytes, const std::string& name) {
    codec.from = bytes.data();
    codec.bytes = codec.left = bytes.size();
    codec.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &codec, on_error, on_warning);
    if (codec.png == nullptr) fail(codec, name);
    codec.info = png_create_info_struct(codec.png);
    Image image;
    if (codec.info == nullptr || !read_header(codec, image)) fail(codec, name);
    return image;
}

} // namespace

Image png_header(std::span<const uint8_t> bytes, const std::string& name) {
    Codec codec;
    return begin(codec, bytes, name);
}

Image decode_png(std::span<const uint8_t> bytes, const std::string& name) {
    Codec codec;
    Image image = begin(codec, bytes, name);
    const size_t stride = static_cast<size_t>(image.width) * image.channels;
    image.pixels.resize(stride * image.height);
    std::vector<uint8_t*> rows(static_cast<size_t>(image.height));
    for (size_t y = 0; y < rows.size(); ++y) rows[y] = image.pixels.data() + stride * y;
    if (!read_pixels(codec, rows.data())) fail(codec, name);
    return image;
}

std::vector<uint8_t> encode_png(const Image& image) {
    INGOT_ASSERT(image.width > 0 && image.height > 0 && (image.channels == 1 || image.channels == 3) &&
                     image.pixels.size() == static_cast<size_t>(image.width) * image.height * image.channels,
                 "image sizes do not fit its pixels");
    Codec codec;
    codec.writing = true;
    codec.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &codec, on_error, on_warning);
    if (codec.png != nullptr) codec.info = png_create_info_struct(codec.png);
    if (codec.info == nullptr || !write_all(codec, image))
        throw Error(std::string("cannot encode a PNG: ") + codec.text);
    return std::move(codec.to);
}

void write_png(const std::string& path, const Image& image) {
    const std::vector<uint8_t> bytes = encode_png(image);
    AtomicFile file(path);
    file.write(bytes.data(), bytes.size());
    file.commit();
}

} // namespace ingot::io
