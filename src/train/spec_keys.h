// SPDX-License-Identifier: MIT
// Reading JSON objects strictly: every value has a type and a range, and a key that nobody asked for is an error. Used by
// model_spec.cpp; the messages name the key, the caller adds whose key it is.
#pragma once

#include <optional>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include <ingot/error.h>
#include <ingot/ops/types.h>

namespace ingot::train {

using Json = nlohmann::ordered_json;

/// Parses JSON text. Errors: Error for a syntax error (with its line) and for a key that stands twice in one object.
Json parse_json(const std::string& text);

/// A value as short text for messages.
std::string show(const Json& value);

/// The numbers that make sense, written as in mathematics: [0, 1) holds 0 and not 1.
struct Range {
    double low = 0, high = 1;
    bool with_low = true, with_high = true;
};

class Keys {
public:
    explicit Keys(const Json& object) : object_(object) {}

    /// The value, or null when the key is not there.
    const Json* optional(const char* key);
    const Json& value(const char* key);
    /// An axis of a tensor of `rank` axes other than axis 0, which is the batch; counted from the end when negative.
    int64_t axis(const char* key, int64_t fallback, int64_t rank);
    /// An integer from 1 to 2^24. The functions throw Error when the key is missing and has no fallback.
    int64_t size(const char* key, std::optional<int64_t> fallback = {});
    /// An integer or [height, width], each from `least` to 2^16.
    Int2 pair(const char* key, std::optional<Int2> fallback, int64_t least);
    double number(const char* key, double fallback, const Range& range);
    bool boolean(const char* key, bool fallback);
    std::string text(const char* key, const std::string& fallback);
    /// A part of the keys of state_dict; `empty`: may be "", which adds no level to them.
    std::string name(const char* key, const std::string& fallback, bool empty);
    /// A positive integer or a list of 1 to 8 of them.
    Shape shape(const char* key, std::optional<Shape> fallback);
    /// Throws Error for a key that no call asked for.
    void finish() const;

private:
    [[noreturn]] void missing(const char* key) const;
    const Json& object_;
    std::set<std::string> asked_{"type"};
};

} // namespace ingot::train
