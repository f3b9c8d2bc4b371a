// SPDX-License-Identifier: MIT
// Reading JSON objects strictly: every value has a type and a range, and a key that nobody asked for can be an error. Used for
// model specs and for what a run leaves behind (model.json, settings, metrics.jsonl). The messages name the key, the caller
// adds whose key it is. Without a fallback a key that is missing is an error. A view of the object.
#pragma once

#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <ingot/error.h>
#include <ingot/ops/types.h>

namespace ingot::train {

using Json = nlohmann::ordered_json;

/// A value as short text for messages.
std::string show(const Json& value);

/// The numbers that make sense, written as in mathematics: [0, 1) holds 0 and not 1.
struct Range {
    double low = 0, high = 1;
    bool with_low = true, with_high = true;
};

/// Every finite number.
constexpr Range kFinite{-std::numeric_limits<double>::max(), std::numeric_limits<double>::max()};

class Keys {
public:
    /// Errors: Error for a value that is not an object.
    explicit Keys(const Json& object);

    /// The value, or null when the key is not there.
    const Json* optional(const char* key);
    const Json& value(const char* key);
    /// An axis of a tensor of `rank` axes other than axis 0, which is the batch; counted from the end when negative.
    int64_t axis(const char* key, int64_t fallback, int64_t rank);
    /// An integer from `least` to 2^53, up to which doubles are exact.
    int64_t whole(const char* key, int64_t least);
    /// An integer from 0 to 2^64 - 1.
    uint64_t seed(const char* key);
    /// An integer from 1 to 2^24.
    int64_t size(const char* key, std::optional<int64_t> fallback = {});
    /// An integer or [height, width], each from `least` to 2^16.
    Int2 pair(const char* key, std::optional<Int2> fallback, int64_t least);
    double number(const char* key, std::optional<double> fallback, const Range& range);
    /// A number, or nothing for null.
    std::optional<double> number_or_null(const char* key);
    std::vector<float> numbers(const char* key, const Range& range);
    bool boolean(const char* key, bool fallback);
    std::string text(const char* key, const std::optional<std::string>& fallback = {});
    std::vector<std::string> texts(const char* key);
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
