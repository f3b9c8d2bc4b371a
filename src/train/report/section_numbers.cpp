// SPDX-License-Identifier: MIT
// Regression: predictions against targets, residuals and their distribution.
#include <algorithm>
#include <cmath>

#include "train/report/chart.h"
#include "train/report/sections.h"
#include "train/report/text.h"

namespace ingot::train::report {

std::string numbers_section(const ReportData& data) {
    if (!data.evaluated || data.evaluated->numbers.empty()) return "";
    const EvaluatedSplit& split = *data.evaluated;
    Series scatter{.name = "", .color = 0, .dots = true}, residuals{.name = "", .color = 1, .dots = true};
    double low = INFINITY, high = -INFINITY;
    std::vector<double> errors;
    for (const auto& [target, output] : split.numbers) {
        scatter.points.push_back({target, output});
        residuals.points.push_back({output, output - target});
        if (!std::isfinite(target) || !std::isfinite(output)) continue;
        errors.push_back(output - target);
        low = std::min({low, target, output});
        high = std::max({high, target, output});
    }
    if (errors.empty()) return "";
    Chart against;
    against.square = against.diagonal = true;
    against.x_label = "target";
    against.y_label = "prediction";
    const double air = high > low ? (high - low) * 0.04 : 1;
    against.x_min = against.y_min = low - air;
    against.x_max = against.y_max = high + air;
    against.series = {scatter};
    against.description = "Predictions against targets";
    Chart residual;
    residual.square = residual.diagonal = residual.residuals = true;
    residual.x_label = "prediction";
    residual.y_label = "prediction \u2212 target";
    residual.series = {residuals};
    residual.description = "Residuals against predictions";

    std::sort(errors.begin(), errors.end());
    const auto quantile = [&](double q) {
        return errors[static_cast<size_t>(q * static_cast<double>(errors.size() - 1) + 0.5)];
    };
    const double least = errors.front(), most = errors.back();
    std::vector<double> counts(40);
    for (const double e : errors)
        counts[most > least ? std::min<size_t>(39, static_cast<size_t>((e - least) / (most - least) * 40)) : 0] += 1;
    std::vector<double> sizes;
    for (const double e : errors) sizes.push_back(std::abs(e));
    std::sort(sizes.begin(), sizes.end());
    const auto size_quantile = [&](double q) {
        return sizes[static_cast<size_t>(q * static_cast<double>(sizes.size() - 1) + 0.5)];
    };
    std::string distribution = histogram_svg(counts, least, most, 1, "Distribution of the residuals") +
                               "<p class=ends><span>" + number(least) + "</span><span>" + number(most) + "</span></p>";
    distribution += "<table><tr><td>Median residual<td class=n>" + number(quantile(0.5)) +
                    "<tr><td>Half of the predictions are off by less than<td class=n>" + number(size_quantile(0.5)) +
                    "<tr><td>90 % are off by less than<td class=n>" + number(size_quantile(0.9)) +
                    "<tr><td>Largest error<td class=n>" + number(sizes.back()) + "</table>";
    const std::string note =
        static_cast<int64_t>(split.numbers.size()) < split.result.samples
            ? count(static_cast<int64_t>(split.numbers.size())) + " of " + count(split.result.samples)
            : "";
    return "<h2>Predictions <span class=soft>for the " + escape(split.name) +
           " data</span></h2><div class=\"cards three\">" + card("Prediction against target", note, against.html()) +
           card("Residuals", note, residual.html()) + card("Distribution of the residuals", note, distribution) +
           "</div>";
}

} // namespace ingot::train::report
