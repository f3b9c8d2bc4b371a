// SPDX-License-Identifier: MIT
// The chunks' checksums are put right first: otherwise nearly every change would end there.
#include <algorithm>
#include <vector>

#include <zlib.h>

#include "fuzz.h"
#include "io/image.h"

namespace {

uint32_t big_endian(const uint8_t* p) {
    return uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | uint32_t{p[3]};
}

void repair_checksums(std::vector<uint8_t>& png) {
    for (size_t at = 8; at + 12 <= png.size();) { // length, type, data, checksum
        const size_t length = big_endian(&png[at]);
        if (length > png.size() - at - 12) return;
        const auto sum = static_cast<uint32_t>(::crc32(0, &png[at + 4], static_cast<uInt>(length + 4)));
        for (size_t i = 0; i < 4; ++i) png[at + 8 + length + i] = static_cast<uint8_t>(sum >> (24 - 8 * i));
        at += length + 12;
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace ingot;
    std::vector<uint8_t> png(data, data + size);
    repair_checksums(png);
    return fuzz::run([&] {
        const io::Image image = io::decode_image(png, "f.png");
        if (image.pixels.size() != static_cast<size_t>(image.width) * image.height * image.channels) std::abort();
        fuzz::touch(image.pixels.data(), image.pixels.size());
    });
}
