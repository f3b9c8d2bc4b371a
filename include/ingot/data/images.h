// SPDX-License-Identifier: MIT
// Pictures in files: a dataset that decodes them when they are asked for, and a cache of decoded pictures with a bound in
// bytes. Both are safe to use from several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ingot/data/dataset.h>
#include <ingot/data/sample.h>
#include <ingot/ops/types.h>

namespace ingot::data {

/// What makes room in a full cache.
enum class Eviction : uint8_t {
    least_recent, ///< the picture that was not asked for the longest (LRU)
    never, ///< nothing: what is in stays. Better where every picture is wanted once per pass, as the least recent one
           ///< is then the next to come
};

/// Decoded pictures by (owner, index). One cache may serve several datasets, which share its bytes.
class ImageCache {
public:
    /// bytes: of pixels, at most.
    explicit ImageCache(int64_t bytes, Eviction eviction = Eviction::least_recent);
    ~ImageCache();
    ImageCache(const ImageCache&) = delete;
    ImageCache& operator=(const ImageCache&) = delete;

    /// A number that no other user of this cache has.
    uint64_t new_owner();
    /// The picture, if it is there; counts a hit or a miss.
    std::optional<Image> find(uint64_t owner, int64_t index);
    /// Keeps the picture if it fits. It must own its memory.
    void insert(uint64_t owner, int64_t index, const Image& image);
    CacheStats stats() const;
    int64_t capacity() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// The picture in the JPEG or PNG file `path`, with 1 or 3 channels. Alpha, orientation and colour profiles are not
/// applied. Errors: FileError naming the file.
Image read_image(const std::string& path);

/// `image` resized (bilinear, antialiased: PIL's filter bit by bit).
Image resize(const Image& image, Int2 size);

struct ImageFolderOptions {
    /// What every picture is resized to; 0: as they are. A JPEG that is much larger is reduced while it is decoded, to at
    /// least twice that size, before it is resized (as PIL's thumbnail() does).
    Int2 size = {};
    int64_t channels = 3;                        ///< 3: grey is repeated; 1: colour is greyed
    std::shared_ptr<ImageCache> cache = nullptr; ///< of the resized pictures
};

/// Pictures of one folder per class, `folder`/<class>/*.jpg, *.jpeg, *.png: label = number of the class, classes and files in the
/// order of their names. A picture that cannot be read is a FileError of its sample.
class ImageFolder : public Dataset {
public:
    /// Errors: FileError for a missing folder, one without classes or without pictures.
    explicit ImageFolder(const std::string& folder, ImageFolderOptions options = {});
    /// The files with these labels. Errors: Error when the lists differ in length or a label has no class.
    ImageFolder(std::vector<std::string> files, std::vector<int64_t> labels, std::vector<std::string> class_names,
                ImageFolderOptions options = {});

    int64_t size() const override { return static_cast<int64_t>(lists_->files.size()); }
    Sample get(int64_t i) const override;
    int64_t label(int64_t i) const override { return lists_->labels[static_cast<size_t>(i)]; }
    CacheStats cache_stats() const override;
    const std::string& file(int64_t i) const { return lists_->files[static_cast<size_t>(i)]; }
    const std::vector<std::string>& class_names() const { return lists_->class_names; }

private:
    struct Lists {
        std::vector<std::string> files;
        std::vector<int64_t> labels;
        std::vector<std::string> class_names;
    };
    void init();
    std::shared_ptr<const Lists> lists_;
    ImageFolderOptions options_;
    uint64_t owner_ = 0; ///< in the cache
};

} // namespace ingot::data
