// SPDX-License-Identifier: MIT
#include "io/image.h"

#include <algorithm>
#include <cstring>

#include <ingot/error.h>

#include "base/check.h"
#include "io/file.h"
#include "io/image_codecs.h"

namespace ingot::io {

namespace {

enum class Kind : uint8_t { jpeg, png };

Kind kind_of(std::span<const uint8_t> bytes, const std::string& name) {
    constexpr uint8_t kPng[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    constexpr uint8_t kJpeg[] = {0xFF, 0xD8, 0xFF};
    if (bytes.empty()) throw FileError(name + ": is empty");
    if (bytes.size() >= sizeof(kPng) && std::memcmp(bytes.data(), kPng, sizeof(kPng)) == 0) return Kind::png;
    if (bytes.size() >= sizeof(kJpeg) && std::memcmp(bytes.data(), kJpeg, sizeof(kJpeg)) == 0) return Kind::jpeg;
    throw FileError(name + ": is neither a JPEG nor a PNG file");
}

} // namespace

Image decode_image(std::span<const uint8_t> bytes, const std::string& name, const DecodeOptions& options) {
    return kind_of(bytes, name) == Kind::png ? decode_png(bytes, name) : decode_jpeg(bytes, name, options);
}

Image read_image(const std::string& path, const DecodeOptions& options) {
    // A training set is many small files; what a large one took is given back.
    constexpr size_t kKept = 1 << 20;
    struct Buffer {
        std::vector<uint8_t>& bytes;
        ~Buffer() {
            if (bytes.size() > kKept) bytes = {};
        }
    };
    thread_local std::vector<uint8_t> bytes;
    const Buffer buffer{bytes};
    return decode_image(read_file(path, kMaxImageFileBytes, buffer.bytes), path, options);
}

Image read_image_header(const std::string& path) {
    const MappedFile file(path); // only the pages of the header are read
    return kind_of(file.bytes(), path) == Kind::png ? png_header(file.bytes(), path) : jpeg_header(file.bytes(), path);
}

namespace {

constexpr int kWeightBits = 22; // 8 bits of pixel and the sum of all weights stay below 2^31

/// The input samples one output sample is made of: [first, first + weights.size() of its row).
struct Taps {
    int per_output = 0;
    std::vector<int> first, count;
    std::vector<int32_t> weights; ///< [outputs, per_output], sums to about 2^kWeightBits per output
};

/// The triangle filter, widened by the scale when shrinking (Pillow, src/libImaging/Resample.c, precompute_coeffs).
Taps make_taps(int from, int to) {
    const double scale = static_cast<double>(from) / to;
    const double support = std::max(scale, 1.0);
    Taps taps;
    taps.per_output = 2 * static_cast<int>(support + 1.0) + 1;
    taps.first.resize(static_cast<size_t>(to));
    taps.count.resize(static_cast<size_t>(to));
    taps.weights.resize(static_cast<size_t>(to) * taps.per_output);
    std::vector<double> w(static_cast<size_t>(taps.per_output));
    for (int i = 0; i < to; ++i) {
        const double center = (i + 0.5) * scale;
        const int lo = std::max(static_cast<int>(center - support + 0.5), 0);
        const int hi = std::min(static_cast<int>(center + support + 0.5), from);
        double sum = 0;
        for (int k = lo; k < hi; ++k) {
            const double distance = (k - center + 0.5) * (1.0 / support);
            const double weight = std::max(0.0, 1.0 - (distance < 0 ? -distance : distance));
            w[static_cast<size_t>(k - lo)] = weight;
            sum += weight;
        }
        taps.first[static_cast<size_t>(i)] = lo;
        taps.count[static_cast<size_t>(i)] = hi - lo;
        for (int k = 0; k < hi - lo; ++k)
            taps.weights[static_cast<size_t>(i) * taps.per_output + k] =
                static_cast<int32_t>(w[static_cast<size_t>(k)] / sum * (1 << kWeightBits) + 0.5);
    }
    return taps;
}

uint8_t to_byte(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255)); }

Image resize_width(const Image& image, int width) {
    const Taps taps = make_taps(image.width, width);
    Image out{width, image.height, image.channels, {}};
    const int c = image.channels;
    out.pixels.resize(static_cast<size_t>(width) * image.height * c);
    uint8_t* to = out.pixels.data();
    for (int y = 0; y < image.height; ++y) {
        const uint8_t* row = image.pixels.data() + static_cast<size_t>(y) * image.width * c;
        for (int x = 0; x < width; ++x) {
            const int32_t* w = taps.weights.data() + static_cast<size_t>(x) * taps.per_output;
            for (int ch = 0; ch < c; ++ch) {
                const uint8_t* from = row + static_cast<size_t>(taps.first[static_cast<size_t>(x)]) * c + ch;
                int32_t sum = 1 << (kWeightBits - 1);
                for (int k = 0; k < taps.count[static_cast<size_t>(x)]; ++k) sum += w[k] * from[k * c];
                *to++ = to_byte(sum);
            }
        }
    }
    return out;
}

Image resize_height(const Image& image, int height) {
    const Taps taps = make_taps(image.height, height);
    Image out{image.width, height, image.channels, {}};
    const size_t stride = static_cast<size_t>(image.width) * image.channels;
    out.pixels.resize(stride * height);
    std::vector<int32_t> sums(stride);
    for (int y = 0; y < height; ++y) {
        std::fill(sums.begin(), sums.end(), 1 << (kWeightBits - 1));
        for (int k = 0; k < taps.count[static_cast<size_t>(y)]; ++k) {
            const int32_t w = taps.weights[static_cast<size_t>(y) * taps.per_output + k];
            const uint8_t* row = image.pixels.data() + stride * (taps.first[static_cast<size_t>(y)] + k);
            for (size_t i = 0; i < stride; ++i) sums[i] += w * row[i];
        }
        uint8_t* to = out.pixels.data() + stride * y;
        for (size_t i = 0; i < stride; ++i) to[i] = to_byte(sums[i]);
    }
    return out;
}

} // namespace

Image resize(const Image& image, int width, int height) {
    INGOT_ASSERT(width > 0 && height > 0 && image.width > 0 && image.height > 0, "sizes must be positive");
    if (width == image.width) return height == image.height ? image : resize_height(image, height);
    const Image narrow = resize_width(image, width);
    return height == image.height ? narrow : resize_height(narrow, height);
}

Image to_grey(const Image& image) {
    if (image.channels == 1) return image;
    Image out{image.width, image.height, 1, {}};
    out.pixels.resize(static_cast<size_t>(image.width) * image.height);
    const uint8_t* p = image.pixels.data();
    for (uint8_t& grey : out.pixels) {
        grey = static_cast<uint8_t>((19595u * p[0] + 38470u * p[1] + 7471u * p[2] + 0x8000u) >> 16);
        p += 3;
    }
    return out;
}

Image to_rgb(const Image& image) {
    if (image.channels == 3) return image;
    Image out{image.width, image.height, 3, {}};
    out.pixels.resize(image.pixels.size() * 3);
    uint8_t* p = out.pixels.data();
    for (const uint8_t grey : image.pixels) {
        p[0] = p[1] = p[2] = grey;
        p += 3;
    }
    return out;
}

} // namespace ingot::io
