// SPDX-License-Identifier: MIT
// One folder per class, on disk or in a tar archive. The files are listed first, then read, decoded and resized by all
// threads straight into their place, so that the result does not depend on the number of threads.
#include <algorithm>
#include <atomic>
#include <cctype>
#include <filesystem>
#include <map>

#include <ingot/error.h>

#include "base/parallel.h"
#include "data/sources.h"
#include "io/archive.h"
#include "io/file.h"

namespace ingot::data {

namespace {

namespace fs = std::filesystem;

constexpr int64_t kMaxSide = 64;                       ///< of the default size
constexpr int64_t kMaxDatasetBytes = int64_t{1} << 35; ///< everything is held in memory

/// One picture that is still to be read.
struct Source {
    std::string name;           ///< for errors, and the path when `bytes` is empty
    std::vector<uint8_t> bytes; ///< the file's content, when it came from an archive
};
/// class name -> its files in order
using Classes = std::map<std::string, std::vector<Source>>;

std::string lower_extension(const std::string& name) {
    std::string text = fs::path(name).extension().string();
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

/// True for files to load. Pictures that we cannot read are an error, because leaving them out silently would be wrong;
/// other files (notes, thumbnails' databases) are none of our business.
bool is_wanted(const std::string& name) {
    if (is_image_name(name)) return true;
    const std::string extension = lower_extension(name);
    for (const char* other : {".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})
        if (extension == other) throw FileError(name + ": only JPEG and PNG images can be read; convert or remove it");
    return false;
}

/// The class folders inside `folder`.
Classes list_classes(const std::string& folder) {
    Classes classes;
    for (const std::string& cls : io::list_folder(folder)) {
        const std::string path = folder + "/" + cls;
        std::error_code code;
        if (!fs::is_directory(path, code)) continue;
        std::vector<Source>& files = classes[cls];
        for (const std::string& name : io::list_folder(path))
            if (is_wanted(path + "/" + name)) files.push_back({path + "/" + name, {}});
    }
    return classes;
}

io::Image decode(const Source& source) {
    return source.bytes.empty() ? io::read_image(source.name) : io::decode_image(source.bytes, source.name);
}

/// Decodes everything as colour; *has_colour is set when some picture is not grey.
ImageDataset decode_all(Classes& classes, const std::vector<std::string>& class_names, int64_t height, int64_t width,
                        std::atomic<bool>* has_colour) {
    ImageDataset set;
    set.channels = 3;
    set.height = height;
    set.width = width;
    set.class_names = class_names;
    std::vector<Source*> order;
    for (size_t label = 0; label < class_names.size(); ++label)
        for (Source& source : classes[class_names[label]]) {
            order.push_back(&source);
            set.labels.push_back(static_cast<int64_t>(label));
        }
    const int64_t bytes = set.sample_bytes();
    if (set.size() > kMaxDatasetBytes / bytes)
        throw Error(std::to_string(set.size()) + " images of " + std::to_string(height) + "x" + std::to_string(width) +
                    " do not fit into the limit of 32 GiB; choose a smaller size");
    set.pixels.resize(static_cast<size_t>(set.size() * bytes));
    base::parallel_for(set.size(), 16, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
            Source& source = *order[static_cast<size_t>(i)];
            const io::Image image = decode(source);
            if (image.channels == 3) has_colour->store(true, std::memory_order_relaxed);
            fit_image(image, 3, height, width, set.pixels.data() + i * bytes);
            source.bytes = {}; // two copies of an archive's content need not live at once
        }
    });
    return set;
}

/// Keeps one of three equal channels.
void make_grey(ImageDataset& set) {
    const int64_t plane = set.height * set.width;
    uint8_t* to = set.pixels.data();
    for (int64_t i = 0; i < set.size(); ++i) std::copy_n(set.pixels.data() + i * 3 * plane, plane, to + i * plane);
    set.pixels.resize(static_cast<size_t>(set.size() * plane));
    set.pixels.shrink_to_fit();
    set.channels = 1;
}

DataSplits from_classes(const std::string& path, Classes& train, Classes& test, bool has_test,
                        const FolderOptions& options) {
    std::vector<std::string> class_names;
    for (const auto& [cls, files] : train) {
        if (files.empty()) throw FileError(path + ": the class folder '" + cls + "' holds no JPEG or PNG images");
        class_names.push_back(cls);
    }
    if (class_names.empty())
        throw FileError(path + ": holds no class folders with images; expected train/<class>/* or <class>/*");
    if (class_names.size() < 2)
        throw FileError(path + ": holds only one class, '" + class_names[0] + "'; at least two are needed");
    int64_t test_files = 0;
    for (const auto& [cls, files] : test) {
        if (train.count(cls) == 0) throw FileError(path + ": the test class '" + cls + "' does not occur in training");
        test_files += static_cast<int64_t>(files.size());
    }
    if (has_test && test_files == 0) throw FileError(path + ": test holds no images");

    int64_t height = options.height, width = options.width;
    if (height == 0) {
        const io::Image first = decode(train.begin()->second.front());
        const int64_t side = std::max(first.width, first.height);
        const auto scaled = [&](int64_t v) {
            return side <= kMaxSide ? v : std::max<int64_t>(1, (v * kMaxSide + side / 2) / side);
        };
        height = scaled(first.height);
        width = scaled(first.width);
    }
    DataSplits splits;
    splits.has_test = has_test;
    std::atomic<bool> has_colour{false};
    splits.train = decode_all(train, class_names, height, width, &has_colour);
    splits.test = decode_all(test, class_names, height, width, &has_colour);
    if (!has_colour) {
        make_grey(splits.train);
        make_grey(splits.test);
    }
    return splits;
}

} // namespace

bool is_image_name(const std::string& name) {
    const std::string extension = lower_extension(name);
    return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

DataSplits load_folder(const std::string& path, const FolderOptions& options) {
    std::error_code code;
    if (!fs::exists(path, code)) throw FileError(path + ": no such folder");
    if (!fs::is_directory(path, code)) throw FileError(path + ": is not a folder");
    const std::string train_path = path + "/train", test_path = path + "/test";
    const bool has_train = fs::is_directory(train_path, code), has_test = fs::is_directory(test_path, code);
    if (has_test && !has_train) throw FileError(path + ": has test/ but no train/");
    Classes train = has_train ? list_classes(train_path) : Classes{};
    Classes test = has_test ? list_classes(test_path) : Classes{};
    // Without folders inside, `train` may be a class of its own: pictures of locomotives.
    if (train.empty() && !has_test) train = list_classes(path);
    return from_classes(path, train, test, has_test, options);
}

DataSplits load_archive(const std::string& path, const FolderOptions& options) {
    Classes train, test;
    io::for_each_entry(path, [&](const std::string& name, std::vector<uint8_t> bytes) {
        const fs::path file(name);
        const std::string base = file.filename().string();
        if (base.starts_with(".") || !is_wanted(name)) return true;
        const std::string cls = file.parent_path().filename().string();
        const std::string split = file.parent_path().parent_path().filename().string();
        if (cls.empty() || (split != "train" && split != "test"))
            throw FileError(path + ": entry '" + name + "' is not of the form train/<class>/* or test/<class>/*");
        if (bytes.empty()) throw FileError(path + ": entry '" + name + "' is empty");
        (split == "train" ? train : test)[cls].push_back({path + ": " + name, std::move(bytes)});
        return true;
    });
    for (Classes* classes : {&train, &test})
        for (auto& [cls, files] : *classes)
            std::sort(files.begin(), files.end(), [](const Source& a, const Source& b) { return a.name < b.name; });
    return from_classes(path, train, test, !test.empty(), options);
}

} // namespace ingot::data
