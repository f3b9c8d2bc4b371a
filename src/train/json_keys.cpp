// SPDX-License-Identifier: MIT
#include "train/json_keys.h"

#include <algorithm>
#include <charconv>

namespace ingot::train {

namespace {

constexpr int64_t kMaxSize = int64_t{1} << 24;
constexpr int64_t kMaxPair = int64_t{1} << 16;
constexpr size_t kMaxRank = 8;
constexpr size_t kMaxName = 100;

std::string range(int64_t least, int64_t most) {
    return "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
}

bool integer_from(const Json& value, int64_t least, int64_t most) {
    if (!value.is_number_integer()) return false;
    if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) return false;
    return value.get<int64_t>() >= least && value.get<int64_t>() <= most;
}

int64_t integer_in(const Json& value, const std::string& key, int64_t least, int64_t most) {
    if (!integer_from(value, least, most))
        throw Error("\"" + key + "\" must be " + range(least, most) + ", not " + show(value));
    return value.get<int64_t>();
}

std::string str(double value) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

std::string str(const Range& r) {
    return (r.with_low ? "[" : "(") + str(r.low) + ", " + str(r.high) + (r.with_high ? "]" : ")");
}

bool holds(const Range& r, double x) {
    return (r.with_low ? x >= r.low : x > r.low) && (r.with_high ? x <= r.high : x < r.high);
}

} // namespace

std::string show(const Json& value) {
    std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
    if (text.size() > 60) text = text.substr(0, 57) + "...";
    return text;
}

Keys::Keys(const Json& object) : object_(object) {
    if (!object.is_object()) throw Error("must be an object, not " + show(object));
}

void Keys::missing(const char* key) const {
    std::string given; // perhaps misspelt
    for (const auto& [name, value] : object_.items())
        if (!asked_.contains(name) && name != "name") given += (given.empty() ? " (given: " : ", ") + show(name);
    throw Error(std::string("\"") + key + "\" is missing" + given + (given.empty() ? "" : ")"));
}

const Json* Keys::optional(const char* key) {
    asked_.insert(key);
    const auto it = object_.find(key);
    return it == object_.end() ? nullptr : &*it;
}

const Json& Keys::value(const char* key) {
    const Json* found = optional(key);
    if (!found) missing(key);
    return *found;
}

int64_t Keys::axis(const char* key, int64_t fallback, int64_t rank) {
    const Json* found = optional(key);
    if (!found) return fallback;
    if (!integer_from(*found, 1, rank - 1) && !integer_from(*found, 1 - rank, -1)) {
        const std::string most = std::to_string(rank - 1);
        throw Error(std::string("\"") + key + "\" must be a whole number from 1 to " + most + " or from -" + most +
                    " to -1 (axis 0 is the batch), not " + show(*found));
    }
    return found->get<int64_t>();
}

int64_t Keys::whole(const char* key, int64_t least) { return integer_in(value(key), key, least, int64_t{1} << 53); }

uint64_t Keys::seed(const char* key) {
    const Json& found = value(key);
    if (!found.is_number_unsigned())
        throw Error(std::string("\"") + key + "\" must be a whole number from 0 to 2^64 - 1, not " + show(found));
    return found.get<uint64_t>();
}

int64_t Keys::size(const char* key, std::optional<int64_t> fallback) {
    const Json* found = optional(key);
    if (!found && !fallback) missing(key);
    return found ? integer_in(*found, key, 1, kMaxSize) : *fallback;
}

Int2 Keys::pair(const char* key, std::optional<Int2> fallback, int64_t least) {
    const Json* found = optional(key);
    if (!found && !fallback) missing(key);
    if (!found) return *fallback;
    if (found->is_array()) {
        if (found->size() != 2)
            throw Error(std::string("\"") + key + "\" must be one number or [height, width], not " + show(*found));
        return {integer_in((*found)[0], key, least, kMaxPair), integer_in((*found)[1], key, least, kMaxPair)};
    }
    return integer_in(*found, key, least, kMaxPair);
}

