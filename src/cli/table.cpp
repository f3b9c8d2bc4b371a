// SPDX-License-Identifier: MIT
#include "cli/table.h"

#include <algorithm>

#include "base/check.h"

namespace ingot::cli {

namespace {

/// Characters of UTF-8 text: what a terminal shows, but for wide and combining ones.
size_t width(const std::string& text) {
    return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

} // namespace

std::string printable(std::string text) {
    for (char& c : text)
        if ((c >= 0 && c < ' ') || c == 0x7F) c = '?';
    return text;
}

TextTable::TextTable(std::vector<std::string> headings) {
    for (std::string& heading : headings) {
        right_.push_back(heading.starts_with(">"));
        if (right_.back()) heading.erase(0, 1);
    }
    rows_.push_back(std::move(headings));
}

void TextTable::add(std::vector<std::string> cells) {
    INGOT_ASSERT(cells.size() == right_.size(), "a row with another number of cells");
    for (std::string& cell : cells) cell = printable(cell);
    rows_.push_back(std::move(cells));
}

std::string TextTable::str() const {
    if (rows_.size() == 1) return "";
    std::vector<size_t> widths(right_.size());
    for (const auto& row : rows_)
        for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
    std::string out;
    for (const auto& row : rows_) {
        std::string line;
        for (size_t i = 0; i < row.size(); ++i) {
            const std::string blanks(widths[i] - width(row[i]), ' ');
            line += (i > 0 ? "  " : "") + (right_[i] ? blanks + row[i] : row[i] + blanks);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    }
    return out;
}

} // namespace ingot::cli
