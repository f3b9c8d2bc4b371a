// SPDX-License-Identifier: MIT
#include "train/report/chart.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "train/report/text.h"

namespace ingot::train::report {

namespace {

constexpr double kWidth = 440, kHeight = 262, kSquare = 340;
constexpr double kRight = 12, kTop = 12, kBottom = 40;
constexpr double kLetter = 8.2; ///< width of a digit of a tick, in the larger size of narrow screens

std::string at(double v) { return number(std::round(v * 10) / 10, 6); }

/// A range of values and where they stand on paper.
struct Axis {
    double low, high, from, to;
    bool log = false;
    double place(double v) const {
        const double part =
            log ? (std::log(v) - std::log(low)) / (std::log(high) - std::log(low)) : (v - low) / (high - low);
        return from + part * (to - from);
    }
    bool shows(double v) const { return std::isfinite(v) && (!log || v > 0); }
    bool inside(double v) const { return shows(v) && v >= low && v <= high; }
};

struct Range {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    void add(double v) {
        if (!std::isfinite(v)) return;
        low = std::min(low, v);
        high = std::max(high, v);
    }
};

std::vector<double> log_ticks(double low, double high) {
    std::vector<double> out;
    const double decades = std::log10(high / low);
    for (int e = static_cast<int>(std::floor(std::log10(low))); e <= static_cast<int>(std::ceil(std::log10(high))); ++e)
        for (const double m : {1.0, 2.0, 5.0}) {
            if (m != 1 && decades > 2.2) continue;
            const double v = m * std::pow(10, e);
            if (v >= low * 0.999 && v <= high * 1.001) out.push_back(v);
        }
    if (out.size() < 2) return ticks(low, high, 5); // much less than a decade
    const size_t every = (out.size() + 6) / 7;
    if (every > 1) {
        std::vector<double> fewer;
        for (size_t i = 0; i < out.size(); i += every) fewer.push_back(out[i]);
        return fewer;
    }
    return out;
}

/// With as many digits as tell ticks `step` apart from each other.
std::string tick_text(double v, double step, bool percent) {
    const auto place = [](double x) { return static_cast<int>(std::floor(std::log10(std::abs(x)) + 1e-9)); };
    if (percent) return fixed(100 * v, std::max(0, -place(100 * step))) + " %";
    if (std::abs(v) >= 1e6 && std::abs(v) < 1e9) return number(v / 1e6, 5) + " M";
    if (v != 0 && std::abs(v) < 1e-4) return number(v, 3);
    if (std::abs(v) >= 1000 && v == std::round(v)) return count(static_cast<int64_t>(v));
    return number(v, v == 0 ? 1 : std::max(5, place(v) - place(step) + 1));
}

/// The room that it takes.
double width_of(const std::string& tick) {
    return kLetter * static_cast<double>(tick.size() + (tick.ends_with('%') ? 1 : 0));
}

double spacing(const std::vector<double>& t) { return t.size() > 1 ? t[1] - t[0] : 1; }

std::vector<double> y_ticks(const Axis& y) { return y.log ? log_ticks(y.low, y.high) : ticks(y.low, y.high, 5); }

double x_tick_width(const Chart& chart, const std::vector<double>& xs) {
    double widest = 0;
    for (const double v : xs) widest = std::max(widest, width_of(tick_text(v, spacing(xs), chart.percent_x)));
    return widest;
}

/// As many as fit into `room` beside each other, and not many more than are useful.
std::vector<double> x_ticks(const Chart& chart, double low, double high, double room) {
    std::vector<double> out;
    for (int count = chart.square ? 5 : 7; count > 0; --count) {
        out = ticks(low, high, count);
        if (static_cast<double>(out.size()) * (x_tick_width(chart, out) + kLetter) <= room) break;
    }
    if (!chart.whole_x || spacing(out) >= 1) return out;
    std::vector<double> whole;
    for (double v = std::ceil(low); v <= high; ++v) whole.push_back(v);
    return whole.size() < 2 ? out : whole; // parts of epochs only where there is no other way to tell the scale
}

/// Room for the ticks of the y axis and its label.
double left_margin(const Chart& chart, const Axis& y) {
    const std::vector<double> ys = y_ticks(y);
    double widest = 0;
    for (const double v : ys)
        widest = std::max(widest, width_of(tick_text(v, y.log ? v : spacing(ys), chart.percent_y)));
    return 10 + widest + (chart.y_label.empty() ? 0 : 17);
}

class Paper {
public:
    Paper(const Chart& chart, Axis x, Axis y, std::vector<double> x_ticks)
        : chart_(chart), x_(x), y_(y), x_ticks_(std::move(x_ticks)) {}

