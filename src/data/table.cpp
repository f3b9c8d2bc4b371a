// SPDX-License-Identifier: MIT
#include "data/table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include <ingot/error.h>

#include "base/check.h"
#include "io/file.h"
#include "io/quote.h"
#include "io/safetensors.h"

namespace ingot::data {

namespace {

constexpr size_t kMaxWords = 1000;     ///< of one column: more are names or numbers of rows, not categories
constexpr size_t kMaxClasses = 10'000; ///< of the label
constexpr int64_t kMaxTableBytes = int64_t{1} << 35; ///< everything is held in memory

std::optional<double> parse(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    double value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return {};
    return value;
}

void say(const LoadOptions& options, const std::string& what) {
    if (options.warn)
        options.warn(what);
    else
        std::fprintf(stderr, "ingot: warning: %s\n", what.c_str());
}

int64_t find_column(const io::Csv& csv, const std::string& name) {
    const auto& header = csv.header();
    const auto at = std::find(header.begin(), header.end(), name);
    if (at != header.end()) return at - header.begin();
    std::string known;
    constexpr size_t kShown = 20;
    for (size_t i = 0; i < std::min(header.size(), kShown); ++i)
        known += (i == 0 ? "" : ", ") + io::quote_name(header[i]);
    if (header.size() > kShown) known += " and " + std::to_string(header.size() - kShown) + " more";
    throw FileError(csv.name() + ": has no column " + io::quote_name(name) + "; there are " + known);
}

double number(const io::Csv& csv, int64_t row, int64_t column) {
    if (const auto value = parse(csv.cell(row, column))) return *value;
    throw FileError(csv.where(row, column) + io::quote_name(csv.cell(row, column)) +
                    " is no finite number, but the column is one of numbers");
}

/// Mean and deviation; 1 for what is constant, so that dividing is harmless.
void moments(const std::vector<double>& values, double& mean, double& std) {
    double sum = 0, squares = 0;
    for (const double v : values) sum += v;
    mean = values.empty() ? 0 : sum / static_cast<double>(values.size());
    for (const double v : values) squares += (v - mean) * (v - mean);
    const double variance = values.empty() ? 0 : squares / static_cast<double>(values.size());
    // What rounding leaves of a constant column is no spread.
    std = variance > 1e-24 * std::max(1.0, mean * mean) ? std::sqrt(variance) : 1;
}

} // namespace

int64_t TableFormat::features() const {
    int64_t sum = 0;
    for (const TableColumn& column : columns) sum += column.width();
    return sum;
}

io::Csv Table::read(const std::string& path) {
    std::vector<uint8_t> bytes = io::read_file(path, io::kMaxCsvBytes);
    io::TensorView view;
    view.data = bytes.data();
    view.bytes = bytes.size();
    checksum_ = io::crc32(view);
    return io::Csv(std::move(bytes), path);
}

Table::Table(const std::string& path, const TableOptions& options)
    : csv_(read(path)), regression_(options.regression), trained_(options.trained), load_(options.load) {
    label_ = options.label.empty() ? csv_.columns() - 1 : find_column(csv_, options.label);
    if (csv_.columns() < 2)
        throw FileError(path + ": has the column " + io::quote_name(csv_.header()[0]) +
                        " only; a table needs inputs and a label, separated by commas");
    find_kinds();
    if (!regression_) find_classes();
}

void Table::find_kinds() {
    for (int64_t c = 0; c < csv_.columns(); ++c) {
        int64_t row = 0;
        while (row < csv_.rows() && csv_.cell(row, c).empty()) ++row;
        if (row == csv_.rows() && !trained_)
            throw FileError(csv_.name() + ": column " + io::quote_name(csv_.header()[static_cast<size_t>(c)]) +
                            " is empty");
        numeric_.push_back(row == csv_.rows() || parse(csv_.cell(row, c)).has_value());
    }
    for (int64_t row = 0; row < csv_.rows(); ++row)
        if (csv_.cell(row, label_).empty()) throw FileError(csv_.where(row, label_) + "the label is missing");
    if (regression_ && !numeric_[static_cast<size_t>(label_)])
        throw FileError(csv_.where(0, label_) + io::quote_name(csv_.cell(0, label_)) +
                        " is no number; regression needs numbers");
}

/// Numbers are ordered by value, words by their bytes.
void Table::find_classes() {
    const bool numeric = numeric_[static_cast<size_t>(label_)];
    std::map<std::pair<double, std::string>, int64_t> classes;
    std::vector<std::pair<double, std::string>> keys;
    for (int64_t row = 0; row < csv_.rows(); ++row) {
        const double value = numeric ? number(csv_, row, label_) : 0;
        const std::string text(csv_.cell(row, label_));
        if (numeric && value != std::floor(value))
            throw FileError(csv_.where(row, label_) + io::quote_name(text) +
                            " is no class; for numbers like this add ,task=regression");
        keys.emplace_back(value, numeric ? "" : text); // "1" and "1.0" are one class
        classes.emplace(keys.back(), 0);
        if (classes.size() > kMaxClasses)
            throw FileError(csv_.where(row, label_) + "has more than " + std::to_string(kMaxClasses) +
                            " classes; add ,task=regression, or name another column with ,label=NAME");
    }
    for (auto& [key, number] : classes) {
        number = static_cast<int64_t>(class_names_.size());
        char text[40];
        std::snprintf(text, sizeof text, "%.0f", key.first);
        class_names_.push_back(numeric ? text : key.second);
    }
    if (class_names_.size() < 2 && !trained_)
        throw FileError(csv_.name() + ": column " + io::quote_name(csv_.header()[static_cast<size_t>(label_)]) +
                        " holds only " + io::quote_name(class_names_[0]) + "; at least two classes are needed");
    // Prices and years are numbers to predict; codes of a few classes come again and again.
    constexpr size_t kFew = 20, kRowsOfClass = 5;
    if (numeric && !trained_ && class_names_.size() > kFew && class_names_.size() * kRowsOfClass > keys.size())
        say(load_, csv_.name() + ": column " + io::quote_name(csv_.header()[static_cast<size_t>(label_)]) + ": its " +
                       std::to_string(class_names_.size()) +
                       " different numbers are taken for classes; to predict the number, add ,task=regression");
    for (const auto& key : keys) labels_.push_back(classes.at(key));
}

TableFormat Table::fit(const std::vector<int64_t>& rows) const {
    TableFormat format;
    format.label = csv_.header()[static_cast<size_t>(label_)];
    format.regression = regression_;
    format.class_names = class_names_;
    for (int64_t c = 0; c < csv_.columns(); ++c) {
        TableColumn column;
        column.name = csv_.header()[static_cast<size_t>(c)];
        column.numeric = numeric_[static_cast<size_t>(c)];
        std::vector<double> values;
        std::set<std::string> words;
        for (const int64_t row : rows) {
            const std::string_view cell = csv_.cell(row, c);
            if (column.numeric) {
                if (!cell.empty()) values.push_back(number(csv_, row, c));
            } else if (words.insert(std::string(cell)).second && words.size() > kMaxWords && c != label_) {
                throw FileError(csv_.where(row, c) + "has more than " + std::to_string(kMaxWords) +
                                " different words; such a column is no category, remove it");
            }
        }
        if (column.numeric) {
            moments(values, column.mean, column.std);
            if (!std::isfinite(column.mean) || !std::isfinite(column.std))
                throw FileError(csv_.name() + ": column " + io::quote_name(column.name) +
                                ": its numbers are too large to be standardized");
        }
        column.words.assign(words.begin(), words.end());
        if (c != label_) {
            format.columns.push_back(std::move(column));
        } else if (regression_) {
            format.target_mean = column.mean;
            format.target_std = column.std;
        }
    }
    return format;
}

std::vector<float> encode_inputs(const io::Csv& csv, const TableFormat& format, const std::vector<int64_t>& rows,
                                 const LoadOptions& load, const std::string& part) {
    const int64_t width = format.features();
    if (width > 0 && static_cast<int64_t>(rows.size()) > kMaxTableBytes / 4 / width)
        throw Error(csv.name() + ": " + std::to_string(rows.size()) + " rows of " + std::to_string(width) +
                    " inputs do not fit into the limit of 32 GiB");
    std::vector<float> x(rows.size() * static_cast<size_t>(width));
    float* first = x.data();
    for (const TableColumn& column : format.columns) {
        const int64_t c = find_column(csv, column.name);
        std::unordered_map<std::string_view, size_t> places;
        for (size_t k = 0; k < column.words.size(); ++k) places.emplace(column.words[k], k);
        int64_t empty = 0, unknown = 0;
        float* to = first;
        for (const int64_t row : rows) {
            const std::string_view cell = csv.cell(row, c);
            if (!column.numeric) {
                const auto place = places.find(cell);
                if (place != places.end())
                    to[place->second] = 1;
                else
                    ++unknown;
            } else if (!cell.empty()) {
                *to = static_cast<float>((number(csv, row, c) - column.mean) / column.std);
            } else if (load.strict) {
                throw FileError(csv.where(row, c) + "is empty");
            } else {
                ++empty;
            }
            to += width;
        }
        first += column.width();
        const std::string who = csv.name() + ": column " + io::quote_name(column.name) + ": ";
        const std::string of = part.empty() ? "" : " of the " + part + " part";
        if (empty > 0) say(load, who + std::to_string(empty) + " empty cells" + of + " count as the mean");
        if (unknown > 0)
            say(load, who + std::to_string(unknown) + " cells" + of + " hold words that training did not know");
    }
    return x;
}

TensorDataset Table::encode(const TableFormat& format, const std::vector<int64_t>& rows,
                            const std::string& part) const {
    INGOT_ASSERT(format.regression == regression_, "the table was read for the same task");
    const auto count = static_cast<int64_t>(rows.size());
    Array x(encode_inputs(csv_, format, rows, load_, part), {count, format.features()});
    const int64_t label = find_column(csv_, format.label);
    if (regression_) {
        std::vector<float> y;
        for (const int64_t row : rows)
            y.push_back(static_cast<float>((number(csv_, row, label) - format.target_mean) / format.target_std));
        return TensorDataset(std::move(x), Array(std::move(y), {count, 1}));
    }
    std::unordered_map<std::string_view, int64_t> classes;
    for (const std::string& name : format.class_names) classes.emplace(name, static_cast<int64_t>(classes.size()));
    std::vector<int64_t> y;
    for (const int64_t row : rows) {
        const std::string& name = class_names_[static_cast<size_t>(labels_[static_cast<size_t>(row)])];
        const auto known = classes.find(name);
        if (known == classes.end())
            throw FileError(csv_.where(row, label) + "the model does not know the class " + io::quote_name(name));
        y.push_back(known->second);
    }
    return TensorDataset(std::move(x), Array(std::move(y), {count}));
}

} // namespace ingot::data
