// SPDX-License-Identifier: MIT
// The sinks that write text.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include <ingot/error.h>
#include <ingot/train/sinks.h>

#include "io/append_file.h"
#include "io/atomic_file.h"
#include "io/file.h"

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
    std::string rows; ///< without the header
    std::optional<io::AppendFile> file;

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

CsvSink::CsvSink(const std::string& path) : table_(new Table{path, {}, {}, {}}) { table_->rewrite(0); }
CsvSink::~CsvSink() = default;

void CsvSink::scalars(int64_t step, const std::vector<MetricValue>& values) {
    Table& t = *table_;
    const size_t before = t.columns.size();
    for (const MetricValue& v : values) {
        if (v.name.find_first_of(",\"\r\n") != std::string::npos)
            throw Error(t.path + ": '" + v.name + "' cannot be the name of a column");
        if (std::find(t.columns.begin(), t.columns.end(), v.name) == t.columns.end()) t.columns.push_back(v.name);
    }
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
    io::AppendFile file;
};

JsonLinesSink::JsonLinesSink(const std::string& path) : file_(new File{io::AppendFile(path)}) {}
JsonLinesSink::~JsonLinesSink() = default;

void JsonLinesSink::scalars(int64_t step, const std::vector<MetricValue>& values) {
    nlohmann::ordered_json object{{"step", step}};
    for (const MetricValue& v : values) object[v.name] = json_number(v.value);
    file_->file.write(line(object));
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
    file_->file.write(text);
}

} // namespace ingot::train
