// SPDX-License-Identifier: MIT
// The top of the page: what came out, in a sentence, in tiles, and how the run was made.
#include <cmath>

#include "train/report/sections.h"
#include "train/report/text.h"

namespace ingot::train::report {

namespace {

std::string tile(const std::string& value, const std::string& what, bool main = false) {
    return std::string("<div class=\"tile") + (main ? " main" : "") + "\"><b>" + escape(value) + "</b><span>" +
           escape(what) + "</span></div>";
}

std::string capital(std::string text) {
    if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
    return text;
}

std::string epochs_text(int64_t n) { return count(n) + (n == 1 ? " epoch" : " epochs"); }

const EpochMetrics* best_row(const ReportData& data) {
    const EpochMetrics* best = nullptr;
    for (const EpochMetrics& row : data.rows)
        if (row.val_loss && (best == nullptr || *row.val_loss < *best->val_loss)) best = &row;
    return best;
}

/// A time limit, patience or too many steps that were not finite.
bool ended_early(const ReportData& data) { return !data.interrupted && data.epochs < data.planned_epochs; }

std::string lead(const ReportData& data) {
    const bool any = data.epochs > 0;
    std::string after = " after " + (any ? epochs_text(data.epochs) : count(data.steps) + " steps");
    after += " (" + duration(data.seconds) + ")";
    const EpochMetrics* best = best_row(data);
    if (data.evaluated && data.evaluated->name == "test" && best != nullptr && best->epoch != data.rows.back().epoch)
        after += ", with the weights of epoch " + count(best->epoch);
    after += ".";
    std::string text;
    if (ended_early(data)) text = "Ended early: " + epochs_text(data.planned_epochs) + " were planned. ";
    if (data.interrupted)
        text = "Stopped at step " + count(data.steps) + ", with " + epochs_text(data.epochs) + " of " +
               count(data.planned_epochs) + " finished. ";
    if (!data.evaluated)
        return text + "The training loss is " + number(data.train_loss) + after +
               " There was no test data, so nothing is known about data that the model has not seen.";
    const EvalResult& r = data.evaluated->result;
    const std::string which = count(r.samples) + " " + data.evaluated->name + " " + data.sample_noun;
    if (data.text)
        return text + "Perplexity " + number(std::exp(r.loss)) + " (" + number(r.loss) + " nats per token) on " +
               which + after;
    if (!std::isnan(r.accuracy))
        return text + percent(r.accuracy, 2) + " of " + which + " are classified right" + after;
    if (!std::isnan(r.mae))
        return text + "Predictions for " + which + " are off by " + number(r.mae) + " on average (R\u00B2 " +
               fixed(r.r2, 3) + ")" + after;
    return text + capital(data.evaluated->name) + " loss " + number(r.loss) + " on " + which + after;
}

} // namespace

std::string summary_section(const ReportData& data) {
    std::string out = "<header><h1>" + escape(data.title) + " <small>on " + escape(data.data) + "</small>" +
                      (data.interrupted    ? "<span class=\"pill stopped\">stopped</span>"
                       : ended_early(data) ? "<span class=\"pill stopped\">ended early</span>"
                                           : "<span class=\"pill done\">finished</span>") +
                      "</h1><p class=lead>" + escape(lead(data)) + "</p></header>";
    std::vector<std::string> tiles;
    if (data.evaluated) {
        const EvalResult& r = data.evaluated->result;
        const std::string split = capital(data.evaluated->name) + " ";
        if (data.text) tiles.push_back(tile(number(std::exp(r.loss)), split + "perplexity", true));
        if (!std::isnan(r.accuracy)) tiles.push_back(tile(percent(r.accuracy, 2), split + "accuracy", !data.text));
        if (!std::isnan(r.r2)) tiles.push_back(tile(fixed(r.r2, 4), split + "R\u00B2", true));
        if (!std::isnan(r.mae)) tiles.push_back(tile(number(r.mae), split + "mean absolute error"));
        tiles.push_back(tile(number(r.loss), split + "loss"));
    }
    tiles.push_back(tile(number(data.train_loss), "Training loss, last epoch"));
    if (const EpochMetrics* best = best_row(data))
        tiles.push_back(tile(number(*best->val_loss), "Best validation loss, epoch " + count(best->epoch)));
    tiles.push_back(tile(count(data.steps), data.epochs > 0 ? "Steps in " + epochs_text(data.epochs) : "Steps"));
    tiles.push_back(tile(duration(data.seconds), "Training time"));
    if (data.samples_per_s > 0) // nothing was trained when a finished run was resumed
        tiles.push_back(tile(count(std::llround(data.samples_per_s)), capital(data.sample_noun) + " per second"));
    tiles.push_back(tile(count(data.parameters), "Parameters"));
    const size_t columns = tiles.size() > 6 ? (tiles.size() + 1) / 2 : tiles.size();
    out += "<div class=tiles style=\"--n:" + std::to_string(columns) + "\">";
    for (const std::string& t : tiles) out += t;
    out += "</div>";
    if (data.facts.empty()) return out;
    std::string facts = "<dl class=facts>";
    for (const auto& [name, value] : data.facts) facts += "<dt>" + escape(name) + "</dt><dd>" + escape(value) + "</dd>";
    return out + card("", "", facts + "</dl>");
}

std::string text_section(const ReportData& data) {
    if (data.text_sample.empty()) return "";
    return "<h2>A sample</h2>" +
           card("Text written by the model", "", "<pre>" + escape(data.text_sample) + "</pre>", "wide");
}

} // namespace ingot::train::report
