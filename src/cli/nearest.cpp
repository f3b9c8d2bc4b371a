// SPDX-License-Identifier: MIT
#include "cli/nearest.h"

#include <algorithm>

namespace ingot::cli {

namespace {

/// Damerau's distance, in which no letter is changed twice.
size_t distance(const std::string& a, const std::string& b) {
    std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
    for (size_t i = 0; i <= a.size(); ++i)
        for (size_t j = 0; j <= b.size(); ++j) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[a.size()][b.size()];
}

} // namespace

std::string did_you_mean(const std::string& word, const std::vector<std::string>& names) {
    if (word.size() > 64) return ""; // no name is nearly as long
    const std::string* best = nullptr;
    size_t least = 0;
    for (const std::string& name : names) {
        const size_t d = distance(word, name);
        if (d > std::max<size_t>(1, name.size() / 3) || (best != nullptr && d >= least)) continue;
        best = &name;
        least = d;
    }
    return best == nullptr ? "" : "; did you mean '" + *best + "'?";
}

} // namespace ingot::cli
