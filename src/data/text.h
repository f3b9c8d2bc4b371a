// SPDX-License-Identifier: MIT
// A text as bytes for next-token models: x is a window of T bytes, y the same window one byte later (both i64 [T], ids 0
// to 255). Shares the text. Safe to use from several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ingot/data/dataset.h>

namespace ingot::data {

/// Ids that a byte can have.
inline constexpr int64_t kByteValues = 256;
inline constexpr int64_t kMaxTextBytes = int64_t{1} << 36;

/// A part [begin, end) of a text.
struct TextPart {
    std::shared_ptr<const std::vector<uint8_t>> text;
    int64_t begin = 0, end = 0;
    int64_t size() const { return end - begin; }
};

/// The parts for training (the first 90 %), and for validation and test (the last 10 %). Errors: FileError when the file
/// is missing or so short that a part has no window of `length` bytes and the byte behind it.
struct TextData {
    TextPart train, test;
};
TextData load_text(const std::string& path, int64_t length);

/// Windows of `length` bytes, one after the other; what is left at the end is left out.
class TextWindows : public Dataset {
public:
    TextWindows(TextPart part, int64_t length) : part_(std::move(part)), length_(length) {}
    int64_t size() const override { return (part_.size() - 1) / length_; }
    Sample get(int64_t i) const override { return window(part_.begin + i * length_); }

protected:
    Sample window(int64_t first) const;
    const TextPart part_;
    const int64_t length_;
};

/// As many windows as TextWindows has, each at a random place.
class RandomTextWindows : public TextWindows {
public:
    using TextWindows::TextWindows;
    Sample draw(int64_t i, Random& random) const override;
};

} // namespace ingot::data
