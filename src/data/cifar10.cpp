// SPDX-License-Identifier: MIT
// CIFAR-10 in its official binary form (records of one label byte and 3 x 32 x 32 bytes), or as images.
#include <algorithm>
#include <filesystem>
#include <map>

#include <ingot/error.h>

#include "data/sources.h"
#include "io/archive.h"
#include "io/file.h"

namespace ingot::data {

namespace {

namespace fs = std::filesystem;

constexpr size_t kRecord = 1 + 3 * 32 * 32;
constexpr int64_t kMaxBatchBytes = int64_t{1} << 30;

void append_batch(const std::vector<uint8_t>& bytes, const std::string& file, ImageSet& set) {
    if (bytes.empty() || bytes.size() % kRecord != 0)
        throw FileError(file + ": has " + std::to_string(bytes.size()) + " bytes, which is not a whole number of " +
                        std::to_string(kRecord) + "-byte CIFAR-10 records; it is empty, truncated or another file");
    for (size_t at = 0; at < bytes.size(); at += kRecord) {
        if (bytes[at] > 9)
            throw FileError(file + ": label " + std::to_string(bytes[at]) + " at index " +
                            std::to_string(at / kRecord) + " is out of range; labels are 0 to 9");
        set.labels.push_back(bytes[at]);
        set.pixels.insert(set.pixels.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                          bytes.begin() + static_cast<std::ptrdiff_t>(at + kRecord));
    }
}

bool is_batch(const std::string& name) {
    return name == "test_batch.bin" || (name.starts_with("data_batch_") && name.ends_with(".bin"));
}

/// `batches`: file name without folders -> content.
ImageData from_batches(const std::string& path, const std::map<std::string, std::vector<uint8_t>>& batches) {
    DataSplits splits;
    for (ImageSet* set : {&splits.train, &splits.test}) {
        set->channels = 3;
        set->height = set->width = 32;
        set->class_names = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
    }
    for (const auto& [name, bytes] : batches)
        append_batch(bytes, path + "/" + name, name == "test_batch.bin" ? splits.test : splits.train);
    if (splits.train.labels.empty()) throw FileError(path + ": has no data_batch_*.bin");
    if (splits.test.labels.empty()) throw FileError(path + ": has no test_batch.bin");
    return in_memory(std::move(splits));
}

ImageData as_images(ImageData (*load)(const std::string&, const FolderOptions&), const std::string& path,
                    const LoadOptions& options) {
    ImageData data = load(path, {.height = 32, .width = 32, .load = options});
    if (data.class_names.size() != 10)
        throw FileError(path + ": has " + std::to_string(data.class_names.size()) +
                        " classes, but CIFAR-10 has 10; use folder:PATH for other images");
    return data;
}

} // namespace

ImageData load_cifar10(const std::string& path, const LoadOptions& options) {
    std::error_code code;
    std::map<std::string, std::vector<uint8_t>> batches;
    if (fs::is_directory(path, code)) {
        const fs::path nested = fs::path(path) / "cifar-10-batches-bin"; // what the official archive unpacks to
        const fs::path folder = fs::is_directory(nested, code) ? nested : fs::path(path);
        for (const std::string& name : io::list_folder(folder.string()))
            if (is_batch(name)) batches[name] = io::read_file((folder / name).string(), kMaxBatchBytes);
        if (!batches.empty()) return from_batches(folder.string(), batches);
        return as_images(load_folder, path, options);
    }
    if (!fs::exists(path, code))
        throw FileError(path + ": no such file or folder; cifar10:PATH needs a folder or a tar archive");
    if (path.ends_with(".bin")) throw FileError(path + ": give the folder that holds the .bin files");

    // The first telling name says which form it is.
    bool binary = false;
    io::for_each_entry(path, [&](const std::string& name, const std::vector<uint8_t>&) {
        binary = is_batch(fs::path(name).filename().string());
        return !binary && !is_image_name(name);
    });
    if (!binary) return as_images(load_archive, path, options);
    io::for_each_entry(path, [&](const std::string& name, std::vector<uint8_t> bytes) {
        const std::string file = fs::path(name).filename().string();
        if (is_batch(file)) batches[file] = std::move(bytes);
        return true;
    });
    return from_batches(path, batches);
}

} // namespace ingot::data
