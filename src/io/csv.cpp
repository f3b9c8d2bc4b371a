// SPDX-License-Identifier: MIT
#include "io/csv.h"

#include <algorithm>
#include <set>

#include <ingot/error.h>

#include "io/file.h"
#include "io/quote.h"

namespace ingot::io {

namespace {

/// Walks through the text. Quoted cells are unescaped in place: they only get shorter.
class Parser {
public:
    Parser(std::vector<uint8_t>& text, const std::string& name)
        : name_(name), at_(reinterpret_cast<char*>(text.data())), end_(at_ + text.size()) {
        constexpr std::string_view kMark = "\xEF\xBB\xBF"; // what some programs put before UTF-8
        if (std::string_view(at_, static_cast<size_t>(end_ - at_)).starts_with(kMark)) at_ += kMark.size();
    }

    int64_t line() const { return row_line_; }

    /// The cells of the next row that is not blank. False: there is none.
    bool row(std::vector<std::string_view>& cells) {
        cells.clear();
        while (at_ < end_ && (*at_ == '\n' || *at_ == '\r')) next_line();
        if (at_ == end_) return false;
        row_line_ = line_;
        for (;;) {
            cells.push_back(cell(cells.size()));
            if (at_ == end_) return true;
            if (*at_ != ',') {
                next_line();
                return true;
            }
            ++at_;
        }
    }

private:
    [[noreturn]] void fail(size_t column, const std::string& what) const {
        throw FileError(name_ + ": line " + std::to_string(line_) + ", column " + std::to_string(column + 1) + ": " +
                        what);
    }

    void next_line() {
        if (*at_ == '\r') ++at_;
        if (at_ < end_ && *at_ == '\n') ++at_;
        ++line_;
    }

    static bool is_blank(char c) { return c == ' ' || c == '\t'; }

    /// Ends at a comma, at the end of a line or of the text.
    std::string_view cell(size_t column) {
        while (at_ < end_ && is_blank(*at_)) ++at_;
        if (at_ < end_ && *at_ == '"') return quoted(column);
        char* const first = at_;
        while (at_ < end_ && *at_ != ',' && *at_ != '\n' && *at_ != '\r') {
            if (*at_ == '\0') fail(column, "a NUL byte; this is no text");
            if (*at_ == '"') fail(column, "a quote inside an unquoted cell; quote the whole cell and double the quote");
            ++at_;
        }
        char* last = at_;
        while (last > first && is_blank(last[-1])) --last;
        return {first, static_cast<size_t>(last - first)};
    }

    std::string_view quoted(size_t column) {
        const int64_t opened = line_;
        char* const first = ++at_;
        char* to = first;
        for (;; ++at_) {
            if (at_ == end_) fail(column, "the quote that opens on line " + std::to_string(opened) + " is not closed");
            if (*at_ == '\0') fail(column, "a NUL byte; this is no text");
            if (*at_ == '\n') ++line_;
            if (*at_ == '"') {
                if (at_ + 1 == end_ || at_[1] != '"') break;
                ++at_;
            }
            *to++ = *at_;
        }
        ++at_;
        while (at_ < end_ && is_blank(*at_)) ++at_;
        if (at_ < end_ && *at_ != ',' && *at_ != '\n' && *at_ != '\r') fail(column, "text behind a closed quote");
        return {first, static_cast<size_t>(to - first)};
    }

    const std::string& name_;
    char* at_;
    char* end_;
    int64_t line_ = 1, row_line_ = 1;
};

} // namespace

Csv::Csv(std::vector<uint8_t> text, std::string name) : name_(std::move(name)), text_(std::move(text)) {
    Parser parser(text_, name_);
    std::vector<std::string_view> cells;
    if (!parser.row(cells)) throw FileError(name_ + ": is empty; a CSV file begins with a row of column names");
    std::set<std::string_view> names;
    for (size_t c = 0; c < cells.size(); ++c) {
        if (cells[c].empty())
            throw FileError(name_ + ": line " + std::to_string(parser.line()) + ", column " + std::to_string(c + 1) +
                            ": has no name");
        if (!names.insert(cells[c]).second)
            throw FileError(name_ + ": line " + std::to_string(parser.line()) + ", column " + std::to_string(c + 1) +
                            ": the name " + quote_name(cells[c]) + " occurs twice");
        header_.emplace_back(cells[c]);
    }
    while (parser.row(cells)) {
        if (cells.size() != header_.size())
            throw FileError(name_ + ": line " + std::to_string(parser.line()) + ": has " +
                            std::to_string(cells.size()) + " cells, the header has " + std::to_string(header_.size()) +
                            (cells.size() < header_.size()
                                 ? "; column " + quote_name(header_[cells.size()]) + " and what follows are missing"
                                 : "; column " + std::to_string(header_.size() + 1) + " has no name"));
        cells_.insert(cells_.end(), cells.begin(), cells.end());
        lines_.push_back(parser.line());
    }
    if (lines_.empty()) throw FileError(name_ + ": has a header but no rows");
}

std::string Csv::where(int64_t row, int64_t column) const {
    return name_ + ": line " + std::to_string(line(row)) + ", column " +
           quote_name(header_[static_cast<size_t>(column)]) + ": ";
}

Csv read_csv(const std::string& path) { return Csv(read_file(path, kMaxCsvBytes), path); }

} // namespace ingot::io
