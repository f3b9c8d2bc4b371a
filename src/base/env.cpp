// SPDX-License-Identifier: MIT
#include "base/env.h"

#include <charconv>
#include <cstdlib>

#include <ingot/error.h>

namespace ingot::base {

std::optional<std::string> env(const char* name) {
    const char* text = std::getenv(name);
    if (!text || !*text) return std::nullopt;
    return std::string(text);
}

int64_t parse_bytes(const std::string& text, const char* what) {
    const auto fail = [&](const char* why) {
        return Error(std::string(what) + ": '" + text + "' " + why +
                     "; give a number of bytes, optionally with K, M or G (powers of 1024), for example 64M");
    };
    int64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [at, code] = std::from_chars(text.data(), end, value);
    if (code == std::errc::result_out_of_range) throw fail("is too large");
    if (code != std::errc() || value < 0) throw fail("is not a size");
    int64_t unit = 1;
    if (at != end) {
        switch (*at) {
        case 'k':
        case 'K': unit = int64_t{1} << 10; break;
        case 'm':
        case 'M': unit = int64_t{1} << 20; break;
        case 'g':
        case 'G': unit = int64_t{1} << 30; break;
        default: throw fail("is not a size");
        }
        if (at + 1 != end) throw fail("is not a size");
    }
    int64_t bytes = 0;
    if (__builtin_mul_overflow(value, unit, &bytes)) throw fail("is too large");
    return bytes;
}

} // namespace ingot::base
