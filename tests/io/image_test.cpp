// SPDX-License-Identifier: MIT
#include "io/image.h"

#include <cstdlib>

#include "io/image_testing.h"

namespace ingot::io {
namespace {

using testing::Bytes;
using testing::make_jpeg;
using testing::make_png;
using testing::ScratchFolder;
using testing::write_bytes;

/// A smooth picture, which JPEG keeps nearly as it is.
Image gradient(int width, int height, int channels) {
    Image image{width, height, channels, {}};
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < channels; ++c)
                image.pixels.push_back(static_cast<uint8_t>(60 + 2 * x + 3 * y + 20 * c));
    return image;
}

int largest_difference(const Image& a, const Image& b) {
    EXPECT_EQ(a.width, b.width);
    EXPECT_EQ(a.height, b.height);
    EXPECT_EQ(a.channels, b.channels);
    EXPECT_EQ(a.pixels.size(), b.pixels.size());
    int largest = 0;
    for (size_t i = 0; i < std::min(a.pixels.size(), b.pixels.size()); ++i)
        largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
    return largest;
}

TEST(Image, PngRoundTrip) {
    const ScratchFolder folder;
    for (const int channels : {1, 3}) {
        const Image image = gradient(17, 9, channels);
        const Bytes bytes = encode_png(image);
        EXPECT_EQ(largest_difference(decode_image(bytes, "x"), image), 0);
        write_png(folder / "a.png", image);
        EXPECT_EQ(largest_difference(read_image(folder / "a.png"), image), 0);
    }
}

TEST(Image, EveryKindOfPng) {
    const auto pixels = [](const Bytes& png) { return decode_image(png, "x").pixels; };
    EXPECT_EQ(pixels(make_png(2, 2, 8, 0, {0, 10, 20, 0, 30, 40})), (Pixels{10, 20, 30, 40}));
    EXPECT_EQ(pixels(make_png(1, 2, 8, 2, {0, 1, 2, 3, 0, 4, 5, 6})), (Pixels{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(pixels(make_png(2, 1, 8, 4, {0, 10, 255, 20, 0})), (Pixels{10, 20})); // alpha is dropped
    EXPECT_EQ(pixels(make_png(1, 1, 8, 6, {0, 9, 8, 7, 0})), (Pixels{9, 8, 7}));
    EXPECT_EQ(pixels(make_png(2, 1, 16, 0, {0, 0xFF, 0xFF, 0x80, 0x80})), (Pixels{255, 128}));
    EXPECT_EQ(pixels(make_png(4, 1, 1, 0, {0, 0b10100000})), (Pixels{255, 0, 255, 0}));
    EXPECT_EQ(pixels(make_png(2, 1, 4, 0, {0, 0x1F})), (Pixels{17, 255}));
    EXPECT_EQ(pixels(make_png(2, 1, 8, 3, {0, 1, 0}, {5, 6, 7, 50, 60, 70})), (Pixels{50, 60, 70, 5, 6, 7}));
    EXPECT_EQ(pixels(make_png(2, 1, 8, 3, {0, 1, 0}, {5, 6, 7, 50, 60, 70}, {0, 128})), (Pixels{50, 60, 70, 5, 6, 7}));
    const Image grey = decode_image(make_png(2, 1, 16, 4, {0, 1, 2, 3, 4, 5, 6, 7, 8}), "x");
    EXPECT_EQ(grey.channels, 1);
    EXPECT_EQ(grey.width, 2);
}

TEST(Image, EveryKindOfJpeg) {
    for (const int channels : {1, 3})
        for (const bool progressive : {false, true})
            for (const int width : {32, 33}) { // rows of a multiple of 16 bytes are decoded into their places
                const Image image = gradient(width, 20, channels);
                const Image got = decode_image(make_jpeg(width, 20, channels, image.pixels, progressive), "x");
                EXPECT_LE(largest_difference(got, image), 6) << channels << progressive << width;
            }
    // Adobe's inverted CMYK: cyan 200, magenta 100, yellow 0 of 255 with black 255 is light (200, 100, 0).
    Bytes cmyk;
    for (int i = 0; i < 64; ++i) cmyk.insert(cmyk.end(), {200, 100, 0, 255});
    Bytes jpeg = make_jpeg(8, 8, 4, cmyk);
    const Image got = decode_image(jpeg, "x");
    ASSERT_EQ(got.channels, 3);
    EXPECT_NEAR(got.pixels[0], 200, 3);
    EXPECT_NEAR(got.pixels[1], 100, 3);
    EXPECT_NEAR(got.pixels[2], 0, 3);
}

TEST(Image, TruncatedAtEveryOffset) {
    Pixels noise;
    for (int i = 0; i < 40 * 40 * 3; ++i) noise.push_back(static_cast<uint8_t>(i * i * 31 >> 4));
    const Bytes files[] = {make_jpeg(40, 40, 3, noise, false, 60), make_jpeg(40, 40, 3, noise, true, 60),
                           encode_png(Image{40, 40, 3, noise})};
    for (const Bytes& whole : files) {
        decode_image(whole, "x");
        for (size_t n = 0; n < whole.size(); ++n)
            EXPECT_ERROR(decode_image(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)), "cut.img"),
                         "cut.img: ");
    }
}

TEST(Image, DamagedBytesNeverCrash) {
    Pixels noise;
    for (int i = 0; i < 24 * 24 * 3; ++i) noise.push_back(static_cast<uint8_t>(i * i * 31 >> 4));
    const Bytes files[] = {make_jpeg(24, 24, 3, noise, false, 70), make_jpeg(24, 24, 3, noise, true, 70),
                           encode_png(Image{24, 24, 3, noise})};
    int kind = 0;
    for (const Bytes& whole : files) {
        int refused = 0;
        for (size_t n = 8; n < whole.size(); ++n) {
            Bytes bytes = whole;
            bytes[n] ^= 0x55;
            try {
                const Image image = decode_image(bytes, "x");
                EXPECT_EQ(image.pixels.size(), static_cast<size_t>(image.width) * image.height * image.channels);
            } catch (const FileError&) { ++refused; }
        }
        // PNG has checksums: everything but the few bytes between chunks' checks is noticed.
        EXPECT_GE(refused, kind == 2 ? static_cast<int>(whole.size()) - 30 : 20) << kind;
        ++kind;
    }
}

/// `jpeg` with another size in its frame header.
Bytes with_size(Bytes jpeg, int width, int height) {
    for (size_t i = 0; i + 9 < jpeg.size(); ++i)
        if (jpeg[i] == 0xFF && jpeg[i + 1] == 0xC0) {
            jpeg[i + 5] = static_cast<uint8_t>(height >> 8);
            jpeg[i + 6] = static_cast<uint8_t>(height);
            jpeg[i + 7] = static_cast<uint8_t>(width >> 8);
            jpeg[i + 8] = static_cast<uint8_t>(width);
            break;
        }
    return jpeg;
}

TEST(Image, RefusesHugeSizesBeforeDecoding) {
    const Bytes small = {0, 1, 2, 3};
    EXPECT_ERROR(decode_image(make_png(60000, 60000, 8, 0, small), "big.png"),
                 "big.png: bad PNG: 60000 x 60000 pixels are more than the limit");
    EXPECT_ERROR(decode_image(make_png(0x7FFFFFFF, 1, 8, 0, small), "big.png"), "big.png: bad PNG");
    EXPECT_ERROR(decode_image(make_png(0, 5, 8, 0, small), "x"), "bad PNG");
    EXPECT_ERROR(decode_image(with_size(make_jpeg(8, 8, 1, Bytes(64, 7)), 60000, 60000), "big.jpg"),
                 "big.jpg: bad JPEG: 60000 x 60000 pixels are more than the limit");
}

TEST(Image, RefusesMorePixelsThanTheBytesCanHold) {
    EXPECT_ERROR(decode_image(make_png(4000, 4000, 8, 0, {0, 1, 2, 3}), "a.png"),
                 "a.png: bad PNG: the file is too short for its size in pixels");
    EXPECT_ERROR(decode_image(with_size(make_jpeg(8, 8, 1, Bytes(64, 7)), 4000, 4000), "a.jpg"),
                 "a.jpg: bad JPEG: the file is too short for 4000 x 4000 pixels");
    // The emptiest pictures that there are stay readable.
    EXPECT_EQ(decode_image(make_png(2000, 2000, 8, 0, Bytes(2001 * 2000)), "x").pixels.size(), 4'000'000u);
    for (const bool progressive : {false, true})
        EXPECT_EQ(decode_image(make_jpeg(2000, 2000, 3, Bytes(12'000'000, 255), progressive), "x").width, 2000);
}

TEST(Image, RefusesOtherFiles) {
    const ScratchFolder folder;
    EXPECT_ERROR(decode_image(Bytes{}, "e"), "e: is empty");
    EXPECT_ERROR(decode_image(Bytes{'G', 'I', 'F', '8', '9', 'a'}, "a.gif"), "a.gif: is neither a JPEG nor a PNG file");
    EXPECT_ERROR(decode_image(Bytes{0xFF, 0xD8}, "x"), "neither");
    EXPECT_ERROR(read_image(folder / "none.png"), "none.png: cannot open");
    Bytes png = make_png(2, 2, 8, 0, {0, 10, 20, 0, 30, 40});
    png[png.size() - 20] ^= 1; // inside the compressed data: its checksum fails
    EXPECT_ERROR(decode_image(png, "x.png"), "x.png: bad PNG: ");
}

TEST(Image, GreyIsLuma601) {
    const Image rgb{4, 1, 3, {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255}};
    EXPECT_EQ(to_grey(rgb).pixels, (Pixels{76, 150, 29, 255}));
    const Image grey{2, 1, 1, {3, 4}};
    EXPECT_EQ(to_grey(grey).pixels, grey.pixels);
    EXPECT_EQ(to_rgb(grey).pixels, (Pixels{3, 3, 3, 4, 4, 4}));
    EXPECT_EQ(to_rgb(rgb).pixels, rgb.pixels);
}

TEST(Image, ResizeMatchesPil) {
    // Expected values: PIL 9.4, Image.fromarray(a).resize((w, h), Image.BILINEAR), a[y][x] = (37 * x + 91 * y + x * y) % 256
    // for 7 x 5 pixels.
    Image image{7, 5, 1, {}};
    for (int y = 0; y < 5; ++y)
        for (int x = 0; x < 7; ++x) image.pixels.push_back(static_cast<uint8_t>((37 * x + 91 * y + x * y) % 256));
    EXPECT_EQ(resize(image, 3, 2).pixels, (Pixels{100, 132, 130, 109, 127, 106}));
    EXPECT_EQ(resize(image, 9, 8).pixels,
              (Pixels{0,   25,  53,  82,  111, 140, 169, 197, 222, 40,  65,  94,  123, 152, 182, 148, 127, 152,
                      97,  122, 145, 165, 195, 225, 121, 44,  69,  154, 179, 132, 64,  94,  124, 110, 104, 130,
                      130, 157, 109, 42,  72,  103, 134, 137, 110, 27,  54,  78,  100, 131, 162, 193, 144, 11,
                      68,  95,  127, 158, 190, 110, 109, 103, 56,  108, 135, 167, 199, 231, 64,  39,  71,  98}));
    EXPECT_EQ(resize(image, 7, 2).pixels, (Pixels{79, 117, 97, 135, 173, 106, 133, 87, 127, 109, 149, 107, 136, 71}));
    EXPECT_EQ(resize(image, 7, 5).pixels, image.pixels);
}

TEST(Image, ResizeKeepsConstantsAndChannels) {
    Image image{50, 40, 3, {}};
    for (int i = 0; i < 50 * 40; ++i) image.pixels.insert(image.pixels.end(), {255, 7, 0});
    for (const auto& [w, h] : {std::pair{1, 1}, {13, 64}, {100, 3}, {49, 40}}) {
        const Image out = resize(image, w, h);
        ASSERT_EQ(out.pixels.size(), static_cast<size_t>(w) * h * 3);
        for (size_t i = 0; i < out.pixels.size(); i += 3) {
            EXPECT_EQ(out.pixels[i], 255);
            EXPECT_EQ(out.pixels[i + 1], 7);
            EXPECT_EQ(out.pixels[i + 2], 0);
        }
    }
}

} // namespace
} // namespace ingot::io
