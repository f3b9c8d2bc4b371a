// SPDX-License-Identifier: MIT
#include "fuzz.h"
#include "io/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace ingot;
    return fuzz::run([&] {
        for (const auto& [key, array] : io::parse_npz({data, size}, "f.npz"))
            if (key.empty() || array.data.size() != static_cast<size_t>(array.shape.numel()) * size_of(array.dtype))
                std::abort();
    });
}
