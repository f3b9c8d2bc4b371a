// SPDX-License-Identifier: MIT
// Aligned columns of text for terminals.
#pragma once

#include <string>
#include <vector>

namespace ingot::cli {

/// Names come from files: control characters, which could move a terminal's cursor, become question marks.
std::string printable(std::string text);

class TextTable {
public:
    /// A heading that begins with '>' makes a column that is aligned to the right.
    explicit TextTable(std::vector<std::string> headings);
    /// As many cells as headings; they are made printable.
    void add(std::vector<std::string> cells);
    /// Lines without blanks at their ends; the first is the headings. Empty without rows.
    std::string str() const;

private:
    std::vector<bool> right_;
    std::vector<std::vector<std::string>> rows_;
};

} // namespace ingot::cli
