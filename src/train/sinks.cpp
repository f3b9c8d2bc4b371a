// SPDX-License-Identifier: MIT
// The sinks that write text.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>
#include <sstream>

#include <ingot/error.h>
#include <ingot/train/sinks.h>

#include "io/append_file.h"
#include "io/atomic_file.h"
#include "io/file.h"
#include "io/json.h"
#include "train/json_keys.h"
#include "train/log_lines.h"

#include <nlohmann/json.hpp>

namespace ingot::train {

namespace {

/// The shortest text that reads back as `value`, whatever the locale says.
std::string number(double value) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

nlohmann::ordered_json json_number(double value) {
    return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
}

std::string line(const nlohmann::ordered_json& object) {
    return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

int64_t step_of(const std::string& line, const std::string& source) {
    const Json json = io::parse_json<Json>(line, source);
    try {
        return Keys(json).whole("step", 0);
    } catch (const Error& error) { throw FileError(source + ": " + error.what()); }
}

} // namespace

void ConsoleSink::scalars(int64_t step, const std::vector<MetricValue>& values) {
    std::string text = "step " + std::to_string(step);
    for (const MetricValue& v : values) {
        char digits[64];
        std::snprintf(digits, sizeof digits, "%.4g", v.value);
        text += "  " + v.name + " " + digits;
    }
    std::fprintf(stream_, "%s\n", text.c_str());
    std::fflush(stream_);
}

struct CsvSink::Table {
    std::string path;
    std::vector<std::string> columns;
    std::string rows;                   ///< without the header
    std::optional<io::AppendFile> file; ///< from begin() on

    void begin(int64_t step) {
        if (file && step == 0) return; // a second run with the same sink
        columns.clear();
        rows.clear();
        if (step > 0) read(step);
        rewrite(0);
    }
    void read(int64_t last_step) {
        const std::vector<std::string> lines = csv_lines_until(path, "step", last_step);
        for (size_t i = 1; i < lines.size(); ++i) rows += lines[i];
        std::string name;
        std::istringstream names(lines.empty() ? "" : lines[0].substr(0, lines[0].size() - 1));
        std::getline(names, name, ','); // "step"
        while (std::getline(names, name, ',')) columns.push_back(name);
    }
    std::string header() const {
        std::string text = "step";
        for (const std::string& c : columns) text += "," + c;
        return text + "\n";
    }
    /// A new column changes every line: the file is replaced as a whole.
    void rewrite(size_t new_columns) {
        std::string wider;
        for (const char c : rows) {
            if (c == '\n') wider.append(new_columns, ',');
            wider += c;
        }
        rows = std::move(wider);
        file.reset();
        io::write_file_atomic(path, header() + rows);
        file.emplace(path, false);
    }
};

CsvSink::CsvSink(const std::string& path) : table_(new Table{path, {}, {}, {}}) {}
CsvSink::~CsvSink() = default;

void CsvSink::begin(int64_t step) { table_->begin(step); }

void CsvSink::scalars(int64_t step, const std::vector<MetricValue>& values) {
    Table& t = *table_;
    for (const MetricValue& v : values)
        if (v.name.find_first_of(",\"\r\n") != std::string::npos)
            throw Error(t.path + ": '" + v.name + "' cannot be the name of a column");
    t.begin(0);
    const size_t before = t.columns.size();
    for (const MetricValue& v : values)
        if (std::find(t.columns.begin(), t.columns.end(), v.name) == t.columns.end()) t.columns.push_back(v.name);
    std::string row = std::to_string(step);
    for (const std::string& column : t.columns) {
        row += ',';
        const auto v = std::find_if(values.begin(), values.end(), [&](const auto& m) { return m.name == column; });
        if (v != values.end()) row += number(v->value);
    }
    row += '\n';
    if (t.columns.size() > before) t.rewrite(t.columns.size() - before);
    t.file->write(row);
    t.rows += row;
}

struct JsonLinesSink::File {
    std::string path;
    std::optional<io::AppendFile> file; ///< from begin() on

    void begin(int64_t step) {
        if (file && step == 0) return; // a second run with the same sink
        std::error_code code;
        const bool goes_on = step > 0 && std::filesystem::is_regular_file(path, code);
        if (goes_on) {
            std::string kept;
            for (const std::string& line : json_lines_until(path, step, step_of)) kept += line;
            io::write_file_atomic(path, kept);
        }
        file.emplace(path, !goes_on);
    }
    void write(const std::string& lines) {
        begin(0);
        file->write(lines);
    }
};

JsonLinesSink::JsonLinesSink(const std::string& path) : file_(new File{path, {}}) {}
JsonLinesSink::~JsonLinesSink() = default;

void JsonLinesSink::begin(int64_t step) { file_->begin(step); }

void JsonLinesSink::scalars(int64_t step, const std::vector<MetricValue>& values) {
    nlohmann::ordered_json object{{"step", step}};
    for (const MetricValue& v : values) object[v.name] = json_number(v.value);
    file_->write(line(object));
}

void JsonLinesSink::histograms(int64_t step, const std::vector<TensorStatistics>& tensors) {
    std::string text;
    for (const TensorStatistics& t : tensors)
        text += line({{"step", step},
                      {"histogram", t.name},
                      {"min", json_number(t.min)},
                      {"max", json_number(t.max)},
                      {"mean", json_number(t.mean)},
                      {"std", json_number(t.std)},
                      {"finite", t.finite},
                      {"not_finite", t.not_finite},
                      {"counts", t.counts}});
    file_->write(text);
}

} // namespace ingot::train
