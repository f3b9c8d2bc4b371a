// SPDX-License-Identifier: MIT
#include <ingot/data/images.h>

#include <list>
#include <mutex>
#include <unordered_map>

#include <ingot/error.h>

#include "data/image_set.h"
#include "data/sources.h"
#include "io/image.h"

namespace ingot::data {

struct ImageCache::Impl {
    struct Key {
        uint64_t owner;
        int64_t index;
        bool operator==(const Key&) const = default;
    };
    struct Hash {
        size_t operator()(const Key& key) const {
            return static_cast<size_t>((static_cast<uint64_t>(key.index) + key.owner * 0x9E3779B97F4A7C15ull) *
                                       0xBF58476D1CE4E5B9ull);
        }
    };
    struct Entry {
        Key key;
        Image image;
    };
    using List = std::list<Entry>;

    Impl(int64_t bytes, Eviction how) : capacity(bytes), eviction(how) {}
    const int64_t capacity;
    const Eviction eviction;
    mutable std::mutex mutex; // guards what follows
    List entries;             ///< the most recent one first
    std::unordered_map<Key, List::iterator, Hash> places;
    CacheStats stats;
    uint64_t owners = 0;
};

ImageCache::ImageCache(int64_t bytes, Eviction eviction) : impl_(std::make_unique<Impl>(bytes, eviction)) {
    if (bytes < 0) throw Error("ImageCache: the capacity must not be negative");
}
ImageCache::~ImageCache() = default;

uint64_t ImageCache::new_owner() {
    const std::lock_guard lock(impl_->mutex);
    return impl_->owners++;
}

std::optional<Image> ImageCache::find(uint64_t owner, int64_t index) {
    const std::lock_guard lock(impl_->mutex);
    const auto place = impl_->places.find({owner, index});
    if (place == impl_->places.end()) {
        ++impl_->stats.misses;
        return {};
    }
    ++impl_->stats.hits;
    impl_->entries.splice(impl_->entries.begin(), impl_->entries, place->second);
    return place->second->image;
}

void ImageCache::insert(uint64_t owner, int64_t index, const Image& image) {
    const int64_t bytes = image.bytes();
    if (bytes > impl_->capacity) return;
    std::vector<Image> evicted; // their memory is freed without the lock
    const std::lock_guard lock(impl_->mutex);
    if (impl_->places.contains({owner, index})) return; // another thread was faster
    CacheStats& stats = impl_->stats;
    if (stats.bytes + bytes > impl_->capacity && impl_->eviction == Eviction::never) return;
    while (stats.bytes + bytes > impl_->capacity) {
        Impl::Entry& last = impl_->entries.back();
        stats.bytes -= last.image.bytes();
        --stats.entries;
        impl_->places.erase(last.key);
        evicted.push_back(std::move(last.image));
        impl_->entries.pop_back();
    }
    impl_->entries.push_front({{owner, index}, image});
    impl_->places[{owner, index}] = impl_->entries.begin();
    stats.bytes += bytes;
    ++stats.entries;
}

CacheStats ImageCache::stats() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->stats;
}

int64_t ImageCache::capacity() const { return impl_->capacity; }

Image read_image(const std::string& path) { return to_sample(io::read_image(path)); }

Image resize(const Image& image, Int2 size) {
    if (size.h < 1 || size.w < 1 || size.h > kMaxImageSide || size.w > kMaxImageSide)
        throw Error("resize: size " + std::to_string(size.h) + " x " + std::to_string(size.w) +
                    " must lie between 1 and " + std::to_string(kMaxImageSide));
    if (image.height() == size.h && image.width() == size.w) return image;
    return to_sample(io::resize(to_file_image(image), static_cast<int>(size.w), static_cast<int>(size.h)));
}

ImageFolder::ImageFolder(const std::string& folder, ImageFolderOptions options) : options_(std::move(options)) {
    auto lists = std::make_shared<Lists>();
    for (auto& [cls, files] : list_class_folders(folder)) {
        for (std::string& file : files) {
            lists->files.push_back(std::move(file));
            lists->labels.push_back(static_cast<int64_t>(lists->class_names.size()));
        }
        lists->class_names.push_back(cls);
    }
    if (lists->files.empty()) throw FileError(folder + ": holds no class folders with JPEG or PNG images");
    lists_ = std::move(lists);
    init();
}

ImageFolder::ImageFolder(std::vector<std::string> files, std::vector<int64_t> labels,
                         std::vector<std::string> class_names, ImageFolderOptions options)
    : options_(std::move(options)) {
    if (files.size() != labels.size())
        throw Error("ImageFolder: " + std::to_string(files.size()) + " files have " + std::to_string(labels.size()) +
                    " labels");
    for (size_t i = 0; i < labels.size(); ++i)
        if (labels[i] < 0 || labels[i] >= static_cast<int64_t>(class_names.size()))
            throw Error(files[i] + ": label " + std::to_string(labels[i]) + " is out of range for " +
                        std::to_string(class_names.size()) + " classes");
    lists_ = std::make_shared<const Lists>(Lists{std::move(files), std::move(labels), std::move(class_names)});
    init();
}

void ImageFolder::init() {
    if (options_.channels != 1 && options_.channels != 3)
        throw Error("ImageFolder: channels must be 1 or 3, not " + std::to_string(options_.channels));
    if (options_.size.h < 0 || options_.size.w < 0 || (options_.size.h == 0) != (options_.size.w == 0) ||
        std::max(options_.size.h, options_.size.w) > kMaxImageSide)
        throw Error("ImageFolder: size " + std::to_string(options_.size.h) + " x " + std::to_string(options_.size.w) +
                    " must lie between 1 and " + std::to_string(kMaxImageSide) + ", or be 0");
    if (options_.cache) owner_ = options_.cache->new_owner();
}

Sample ImageFolder::get(int64_t i) const {
    if (options_.cache)
        if (std::optional<Image> image = options_.cache->find(owner_, i)) return {std::move(*image), label(i)};
    io::Image decoded = read_fitted(file(i), options_.channels, options_.size.h, options_.size.w);
    Image image = to_sample(std::move(decoded));
    if (options_.cache) options_.cache->insert(owner_, i, image);
    return {std::move(image), label(i)};
}

CacheStats ImageFolder::cache_stats() const { return options_.cache ? options_.cache->stats() : CacheStats{}; }

} // namespace ingot::data
