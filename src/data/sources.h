// SPDX-License-Identifier: MIT
// One loading function per kind of picture data; load_images() chooses among them. Private to this folder, the trainer's
// tasks and the tests. Errors: Error for a bad spec, FileError for missing or damaged files; both name the thing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ingot/data/dataset.h>

#include "data/image_set.h"
#include "data/spec.h"
#include "io/image.h"

namespace ingot::data {

/// Of a picture that is resized.
inline constexpr int64_t kMaxImageSide = 4096;

/// What to do about pictures that cannot be read.
struct LoadOptions {
    bool strict = false; ///< they are errors; else they are left out
    /// Is told about every one that is left out, by one thread at a time; by default a line on standard error.
    std::function<void(const std::string& what)> warn = {};
};

/// Labelled pictures of one size, in memory or in files that are decoded when asked for.
struct ImageData {
    std::shared_ptr<const Dataset> train, test; ///< no test split: null
    int64_t channels = 0, height = 0, width = 0;
    std::vector<std::string> class_names;
    bool in_memory = true;
    int64_t left_out = 0; ///< files that could not be read, as far as is known: all of them when in memory
};

/// Two sets in memory.
struct DataSplits {
    ImageSet train, test;
};
ImageData in_memory(DataSplits splits);

/// What the spec (data/spec.h) of one of the schemes below names.
ImageData load_images(const DataSpec& spec, const LoadOptions& options = {});

/// The option `length` of text data, 128 by default.
int64_t text_length(const DataSpec& spec);

/// {train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz] in the folder `path`.
DataSplits load_mnist(const std::string& path);

/// The official binary folder (data_batch_*.bin, test_batch.bin) or a tar of it, or a folder or tar of
/// train/<class>/* and test/<class>/* images.
ImageData load_cifar10(const std::string& path, const LoadOptions& options = {});

/// Images of one folder per class. Names decide the order: classes sorted, files sorted within a class. Every image is
/// resized to height x width; 0 means the size of the first training image, scaled down so that no side is over 64.
/// Colour (3 channels) if any image has colour, else grey. When all of them take more than `cache` bytes, they stay in
/// their files and that many bytes of decoded images are kept; colour is then judged by 1,000 of them.
struct FolderOptions {
    int64_t height = 0, width = 0;
    int64_t cache = int64_t{1} << 30;
    LoadOptions load = {};
};
ImageData load_folder(const std::string& path, const FolderOptions& options = {});

/// The same layout inside a tar archive, always in memory; what lies above train/ and test/ in the names does not matter.
ImageData load_archive(const std::string& path, const FolderOptions& options = {});

/// Class name -> paths of its images, of the class folders in `folder`.
std::map<std::string, std::vector<std::string>> list_class_folders(const std::string& folder);

/// Whether the name ends like a JPEG or PNG file's.
bool is_image_name(const std::string& name);

/// The image in a file, greyed or repeated to `channels` and resized; height 0: as it is. A JPEG is reduced while decoding
/// to at least twice the size wanted.
io::Image read_fitted(const std::string& path, int64_t channels, int64_t height, int64_t width);

/// Drawn digits: 20,000 training and 4,000 test images (smaller counts are for tests), grey, 32 x 32.
inline constexpr int64_t kGlyphsTrain = 20000, kGlyphsTest = 4000;
DataSplits make_glyphs(uint64_t seed, int64_t train = kGlyphsTrain, int64_t test = kGlyphsTest);

} // namespace ingot::data
