// SPDX-License-Identifier: MIT
#include "io/idx.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace ingot;
    static const fuzz::MemoryFile file;
    file.write(data, size);
    const int rank = size > 3 && data[3] >= 1 && data[3] <= 4 ? data[3] : 3; // gzipped files: always 3
    return fuzz::run([&] {
        const io::IdxArray array = io::read_idx(file.path(), rank);
        size_t count = 1;
        for (const int64_t d : array.dims) count *= static_cast<size_t>(d);
        if (array.data.size() != count) std::abort();
    });
}
