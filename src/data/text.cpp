// SPDX-License-Identifier: MIT
#include "data/text.h"

#include <ingot/error.h>

#include "io/file.h"

namespace ingot::data {

TextData load_text(const std::string& path, int64_t length) {
    auto text = std::make_shared<const std::vector<uint8_t>>(io::read_file(path, kMaxTextBytes));
    const auto size = static_cast<int64_t>(text->size());
    const int64_t train = size - size / 10;
    if (size / 10 < length + 1)
        throw FileError(path + ": has " + std::to_string(size) + " bytes; windows of " + std::to_string(length) +
                        " need at least " + std::to_string((length + 1) * 10) + ", as the last 10 % are for testing");
    return {{text, 0, train}, {text, train, size}};
}

Sample TextWindows::window(int64_t first) const {
    const uint8_t* bytes = part_.text->data() + first;
    return {Array(std::vector<int64_t>(bytes, bytes + length_), {length_}),
            Array(std::vector<int64_t>(bytes + 1, bytes + length_ + 1), {length_})};
}

Sample RandomTextWindows::draw(int64_t, Random& random) const {
    return window(part_.begin + random.between(0, part_.size() - length_ - 1));
}

} // namespace ingot::data
