// SPDX-License-Identifier: MIT
// Words and numbers for people: escaping, rounding, units. Used by the report and the tables of the command. Pure
// functions; results do not depend on the locale.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ingot::train::report {

/// `text` for HTML, in elements and in attributes. Bytes that are not UTF-8 and control characters become U+FFFD.
std::string escape(std::string_view text);

/// The value with `digits` significant digits, in the shortest form: "0.0012", "12.5", "3e-05". "–" for NaN.
std::string number(double value, int digits = 4);
/// With `decimals` digits after the point.
std::string fixed(double value, int decimals);
/// 0.98765 -> "98.8 %". "–" for NaN.
std::string percent(double part, int decimals = 1);
/// 1234567 -> "1,234,567".
std::string count(int64_t value);
/// "820 ms", "12.3 s", "4 min 05 s", "2 h 03 min".
std::string duration(double seconds);
/// In powers of 1024: "512 B", "1.5 MiB".
std::string bytes(double value);

} // namespace ingot::train::report
