// SPDX-License-Identifier: MIT
// Curves over the epochs: loss, accuracy or perplexity, learning rate.
#include <algorithm>
#include <cmath>

#include "train/report/chart.h"
#include "train/report/sections.h"
#include "train/report/text.h"

namespace ingot::train::report {

namespace {

constexpr size_t kPoints = 400, kLosses = 180; ///< drawn; losses of single steps would be a blur

std::string loss_card(const ReportData& data) {
    Series steps{.name = "training, by step", .color = 0, .faint = true};
    for (const StepLoss& s : data.steps_seen) steps.points.push_back({s.epoch, s.loss});
    steps.points = thin(steps.points, kLosses);
    Series train{.name = "training, mean of the epoch", .color = 0}, validation{.name = "validation", .color = 1};
    Chart chart = over_epochs(data);
    for (const EpochMetrics& row : data.rows) {
        const auto x = static_cast<double>(row.epoch);
        train.points.push_back({x, row.train_loss});
        if (!row.val_loss) continue;
        validation.points.push_back({x, *row.val_loss});
        if (!chart.mark || *row.val_loss < chart.mark->y) {
            chart.mark = Point{x, *row.val_loss};
            chart.mark_text = "best " + number(*row.val_loss);
        }
    }
    chart.mark_low = true;
    for (Series* s : {&steps, &train, &validation})
        if (!s->points.empty()) chart.series.push_back(*s);
    if (chart.series.empty()) return "";
    chart.log_y = spreads(chart.series);
    chart.description = "Loss over the epochs";
    return card("Loss", data.loss_name + (chart.log_y ? ", log scale" : ""), chart.html());
}

std::string accuracy_card(const ReportData& data) {
    Chart chart = over_epochs(data);
    Series accuracy{.name = "", .color = 2};
    for (const EpochMetrics& row : data.rows)
        if (row.val_accuracy) accuracy.points.push_back({static_cast<double>(row.epoch), *row.val_accuracy});
    if (accuracy.points.empty()) return "";
    const auto best = std::max_element(accuracy.points.begin(), accuracy.points.end(),
                                       [](const Point& a, const Point& b) { return a.y < b.y; });
    chart.mark = *best;
    chart.mark_text = "best " + percent(best->y, 2);
    chart.series = {accuracy};
    chart.percent_y = true;
    chart.description = "Accuracy on the validation data over the epochs";
    return card("Accuracy", data.text ? "validation, of the next token" : "validation", chart.html());
}

std::string rate_card(const ReportData& data) {
    Chart chart = over_epochs(data);
    Series rate{.name = "", .color = 4};
    for (const StepLoss& s : data.steps_seen) rate.points.push_back({s.epoch, s.lr});
    rate.points = thin(rate.points, kPoints);
    // Of what was before a resume only the ends of the epochs are known.
    const double known = rate.points.empty() ? INFINITY : rate.points.front().x;
    std::vector<Point> before;
    for (const EpochMetrics& row : data.rows)
        if (static_cast<double>(row.epoch) < known) before.push_back({static_cast<double>(row.epoch), row.lr});
    rate.points.insert(rate.points.begin(), before.begin(), before.end());
    if (rate.points.empty()) return "";
    chart.series = {rate};
    chart.y_min = 0;
    chart.description = "Learning rate over the epochs";
    return card("Learning rate", "", chart.html());
}

/// Wall time of every epoch, validation and checkpoints included.
std::string speed_card(const ReportData& data) {
    Chart chart = over_epochs(data);
    Series speed{.name = "", .color = 7};
    for (size_t i = 1; i < data.rows.size(); ++i) {
        const EpochMetrics &before = data.rows[i - 1], &row = data.rows[i];
        const double seconds = row.seconds - before.seconds;
        if (row.epoch == before.epoch + 1 && seconds > 0)
            speed.points.push_back({static_cast<double>(row.epoch), seconds});
    }
    if (!data.rows.empty() && data.rows[0].epoch == 1)
        speed.points.insert(speed.points.begin(), {1, data.rows[0].seconds});
    if (speed.points.size() < 2) return "";
    chart.series = {speed};
    chart.y_min = 0;
    chart.description = "Seconds of every epoch";
    const bool validated = std::any_of(data.rows.begin(), data.rows.end(), [](const auto& r) { return r.val_loss; });
    return card("Time of an epoch", validated ? "seconds, with validation" : "seconds", chart.html());
}

std::string table(const ReportData& data) {
    if (data.rows.empty()) return "";
    const bool validated = std::any_of(data.rows.begin(), data.rows.end(), [](const auto& r) { return r.val_loss; });
    const bool labelled = std::any_of(data.rows.begin(), data.rows.end(), [](const auto& r) { return r.val_accuracy; });
    std::string out = "<details><summary>All epochs as a table</summary><div class=scroll><table><thead><tr><th "
                      "class=n>Epoch<th class=n>Step<th class=n>Training loss";
    if (validated) out += "<th class=n>Validation loss";
    if (labelled) out += "<th class=n>Validation accuracy";
    out += "<th class=n>Learning rate<th class=n>Seconds</thead>";
    for (const EpochMetrics& row : data.rows) {
        out += "<tr><td class=n>" + count(row.epoch) + "<td class=n>" + count(row.step) + "<td class=n>" +
               number(row.train_loss, 5);
        if (validated) out += "<td class=n>" + (row.val_loss ? number(*row.val_loss, 5) : "");
        if (labelled) out += "<td class=n>" + (row.val_accuracy ? percent(*row.val_accuracy, 2) : "");
        out += "<td class=n>" + number(row.lr, 4) + "<td class=n>" + fixed(row.seconds, 1);
    }
    return out + "</table></div></details>";
}

} // namespace

Chart over_epochs(const ReportData& data) {
    Chart chart;
    chart.x_label = "epoch";
    chart.whole_x = true;
    if (!data.rows.empty()) chart.x_max = static_cast<double>(data.rows.back().epoch);
    if (!data.steps_seen.empty()) {
        chart.x_min = 0;
        chart.x_max = std::max(chart.x_max.value_or(0), data.steps_seen.back().epoch);
    }
    return chart;
}

std::string training_section(const ReportData& data) {
    std::string cards;
    int64_t number = 0;
    for (const std::string& one : {loss_card(data), accuracy_card(data), rate_card(data), speed_card(data)}) {
        cards += one;
        number += !one.empty();
    }
    if (number == 0) return "";
    return std::string("<h2>Training</h2><div class=\"cards") + (number == 3 ? " three" : "") + "\">" + cards +
           "</div>" + table(data);
}

} // namespace ingot::train::report
