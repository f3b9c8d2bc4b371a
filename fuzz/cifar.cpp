// SPDX-License-Identifier: MIT
// CIFAR-10's binary form. The input's first half is a training batch, its second half the test batch.
#include <filesystem>

#include "data/sources.h"
#include "fuzz.h"

namespace {

/// A folder whose two batches are files in memory.
struct Folder {
    ingot::fuzz::MemoryFile train, test;
    std::string path = (std::filesystem::temp_directory_path() / ("fuzz-cifar-" + std::to_string(::getpid()))).string();
    Folder() {
        std::filesystem::create_directories(path);
        std::filesystem::create_symlink(train.path(), path + "/data_batch_1.bin");
        std::filesystem::create_symlink(test.path(), path + "/test_batch.bin");
    }
    ~Folder() { std::filesystem::remove_all(path); }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace ingot;
    static const Folder folder;
    folder.train.write(data, size / 2);
    folder.test.write(data + size / 2, size - size / 2);
    return fuzz::run([&] {
        const data::ImageData images = data::load_cifar10(folder.path);
        for (const auto& set : {images.train, images.test})
            for (int64_t i = 0; i < set->size(); ++i) {
                const auto pixels = std::get<data::Image>(set->get(i).x).pixels();
                fuzz::touch(pixels.data(), pixels.size());
            }
    });
}
