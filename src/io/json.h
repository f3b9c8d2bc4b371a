// SPDX-License-Identifier: MIT
// The one way to read JSON that comes from a file: whatever the bytes are, a value or one line that names the file. Used for
// model specs, descriptions, settings, metrics and checksum lists; the header of a safetensors file is read as it comes
// (safetensors_header.cpp). What the values must be: train/json_keys.h. Thread safe.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace ingot::io {

/// `Json`: nlohmann::json, or ordered_json, whose objects are lists and may have 10,000 keys. Errors: FileError beginning with
/// `source` for a syntax error (with its line), text that is not UTF-8, a NUL byte, a number beyond double, a key that stands
/// twice in one object and lists nested deeper than 100 levels.
template <class Json> Json parse_json(const std::string& text, const std::string& source);

extern template nlohmann::json parse_json(const std::string&, const std::string&);
extern template nlohmann::ordered_json parse_json(const std::string&, const std::string&);

} // namespace ingot::io