double Keys::number(const char* key, std::optional<double> fallback, const Range& range) {
    const Json* found = optional(key);
    if (!found && !fallback) missing(key);
    if (!found) return *fallback;
    if (!found->is_number() || !holds(range, found->get<double>()))
        throw Error(std::string("\"") + key + "\" must be a number in " + str(range) + ", not " + show(*found));
    return found->get<double>();
}

std::optional<double> Keys::number_or_null(const char* key) {
    return value(key).is_null() ? std::nullopt : std::optional(number(key, {}, kFinite));
}

std::vector<float> Keys::numbers(const char* key, const Range& range) {
    const Json& list = value(key);
    const bool good = list.is_array() && std::all_of(list.begin(), list.end(), [&](const Json& x) {
                          return x.is_number() && holds(range, x.get<double>());
                      });
    if (!good)
        throw Error(std::string("\"") + key + "\" must be a list of numbers in " + str(range) + ", not " + show(list));
    return list.get<std::vector<float>>();
}

bool Keys::boolean(const char* key, bool fallback) {
    const Json* found = optional(key);
    if (!found) return fallback;
    if (!found->is_boolean()) throw Error(std::string("\"") + key + "\" must be true or false, not " + show(*found));
    return found->get<bool>();
}

std::string Keys::text(const char* key, const std::optional<std::string>& fallback) {
    const Json* found = optional(key);
    if (!found && !fallback) missing(key);
    if (!found) return *fallback;
    if (!found->is_string()) throw Error(std::string("\"") + key + "\" must be a text, not " + show(*found));
    return found->get<std::string>();
}

std::vector<std::string> Keys::texts(const char* key) {
    const Json& list = value(key);
    if (!list.is_array() || !std::all_of(list.begin(), list.end(), [](const Json& x) { return x.is_string(); }))
        throw Error(std::string("\"") + key + "\" must be a list of texts, not " + show(list));
    return list.get<std::vector<std::string>>();
}

std::string Keys::name(const char* key, const std::string& fallback, bool empty) {
    std::string text = this->text(key, fallback);
    const bool good = std::all_of(text.begin(), text.end(), [](char c) {
        return c != '.' && c != '/' && c != 127 && static_cast<unsigned char>(c) >= 32;
    });
    if (!good || text.size() > kMaxName || (text.empty() && !empty))
        throw Error(std::string("\"") + key + "\" must be a text of " + (empty ? "0" : "1") + " to " +
                    std::to_string(kMaxName) + " bytes without '.', '/' and control characters, not " + show(text));
    return text;
}

Shape Keys::shape(const char* key, std::optional<Shape> fallback) {
    const Json* found = optional(key);
    if (!found && !fallback) missing(key);
    if (!found) return *fallback;
    if (!found->is_array()) return Shape{integer_in(*found, key, 1, kMaxSize)};
    if (found->empty() || found->size() > kMaxRank)
        throw Error(std::string("\"") + key + "\" must be a list of 1 to 8 sizes, not " + show(*found));
    Shape shape;
    int64_t elements = 1;
    for (const Json& d : *found) {
        shape.push_back(integer_in(d, key, 1, kMaxSize));
        if (__builtin_mul_overflow(elements, shape.back(), &elements) || elements > int64_t{1} << 36)
            throw Error(std::string("\"") + key + "\": " + show(*found) + " has too many elements");
    }
    return shape;
}

void Keys::finish() const {
    for (const auto& [key, value] : object_.items()) {
        if (asked_.contains(key)) continue;
        std::string known;
        for (const auto& name : asked_)
            if (name != "type" && name != "name") known += (known.empty() ? "" : ", ") + name;
        throw Error("unknown key " + show(key) + (known.empty() ? "; it takes none" : "; it takes " + known));
    }
}

} // namespace ingot::train
