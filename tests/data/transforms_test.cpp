// SPDX-License-Identifier: MIT
// Transforms against PIL 9.4 (values computed by the calls named beside them) and against naive loops.
#include <ingot/data/transforms.h>

#include <cmath>
#include <set>

#include "data/data_testing.h"

namespace ingot::data {
namespace {

using testing::Bytes;

/// 4 x 5 pixels: byte (y, x, c) is (37 x + 91 y + x y + 53 c) mod 256.
Image sample_picture() {
    Bytes bytes;
    for (int y = 0; y < 4; ++y)
        for (int x = 0; x < 5; ++x)
            for (int c = 0; c < 3; ++c) bytes.push_back(static_cast<uint8_t>((37 * x + 91 * y + x * y + 53 * c) % 256));
    return Image(4, 5, 3, bytes);
}

/// The picture after the transform, with the generator of `seed`.
template <class T> Image apply(const T& transform, const Image& image, uint64_t seed = 0) {
    Sample sample{image, 0};
    Random random(seed);
    transform(sample, random);
    return std::get<Image>(sample.x);
}

TEST(Transforms, RotateAsPil) {
    // Image.rotate(30, BILINEAR)
    EXPECT_EQ(affine(sample_picture(), affine_map({4, 5}, {.degrees = 30})).pixels(),
              (Bytes{0,   0,   0,   69,  122, 175, 120, 135, 175, 200, 73, 126, 210, 59,  112, 25,  78,  131, 103, 156,
                     153, 165, 158, 32,  117, 59,  112, 87,  140, 176, 85, 138, 191, 164, 119, 159, 64,  58,  98,  68,
                     121, 174, 149, 202, 140, 163, 216, 65,  147, 131, 74, 87,  101, 154, 101, 154, 207, 0,   0,   0}));
}

TEST(Transforms, AffineAsPil) {
    const AffineParameters p{
        .degrees = 20, .translate_x = 1, .translate_y = -0.5, .scale = 1.25, .shear_x = 10, .shear_y = -5};
    // torchvision's formula for affine(angle = -20, translate = (1, -0.5), scale = 1.25, shear = (10, -5))
    const Affine expected{0.7884029813177899,  -0.1368406149602184, -0.05414951217193664,
                          0.20784615344634932, 0.7756924048195329,  0.10899985570847792};
    const Affine map = affine_map({4, 5}, p);
    for (size_t i = 0; i < 6; ++i) EXPECT_NEAR(map[i], expected[i], 1e-14);
    // Image.transform((5, 4), AFFINE, map, BILINEAR)
    EXPECT_EQ(
        affine(sample_picture(), map).pixels(),
        (Bytes{9,   62,  115, 48,  101, 154, 97, 150, 157, 146, 174, 67, 195, 27,  63,  79,  132, 185, 114, 158,
               199, 148, 142, 156, 85,  138, 63, 82,  76,  113, 0,   0,  0,   180, 170, 66,  194, 27,  80,  49,
               77,  130, 74,  127, 180, 0,   0,  0,   83,  122, 95,  80, 95,  146, 86,  139, 192, 117, 170, 223}));
    EXPECT_EQ(affine(sample_picture(), affine_map({4, 5}, {})).pixels(), sample_picture().pixels());
    EXPECT_ERROR(affine_map({4, 5}, {.scale = 0}), "scale must be positive");
}

TEST(Transforms, ColoursAsPil) {
    const Image image = sample_picture();
    // ImageEnhance.Brightness, Contrast, Color
    EXPECT_EQ(adjust_brightness(image, 0.4).pixels(),
              (Bytes{0,  21, 42, 14, 36, 57, 29, 50, 72, 44, 65, 86, 59, 80, 101, 36, 57, 78, 51, 72,
                     94, 66, 88, 6,  82, 0,  22, 97, 16, 37, 72, 94, 12, 88, 7,   28, 1,  22, 44, 17,
                     38, 59, 32, 54, 75, 6,  28, 49, 22, 44, 65, 38, 60, 81, 54,  76, 97, 70, 92, 10}));
    EXPECT_EQ(adjust_contrast(image, 1.7).pixels(),
              (Bytes{0,   4,   94,  0,   66,  157, 39, 129, 219, 102, 192, 255, 165, 255, 255, 68,  158, 248, 133, 223,
                     255, 197, 255, 0,   255, 0,   7,  255, 0,   72,  223, 255, 0,   255, 0,   34,  0,   10,  100, 0,
                     77,  167, 53,  143, 233, 0,   32, 123, 10,  100, 191, 78,  168, 255, 146, 236, 255, 214, 255, 0}));
    EXPECT_EQ(adjust_contrast(image, 0.4).pixels()[5], 131);
    EXPECT_EQ(adjust_contrast(Image(2, 3, 1, {10, 200, 30, 90, 0, 255}), 1.5).pixels(), (Bytes{0, 251, 0, 86, 0, 255}));
    EXPECT_EQ(adjust_saturation(image, 1.7).pixels(),
              (Bytes{0,   60,  150, 6,   97,  187, 43, 134, 224, 80,  171, 255, 117, 208, 255, 60,  151, 241, 98,  189,
                     255, 157, 247, 0,   255, 0,   45, 255, 0,   83,  172, 255, 0,   255, 0,   61,  0,   64,  154, 12,
                     103, 193, 51,  142, 232, 0,   77, 167, 26,  117, 207, 66,  157, 247, 106, 197, 255, 167, 255, 0}));
    // colorsys.rgb_to_hsv, hue + turn, hsv_to_rgb, rounded; halves may go either way
    const Bytes turned = adjust_hue(image, 0.25).pixels();
    const Bytes hue{106, 0,   106, 143, 37,  143, 180, 74,  180, 217, 111, 217, 254, 148, 254, 197, 91,  197, 235, 129,
                    235, 17,  220, 172, 156, 205, 2,   194, 243, 40,  32,  235, 186, 172, 221, 18,  110, 4,   110, 149,
                    43,  149, 188, 82,  188, 123, 17,  123, 163, 57,  163, 203, 97,  203, 243, 137, 243, 27,  230, 182};
    ASSERT_EQ(turned.size(), hue.size());
    for (size_t i = 0; i < hue.size(); ++i) EXPECT_NEAR(turned[i], hue[i], 1);
    EXPECT_EQ(adjust_hue(image, -0.1).pixels()[1], 106);
    EXPECT_EQ(adjust_hue(image, 0).pixels(), image.pixels());
    EXPECT_EQ(adjust_saturation(Image(1, 2, 1, {3, 4}), 0).pixels(), (Bytes{3, 4}));
    EXPECT_ERROR(adjust_hue(image, 0.6), "between -0.5 and 0.5");
    EXPECT_ERROR(adjust_contrast(image, -1), "must not be negative");
}

TEST(Transforms, ResizeAndCrop) {
    // crop((1, 1, 4, 4)).resize((2, 2), BILINEAR)
    EXPECT_EQ(resize(sample_picture().crop(1, 1, 3, 3), 2).pixels(),
              (Bytes{142, 135, 128, 130, 83, 76, 98, 91, 144, 87, 140, 193}));
    const Image wide = apply(ResizeShorter(8), sample_picture());
    EXPECT_EQ(wide.height(), 8);
    EXPECT_EQ(wide.width(), 10);
    EXPECT_EQ(apply(ResizeShorter(3), Image(20, 9, 1, Bytes(180))).height(), 6);
    EXPECT_EQ(apply(Resize({2, 9}), sample_picture()).width(), 9);
    const Image image(3, 4, 1, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
    EXPECT_EQ(apply(CenterCrop({1, 2}), image).pixels(), (Bytes{6, 7}));
    EXPECT_EQ(apply(CenterCrop({2, 3}), image).pixels(), (Bytes{1, 2, 3, 5, 6, 7}));
    EXPECT_EQ(apply(CenterCrop({4, 6}), image).pixels(),
              (Bytes{0, 1, 2, 3, 4, 0, 0, 5, 6, 7, 8, 0, 0, 9, 10, 11, 12, 0, 0, 0, 0, 0, 0, 0}));
    EXPECT_ERROR(Resize({0, 3}), "Resize: size 0 x 3 must be at least 1 x 1");
    EXPECT_ERROR(apply(Resize(5000), image), "must lie between 1 and 4096");
}

TEST(Transforms, RandomCropsAreAllPlacesAndNoOther) {
    const Image image(3, 4, 1, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
    std::set<Bytes> expected, seen;
    for (int64_t top = -1; top <= 2; ++top)
        for (int64_t left = -1; left <= 3; ++left) expected.insert(image.crop(top, left, 2, 2).pixels());
    for (uint64_t seed = 0; seed < 400; ++seed) seen.insert(apply(RandomCrop(2, {.padding = 1}), image, seed).pixels());
    EXPECT_EQ(seen, expected);
    EXPECT_EQ(apply(RandomCrop({3, 4}), image, 7).pixels(), image.pixels());
    EXPECT_ERROR(apply(RandomCrop(4), image), "a picture of 3 x 4 with padding 0 is smaller than the crop of 4 x 4");
    EXPECT_ERROR(RandomCrop(4, {.padding = -1}), "padding must not be negative");
}

TEST(Transforms, RandomResizedCropKeepsItsBounds) {
    // Red counts columns, green rows: the corners of the result tell which part it was.
    constexpr int64_t kHeight = 120, kWidth = 200;
    Bytes bytes;
    for (int64_t y = 0; y < kHeight; ++y)
        for (int64_t x = 0; x < kWidth; ++x)
            bytes.insert(bytes.end(), {static_cast<uint8_t>(x), static_cast<uint8_t>(y), 0});
    const Image image(kHeight, kWidth, 3, bytes);
    std::set<int> places;
    double least = 1, most = 0;
    for (uint64_t seed = 0; seed < 300; ++seed) {
        const Image out = apply(RandomResizedCrop(20, {.min_scale = 0.2, .max_scale = 0.6}), image, seed);
        ASSERT_EQ(out.height(), 20);
        ASSERT_EQ(out.width(), 20);
        // Centres of the first and the last pixel lie 19/20 of the part apart.
        const double width = (out.at(0, 10, 18) - out.at(0, 10, 1)) / 17.0 * 20;
        const double height = (out.at(1, 18, 10) - out.at(1, 1, 10)) / 17.0 * 20;
        const double part = width * height / (kHeight * kWidth);
        EXPECT_GT(part, 0.2 * 0.94);
        EXPECT_LT(part, 0.6 * 1.06);
        EXPECT_GT(width / height, 0.75 * 0.94);
        EXPECT_LT(width / height, 4 / 3.0 * 1.06);
        least = std::min(least, part);
        most = std::max(most, part);
        places.insert(out.at(0, 10, 10));
    }
    EXPECT_LT(least, 0.25);
    EXPECT_GT(most, 0.55);
    EXPECT_GT(places.size(), 50u);
    // No part with these proportions fits: the middle, as wide as allowed.
    Bytes line(100);
    for (size_t i = 0; i < 100; ++i) line[i] = static_cast<uint8_t>(i);
    const Image thin(1, 100, 1, line);
    EXPECT_NEAR(apply(RandomResizedCrop(1, {.min_scale = 1}), thin).at(0, 0, 0), 49, 1);
    EXPECT_ERROR(RandomResizedCrop(3, {.min_scale = 0}), "needs 0 < min_scale");
    EXPECT_ERROR(RandomResizedCrop(3, {.min_ratio = 2}), "needs 0 < min_ratio");
}

TEST(Transforms, FlipsHalf) {
    const Image image(1, 2, 1, {1, 2});
    int flipped = 0;
    for (uint64_t seed = 0; seed < 1000; ++seed) {
        const Bytes got = apply(RandomHorizontalFlip(), image, seed).pixels();
        EXPECT_TRUE(got == (Bytes{1, 2}) || got == (Bytes{2, 1}));
        flipped += got[0] == 2 ? 1 : 0;
    }
    EXPECT_NEAR(flipped, 500, 65); // 4 standard deviations
    EXPECT_EQ(apply(RandomHorizontalFlip(1), image).pixels(), (Bytes{2, 1}));
    EXPECT_EQ(apply(RandomHorizontalFlip(0), image).pixels(), (Bytes{1, 2}));
    EXPECT_ERROR(RandomHorizontalFlip(1.5), "p must lie between 0 and 1");
}

TEST(Transforms, RandomGeometryStaysInItsRange) {
    // A bright dot left of the middle: where it goes tells the angle.
    Bytes bytes(41 * 41);
    for (int y = -1; y <= 1; ++y)
        for (int x = -1; x <= 1; ++x) bytes[static_cast<size_t>((20 + y) * 41 + 4 + x)] = 255;
    const Image image(41, 41, 1, bytes);
    double least = 0, most = 0;
    for (uint64_t seed = 0; seed < 200; ++seed) {
        const Image out = apply(RandomRotation(25), image, seed);
        double sx = 0, sy = 0, sum = 0;
        for (int64_t y = 0; y < 41; ++y)
            for (int64_t x = 0; x < 41; ++x) {
                sx += static_cast<double>(x - 20) * out.at(0, y, x);
                sy += static_cast<double>(y - 20) * out.at(0, y, x);
                sum += out.at(0, y, x);
            }
        ASSERT_GT(sum, 1000);
        EXPECT_NEAR(std::hypot(sx / sum, sy / sum), 16, 0.3);
        const double angle = std::atan2(sy, -sx) * 180 / 3.14159265;
        least = std::min(least, angle);
        most = std::max(most, angle);
    }
    EXPECT_GT(least, -26);
    EXPECT_LT(least, -22);
    EXPECT_LT(most, 26);
    EXPECT_GT(most, 22);
    // Moves are whole pixels.
    std::set<Bytes> seen;
    for (uint64_t seed = 0; seed < 100; ++seed) {
        const Bytes got = apply(RandomAffine({.translate_x = 0.05}), image, seed).pixels(); // -2 to 2
        int64_t sum = 0;
        for (const uint8_t v : got) sum += v;
        EXPECT_EQ(sum, 9 * 255);
        seen.insert(got);
    }
    EXPECT_EQ(seen.size(), 5u);
    EXPECT_ERROR(RandomRotation(-1), "between 0 and 180");
    EXPECT_ERROR(RandomAffine({.min_scale = 0}), "min_scale");
    EXPECT_ERROR(RandomAffine({.translate_y = 2}), "between 0 and 1");
    EXPECT_ERROR(RandomAffine({.shear_x = 90}), "between 0 and 90");
}

TEST(Transforms, ColorJitter) {
    const Image image = sample_picture();
    std::set<Bytes> seen;
    for (uint64_t seed = 0; seed < 30; ++seed) {
        const Bytes one = apply(ColorJitter({.brightness = 0.5}), image, seed).pixels();
        const double factor = one[9] / static_cast<double>(image.pixels()[9]); // 111
        EXPECT_GT(factor, 0.48);
        EXPECT_LT(factor, 1.5);
        seen.insert(apply(ColorJitter({.brightness = 0.5, .contrast = 0.5, .saturation = 0.5, .hue = 0.5}), image, seed)
                        .pixels());
    }
    EXPECT_EQ(seen.size(), 30u);
    EXPECT_EQ(apply(ColorJitter({}), image, 3).pixels(), image.pixels());
    EXPECT_ERROR(ColorJitter({.hue = 0.6}), "hue must be at most 0.5");
    EXPECT_ERROR(ColorJitter({.contrast = -1}), "must not be negative");
}

TEST(Transforms, Cutout) {
    const Image image(6, 7, 1, Bytes(42, 9));
    std::set<size_t> sizes;
    for (uint64_t seed = 0; seed < 100; ++seed) {
        const Bytes got = apply(Cutout(3, {.fill = 5}), image, seed).pixels();
        size_t filled = 0;
        for (const uint8_t v : got) filled += v == 5 ? 1 : 0;
        sizes.insert(filled);
    }
    EXPECT_EQ(sizes, (std::set<size_t>{4, 6, 9})); // in a corner, at an edge, inside
    EXPECT_EQ(apply(Cutout(3, {.p = 0}), image).pixels(), image.pixels());
}

TEST(Transforms, NormalizeIsLastAndChecksChannels) {
    const Image image(1, 2, 3, {0, 1, 2, 3, 4, 5});
    const Image normal = apply(Normalize({0.0f, 0.5f, 0.25f}, {1.0f, 0.5f, 2.0f}), image);
    std::vector<float> out(6);
    normal.write(out.data());
    const double expected[] = {
        0, 3 / 255.0, (1 / 255.0 - 0.5) / 0.5, (4 / 255.0 - 0.5) / 0.5, (2 / 255.0 - 0.25) / 2, (5 / 255.0 - 0.25) / 2};
    for (size_t i = 0; i < 6; ++i) EXPECT_EQ(out[i], static_cast<float>(expected[i]));
    EXPECT_ERROR(apply(CenterCrop(1), normal), "CenterCrop: comes after normalizing");
    EXPECT_ERROR(apply(Normalize({0}, {1}), image), "Normalize: has 1 means, the sample has 3 channels");
    EXPECT_ERROR(Normalize({0, 0}, {1}), "mean has 2 values and std 1");
    EXPECT_ERROR(Normalize({0}, {0}), "std must be positive");

    Sample numbers{Array(std::vector<float>{1, 2, 3, 4}, {2, 2}), 0};
    Random random(0);
    Normalize({1, 2}, {2, 4})(numbers, random);
    EXPECT_EQ(std::get<Array>(numbers.x).to_vector<float>(), (std::vector<float>{0, 0.5f, 0.25f, 0.5f}));
    EXPECT_ERROR(Normalize({1}, {2})(numbers, random), "has 1 means, the sample has 2 channels");
    EXPECT_ERROR(Resize(2)(numbers, random), "Resize: needs a picture; the sample's x is f32 [2, 2]");
}

TEST(Transforms, Mixup) {
    HostBatch batch{Array(std::vector<float>{0, 0, 1, 10, 2, 20}, {3, 2}), Array(std::vector<int64_t>{0, 1, 1}, {3}),
                    0};
    Random random(4);
    Mixup(0.7, 2)(batch, random);
    EXPECT_EQ(batch.y.shape(), (Shape{3, 2}));
    const auto x = batch.x.to_vector<float>(), y = batch.y.to_vector<float>();
    // Every row is a mixture of itself and one other.
    for (size_t i = 0; i < 3; ++i) {
        EXPECT_NEAR(x[2 * i + 1], 10 * x[2 * i], 1e-5);
        EXPECT_NEAR(y[2 * i] + y[2 * i + 1], 1, 1e-6);
    }
    Random again(4);
    const double w = again.beta(0.7, 0.7);
    EXPECT_TRUE(w >= 0 && w <= 1);
    std::vector<size_t> partner{0, 1, 2};
    shuffle(partner.data(), 3, again);
    for (size_t i = 0; i < 3; ++i)
        EXPECT_NEAR(x[2 * i], w * static_cast<double>(i) + (1 - w) * static_cast<double>(partner[i]), 1e-5);
    EXPECT_ERROR(Mixup(0, 2), "alpha must be positive");
    HostBatch wrong{Array(f32, {2, 1}), Array(std::vector<int64_t>{0, 5}, {2}), 0};
    EXPECT_ERROR(Mixup(1, 2)(wrong, random), "label 5 is out of range for 2 classes");
    wrong.y = Array(f32, {2});
    EXPECT_ERROR(Mixup(1, 2)(wrong, random), "needs class labels");
}

TEST(Random, Distributions) {
    Random r(3);
    double sum = 0, squares = 0, gamma = 0, small = 0, beta = 0, beta2 = 0;
    constexpr int kDraws = 40000;
    for (int i = 0; i < kDraws; ++i) {
        const double u = r.uniform(), n = r.normal();
        ASSERT_TRUE(u >= 0 && u < 1);
        sum += n;
        squares += n * n;
        gamma += r.gamma(2.5);
        small += r.gamma(0.3);
        const double b = r.beta(0.4, 1.2);
        ASSERT_TRUE(b >= 0 && b <= 1);
        beta += b;
        beta2 += b * b;
    }
    EXPECT_NEAR(sum / kDraws, 0, 0.02);
    EXPECT_NEAR(squares / kDraws, 1, 0.03);
    EXPECT_NEAR(gamma / kDraws, 2.5, 0.035); // 4 standard errors of sqrt(shape / n)
    EXPECT_NEAR(small / kDraws, 0.3, 0.012);
    EXPECT_NEAR(beta / kDraws, 0.25, 0.006);             // a / (a + b)
    EXPECT_NEAR(beta2 / kDraws, 0.0625 + 0.0721, 0.006); // a b / ((a + b)^2 (a + b + 1)) = 0.48 / (2.56 * 2.6)
    EXPECT_EQ(Random(1).uniform(2, 2), 2);
}

} // namespace
} // namespace ingot::data
