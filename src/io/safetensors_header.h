// SPDX-License-Identifier: MIT
// The JSON header of a safetensors file as plain data, without judging offsets or sizes (io/safetensors.cpp does).
// The parser keeps no tree and no recursion, so a hostile header costs at most its own size; duplicate keys, unknown
// keys and numbers that are not plain unsigned integers are refused.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "io/quote.h"

namespace ingot::io {

struct HeaderEntry {
    std::string name, dtype;
    std::vector<uint64_t> shape;
    uint64_t begin = 0, end = 0; ///< data_offsets
};

struct HeaderContent {
    std::vector<HeaderEntry> entries; ///< in file order
    std::map<std::string, std::string> metadata;
};

/// Parses `header` (UTF-8 JSON that begins with '{'). Errors: FileError naming `path` and the tensor or the offset.
HeaderContent parse_safetensors_header(std::string_view header, const std::string& path);

/// `text` as a JSON string. Errors: Error naming `path` when it is not UTF-8.
std::string json_string(const std::string& text, const std::string& path);

} // namespace ingot::io
