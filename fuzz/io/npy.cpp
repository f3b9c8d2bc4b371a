// SPDX-License-Identifier: MIT
#include "io/npy.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace ingot;
    return fuzz::run([&] {
        const io::NpyArray array = io::parse_npy({data, size}, "f.npy");
        if (array.data.size() != static_cast<size_t>(array.shape.numel()) * size_of(array.dtype)) std::abort();
    });
}
