// SPDX-License-Identifier: MIT
#include "io/json.h"

#include <algorithm>
#include <set>
#include <type_traits>
#include <vector>

#include <ingot/error.h>

#include "io/quote.h"

namespace ingot::io {

namespace {

// Copying, writing and destroying a value go down its levels by recursion.
constexpr size_t kMaxDepth = 100;
constexpr size_t kMaxOrderedKeys = 10'000; // looking one up reads them all

} // namespace

template <class Json> Json parse_json(const std::string& text, const std::string& source) {
    const auto fail = [&](const std::string& message) { throw FileError(source + ": " + message); };
    size_t depth = 0;
    std::vector<std::set<std::string>> objects; // the keys of those that we are in
    const auto watch = [&](int, typename Json::parse_event_t event, Json& parsed) {
        using Event = typename Json::parse_event_t;
        if (event == Event::object_start) objects.emplace_back();
        if (event == Event::object_end) objects.pop_back();
        if (event == Event::object_end || event == Event::array_end) --depth;
        if ((event == Event::object_start || event == Event::array_start) && ++depth > kMaxDepth)
            fail("nested deeper than " + std::to_string(kMaxDepth) + " levels");
        if (event == Event::key) {
            // nlohmann keeps the last of equal keys; a file that reads differently elsewhere is refused instead.
            const auto key = parsed.template get<std::string>();
            if (!objects.back().insert(key).second) fail("the key " + quote_name(key) + " stands twice in one object");
            if (std::is_same_v<Json, nlohmann::ordered_json> && objects.back().size() > kMaxOrderedKeys)
                fail("an object of more than " + std::to_string(kMaxOrderedKeys) + " keys");
        }
        return true;
    };
    // The parser takes a NUL for the end and would not see what follows.
    if (const size_t zero = text.find('\0'); zero != std::string::npos)
        fail("not JSON: a NUL byte at byte " + std::to_string(zero + 1));
    try {
        return Json::parse(text, watch);
    } catch (const typename Json::parse_error& e) {
        const auto at = static_cast<std::ptrdiff_t>(std::min(e.byte, text.size()));
        const auto line = 1 + std::count(text.begin(), text.begin() + at, '\n');
        throw FileError(source + ": not JSON: syntax error in line " + std::to_string(line) + ", at byte " +
                        std::to_string(e.byte));
    } catch (const typename Json::out_of_range&) {
        throw FileError(source + ": not JSON: a number is too large for any computer");
    }
}

template nlohmann::json parse_json(const std::string&, const std::string&);
template nlohmann::ordered_json parse_json(const std::string&, const std::string&);

} // namespace ingot::io
