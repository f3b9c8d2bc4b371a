// SPDX-License-Identifier: MIT
// Classification: confusion matrix, scores per class, ROC and precision-recall curves, samples.
#include <algorithm>
#include <cmath>

#include "io/image.h"
#include "train/report/chart.h"
#include "train/report/sections.h"
#include "train/report/text.h"

namespace ingot::train::report {

namespace {

constexpr int64_t kNumbersUpTo = 16; ///< classes: cells with counts
constexpr int64_t kMatrixUpTo = 100; ///< classes: cells at all
constexpr size_t kCurves = 10;       ///< more lines cannot be told apart
constexpr size_t kImageSide = 128;   ///< pictures are not embedded larger

std::string class_name(const ReportData& data, int64_t i) {
    const auto at = static_cast<size_t>(i);
    return at < data.class_names.size() ? data.class_names[at] : std::to_string(i);
}

std::string matrix(const ReportData& data, const Confusion& c) {
    const bool small = c.classes > kNumbersUpTo;
    size_t longest = 0;
    for (int64_t i = 0; i < c.classes; ++i) longest = std::max(longest, class_name(data, i).size());
    const auto head = static_cast<int64_t>(small ? 0 : std::min<size_t>(110, 12 + 8 * longest));
    std::string out = std::string("<div class=scroll><table class=\"matrix") + (small ? " small" : "") +
                      "\" style=\"--head:" + std::to_string(head) +
                      "px;max-width:" + std::to_string(head + 80 * c.classes) + "px\"><thead><tr><th>";
    if (!small)
        for (int64_t j = 0; j < c.classes; ++j)
            out += "<th title=\"predicted as " + escape(class_name(data, j)) + "\">" + escape(class_name(data, j));
    out += "</thead>";
    for (int64_t i = 0; i < c.classes; ++i) {
        int64_t row = 0;
        for (int64_t j = 0; j < c.classes; ++j) row += c.at(i, j);
        out += "<tr><th class=n>" + (small ? "" : escape(class_name(data, i)));
        for (int64_t j = 0; j < c.classes; ++j) {
            const int64_t n = c.at(i, j);
            const double part = row > 0 ? static_cast<double>(n) / static_cast<double>(row) : 0;
            // Mistakes are rare: their share is stretched so that one in a hundred can be seen.
            const double shade = n == 0   ? 0
                                 : i == j ? 0.1 + 0.75 * part
                                          : std::min(0.9, 0.12 + 1.5 * std::sqrt(part) * 0.6);
            const char* css = n == 0 ? " class=zero" : shade > 0.55 ? " class=dark" : "";
            out += "<td" + std::string(css);
            if (n > 0) {
                out += " style=\"--v:" + number(shade, 2) + (i == j ? "" : ";--k:var(--badheat)") + "\" title=\"" +
                       escape(class_name(data, i)) +
                       (i == j ? " recognised" : " taken for " + escape(class_name(data, j))) + ": " + count(n) +
                       " of " + count(row) + " (" + percent(part) + ")\"";
            }
            out += ">" + count(n);
        }
    }
    return out + "</table></div>";
}

std::string confusions(const ReportData& data, const Confusion& c) {
    struct Pair {
        int64_t n, label, prediction;
    };
    std::vector<Pair> pairs;
    for (int64_t i = 0; i < c.classes; ++i)
        for (int64_t j = 0; j < c.classes; ++j)
            if (i != j && c.at(i, j) > 0) pairs.push_back({c.at(i, j), i, j});
    if (pairs.empty()) return "<p class=soft>No mistakes.</p>";
    std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.n > b.n; });
    std::string out = "<p class=soft>Most frequent mistakes: ";
    for (size_t i = 0; i < std::min<size_t>(pairs.size(), 5); ++i)
        out += (i > 0 ? ", " : "") + escape(class_name(data, pairs[i].label)) + " taken for " +
               escape(class_name(data, pairs[i].prediction)) + " (" + count(pairs[i].n) + ")";
    return out + ".</p>";
}

