// SPDX-License-Identifier: MIT
#include "fuzz.h"
#include "io/image.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace ingot;
    return fuzz::run([&] {
        // The last byte chooses how much smaller a picture is enough: decoders take other paths then.
        const int least = size > 0 ? data[size - 1] % 32 : 0;
        const io::Image image = io::decode_image({data, size}, "f.jpg", {.min_width = least, .min_height = least});
        if (image.pixels.size() != static_cast<size_t>(image.width) * image.height * image.channels) std::abort();
        fuzz::touch(image.pixels.data(), image.pixels.size());
    });
}
