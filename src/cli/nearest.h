// SPDX-License-Identifier: MIT
// What a misspelt word of a command line was probably meant to be. For error messages; plain functions.
#pragma once

#include <string>
#include <vector>

namespace ingot::cli {

/// "; did you mean 'lenet'?" for the name that differs from `word` by the fewest added, dropped, changed or swapped letters;
/// "" when more than a third of it would have to change.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& names);

} // namespace ingot::cli
