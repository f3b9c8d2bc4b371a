// SPDX-License-Identifier: MIT
// One loading function per kind of data; load_data() chooses among them. Private to this folder and its tests.
#pragma once

#include <cstdint>
#include <string>

#include "data/dataset.h"

namespace ingot::data {

/// {train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz] in the folder `path`.
DataSplits load_mnist(const std::string& path);

/// The official binary folder (data_batch_*.bin, test_batch.bin) or a tar of it, or a folder or tar of
/// train/<class>/* and test/<class>/* images.
DataSplits load_cifar10(const std::string& path);

/// Images of one folder per class. Names decide the order: classes sorted, files sorted within a class. Every image is
/// resized to height x width; 0 means the size of the first training image, scaled down so that no side is over 64.
/// Colour (3 channels) if any image has colour, else grey.
struct FolderOptions {
    int64_t height = 0, width = 0;
};
DataSplits load_folder(const std::string& path, const FolderOptions& options);

/// Whether the name ends like a JPEG or PNG file's.
bool is_image_name(const std::string& name);

/// The same layout inside a tar archive; what lies above train/ and test/ in the names does not matter.
DataSplits load_archive(const std::string& path, const FolderOptions& options);

/// Drawn digits: 20,000 training and 4,000 test images (smaller counts are for tests), grey, 32 x 32.
inline constexpr int64_t kGlyphsTrain = 20000, kGlyphsTest = 4000;
DataSplits make_glyphs(uint64_t seed, int64_t train = kGlyphsTrain, int64_t test = kGlyphsTest);

} // namespace ingot::data
