// SPDX-License-Identifier: MIT
#include "train/log_lines.h"

#include <charconv>
#include <filesystem>
#include <utility>

#include <ingot/error.h>

#include "io/file.h"

namespace ingot::train {

namespace {

constexpr int64_t kMaxLogBytes = int64_t{1} << 30;

/// The whole lines of a file; none when it is missing, or a terminal and the like.
std::vector<std::string> lines_of(const std::string& path) {
    std::vector<std::string> lines;
    std::error_code code;
    if (!std::filesystem::is_regular_file(path, code)) return lines;
    const std::vector<uint8_t> bytes = io::read_file(path, kMaxLogBytes);
    std::string line;
    for (const uint8_t byte : bytes) {
        line += static_cast<char>(byte);
        if (byte == '\n') lines.push_back(std::exchange(line, ""));
    }
    return lines;
}

[[noreturn]] void damaged(const std::string& path, size_t index, const std::string& why) {
    throw FileError(path + ": line " + std::to_string(index + 1) + " is damaged: " + why +
                    "; going on would lose it: repair it, or move the file away");
}

} // namespace

std::vector<std::string> csv_lines_until(const std::string& path, const std::string& header, int64_t last) {
    const std::vector<std::string> lines = lines_of(path);
    std::vector<std::string> kept;
    for (size_t i = 0; i < lines.size(); ++i) {
        const std::string& line = lines[i];
        int64_t number = 0;
        const auto [end, code] = std::from_chars(line.data(), line.data() + line.size(), number);
        if (i == 0 && !line.starts_with(header)) damaged(path, i, "it is not the header, which begins with " + header);
        if (i > 0 && (code != std::errc() || (*end != ',' && *end != '\n')))
            damaged(path, i, "it does not begin with a whole number");
        if (i == 0 || number <= last) kept.push_back(line);
    }
    return kept;
}

std::vector<std::string> json_lines_until(const std::string& path, int64_t last, const LineNumber& number) {
    const std::vector<std::string> lines = lines_of(path);
    std::vector<std::string> kept;
    for (size_t i = 0; i < lines.size(); ++i)
        if (number(lines[i], path + ": line " + std::to_string(i + 1)) <= last) kept.push_back(lines[i]);
    return kept;
}

} // namespace ingot::train