    void axes() {
        const std::vector<double>&xs = x_ticks_, ys = y_ticks(y_);
        std::string grid;
        for (const double v : ys) grid += "M" + at(x_.from) + " " + at(y_.place(v)) + "H" + at(x_.to);
        for (const double v : xs) grid += "M" + at(x_.place(v)) + " " + at(y_.from) + "V" + at(y_.to);
        out += "<path class=grid d=\"" + grid + "\"/>";
        for (const double v : ys)
            out += text(x_.from - 6, y_.place(v), "yt", tick_text(v, y_.log ? v : spacing(ys), chart_.percent_y));
        for (const double v : xs)
            out += text(x_.place(v), y_.from + 17, "xt", tick_text(v, spacing(xs), chart_.percent_x));
        out += text((x_.from + x_.to) / 2, y_.from + 35, "xl", chart_.x_label);
        if (!chart_.y_label.empty())
            out += "<text class=yl transform=\"translate(9 " + at((y_.from + y_.to) / 2) + ") rotate(-90)\">" +
                   escape(chart_.y_label) + "</text>";
    }

    void reference_line() {
        if (!chart_.diagonal) return;
        const double low = std::max(x_.low, y_.low), high = std::min(x_.high, y_.high);
        const double y0 = chart_.residuals ? 0 : low, y1 = chart_.residuals ? 0 : high;
        const double x0 = chart_.residuals ? x_.low : low, x1 = chart_.residuals ? x_.high : high;
        out += "<path class=diagonal d=\"M" + at(x_.place(x0)) + " " + at(y_.place(y0)) + "L" + at(x_.place(x1)) + " " +
               at(y_.place(y1)) + "\"/>";
    }

    /// Lines are cut off where the axes end (an svg inside another one hides what is outside), but not at half their width.
    void begin_clip() {
        const double x = x_.from - 2, y = y_.to - 2, w = x_.to - x_.from + 4, h = y_.from - y_.to + 4;
        out += "<svg x=" + at(x) + " y=" + at(y) + " width=" + at(w) + " height=" + at(h) + " viewBox=\"" + at(x) +
               " " + at(y) + " " + at(w) + " " + at(h) + "\">";
    }

    void line(const Series& s) {
        std::string path;
        bool pen_down = false;
        for (const Point& p : s.points) {
            if (!x_.shows(p.x) || !y_.shows(p.y)) {
                pen_down = false;
                continue;
            }
            const std::string x = at(x_.place(p.x)), y = at(y_.place(p.y));
            if (!pen_down)
                path += "M" + x + " " + y;
            else
                path += s.steps ? "H" + x + "V" + y : "L" + x + " " + y;
            pen_down = true;
        }
        if (path.empty()) return;
        out += "<path class=\"line s" + std::to_string(s.color) + (s.faint ? " faint" : "") + "\" d=\"" + path + "\"/>";
    }

    /// Circles, which say their values when pointed at.
    void dots(const Series& s) {
        const bool many = s.points.size() > 40;
        if (s.faint || (many && !s.dots) || s.points.size() > 5000) return;
        out += "<g class=\"" + std::string(s.dots ? "points" : "dots") + " s" + std::to_string(s.color) + "\">";
        for (const Point& p : s.points) {
            if (!x_.inside(p.x) || !y_.inside(p.y)) continue;
            out += "<circle cx=" + at(x_.place(p.x)) + " cy=" + at(y_.place(p.y)) +
                   " r=" + (s.dots ? many ? "1.8" : "2.6" : "2.4");
            if (s.points.size() > 400) {
                out += " />";
                continue;
            }
            out += "><title>" +
                   escape(chart_.x_label + " " + shown(p.x, chart_.percent_x) + ": " +
                          (s.name.empty() ? chart_.y_label : s.name) + " " + shown(p.y, chart_.percent_y)) +
                   "</title></circle>";
        }
        out += "</g>";
    }

    void mark() {
        if (!chart_.mark || !y_.shows(chart_.mark->y)) return;
        const double x = x_.place(chart_.mark->x), y = y_.place(chart_.mark->y);
        out += "<circle class=mark cx=" + at(x) + " cy=" + at(y) + " r=6><title>" + escape(chart_.mark_text) +
               "</title></circle>";
        const bool left = x > (x_.from + x_.to) / 2;
        out +=
            text(x + (left ? -8 : 8), y + (chart_.mark_low ? 18 : -10), left ? "note end" : "note", chart_.mark_text);
    }

    std::string out;

private:
    static std::string shown(double v, bool as_percent) { return as_percent ? percent(v, 2) : number(v, 5); }
    static std::string text(double x, double y, const char* css, const std::string& content) {
        if (content.empty()) return "";
        return "<text class=\"" + std::string(css) + "\" x=" + at(x) + " y=" + at(y) + ">" + escape(content) +
               "</text>";
    }

