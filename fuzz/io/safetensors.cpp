// SPDX-License-Identifier: MIT
#include "io/safetensors.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace ingot;
    return fuzz::run([&] {
        const auto file = io::SafetensorsFile::parse({data, data + size}, "f.safetensors");
        for (const io::TensorView& t : file.tensors()) fuzz::touch(t.data, t.bytes);
        io::verify_checksums(file);
    });
}
