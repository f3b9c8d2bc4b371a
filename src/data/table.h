// SPDX-License-Identifier: MIT
// Tables for training: columns of numbers (standardized) and of words (one input per word), one column that is to be
// predicted. What a model must know about its table to read another one is a TableFormat, stored with the model. A column
// is numeric when its first cell that is not empty is a number; every other cell of it must then be one too.
// Values; safe to read from several threads. Letters: R rows, F features (inputs of the model).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ingot/data/dataset.h>

#include "data/sources.h"
#include "io/csv.h"

namespace ingot::data {

/// An input column. Numbers: (value - mean) / std, an empty cell counts as the mean. Words: 1 at the word's place, an
/// unknown word is all zeros.
struct TableColumn {
    std::string name;
    bool numeric = true;
    double mean = 0, std = 1;
    std::vector<std::string> words; ///< sorted
    int64_t width() const { return numeric ? 1 : static_cast<int64_t>(words.size()); }
};

struct TableFormat {
    std::vector<TableColumn> columns;
    std::string label;                      ///< name of the column that is predicted
    bool regression = false;                ///< it is a number, else a class
    double target_mean = 0, target_std = 1; ///< regression: the model predicts (value - mean) / std
    std::vector<std::string> class_names;
    int64_t features() const;
};

struct TableOptions {
    std::string label = {}; ///< name of a column; empty: the last one
    bool regression = false;
    bool trained = false;  ///< for a model that is trained already: one class, or a column without values, is enough
    LoadOptions load = {}; ///< strict: empty numeric cells are errors
};

/// The inputs of a model for `rows` of a table, which needs no label: [R, F]. Errors: FileError naming line and column for
/// a missing column and for a cell that is no number. `part` ("training", say) tells in warnings which rows these are.
std::vector<float> encode_inputs(const io::Csv& csv, const TableFormat& format, const std::vector<int64_t>& rows,
                                 const LoadOptions& load = {}, const std::string& part = "");

class Table {
public:
    /// Reads the file. Errors: FileError, Error when the label does not exist.
    Table(const std::string& path, const TableOptions& options);

    int64_t rows() const { return csv_.rows(); }
    /// The classes of all rows (not for regression), by class_names().
    const std::vector<int64_t>& labels() const { return labels_; }
    const std::vector<std::string>& class_names() const { return class_names_; }
    bool regression() const { return regression_; }
    /// Says how to encode, with means, deviations and words of `rows` (the training rows).
    TableFormat fit(const std::vector<int64_t>& rows) const;
    /// x: f32 [R, F]; y: i64 [R] classes of the format, or f32 [R, 1] standardized targets. Errors: FileError naming line
    /// and column for a missing column, a cell that is no number, a class that the format does not know.
    TensorDataset encode(const TableFormat& format, const std::vector<int64_t>& rows,
                         const std::string& part = "") const;
    /// A checksum of the text.
    uint32_t checksum() const { return checksum_; }

private:
    io::Csv read(const std::string& path);
    void find_kinds();
    void find_classes();

    uint32_t checksum_ = 0;
    io::Csv csv_;
    int64_t label_ = 0;
    bool regression_ = false, trained_ = false;
    LoadOptions load_;
    std::vector<bool> numeric_; ///< by column
    std::vector<int64_t> labels_;
    std::vector<std::string> class_names_;
};

} // namespace ingot::data
