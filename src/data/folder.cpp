// SPDX-License-Identifier: MIT
// One folder per class, on disk or in a tar archive. The files are listed first. What fits into memory is then read,
// decoded and resized by all threads straight into its place, so that the result does not depend on the number of
// threads; a larger folder becomes a dataset that decodes its files when they are asked for.
#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <map>

#include <ingot/data/images.h>
#include <ingot/error.h>

#include "base/parallel.h"
#include "data/sources.h"
#include "io/archive.h"
#include "io/file.h"
#include "io/quote.h"

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

/// Reduced while decoding when the picture will be shrunk to height x width.
io::DecodeOptions decode_options(int64_t height, int64_t width) {
    // Twice the size, so that the reduction's coarse filter does not show.
    return {.min_width = static_cast<int>(2 * width), .min_height = static_cast<int>(2 * height)};
}

io::Image decode(const Source& source, const io::DecodeOptions& options) {
    return source.bytes.empty() ? io::read_image(source.name, options)
                                : io::decode_image(source.bytes, source.name, options);
}

void say(const LoadOptions& options, const std::string& what) {
    if (options.warn)
        options.warn(what);
    else
        std::fprintf(stderr, "ingot: warning: %s; it is left out\n", what.c_str());
}

/// The pictures of all classes in the order of their labels.
struct Pictures {
    std::vector<Source*> sources;
    std::vector<int64_t> labels;
};

Pictures in_order(Classes& classes, const std::vector<std::string>& class_names) {
    Pictures all;
    for (size_t label = 0; label < class_names.size(); ++label)
        for (Source& source : classes[class_names[label]]) {
            all.sources.push_back(&source);
            all.labels.push_back(static_cast<int64_t>(label));
        }
    return all;
}

/// Decodes everything as colour; *has_colour is set when some picture is not grey. Those that cannot be read are left out.
ImageSet decode_all(const Pictures& all, const std::vector<std::string>& class_names, int64_t height, int64_t width,
                    const LoadOptions& options, std::atomic<bool>* has_colour) {
    ImageSet set;
    set.channels = 3;
    set.height = height;
    set.width = width;
    set.class_names = class_names;
    const auto count = static_cast<int64_t>(all.sources.size());
    const int64_t bytes = set.sample_bytes();
    if (count > kMaxDatasetBytes / bytes)
        throw Error(std::to_string(count) + " images of " + std::to_string(height) + "x" + std::to_string(width) +
                    " do not fit into the limit of 32 GiB; choose a smaller size");
    set.pixels.resize(static_cast<size_t>(count * bytes));
    std::vector<std::string> errors(all.sources.size());
    base::parallel_for(count, 16, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
            Source& source = *all.sources[static_cast<size_t>(i)];
            try {
                io::Image image = decode(source, decode_options(height, width));
                if (image.channels == 3) has_colour->store(true, std::memory_order_relaxed);
                write_planes(fit_image(std::move(image), 3, height, width), set.pixels.data() + i * bytes);
            } catch (const FileError& error) {
                if (options.strict) throw;
                errors[static_cast<size_t>(i)] = error.what();
            }
            source.bytes = {}; // two copies of an archive's content need not live at once
        }
    });
    int64_t kept = 0;
    for (int64_t i = 0; i < count; ++i) {
        if (const std::string& error = errors[static_cast<size_t>(i)]; !error.empty()) {
            say(options, error);
            continue;
        }
        if (kept != i) std::copy_n(set.pixels.data() + i * bytes, bytes, set.pixels.data() + kept * bytes);
        set.labels.push_back(all.labels[static_cast<size_t>(i)]);
        ++kept;
    }
    if (kept == 0 && count > 0)
        throw FileError("none of the " + std::to_string(count) + " images can be read; the first: " + errors[0]);
    set.pixels.resize(static_cast<size_t>(kept * bytes));
    return set;
}