    const Chart& chart_;
    Axis x_, y_;
    std::vector<double> x_ticks_;
};

std::string legend(const std::vector<Series>& series) {
    size_t named = 0;
    for (const Series& s : series) named += !s.name.empty();
    if (named < 2) return "";
    std::string out = "<p class=legend>";
    for (const Series& s : series)
        if (!s.name.empty())
            out += "<span class=\"s" + std::to_string(s.color) + (s.faint ? " faint" : "") + "\"><i></i>" +
                   escape(s.name) + "</span> ";
    return out + "</p>";
}

} // namespace

std::vector<double> ticks(double low, double high, int count) {
    std::vector<double> out;
    if (!(high > low) || !std::isfinite(high - low)) return out;
    const double raw = (high - low) / count, power = std::pow(10, std::floor(std::log10(raw)));
    double step = 10 * power;
    for (const double m : {1.0, 2.0, 5.0})
        if (m * power >= raw * 0.7) {
            step = m * power;
            break;
        }
    for (auto i = static_cast<int64_t>(std::ceil(low / step - 1e-9));
         static_cast<double>(i) * step <= high + step * 1e-9; ++i)
        out.push_back(static_cast<double>(i) * step);
    return out;
}

bool spreads(const std::vector<Series>& series) {
    Range r;
    for (const Series& s : series)
        for (const Point& p : s.points) r.add(p.y);
    return r.low > 0 && r.high / r.low > 30;
}

std::vector<Point> thin(const std::vector<Point>& points, size_t count) {
    if (points.size() <= count || count == 0) return points;
    std::vector<Point> out;
    for (size_t i = 0; i < count; ++i) {
        const size_t from = i * points.size() / count, to = (i + 1) * points.size() / count;
        Point sum;
        for (size_t k = from; k < to; ++k) sum.x += points[k].x, sum.y += points[k].y;
        out.push_back({sum.x / static_cast<double>(to - from), sum.y / static_cast<double>(to - from)});
    }
    return out;
}

std::string Chart::html() const {
    Range xs, ys;
    for (const Series& s : series)
        for (const Point& p : s.points) {
            if (!std::isfinite(p.y) || (log_y && p.y <= 0)) continue;
            xs.add(p.x);
            ys.add(p.y);
        }
    if (!(xs.low <= xs.high)) return "<p class=soft>Nothing to draw: no finite values.</p>";
    const auto widen = [](double& low, double& high, bool logarithmic) {
        if (low < high) return;
        const double by = std::abs(low) * 0.1;
        high = logarithmic ? high * 1.5 : low == 0 ? 1 : high + by;
        low = logarithmic ? low / 1.5 : low - by;
    };
    double x_low = x_min.value_or(xs.low), x_high = x_max.value_or(xs.high);
    double y_low = y_min.value_or(ys.low), y_high = y_max.value_or(ys.high);
    widen(x_low, x_high, false);
    widen(y_low, y_high, log_y);
    // Some air above and below; more where the mark has its text.
    const double below = mark && mark_low ? 0.14 : 0.06, above = mark && !mark_low ? 0.14 : 0.06;
    if (log_y) {
        const double ratio = y_high / y_low;
        y_low /= std::pow(ratio, below);
        y_high *= std::pow(ratio, above);
    } else {
        const double range = y_high - y_low;
        if (!y_min) y_low -= y_low >= 0 && y_low < 1.5 * below * range ? y_low : below * range;
        if (!y_max) y_high += above * range;
    }
    const double width = square ? kSquare : kWidth, height = square ? kSquare : kHeight;
    const Axis y{y_low, y_high, height - kBottom, kTop, log_y};
    const double left = left_margin(*this, y);
    const std::vector<double> numbered = x_ticks(*this, x_low, x_high, width - kRight - left);
    const double right = std::max(kRight, x_tick_width(*this, numbered) / 2); // the last tick may stand at the very end
    Paper paper(*this, {x_low, x_high, left, width - right}, y, numbered);
    paper.axes();
    paper.reference_line();
    paper.begin_clip();
    for (const Series& s : series)
        if (!s.dots) paper.line(s);
    paper.out += "</svg>";
    for (const Series& s : series) paper.dots(s);
    paper.mark();
    return legend(series) + "<svg class=\"chart" + (square ? " square" : "") + "\" viewBox=\"0 0 " + at(width) + " " +
           at(height) + "\" role=img aria-label=\"" + escape(description) + "\">" + paper.out + "</svg>";
}

std::string histogram_svg(const std::vector<double>& counts, double low, double high, int color,
                          const std::string& description) {
    constexpr double kW = 200, kH = 56;
    double most = 0;
    for (const double c : counts) most = std::max(most, c);
    std::string path;
    for (size_t i = 0; i < counts.size() && most > 0; ++i) {
        if (counts[i] <= 0) continue;
        const double x = static_cast<double>(i) * kW / static_cast<double>(counts.size());
        const double w = kW / static_cast<double>(counts.size());
        const double h = std::max(0.8, counts[i] / most * (kH - 2));
        path += "M" + at(x) + " " + at(kH) + "v-" + at(h) + "h" + at(w) + "v" + at(h) + "z";
    }
    std::string zero;
    if (low < 0 && high > 0) zero = "<path class=zero d=\"M" + at(-low / (high - low) * kW) + " 0v" + at(kH) + "\"/>";
    return "<svg class=\"histogram s" + std::to_string(color) +
           "\" viewBox=\"0 0 200 56\" preserveAspectRatio=none role=img "
           "aria-label=\"" +
           escape(description) + "\"><path class=bars d=\"" + path + "\"/>" + zero + "</svg>";
}

} // namespace ingot::train::report
