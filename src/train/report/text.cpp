// SPDX-License-Identifier: MIT
#include "train/report/text.h"

#include <array>
#include <charconv>
#include <cmath>

namespace ingot::train::report {

namespace {

constexpr const char* kNone = "\u2013";
constexpr const char* kReplacement = "\uFFFD";

/// Bytes of the UTF-8 sequence at the front of `text`; 0 when it is none.
size_t sequence(std::string_view text) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    const size_t length = first < 0x80                    ? 1
                          : first >= 0xC2 && first < 0xE0 ? 2
                          : first >= 0xE0 && first < 0xF0 ? 3
                          : first >= 0xF0 && first < 0xF5 ? 4
                                                          : 0;
    if (length == 0 || length > text.size()) return 0;
    for (size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xC0) != 0x80) return 0;
    if (length == 3 && ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) >= 0xA0))) return 0;
    if (length == 4 && ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) >= 0x90))) return 0;
    return length;
}

template <class... Format> std::string chars(double value, Format... format) {
    std::array<char, 400> text{}; // fixed notation of the largest double needs 310
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value, format...).ptr};
}

} // namespace

std::string escape(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const size_t length = sequence(text);
        const char c = text[0];
        if (length == 0 || (length == 1 && ((c < ' ' && c != '\n' && c != '\t') || c == 0x7F)))
            out += kReplacement;
        else if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '"')
            out += "&quot;";
        else if (c == '\'')
            out += "&#39;";
        else
            out += text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return out;
}

std::string number(double value, int digits) {
    if (std::isnan(value)) return kNone;
    if (std::isinf(value)) return value > 0 ? "\u221E" : "-\u221E";
    // Without decimals: figures of a thousand and more are read in groups, not with exponents.
    const double size = std::abs(value);
    if (size >= 1000 && size < 1e9 && size >= std::pow(10, digits - 1)) return count(std::llround(value));
    std::string text = chars(value, std::chars_format::general, digits);
    if (text == "-0") return "0";
    return text;
}

std::string fixed(double value, int decimals) {
    if (!std::isfinite(value)) return number(value);
    std::string text = chars(value, std::chars_format::fixed, decimals);
    if (text.find_first_not_of("-0.") == std::string::npos && text[0] == '-') text.erase(0, 1);
    return text;
}

std::string percent(double part, int decimals) {
    return std::isfinite(part) ? fixed(100 * part, decimals) + " %" : number(part);
}

std::string count(int64_t value) {
    const std::string digits = std::to_string(value);
    const size_t first = value < 0 ? 1 : 0;
    std::string text;
    for (size_t i = 0; i < digits.size(); ++i) {
        if (i > first && (digits.size() - i) % 3 == 0) text += ',';
        text += digits[i];
    }
    return text;
}

std::string duration(double seconds) {
    if (!std::isfinite(seconds) || seconds < 0) return kNone;
    if (seconds < 0.9995) return fixed(seconds * 1e3, seconds < 0.00995 ? 1 : 0) + " ms";
    if (seconds < 59.95) return fixed(seconds, 1) + " s";
    const auto whole = static_cast<int64_t>(std::llround(seconds));
    const auto two = [](int64_t v) { return std::string(v < 10 ? "0" : "").append(std::to_string(v)); };
    if (whole < 3600) return std::to_string(whole / 60) + " min " + two(whole % 60) + " s";
    const int64_t minutes = (whole + 30) / 60;
    return std::to_string(minutes / 60) + " h " + two(minutes % 60) + " min";
}

std::string bytes(double value) {
    if (!std::isfinite(value)) return kNone;
    constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    for (; std::abs(value) >= 1023.5 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
    return fixed(value, unit == 0 || value >= 99.95 ? 0 : 1) + " " + kUnits[unit];
}

} // namespace ingot::train::report
