// SPDX-License-Identifier: MIT
// Brightness, contrast, saturation and hue. The first three are PIL's ImageEnhance: a blend with a plainer picture.
#include <ingot/data/transforms.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include <ingot/error.h>

namespace ingot::data {

namespace {

/// plain + factor (byte - plain), cut off to a byte (Pillow, src/libImaging/Blend.c: in float, fractions dropped).
uint8_t blend(int plain, int byte, float factor) {
    const float value = static_cast<float>(plain) + factor * static_cast<float>(byte - plain);
    return value <= 0 ? uint8_t{0} : value >= 255 ? uint8_t{255} : static_cast<uint8_t>(value);
}

/// ITU-R 601 luma, as io::to_grey().
int luma(const uint8_t* p, int64_t channels) {
    if (channels != 3) return p[0];
    return static_cast<int>((19595u * p[0] + 38470u * p[1] + 7471u * p[2] + 0x8000u) >> 16);
}

/// f(pixel, channels) on every pixel of a copy.
template <class F> Image each_pixel(const Image& image, const F& f) {
    std::vector<uint8_t> pixels = image.pixels();
    const int64_t channels = image.channels();
    for (auto p = pixels.begin(); p != pixels.end(); p += channels) f(&*p, channels);
    return Image(image.height(), image.width(), channels, std::move(pixels));
}

void check_factor(const char* who, double factor) {
    if (!(factor >= 0) || !std::isfinite(factor)) throw Error(std::string(who) + ": the factor must not be negative");
}

/// Turns the hue of an RGB pixel (Smith 1978, the HSV hexcone); saturation and value stay.
void turn_hue(uint8_t* p, double turn) {
    const int high = std::max({p[0], p[1], p[2]}), low = std::min({p[0], p[1], p[2]});
    if (high == low) return;
    const double range = high - low;
    double hue = 0; // in sixths of the circle
    if (p[0] == high)
        hue = (p[1] - p[2]) / range;
    else if (p[1] == high)
        hue = 2 + (p[2] - p[0]) / range;
    else
        hue = 4 + (p[0] - p[1]) / range;
    hue += 6 * turn;
    hue -= 6 * std::floor(hue / 6);
    for (int c = 0; c < 3; ++c) {
        // Each primary is full within one sixth of its place, absent two sixths away.
        const double distance = std::fabs(hue - 2 * c), around = std::min(distance, 6 - distance);
        const double share = std::clamp(2 - around, 0.0, 1.0);
        p[c] = static_cast<uint8_t>(std::lround(low + share * range));
    }
}

} // namespace

Image adjust_brightness(const Image& image, double factor) {
    check_factor("adjust_brightness", factor);
    std::array<uint8_t, 256> table{};
    for (int v = 0; v < 256; ++v) table[static_cast<size_t>(v)] = blend(0, v, static_cast<float>(factor));
    return each_pixel(image, [&](uint8_t* p, int64_t channels) {
        for (int64_t c = 0; c < channels; ++c) p[c] = table[p[c]];
    });
}

Image adjust_contrast(const Image& image, double factor) {
    check_factor("adjust_contrast", factor);
    const std::vector<uint8_t> pixels = image.pixels();
    uint64_t sum = 0;
    for (size_t i = 0; i < pixels.size(); i += static_cast<size_t>(image.channels()))
        sum += static_cast<uint64_t>(luma(&pixels[i], image.channels()));
    const auto count = static_cast<double>(image.height() * image.width());
    const int mean = static_cast<int>(static_cast<double>(sum) / count + 0.5);
    return each_pixel(image, [&](uint8_t* p, int64_t channels) {
        for (int64_t c = 0; c < channels; ++c) p[c] = blend(mean, p[c], static_cast<float>(factor));
    });
}

Image adjust_saturation(const Image& image, double factor) {
    check_factor("adjust_saturation", factor);
    if (image.channels() != 3) return image;
    return each_pixel(image, [&](uint8_t* p, int64_t channels) {
        const int grey = luma(p, channels);
        for (int64_t c = 0; c < channels; ++c) p[c] = blend(grey, p[c], static_cast<float>(factor));
    });
}

Image adjust_hue(const Image& image, double turn) {
    if (!(turn >= -0.5 && turn <= 0.5)) throw Error("adjust_hue: the turn must lie between -0.5 and 0.5");
    if (image.channels() != 3) return image;
    return each_pixel(image, [&](uint8_t* p, int64_t) { turn_hue(p, turn); });
}

ColorJitter::ColorJitter(ColorJitterOptions options) : options_(options) {
    for (const double v : {options.brightness, options.contrast, options.saturation, options.hue})
        if (!(v >= 0) || !std::isfinite(v)) throw Error("ColorJitter: the ranges must not be negative");
    if (options.hue > 0.5) throw Error("ColorJitter: hue must be at most 0.5");
}

void ColorJitter::operator()(Sample& sample, Random& random) const {
    Image& image = sample.image("ColorJitter");
    std::array<int, 4> order{0, 1, 2, 3};
    shuffle(order.data(), 4, random);
    const auto factor = [&](double range) { return random.uniform(std::max(0.0, 1 - range), 1 + range); };
    // Drawn before they are applied, so that each has its own number whatever the order is.
    const double brightness = factor(options_.brightness);
    const double contrast = factor(options_.contrast);
    const double saturation = factor(options_.saturation);
    const double hue = random.uniform(-options_.hue, options_.hue);
    for (const int which : order) {
        if (which == 0 && options_.brightness > 0) image = adjust_brightness(image, brightness);
        if (which == 1 && options_.contrast > 0) image = adjust_contrast(image, contrast);
        if (which == 2 && options_.saturation > 0) image = adjust_saturation(image, saturation);
        if (which == 3 && options_.hue > 0) image = adjust_hue(image, hue);
    }
}

} // namespace ingot::data
