// SPDX-License-Identifier: MIT
#include "train/metrics_log.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include <ingot/error.h>

#include "io/atomic_file.h"
#include "io/json.h"
#include "train/json_keys.h"
#include "train/log_lines.h"

namespace ingot::train {

namespace {

/// The shortest text that reads back as `value`, whatever the locale says.
std::string number(double value) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

/// JSON has no infinities and no NaN.
std::string json_number(double value) { return std::isfinite(value) ? number(value) : "null"; }

std::string milliseconds(double seconds) { return number(std::round(seconds * 1e3) / 1e3); }

constexpr const char* kHeader = "epoch,step,train_loss,val_loss,val_accuracy,lr,seconds\n";

/// Epoch and seconds, the first and the last column of a line of metrics.csv. Errors: FileError beginning with `source`.
std::pair<int64_t, double> epoch_and_seconds(const std::string& row, const std::string& source) {
    const char *const begin = row.data(), *const end = begin + row.size() - 1; // without the end of the line
    std::pair<int64_t, double> out;
    const auto seconds = std::from_chars(begin + row.rfind(',') + 1, end, out.second);
    std::from_chars(begin, end, out.first);
    const std::string_view header = kHeader;
    const bool all = std::count(begin, end, ',') == std::count(header.begin(), header.end(), ',');
    if (!all || seconds.ec != std::errc() || seconds.ptr != end)
        throw FileError(source + " is damaged: it is no row of an epoch");
    return out;
}

} // namespace

EpochMetrics epoch_from_json(const std::string& line, const std::string& source) {
    const Json json = io::parse_json<Json>(line, source);
    try {
        Keys keys(json);
        const auto real = [&](const char* key) { return keys.number_or_null(key).value_or(std::nan("")); };
        return {.epoch = keys.whole("epoch", 1),
                .step = keys.whole("step", 0),
                .train_loss = real("train_loss"),
                .val_loss = keys.number_or_null("val_loss"),
                .val_accuracy = keys.number_or_null("val_accuracy"),
                .lr = real("lr"),
                .seconds = real("seconds")};
    } catch (const Error& error) { throw FileError(source + ": " + error.what()); }
}

MetricsLog::MetricsLog(std::string folder, int64_t epochs) : folder_(std::move(folder)), csv_(kHeader) {
    if (folder_.empty() || epochs == 0) return;
    const std::string file = folder_ + "/metrics.csv";
    const std::vector<std::string> rows = csv_lines_until(file, "epoch,", epochs);
    int64_t before = 0;
    for (size_t i = 1; i < rows.size(); ++i) {
        const std::string source = file + ": line " + std::to_string(i + 1);
        const auto [epoch, seconds] = epoch_and_seconds(rows[i], source);
        if (epoch <= before)
            throw FileError(source + " is damaged: epoch " + std::to_string(epoch) + " comes too late");
        before = epoch;
        seconds_ = seconds;
        csv_ += rows[i];
    }
    const auto epoch = [](const std::string& line, const std::string& source) {
        return epoch_from_json(line, source).epoch;
    };
    for (const std::string& line : json_lines_until(folder_ + "/metrics.jsonl", epochs, epoch)) json_lines_ += line;
}

void MetricsLog::append(const EpochMetrics& row) {
    const auto cell = [](const std::optional<double>& v) { return v ? number(*v) : std::string(); };
    const auto json = [](const std::optional<double>& v) { return v ? json_number(*v) : std::string("null"); };
    const std::string epoch = std::to_string(row.epoch), step = std::to_string(row.step);
    csv_ += epoch + ',' + step + ',' + number(row.train_loss) + ',' + cell(row.val_loss) + ',' +
            cell(row.val_accuracy) + ',' + number(row.lr) + ',' + milliseconds(row.seconds) + '\n';
    json_lines_ += "{\"epoch\":" + epoch + ",\"step\":" + step + ",\"train_loss\":" + json_number(row.train_loss) +
                   ",\"val_loss\":" + json(row.val_loss) + ",\"val_accuracy\":" + json(row.val_accuracy) +
                   ",\"lr\":" + json_number(row.lr) + ",\"seconds\":" + milliseconds(row.seconds) + "}\n";
    seconds_ = row.seconds;
    write();
}

void MetricsLog::write() const {
    if (folder_.empty()) return;
    io::write_file_atomic(folder_ + "/metrics.csv", csv_);
    io::write_file_atomic(folder_ + "/metrics.jsonl", json_lines_);
}

} // namespace ingot::train
