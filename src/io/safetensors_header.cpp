// SPDX-License-Identifier: MIT
#include "io/safetensors_header.h"

#include <string>
#include <unordered_set>

#include <nlohmann/json.hpp>

#include <ingot/error.h>

#include "io/safetensors.h"

namespace ingot::io {

std::string json_string(const std::string& text, const std::string& path) {
    try {
        return nlohmann::json(text).dump();
    } catch (const nlohmann::json::exception&) { throw Error(path + ": " + quote_name(text) + " is not valid UTF-8"); }
}

namespace {

/// Receives the JSON's events. Where we are is a depth and, inside a tensor, the field.
class HeaderHandler {
public:
    using Json = nlohmann::json;
    explicit HeaderHandler(const std::string& path) : path_(path) {}
    HeaderContent content;

    bool key(std::string& text) {
        if (depth_ == 1) {
            if (!names_.insert(text).second) bad("the key " + quote_name(text) + " occurs twice");
            in_metadata_ = text == "__metadata__";
            if (!in_metadata_) {
                if (content.entries.size() == kMaxSafetensorsTensors)
                    bad("more than " + std::to_string(kMaxSafetensorsTensors) + " tensors");
                content.entries.emplace_back().name = text;
                seen_ = 0;
            }
        } else if (in_metadata_) {
            if (content.metadata.count(text) != 0) bad("the __metadata__ key " + quote_name(text) + " occurs twice");
            metadata_key_ = text;
        } else {
            field_ = text == "dtype" ? kDType : text == "shape" ? kShape : text == "data_offsets" ? kOffsets : 0;
            if (field_ == 0) bad_tensor("unknown key " + quote_name(text));
            if ((seen_ & field_) != 0) bad_tensor("the key " + quote_name(text) + " occurs twice");
            seen_ |= field_;
            numbers_.clear();
        }
        return true;
    }

    bool start_object(size_t) {
        if (depth_ >= 2 || in_array_) unexpected("an object");
        ++depth_;
        return true;
    }

    bool end_object() {
        --depth_;
        if (depth_ == 1 && !in_metadata_ && seen_ != (kDType | kShape | kOffsets))
            bad_tensor("dtype, shape and data_offsets are needed");
        return true;
    }

    bool start_array(size_t) {
        if (in_array_ || depth_ != 2 || in_metadata_ || field_ == kDType) unexpected("an array");
        in_array_ = true;
        return true;
    }

    bool end_array() {
        in_array_ = false;
        HeaderEntry& e = content.entries.back();
        if (field_ == kShape) {
            e.shape = numbers_;
        } else {
            if (numbers_.size() != 2) bad_tensor("data_offsets must be two numbers");
            e.begin = numbers_[0];
            e.end = numbers_[1];
        }
        return true;
    }

    bool number_unsigned(uint64_t value) {
        if (!in_array_) unexpected("a number");
        if (value > static_cast<uint64_t>(INT64_MAX)) bad_tensor("a number is too large");
        if (numbers_.size() == kMaxSafetensorsRank)
            bad_tensor("more than " + std::to_string(kMaxSafetensorsRank) + " numbers in an array");
        numbers_.push_back(value);
        return true;
    }

    bool string(std::string& text) {
        if (depth_ == 2 && in_metadata_) {
            content.metadata[metadata_key_] = text;
        } else if (depth_ == 2 && !in_array_ && field_ == kDType) {
            content.entries.back().dtype = text;
        } else {
            unexpected("a string");
        }
        return true;
    }

    bool null() { unexpected("null"); }
    bool boolean(bool) { unexpected("a boolean"); }
    bool number_integer(int64_t) { unexpected("a negative number"); }
    bool number_float(double, const std::string&) { unexpected("a number that is not a 64-bit unsigned integer"); }
    bool binary(Json::binary_t&) { unexpected("binary data"); }

    bool parse_error(size_t position, const std::string&, const Json::exception&) {
        throw FileError(path_ + ": the header is not valid UTF-8 JSON at offset " + std::to_string(8 + position));
    }

private:
    static constexpr int kDType = 1, kShape = 2, kOffsets = 4;

    [[noreturn]] void bad(const std::string& what) const { throw FileError(path_ + ": bad header: " + what); }
    [[noreturn]] void bad_tensor(const std::string& what) const {
        bad("tensor " + quote_name(content.entries.back().name) + ": " + what);
    }
    [[noreturn]] void unexpected(const char* what) const {
        if (!content.entries.empty() && !in_metadata_) bad_tensor(std::string("unexpected ") + what);
        bad(std::string("unexpected ") + what);
    }

    const std::string& path_;
    std::unordered_set<std::string> names_;
    std::string metadata_key_;
    std::vector<uint64_t> numbers_;
    int depth_ = 0, field_ = 0, seen_ = 0;
    bool in_metadata_ = false, in_array_ = false;
};

} // namespace

HeaderContent parse_safetensors_header(std::string_view header, const std::string& path) {
    if (header.empty() || header.front() != '{')
        throw FileError(path + ": is not a safetensors file: the header at offset 8 does not begin with '{'");
    // The JSON library takes a zero byte for the end of the text and would not look at what follows.
    if (const size_t zero = header.find('\0'); zero != std::string_view::npos)
        throw FileError(path + ": the header is not valid UTF-8 JSON at offset " + std::to_string(8 + zero));
    HeaderHandler handler(path);
    nlohmann::json::sax_parse(header.begin(), header.end(), &handler);
    return std::move(handler.content);
}

} // namespace ingot::io