/// Keeps one of three equal channels.
void make_grey(ImageSet& set) {
    const int64_t plane = set.height * set.width;
    uint8_t* to = set.pixels.data();
    for (int64_t i = 0; i < set.size(); ++i) std::copy_n(set.pixels.data() + i * 3 * plane, plane, to + i * plane);
    set.pixels.resize(static_cast<size_t>(set.size() * plane));
    set.pixels.shrink_to_fit();
    set.channels = 1;
}

std::string quoted_list(const std::vector<std::string>& names) {
    constexpr size_t kMost = 10;
    std::string text;
    for (size_t i = 0; i < std::min(names.size(), kMost); ++i) text += (i > 0 ? ", '" : "'") + names[i] + "'";
    return names.size() > kMost ? text + ", ..." : text;
}

std::vector<std::string> check_classes(const std::string& path, const Classes& train, const Classes& test,
                                       bool has_test) {
    std::vector<std::string> class_names;
    for (const auto& [cls, files] : train) {
        if (files.empty()) throw FileError(path + ": the class folder '" + cls + "' holds no JPEG or PNG images");
        class_names.push_back(cls);
    }
    if (class_names.empty())
        throw FileError(path + ": holds no class folders with images; expected train/<class>/* or <class>/*");
    if (class_names.size() < 2)
        throw FileError(path + ": holds only one class, '" + class_names[0] + "'; at least two are needed");
    size_t test_files = 0;
    for (const auto& [cls, files] : test) {
        if (train.count(cls) == 0)
            throw FileError(path + ": the test class '" + cls + "' does not occur in training, which has " +
                            quoted_list(class_names));
        test_files += files.size();
    }
    if (has_test && test_files == 0) throw FileError(path + ": test holds no images");
    return class_names;
}

/// The size of the first picture that can be read, scaled down to kMaxSide.
void choose_size(const Pictures& train, const LoadOptions& options, int64_t& height, int64_t& width) {
    std::string first_error;
    for (const Source* source : train.sources) {
        try {
            const io::Image image = source->bytes.empty() ? io::read_image_header(source->name)
                                                          : io::decode_image(source->bytes, source->name);
            const int64_t side = std::max(image.width, image.height);
            const auto scaled = [&](int64_t v) {
                return side <= kMaxSide ? v : std::max<int64_t>(1, (v * kMaxSide + side / 2) / side);
            };
            height = scaled(image.height);
            width = scaled(image.width);
            return;
        } catch (const FileError& error) {
            if (options.strict) throw;
            if (first_error.empty()) first_error = error.what(); // named again when it is left out
        }
    }
    throw FileError("none of the " + std::to_string(train.sources.size()) +
                    " images can be read; the first: " + first_error);
}

/// Whether any of kProbes pictures has colour.
bool probe_colour(const Pictures& all) {
    constexpr size_t kProbes = 1000;
    const size_t count = all.sources.size(), probes = std::min(kProbes, count);
    for (size_t k = 0; k < probes; ++k) {
        try {
            if (io::read_image_header(all.sources[k * count / probes]->name).channels == 3) return true;
        } catch (const FileError&) { continue; } // the loader names it
    }
    return false;
}

std::shared_ptr<const Dataset> in_files(const Pictures& all, const std::vector<std::string>& class_names,
                                        const ImageFolderOptions& options) {
    std::vector<std::string> files;
    for (const Source* source : all.sources) files.push_back(source->name);
    return std::make_shared<ImageFolder>(std::move(files), all.labels, class_names, options);
}

