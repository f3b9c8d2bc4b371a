// SPDX-License-Identifier: MIT
// The ten digits as pen strokes, several designs each, for data/glyphs.cpp. Constant data.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace ingot::data {

/// A point of a design in fixed point, 256 units per design unit. The design box is 64 wide and 100 high, y downwards.
struct GlyphPoint {
    int32_t x, y;
    bool operator==(const GlyphPoint&) const = default;
};

struct GlyphStroke {
    enum class Kind : uint8_t { lines, curve, loop }; ///< straight, smooth through the points, smooth and closed
    Kind kind;
    std::vector<GlyphPoint> points;
};

using GlyphDesign = std::vector<GlyphStroke>;

/// Designs per digit; training uses the first kTrainDesigns, testing the others.
inline constexpr int kDesigns = 8, kTrainDesigns = 6;

/// designs()[digit][k].
const std::array<std::array<GlyphDesign, kDesigns>, 10>& glyph_designs();

} // namespace ingot::data
