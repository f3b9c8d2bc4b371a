// SPDX-License-Identifier: MIT
#include <filesystem>

#include <ingot/error.h>

#include "data/sources.h"
#include "io/idx.h"

namespace ingot::data {

namespace {

namespace fs = std::filesystem;

/// The file `name` in `folder`, gzipped or not, with the dash or the dot that different mirrors use.
std::string find_file(const std::string& folder, const std::string& name) {
    std::string dotted = name;
    dotted.replace(dotted.find("-idx"), 1, ".");
    for (const std::string& candidate : {name, name + ".gz", dotted, dotted + ".gz"}) {
        const fs::path path = fs::path(folder) / candidate;
        std::error_code code;
        if (fs::exists(path, code)) return path.string();
    }
    throw FileError(folder + ": has no " + name + " or " + name + ".gz; an MNIST folder holds four IDX files");
}

ImageSet load_part(const std::string& folder, const std::string& part) {
    const std::string image_file = find_file(folder, part + "-images-idx3-ubyte");
    const std::string label_file = find_file(folder, part + "-labels-idx1-ubyte");
    io::IdxArray images = io::read_idx(image_file, 3);
    const io::IdxArray labels = io::read_idx(label_file, 1);
    if (images.dims[0] != labels.dims[0])
        throw FileError(label_file + ": has " + std::to_string(labels.dims[0]) + " labels for the " +
                        std::to_string(images.dims[0]) + " images of " + image_file);
    if (images.data.empty()) throw FileError(image_file + ": holds no images");
    ImageSet set;
    set.channels = 1;
    set.height = images.dims[1];
    set.width = images.dims[2];
    set.pixels = std::move(images.data);
    set.labels.reserve(labels.data.size());
    for (size_t i = 0; i < labels.data.size(); ++i) {
        if (labels.data[i] > 9)
            throw FileError(label_file + ": label " + std::to_string(labels.data[i]) + " at index " +
                            std::to_string(i) + " is out of range; labels are 0 to 9");
        set.labels.push_back(labels.data[i]);
    }
    for (int d = 0; d < 10; ++d) set.class_names.push_back(std::to_string(d));
    return set;
}

} // namespace

DataSplits load_mnist(const std::string& path) {
    std::error_code code;
    if (!fs::is_directory(path, code))
        throw FileError(path + ": is not a folder; mnist:DIR needs a folder of IDX files");
    DataSplits splits{load_part(path, "train"), load_part(path, "t10k")};
    if (splits.train.height != splits.test.height || splits.train.width != splits.test.width)
        throw FileError(path + ": training and test images have different sizes");
    return splits;
}

} // namespace ingot::data
