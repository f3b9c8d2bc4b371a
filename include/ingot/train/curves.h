// SPDX-License-Identifier: MIT
// ROC and precision-recall curves and the areas under them, of scores on the host. Higher scores mean "positive"; only their
// order matters. Samples with equal scores enter together, so ties favour nobody. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace ingot::train {

/// What calling every score >= threshold positive gives.
struct CurvePoint {
    double x = 0;         ///< ROC: false positive rate; precision-recall: recall
    double y = 0;         ///< ROC: true positive rate; precision-recall: precision
    double threshold = 0; ///< infinity: nothing is positive
};

/// One point per distinct score, from the highest to the lowest, after the point for infinity. Empty when the curve is
/// undefined: no positives (or, for ROC, no negatives) or a score that is NaN. scores, positive: one length.
std::vector<CurvePoint> roc_curve(std::span<const double> scores, std::span<const uint8_t> positive);
std::vector<CurvePoint> precision_recall_curve(std::span<const double> scores, std::span<const uint8_t> positive);

/// The probability that a positive sample scores above a negative one, ties counting half (= the area under the ROC
/// curve by trapezoids). NaN when undefined.
double roc_auc(std::span<const double> scores, std::span<const uint8_t> positive);
/// The area under the precision-recall curve as average precision: the sum of (R_k - R_{k-1}) P_k, without interpolation.
/// NaN when undefined.
double average_precision(std::span<const double> scores, std::span<const uint8_t> positive);

} // namespace ingot::train
