// SPDX-License-Identifier: MIT
// Draws labelled digits. A shape is a design (glyph_shapes.h) whose points a seeded variant moves; an image is a shape
// under a random affine map, drawn with a random pen on a random background, plus noise. Training and testing use
// different designs and different variants, so no test shape occurs in training.
//
// Everything is integer arithmetic in 1/256 pixels, or single correctly rounded double operations, so the same seed
// gives the same bytes on every machine and with any number of threads.
#include <algorithm>
#include <array>

#include "base/parallel.h"
#include "data/glyph_shapes.h"
#include "data/sources.h"
#include <ingot/data/random.h>

namespace ingot::data {

namespace {

constexpr int kSide = 32;
constexpr int kVariants = 48;    ///< shapes per design
constexpr int kCurveSteps = 6;   ///< straight pieces per span of a curve
constexpr int32_t kOne = 256;    ///< one pixel, one design unit, or full coverage
constexpr int64_t kUnit = 65536; ///< 1.0 of a factor
constexpr int kMoveUnits = 5;    ///< how far a variant moves a point, in design units

enum Stream : uint64_t { kVariantStream = 1, kImageStream = 2 };

using Polyline = std::vector<GlyphPoint>;
using Drawing = std::vector<Polyline>;

/// Uniform Catmull-Rom between b and c (Catmull, Rom 1974) at t = step / kCurveSteps, exact up to the last division.
int32_t catmull_rom(int64_t a, int64_t b, int64_t c, int64_t d, int64_t step) {
    constexpr int64_t n = kCurveSteps;
    const int64_t sum = 2 * b * n * n * n + (c - a) * step * n * n + (2 * a - 5 * b + 4 * c - d) * step * step * n +
                        (3 * b - a - 3 * c + d) * step * step * step;
    return static_cast<int32_t>(sum / (2 * n * n * n));
}

Polyline flatten(const GlyphStroke& stroke, const std::vector<GlyphPoint>& p) {
    if (stroke.kind == GlyphStroke::Kind::lines) return p;
    const bool loop = stroke.kind == GlyphStroke::Kind::loop;
    const auto count = static_cast<int64_t>(p.size());
    const auto at = [&](int64_t i) {
        return p[static_cast<size_t>(loop ? (i + count) % count : std::clamp<int64_t>(i, 0, count - 1))];
    };
    Polyline line{p[0]};
    for (int64_t i = 0; i < (loop ? count : count - 1); ++i) {
        const GlyphPoint a = at(i - 1), b = at(i), c = at(i + 1), d = at(i + 2);
        for (int step = 1; step <= kCurveSteps; ++step)
            line.push_back({catmull_rom(a.x, b.x, c.x, d.x, step), catmull_rom(a.y, b.y, c.y, d.y, step)});
    }
    return line;
}

/// The design with its points moved. The move depends on the point's place, so strokes that meet still meet.
Drawing make_shape(const GlyphDesign& design, uint64_t seed, uint64_t shape) {
    Random random(seed, kVariantStream, shape);
    const int64_t lean = random.between(-kUnit / 8, kUnit / 8);   // x += lean * y
    const int64_t squeeze = random.between(kUnit * 3 / 4, kUnit); // x *= squeeze
    const uint64_t salt = random.next();
    Drawing drawing;
    for (const GlyphStroke& stroke : design) {
        std::vector<GlyphPoint> moved;
        for (const GlyphPoint& p : stroke.points) {
            Random place(salt, static_cast<uint64_t>(p.x), static_cast<uint64_t>(p.y));
            const int64_t dx = place.between(-kMoveUnits * kOne, kMoveUnits * kOne);
            const int64_t dy = place.between(-kMoveUnits * kOne, kMoveUnits * kOne);
            const int64_t x = p.x - 32 * kOne + dx, y = p.y - 50 * kOne + dy;
            moved.push_back({static_cast<int32_t>((x * squeeze + y * lean) / kUnit), static_cast<int32_t>(y)});
        }
        drawing.push_back(flatten(stroke, moved));
    }
    return drawing;
}

/// Lowers *best (squared distances in 1/256 pixels) by the distance of each pixel's centre to the segment a-b.
void draw_segment(GlyphPoint a, GlyphPoint b, int64_t reach, std::array<int64_t, kSide * kSide>& best) {
    const int64_t abx = b.x - a.x, aby = b.y - a.y;
    const int64_t length2 = abx * abx + aby * aby;
    const double inverse = length2 > 0 ? 1.0 / static_cast<double>(length2) : 0.0;
    const auto low = [&](int64_t v) { return static_cast<int>(std::clamp<int64_t>((v - reach) / kOne, 0, kSide)); };
    const auto high = [&](int64_t v) {
        return static_cast<int>(std::clamp<int64_t>((v + reach) / kOne + 1, 0, kSide));
    };
    const int x0 = low(std::min(a.x, b.x)), x1 = high(std::max(a.x, b.x));
    const int y0 = low(std::min(a.y, b.y)), y1 = high(std::max(a.y, b.y));
    for (int y = y0; y < y1; ++y)
        for (int x = x0; x < x1; ++x) {
            const int64_t apx = x * kOne + kOne / 2 - a.x, apy = y * kOne + kOne / 2 - a.y;
            const int64_t along = apx * abx + apy * aby;
            int64_t distance2 = 0;
            if (along <= 0) {
                distance2 = apx * apx + apy * apy;
            } else if (along >= length2) {
                distance2 = (apx - abx) * (apx - abx) + (apy - aby) * (apy - aby);
            } else {
                const int64_t cross = apx * aby - apy * abx;
                // One rounded product and nothing to contract it with: the same everywhere.
                distance2 = static_cast<int64_t>(static_cast<double>(cross * cross) * inverse);
            }
            int64_t& cell = best[static_cast<size_t>(y * kSide + x)];
            cell = std::min(cell, distance2);
        }
}

/// out: [32, 32].
void draw_image(const Drawing& shape, Random& random, uint8_t* out) {
    // The map: rotate, shear, scale, move. 0.21 pixels per design unit makes a digit 21 pixels high.
    const int64_t angle = random.between(-kUnit * 30 / 100, kUnit * 30 / 100); // radians
    const int64_t angle2 = angle * angle / kUnit;
    const int64_t sine = angle - angle * angle2 / (6 * kUnit); // Taylor: 1e-4 off at the largest angle
    const int64_t cosine = kUnit - angle2 / 2 + angle2 * angle2 / (24 * kUnit);
    const int64_t shear = random.between(-kUnit * 25 / 100, kUnit * 25 / 100);
    const int64_t scale_x = random.between(kUnit * 150 / 1000, kUnit * 240 / 1000);
    const int64_t scale_y = random.between(kUnit * 160 / 1000, kUnit * 235 / 1000);
    const int64_t move_x = kSide * kOne / 2 + random.between(-4 * kOne, 4 * kOne);
    const int64_t move_y = kSide * kOne / 2 + random.between(-4 * kOne, 4 * kOne);
    const int64_t radius = random.between(kOne * 7 / 10, kOne * 20 / 10);
    const auto place = [&](GlyphPoint p) {
        const int64_t x = (p.x * kUnit + p.y * shear) / kUnit * scale_x / kUnit;
        const int64_t y = p.y * scale_y / kUnit;
        return GlyphPoint{static_cast<int32_t>((x * cosine - y * sine) / kUnit + move_x),
                          static_cast<int32_t>((x * sine + y * cosine) / kUnit + move_y)};
    };
    std::array<int64_t, kSide * kSide> best;
    best.fill(INT64_MAX);
    for (const Polyline& line : shape) {
        GlyphPoint from = place(line[0]);
        for (size_t i = 1; i < line.size(); ++i) {
            const GlyphPoint to = place(line[i]);
            draw_segment(from, to, radius + kOne, best);
            from = to;
        }
    }

    const int64_t paper = random.between(0, 70), ink = random.between(paper + 90, 255);
    const int64_t slope_x = random.between(-24, 24), slope_y = random.between(-24, 24); // lighting, over the image
    const int64_t noise = random.between(0, 28);
    uint64_t bits = 0;
    for (int y = 0; y < kSide; ++y)
        for (int x = 0; x < kSide; ++x) {
            const int64_t distance2 = best[static_cast<size_t>(y * kSide + x)];
            // (r^2 - d^2) / 2r is about r - d at the edge: an edge one pixel wide without a square root.
            const int64_t inside = distance2 == INT64_MAX ? -kOne : (radius * radius - distance2) / (2 * radius);
            const int64_t cover = std::clamp<int64_t>(inside + kOne / 2, 0, kOne);
            if ((x & 1) == 0) bits = random.next();
            // The sum of four bytes is near enough to a normal distribution, deviation 148.
            const int64_t bell =
                static_cast<int64_t>((bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24 & 255)) - 510;
            bits >>= 32;
            const int64_t light = (slope_x * (x - kSide / 2) + slope_y * (y - kSide / 2)) / kSide;
            const int64_t value = paper + (ink - paper) * cover / kOne + light + bell * noise / 148;
            out[y * kSide + x] = static_cast<uint8_t>(std::clamp<int64_t>(value, 0, 255));
        }
}

/// `count` images from the designs [first, last) of every digit; sample i shows digit i % 10.
ImageSet draw_set(uint64_t seed, uint64_t split, int first, int last, int64_t count) {
    const int designs = last - first;
    std::vector<Drawing> shapes(static_cast<size_t>(10 * designs * kVariants));
    base::parallel_for(static_cast<int64_t>(shapes.size()), 64, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
            const int64_t design = i / kVariants % designs, digit = i / kVariants / designs;
            shapes[static_cast<size_t>(i)] =
                make_shape(glyph_designs()[static_cast<size_t>(digit)][static_cast<size_t>(first + design)], seed,
                           split << 32 | static_cast<uint64_t>(i));
        }
    });
    ImageSet set;
    set.channels = 1;
    set.height = set.width = kSide;
    for (int d = 0; d < 10; ++d) set.class_names.push_back(std::to_string(d));
    for (int64_t i = 0; i < count; ++i) set.labels.push_back(i % 10);
    set.pixels.resize(static_cast<size_t>(count * kSide * kSide));
    base::parallel_for(count, 64, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
            Random random(seed, kImageStream, split << 32 | static_cast<uint64_t>(i));
            const int64_t shape = i % 10 * designs * kVariants +
                                  static_cast<int64_t>(random.below(static_cast<uint64_t>(designs * kVariants)));
            draw_image(shapes[static_cast<size_t>(shape)], random, set.pixels.data() + i * kSide * kSide);
        }
    });
    return set;
}

} // namespace

DataSplits make_glyphs(uint64_t seed, int64_t train, int64_t test) {
    return {draw_set(seed, 0, 0, kTrainDesigns, train), draw_set(seed, 1, kTrainDesigns, kDesigns, test)};
}

} // namespace ingot::data
