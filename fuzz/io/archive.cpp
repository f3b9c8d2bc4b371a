// SPDX-License-Identifier: MIT
#include "io/archive.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace ingot;
    static const fuzz::MemoryFile file;
    file.write(data, size);
    return fuzz::run([&] {
        io::for_each_entry(file.path(), [](const std::string& name, const std::vector<uint8_t>& content) {
            if (!io::stays_inside(name)) std::abort();
            fuzz::touch(content.data(), content.size());
            return true;
        });
    });
}