ImageData from_classes(const std::string& path, Classes& train, Classes& test, bool has_test,
                       const FolderOptions& options) {
    const std::vector<std::string> class_names = check_classes(path, train, test, has_test);
    const Pictures train_pictures = in_order(train, class_names), test_pictures = in_order(test, class_names);
    int64_t height = options.height, width = options.width;
    if (height == 0) choose_size(train_pictures, options.load, height, width);

    const auto count = static_cast<int64_t>(train_pictures.sources.size() + test_pictures.sources.size());
    const bool archive = !train_pictures.sources[0]->bytes.empty();
    if (archive || count <= options.cache / (3 * height * width)) {
        std::atomic<bool> has_colour{false};
        DataSplits splits;
        splits.train = decode_all(train_pictures, class_names, height, width, options.load, &has_colour);
        splits.test = decode_all(test_pictures, class_names, height, width, options.load, &has_colour);
        if (!has_colour) {
            make_grey(splits.train);
            make_grey(splits.test);
        }
        const int64_t kept = splits.train.size() + splits.test.size();
        ImageData data = in_memory(std::move(splits));
        data.left_out = count - kept;
        return data;
    }
    ImageData data;
    data.channels = probe_colour(train_pictures) ? 3 : 1;
    data.height = height;
    data.width = width;
    data.class_names = class_names;
    data.in_memory = false;
    const ImageFolderOptions files{.size = {height, width},
                                   .channels = data.channels,
                                   .cache = std::make_shared<ImageCache>(options.cache, Eviction::never)};
    data.train = in_files(train_pictures, class_names, files);
    if (has_test) data.test = in_files(test_pictures, class_names, files);
    return data;
}

Classes list_classes(const std::string& folder) {
    Classes classes;
    for (auto& [cls, files] : list_class_folders(folder)) {
        std::vector<Source>& sources = classes[cls];
        for (std::string& file : files) sources.push_back({std::move(file), {}});
    }
    return classes;
}

} // namespace

bool is_image_name(const std::string& name) {
    const std::string extension = lower_extension(name);
    return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

std::map<std::string, std::vector<std::string>> list_class_folders(const std::string& folder) {
    std::error_code code;
    if (!fs::exists(folder, code)) throw FileError(folder + ": no such folder");
    if (!fs::is_directory(folder, code)) throw FileError(folder + ": is not a folder");
    std::map<std::string, std::vector<std::string>> classes;
    for (const std::string& cls : io::list_folder(folder)) {
        const std::string path = folder + "/" + cls;
        if (!fs::is_directory(path, code)) continue;
        std::vector<std::string>& files = classes[cls];
        for (const std::string& name : io::list_folder(path))
            if (is_wanted(path + "/" + name)) files.push_back(path + "/" + name);
    }
    return classes;
}

io::Image read_fitted(const std::string& path, int64_t channels, int64_t height, int64_t width) {
    if (height == 0) {
        io::Image image = io::read_image(path);
        const int height_there = image.height, width_there = image.width;
        return fit_image(std::move(image), channels, height_there, width_there);
    }
    return fit_image(io::read_image(path, decode_options(height, width)), channels, height, width);
}

ImageData in_memory(DataSplits splits) {
    ImageData data;
    data.channels = splits.train.channels;
    data.height = splits.train.height;
    data.width = splits.train.width;
    data.class_names = splits.train.class_names;
    data.train = std::make_shared<MemoryImages>(std::move(splits.train));
    if (splits.test.size() > 0) data.test = std::make_shared<MemoryImages>(std::move(splits.test));
    return data;
}

ImageData load_folder(const std::string& path, const FolderOptions& options) {
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

ImageData load_archive(const std::string& path, const FolderOptions& options) {
    Classes train, test;
    io::for_each_entry(path, [&](const std::string& name, std::vector<uint8_t> bytes) {
        const fs::path file(name);
        const std::string base = file.filename().string();
        if (base.starts_with(".") || !is_wanted(name)) return true;
        const std::string cls = file.parent_path().filename().string();
        const std::string split = file.parent_path().parent_path().filename().string();
        if (cls.empty() || (split != "train" && split != "test"))
            throw FileError(path + ": entry " + io::quote_name(name) +
                            " is not of the form train/<class>/* or test/<class>/*");
        if (bytes.empty()) throw FileError(path + ": entry " + io::quote_name(name) + " is empty");
        (split == "train" ? train : test)[cls].push_back({path + ": " + name, std::move(bytes)});
        return true;
    });
    for (Classes* classes : {&train, &test})
        for (auto& [cls, files] : *classes)
            std::sort(files.begin(), files.end(), [](const Source& a, const Source& b) { return a.name < b.name; });
    return from_classes(path, train, test, !test.empty(), options);
}

} // namespace ingot::data
