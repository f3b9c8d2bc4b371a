// SPDX-License-Identifier: MIT
// Tables as text (RFC 4180): a header row of names, then rows of cells separated by commas. Cells may be quoted ("a, b";
// a doubled quote stands for one; line breaks are allowed inside), lines end with LF or CRLF, blank lines count nothing,
// spaces around unquoted cells are dropped. A value that owns the file's text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ingot::io {

inline constexpr int64_t kMaxCsvBytes = int64_t{1} << 32;

class Csv {
public:
    /// Parses `text`; `name` begins error messages. Errors: FileError naming line and column: no header, names that are
    /// empty or occur twice, no rows, a row of another length, an open quote or text behind a closed one, NUL bytes.
    Csv(std::vector<uint8_t> text, std::string name);
    Csv(Csv&&) = default;
    Csv(const Csv&) = delete;
    Csv& operator=(const Csv&) = delete;

    const std::string& name() const { return name_; }
    const std::vector<std::string>& header() const { return header_; }
    int64_t rows() const { return static_cast<int64_t>(lines_.size()); }
    int64_t columns() const { return static_cast<int64_t>(header_.size()); }
    std::string_view cell(int64_t row, int64_t column) const {
        return cells_[static_cast<size_t>(row * columns() + column)];
    }
    /// The line of the file where a row begins, from 1.
    int64_t line(int64_t row) const { return lines_[static_cast<size_t>(row)]; }
    /// "file.csv: line 7, column 'age': ", for errors.
    std::string where(int64_t row, int64_t column) const;

private:
    std::string name_;
    std::vector<uint8_t> text_;
    std::vector<std::string> header_;
    std::vector<std::string_view> cells_; ///< into text_; [rows, columns]
    std::vector<int64_t> lines_;
};

/// Errors: FileError.
Csv read_csv(const std::string& path);

} // namespace ingot::io
