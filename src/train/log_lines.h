// SPDX-License-Identifier: MIT
// What a run that goes on keeps of the logs it has written: the lines of steps or epochs that are not done again. Used by the
// metrics log and the sinks that write text. Functions without state.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ingot::train {

/// The lines of the table `path` whose first column is at most `last`, each with its end, after its header, which must begin
/// with `header`. A last line without an end was being written: it goes. Empty when there is no such file.
/// Errors: FileError naming file and line.
std::vector<std::string> csv_lines_until(const std::string& path, const std::string& header, int64_t last);

/// The epoch or step of a line. Errors: FileError beginning with `source`.
using LineNumber = std::function<int64_t(const std::string& line, const std::string& source)>;
/// The same of a file of JSON objects.
std::vector<std::string> json_lines_until(const std::string& path, int64_t last, const LineNumber& number);

} // namespace ingot::train
