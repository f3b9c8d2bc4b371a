// SPDX-License-Identifier: MIT
// INGOT_* environment variables, read once where used.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace ingot::base {

/// The variable's text, or nothing when unset or empty.
std::optional<std::string> env(const char* name);

/// "64M" -> 67108864; K, M, G are powers of 1024. Errors: ingot::Error naming `what`.
int64_t parse_bytes(const std::string& text, const char* what);

} // namespace ingot::base
