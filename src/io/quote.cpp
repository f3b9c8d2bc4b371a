// SPDX-License-Identifier: MIT
#include "io/quote.h"

#include <nlohmann/json.hpp>

namespace ingot::io {

std::string quote_name(std::string_view text) {
    using Json = nlohmann::json;
    constexpr size_t kMost = 100;
    // Cut before escaping, so that no escape is cut; what the cut leaves of a character is replaced.
    std::string shown = Json(text.substr(0, kMost)).dump(-1, ' ', false, Json::error_handler_t::replace);
    shown = shown.substr(1, shown.size() - 2);
    return "'" + shown + (text.size() > kMost ? "..." : "") + "'";
}

} // namespace ingot::io
