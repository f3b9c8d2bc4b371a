// SPDX-License-Identifier: MIT
// Charts as inline SVG: lines, points and bars with axes. Colours are CSS classes (style.h), so that they follow the
// reader's light or dark theme; texts are escaped here. Plain data in, text out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ingot::train::report {

struct Point {
    double x = 0, y = 0;
};

/// A line, or points when `dots`. Points that are not finite interrupt a line.
struct Series {
    std::string name;
    std::vector<Point> points = {};
    int color = 0;      ///< 0..9
    bool faint = false; ///< in the background
    bool dots = false;  ///< points without a line
    bool steps = false; ///< horizontal, then vertical
};

struct Chart {
    std::string x_label, y_label;
    std::vector<Series> series;
    std::optional<double> x_min = {}, x_max = {}, y_min = {}, y_max = {}; ///< default: from the data
    bool log_y = false;                                                   ///< for positive values
    bool whole_x = false;                                                 ///< ticks at whole numbers only
    bool percent_y = false;                                               ///< ticks as percentages
    bool percent_x = false;
    bool square = false;
    bool diagonal = false; ///< the line y = x (of ROC curves and scatters), or y = 0 with `residuals`
    bool residuals = false;
    std::optional<Point> mark = {}; ///< circled
    std::string mark_text = {};
    bool mark_low = false;        ///< a lowest point, with its text below; else a highest one
    std::string description = {}; ///< for readers that cannot see

    /// The SVG, with a legend in front when there are several named series.
    std::string html() const;
};

/// Whether values spread so far that only a logarithmic axis shows the small ones: all positive, largest / smallest > 30.
bool spreads(const std::vector<Series>& series);

/// Bars side by side without axes: [low, high] cut into counts.size() equal parts.
std::string histogram_svg(const std::vector<double>& counts, double low, double high, int color,
                          const std::string& description);

/// At most `count` points: means of neighbours.
std::vector<Point> thin(const std::vector<Point>& points, size_t count);

/// About `count` round numbers within [low, high].
std::vector<double> ticks(double low, double high, int count);

} // namespace ingot::train::report
