// SPDX-License-Identifier: MIT
#include "io/npy_header.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include <ingot/error.h>

#include "io/npy.h"
#include "io/safetensors_header.h"

namespace ingot::io {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

struct DTypeCode {
    DType dtype;
    const char* code; ///< NumPy's letter and size
};
constexpr DTypeCode kCodes[] = {{DType::f32, "f4"}, {DType::f64, "f8"}, {DType::f16, "f2"},    {DType::i32, "i4"},
                                {DType::i64, "i8"}, {DType::u8, "u1"},  {DType::boolean, "b1"}};

/// Reads the dictionary from left to right; `at` is the offset in the text.
class DictParser {
public:
    DictParser(std::string_view text, size_t file_offset, const std::string& name)
        : text_(text), file_offset_(file_offset), name_(name) {}

    void parse(NpyHeader& header) {
        bool descr = false, order = false, shape = false;
        expect('{');
        while (!accept('}')) {
            const std::string key = string();
            expect(':');
            if (key == "descr") {
                once(descr, key);
                dtype(header);
            } else if (key == "fortran_order") {
                once(order, key);
                header.fortran_order = boolean();
            } else if (key == "shape") {
                once(shape, key);
                header.shape = tuple();
            } else {
                fail("unknown key " + quote_name(key));
            }
            if (!accept(',')) {
                expect('}');
                break;
            }
        }
        skip_space();
        if (at_ != text_.size()) fail("text after the dictionary");
        if (!descr || !order || !shape) fail("descr, fortran_order and shape are needed");
    }

private:
    [[noreturn]] void fail(const std::string& what) const {
        throw FileError(name_ + ": bad npy header at offset " + std::to_string(file_offset_ + at_) + ": " + what);
    }

    void once(bool& seen, const std::string& key) const {
        if (seen) fail("the key " + quote_name(key) + " occurs twice");
        seen = true;
    }

    void skip_space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    }

    bool accept(char c) {
        skip_space();
        if (at_ == text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }

    void expect(char c) {
        if (!accept(c)) fail(std::string("expected '") + c + "'");
    }

    std::string string() {
        skip_space();
        const char quote = at_ < text_.size() ? text_[at_] : '\0';
        if (quote != '\'' && quote != '"') fail("expected a string");
        const size_t end = text_.find(quote, at_ + 1);
        if (end == std::string_view::npos) fail("a string does not end");
        const std::string out(text_.substr(at_ + 1, end - at_ - 1));
        if (out.find('\\') != std::string::npos) fail("a string with escapes");
        at_ = end + 1;
        return out;
    }

    bool word(std::string_view expected) {
        skip_space();
        if (!text_.substr(at_).starts_with(expected)) return false;
        at_ += expected.size();
        return true;
    }

    bool boolean() {
        if (word("True")) return true;
        if (word("False")) return false;
        fail("expected True or False");
    }

    std::vector<uint64_t> tuple() {
        std::vector<uint64_t> out;
        bool comma = false;
        expect('(');
        while (!accept(')')) {
            if (out.size() == kMaxNpyRank) fail("more than " + std::to_string(kMaxNpyRank) + " axes");
            out.push_back(number());
            comma = accept(',');
            if (!comma) {
                expect(')');
                break;
            }
        }
        if (out.size() == 1 && !comma) fail("the shape is not a tuple");
        return out;
    }

    uint64_t number() {
        skip_space();
        const size_t start = at_;
        uint64_t value = 0;
        for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_)
            if (__builtin_mul_overflow(value, uint64_t{10}, &value) ||
                __builtin_add_overflow(value, static_cast<uint64_t>(text_[at_] - '0'), &value) ||
                value > static_cast<uint64_t>(INT64_MAX))
                fail("a size is too large");
        if (at_ == start) fail("expected a size that is not negative");
        if (at_ < text_.size() && text_[at_] == 'L') ++at_; // written by Python 2
        return value;
    }