std::string bar_cell(double v) {
    if (std::isnan(v)) return "<td class=n>" + number(v);
    return "<td class=\"n bar\" style=\"--v:" + number(std::clamp(v, 0.0, 1.0), 3) + "\"><span>" + percent(v) +
           "</span>";
}

std::string class_table(const ReportData& data, const EvaluatedSplit& split) {
    const Confusion& c = *split.confusion;
    const bool curves = !split.curves.empty();
    std::string out =
        "<div class=\"scroll tall\"><table class=names><thead><tr><th>Class<th class=n>Samples<th class=n>Precision<th "
        "class=n>Recall<th class=n>F1";
    if (curves) out += "<th class=n>ROC area<th class=n>PR area";
    out += "</thead>";
    for (int64_t i = 0; i < c.classes; ++i) {
        const ClassScore s = c.score(i);
        out += "<tr><td>" + escape(class_name(data, i)) + "<td class=n>" + count(s.support) + bar_cell(s.precision) +
               bar_cell(s.recall) + bar_cell(s.f1);
        if (!curves) continue;
        const auto& curve = split.curves[static_cast<size_t>(i)];
        out += "<td class=n>" + fixed(curve.roc_auc, 4) + "<td class=n>" + fixed(curve.average_precision, 4);
    }
    const auto mean_of = [&](double ClassCurves::*member) {
        double sum = 0, n = 0;
        for (const ClassCurves& k : split.curves)
            if (!std::isnan(k.*member)) sum += k.*member, ++n;
        return n > 0 ? fixed(sum / n, 4) : number(NAN);
    };
    out += "<tr><td class=total>Mean<td class=\"n total\">" + count(c.total()) + "<td class=\"n total\">" +
           percent(c.precision()) + "<td class=\"n total\">" + percent(c.recall()) + "<td class=\"n total\">" +
           percent(c.f1());
    if (curves)
        out += "<td class=\"n total\">" + mean_of(&ClassCurves::roc_auc) + "<td class=\"n total\">" +
               mean_of(&ClassCurves::average_precision);
    return out + "</table></div>";
}

/// The curves of the classes with the smallest areas: of many classes those that matter.
std::string curve_card(const EvaluatedSplit& split, bool roc) {
    std::vector<const ClassCurves*> order;
    const auto area = [&](const ClassCurves* c) { return roc ? c->roc_auc : c->average_precision; };
    for (const ClassCurves& c : split.curves)
        if (!std::isnan(area(&c))) order.push_back(&c);
    if (order.empty()) return "";
    const bool all = order.size() <= kCurves;
    std::vector<const ClassCurves*> shown = order;
    if (!all) {
        std::stable_sort(shown.begin(), shown.end(), [&](auto* a, auto* b) { return area(a) < area(b); });
        shown.resize(kCurves);
    }
    Chart chart;
    chart.square = true;
    chart.x_label = roc ? "false positive rate" : "recall";
    chart.y_label = roc ? "true positive rate" : "precision";
    // Where every curve hugs the corner, only the corner shows anything.
    const bool corner = std::all_of(order.begin(), order.end(), [&](auto* c) { return area(c) > 0.98; });
    chart.x_min = corner && !roc ? 0.9 : 0;
    chart.x_max = corner && roc ? 0.1 : 1;
    chart.y_min = corner ? 0.9 : 0;
    chart.y_max = 1;
    chart.diagonal = roc && !corner;
    chart.description = roc ? "ROC curves of the classes" : "Precision-recall curves of the classes";
    for (size_t i = 0; i < shown.size(); ++i) {
        Series s{.name = shown[i]->name + " (" + fixed(area(shown[i]), 4) + ")", .color = static_cast<int>(i)};
        for (const CurvePoint& p : roc ? shown[i]->roc : shown[i]->precision_recall) s.points.push_back({p.x, p.y});
        chart.series.push_back(std::move(s));
    }
    if (chart.series.size() == 1) chart.series.push_back({.name = " "}); // a legend also for one
    return card(roc ? "ROC curves" : "Precision and recall",
                std::string("each class against the rest, with the area") + (all ? "" : "; the ten smallest areas") +
                    (corner ? "; only the corner is shown" : ""),
                chart.html());
}

