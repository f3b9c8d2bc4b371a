// SPDX-License-Identifier: MIT
// Weights and gradients: histograms of the last look at them, and how their sizes developed.
#include <algorithm>
#include <cmath>

#include "train/report/chart.h"
#include "train/report/sections.h"
#include "train/report/text.h"

namespace ingot::train::report {

namespace {

constexpr size_t kTensors = 12; ///< drawn; the table has all
constexpr size_t kLines = 8;

double rms(const TensorStatistics& s) {
    return s.finite > 0 ? std::sqrt(s.sum_of_squares() / static_cast<double>(s.finite)) : NAN;
}

std::string histogram(const TensorStatistics& s, int color, const std::string& what) {
    if (s.finite == 0) return "<p class=soft>no finite values</p>";
    std::vector<double> counts;
    for (const int64_t n : s.counts) counts.push_back(static_cast<double>(n));
    if (s.min == s.max) { // one bar, in the middle
        counts.assign(counts.size(), 0);
        counts[counts.size() / 2] = 1;
    }
    return histogram_svg(counts, s.min, s.max, color, what + " of " + s.name) + "<p class=ends><span>" +
           number(s.min, 3) + "</span><span>" + escape(what) + "</span><span>" + number(s.max, 3) + "</span></p>";
}

/// The largest tensors, in the order of the model.
std::vector<size_t> largest(const std::vector<TensorStatistics>& tensors, size_t count) {
    std::vector<size_t> order(tensors.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    const auto size = [&](size_t i) { return tensors[i].finite + tensors[i].not_finite; };
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return size(a) > size(b); });
    order.resize(std::min(count, order.size()));
    std::sort(order.begin(), order.end());
    return order;
}

std::string development(const ReportData& data, bool gradients) {
    if (data.statistics.size() < 2) return "";
    const auto& last = gradients ? data.statistics.back().gradients : data.statistics.back().weights;
    Chart chart = over_epochs(data);
    int color = 0;
    for (const size_t i : largest(last, kLines)) {
        Series s{.name = last[i].name, .color = color++};
        for (const StatisticsAt& at : data.statistics) {
            const auto& tensors = gradients ? at.gradients : at.weights;
            if (i < tensors.size()) s.points.push_back({at.epoch, rms(tensors[i])});
        }
        chart.series.push_back(std::move(s));
    }
    if (chart.series.empty()) return "";
    chart.log_y = spreads(chart.series);
    chart.description = gradients ? "Size of the gradients over training" : "Size of the weights over training";
    return card(gradients ? "Size of the gradients" : "Size of the weights",
                std::string("root mean square") + (last.size() > kLines ? " of the largest tensors" : "") +
                    (chart.log_y ? ", log scale" : ""),
                chart.html());
}

std::string row(const TensorStatistics& s) {
    return "<td class=n>" + number(s.mean, 3) + "<td class=n>" + number(s.std, 3) + "<td class=n>" + number(s.min, 3) +
           "<td class=n>" + number(s.max, 3);
}

} // namespace

std::string statistics_section(const ReportData& data) {
    if (data.statistics.empty()) return "";
    const StatisticsAt& last = data.statistics.back();
    std::string tensors = "<div class=tensors>";
    for (const size_t i : largest(last.weights, kTensors)) {
        const TensorStatistics& w = last.weights[i];
        tensors += "<div class=tensor><h3>" + escape(w.name) + " <small>" + count(w.finite + w.not_finite) +
                   "</small></h3>" + histogram(w, 0, "weights");
        if (i < last.gradients.size()) tensors += histogram(last.gradients[i], 1, "gradients");
        tensors += "</div>";
    }
    tensors += "</div>";
    std::string table =
        "<details><summary>All tensors as a table</summary><div class=scroll><table><thead><tr><th>Tensor<th "
        "class=n>Elements<th class=n>Mean<th class=n>Std<th class=n>Min<th class=n>Max<th "
        "class=n>Gradient mean<th class=n>Std<th class=n>Min<th class=n>Max<th class=n>Not finite</thead>";
    for (size_t i = 0; i < last.weights.size(); ++i) {
        const TensorStatistics& w = last.weights[i];
        const bool has = i < last.gradients.size();
        table += "<tr><td>" + escape(w.name) + "<td class=n>" + count(w.finite + w.not_finite) + row(w) +
                 (has ? row(last.gradients[i]) : "<td><td><td><td>") + "<td class=n>" +
                 count(w.not_finite + (has ? last.gradients[i].not_finite : 0));
    }
    table += "</table></div></details>";
    const std::string cards = development(data, true) + development(data, false);
    return std::string("<h2>Weights") + (last.gradients.empty() ? "" : " and gradients") + "</h2>" +
           (cards.empty() ? "" : "<div class=cards>" + cards + "</div><div style=\"height:14px\"></div>") +
           card("Histograms",
                "at step " + count(last.step) + (last.weights.size() > kTensors ? ", the largest tensors" : ""),
                tensors + table, "wide");
}

} // namespace ingot::train::report
