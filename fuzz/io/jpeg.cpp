// SPDX-License-Identifier: MIT
#include "fuzz.h"
#include "io/image.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace ingot;
    return fuzz::run([&] {
        const io::Image image = io::decode_image({data, size}, "f.jpg");
        if (image.pixels.size() != static_cast<size_t>(image.width) * image.height * image.channels) std::abort();
        fuzz::touch(image.pixels.data(), image.pixels.size());
    });
}