std::string base64(const std::vector<uint8_t>& bytes) {
    static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (size_t i = 0; i < bytes.size(); i += 3) {
        const uint32_t b1 = i + 1 < bytes.size() ? bytes[i + 1] : 0, b2 = i + 2 < bytes.size() ? bytes[i + 2] : 0;
        const uint32_t group = static_cast<uint32_t>(bytes[i]) << 16 | b1 << 8 | b2;
        out += kDigits[group >> 18];
        out += kDigits[group >> 12 & 63];
        out += i + 1 < bytes.size() ? kDigits[group >> 6 & 63] : '=';
        out += i + 2 < bytes.size() ? kDigits[group & 63] : '=';
    }
    return out;
}

std::string picture(const ShownSample& s) {
    io::Image image = s.image;
    const int largest = std::max(image.width, image.height);
    if (largest > static_cast<int>(kImageSide)) {
        const double by = static_cast<double>(kImageSide) / largest;
        image = io::resize(image, std::max(1, static_cast<int>(std::lround(image.width * by))),
                           std::max(1, static_cast<int>(std::lround(image.height * by))));
    }
    return std::string("<img") + (largest <= 64 ? " class=pixels" : "") + " alt=\"" + escape(s.label) +
           "\" width=" + std::to_string(image.width) + " height=" + std::to_string(image.height) +
           " src=\"data:image/png;base64," + base64(io::encode_png(image)) + "\">";
}

std::string gallery(const std::vector<ShownSample>& samples) {
    std::string out = "<div class=samples>";
    for (const ShownSample& s : samples) {
        out += "<figure class=sample title=\"sample " + std::to_string(s.index) + "\">" + picture(s) + "<figcaption>";
        if (s.right)
            out += "<span class=right>" + escape(s.label) + "</span> <span class=nowrap>" + percent(s.confidence, 0) +
                   "</span>";
        else
            out += escape(s.label) + " \u2192 <span class=wrong>" + escape(s.prediction) +
                   "</span> <span class=nowrap>" + percent(s.confidence, 0) + "</span>";
        out += "</figcaption></figure>";
    }
    return out + "</div>";
}

} // namespace

std::string classes_section(const ReportData& data) {
    if (!data.evaluated || !data.evaluated->confusion) return "";
    const EvaluatedSplit& split = *data.evaluated;
    const Confusion& c = *split.confusion;
    std::string out =
        "<h2>Classes <span class=soft>on the " + escape(split.name) + " data</span></h2><div class=cards>";
    std::string matrix_card;
    if (c.classes <= kMatrixUpTo) matrix_card = matrix(data, c);
    out += card("Confusion matrix", "rows: true class, columns: prediction", matrix_card + confusions(data, c));
    out += card("Scores by class", "", class_table(data, split));
    out += curve_card(split, true) + curve_card(split, false);
    return out + "</div>";
}

std::string samples_section(const ReportData& data) {
    if (!data.evaluated || (data.evaluated->errors.empty() && data.evaluated->right.empty())) return "";
    const EvaluatedSplit& split = *data.evaluated;
    std::string out = "<h2>Samples <span class=soft>of the " + escape(split.name) + " data</span></h2>";
    if (!split.errors.empty())
        out += card("Worst mistakes",
                    "of " + count(split.wrong) + (split.wrong == 1 ? " mistake" : " mistakes") +
                        ": true class \u2192 prediction and its probability; the least likely true class first",
                    gallery(split.errors), "wide");
    if (!split.right.empty())
        out += "<div style=\"height:14px\"></div>" +
               card("Right answers", "from anywhere in the data", gallery(split.right), "wide");
    return out;
}

} // namespace ingot::train::report
