// SPDX-License-Identifier: MIT
// Names and cells from files in messages: whatever a file says, the message stays one readable line. Thread safe.
#pragma once

#include <string>
#include <string_view>

namespace ingot::io {

/// `text` in single quotes: control characters escaped, what is not UTF-8 replaced, shortened when long.
std::string quote_name(std::string_view text);

} // namespace ingot::io
