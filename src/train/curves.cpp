// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <ingot/error.h>
#include <ingot/train/curves.h>

namespace ingot::train {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

/// Samples at or above a distinct score.
struct Step {
    double threshold;
    int64_t positives, negatives; ///< so far
};

/// One step per distinct score, from the highest; empty when a score is NaN.
std::vector<Step> steps(std::span<const double> scores, std::span<const uint8_t> positive) {
    if (scores.size() != positive.size())
        throw Error("curve: " + std::to_string(scores.size()) + " scores for " + std::to_string(positive.size()) +
                    " samples");
    if (std::any_of(scores.begin(), scores.end(), [](double s) { return std::isnan(s); })) return {};
    std::vector<size_t> order(scores.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
    std::vector<Step> out;
    int64_t positives = 0, negatives = 0;
    for (size_t i = 0; i < order.size(); ++i) {
        ++(positive[order[i]] != 0 ? positives : negatives);
        if (i + 1 == order.size() || scores[order[i + 1]] != scores[order[i]])
            out.push_back({scores[order[i]], positives, negatives});
    }
    return out;
}

double part(int64_t a, int64_t b) { return static_cast<double>(a) / static_cast<double>(b); }

} // namespace

std::vector<CurvePoint> roc_curve(std::span<const double> scores, std::span<const uint8_t> positive) {
    const std::vector<Step> all = steps(scores, positive);
    if (all.empty() || all.back().positives == 0 || all.back().negatives == 0) return {};
    std::vector<CurvePoint> out{{0, 0, kInfinity}};
    for (const Step& s : all)
        out.push_back({part(s.negatives, all.back().negatives), part(s.positives, all.back().positives), s.threshold});
    return out;
}

std::vector<CurvePoint> precision_recall_curve(std::span<const double> scores, std::span<const uint8_t> positive) {
    const std::vector<Step> all = steps(scores, positive);
    if (all.empty() || all.back().positives == 0) return {};
    std::vector<CurvePoint> out{{0, 1, kInfinity}}; // nothing is called positive, so nothing wrongly
    for (const Step& s : all)
        out.push_back(
            {part(s.positives, all.back().positives), part(s.positives, s.positives + s.negatives), s.threshold});
    return out;
}

double roc_auc(std::span<const double> scores, std::span<const uint8_t> positive) {
    const std::vector<CurvePoint> curve = roc_curve(scores, positive);
    if (curve.empty()) return kUndefined;
    double area = 0;
    for (size_t i = 1; i < curve.size(); ++i) area += (curve[i].x - curve[i - 1].x) * (curve[i].y + curve[i - 1].y) / 2;
    return area;
}

double average_precision(std::span<const double> scores, std::span<const uint8_t> positive) {
    const std::vector<CurvePoint> curve = precision_recall_curve(scores, positive);
    if (curve.empty()) return kUndefined;
    double area = 0;
    for (size_t i = 1; i < curve.size(); ++i) area += (curve[i].x - curve[i - 1].x) * curve[i].y;
    return area;
}

} // namespace ingot::train