    void dtype(NpyHeader& header) {
        skip_space();
        if (at_ < text_.size() && (text_[at_] == '[' || text_[at_] == '('))
            fail("a structured array, which Ingot does not read; save its fields one by one");
        const std::string text = string();
        const char order = text.empty() ? '\0' : text.front();
        const std::string_view code = std::string_view(text).substr(text.empty() ? 0 : 1);
        if (code.starts_with("O")) fail("the array holds pickled Python objects, which are never read");
        const auto* row =
            std::find_if(std::begin(kCodes), std::end(kCodes), [&](const DTypeCode& c) { return code == c.code; });
        const bool known_order = order == '<' || order == '>' || order == '=' || order == '|';
        if (row == std::end(kCodes) || !known_order || (order == '|' && size_of(row->dtype) > 1))
            fail("dtype " + quote_name(text) +
                 "; Ingot reads f2, f4, f8, i4, i8, u1 and b1 (convert with array.astype)");
        header.dtype = row->dtype;
        header.swapped = order == '>' && size_of(row->dtype) > 1;
    }

    std::string_view text_;
    size_t file_offset_, at_ = 0;
    const std::string& name_;
};

} // namespace

NpyHeader parse_npy_header(std::span<const uint8_t> bytes, const std::string& name) {
    if (bytes.size() < kMagic.size() || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0)
        throw FileError(name + ": is not an npy file: wrong magic number at offset 0");
    const auto truncated = [&](size_t need) {
        throw FileError(name + ": is truncated: its header needs " + std::to_string(need) + " bytes, the file has " +
                        std::to_string(bytes.size()));
    };
    if (bytes.size() < 8) truncated(10);
    const uint8_t major = bytes[6], minor = bytes[7];
    if (major < 1 || major > 3 || minor != 0)
        throw FileError(name + ": npy version " + std::to_string(major) + "." + std::to_string(minor) +
                        " at offset 6 is not known; Ingot reads 1.0, 2.0 and 3.0");
    const size_t start = major == 1 ? 10 : 12;
    if (bytes.size() < start) truncated(start);
    size_t length = 0;
    for (size_t i = start; i > 8; --i) length = length << 8 | bytes[i - 1]; // little-endian
    if (length > kMaxNpyHeader)
        throw FileError(name + ": the npy header length at offset 8 is " + std::to_string(length) +
                        ", more than the limit of " + std::to_string(kMaxNpyHeader));
    if (length > bytes.size() - start) truncated(start + length);
    NpyHeader header;
    header.data_offset = start + length;
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + start, length);
    DictParser(text, start, name).parse(header);
    return header;
}

std::string make_npy_header(const TensorView& array, const std::string& file) {
    const auto* row =
        std::find_if(std::begin(kCodes), std::end(kCodes), [&](const DTypeCode& c) { return array.dtype == c.dtype; });
    if (row == std::end(kCodes))
        throw Error(file + ": NumPy has no dtype for " + ingot::name(array.dtype) +
                    "; convert with to(f32), or write safetensors");
    if (array.shape.rank() > kMaxNpyRank)
        throw Error(file + ": the array has more than " + std::to_string(kMaxNpyRank) + " axes");
    std::string shape;
    int64_t bytes = static_cast<int64_t>(size_of(array.dtype));
    bool fits = true;
    for (const int64_t d : array.shape) {
        fits &= d >= 0 && !__builtin_mul_overflow(bytes, d, &bytes);
        shape += std::to_string(d) + (array.shape.rank() == 1 ? "," : ", ");
    }
    if (!fits || static_cast<size_t>(bytes) != array.bytes)
        throw Error(file + ": the array has " + std::to_string(array.bytes) + " bytes, which do not fit its shape " +
                    array.shape.str() + " and dtype " + ingot::name(array.dtype));
    if (array.shape.rank() > 1) shape.resize(shape.size() - 2);
    std::string text = std::string("{'descr': '") + (size_of(array.dtype) > 1 ? '<' : '|') + row->code +
                       "', 'fortran_order': False, 'shape': (" + shape + "), }";
    text.append(63 - (10 + text.size()) % 64, ' '); // and the line's end: the data is aligned to 64 bytes
    text += '\n';
    std::string header(kMagic);
    header += {'\x01', '\x00', static_cast<char>(text.size() & 0xFF), static_cast<char>(text.size() >> 8)};
    return header + text;
}

} // namespace ingot::io
