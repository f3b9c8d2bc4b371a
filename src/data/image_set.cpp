// SPDX-License-Identifier: MIT
#include "data/image_set.h"

#include <cmath>
#include <mutex>

#include <ingot/error.h>

#include "base/check.h"
#include "base/parallel.h"

namespace ingot::data {

MemoryImages::MemoryImages(ImageSet set) {
    if (static_cast<int64_t>(set.pixels.size()) != set.size() * set.sample_bytes())
        throw Error("images: " + std::to_string(set.pixels.size()) + " pixel bytes; " + std::to_string(set.size()) +
                    " samples need " + std::to_string(set.size() * set.sample_bytes()));
    const auto classes = static_cast<int64_t>(set.class_names.size());
    for (int64_t i = 0; i < set.size(); ++i) {
        const int64_t label = set.labels[static_cast<size_t>(i)];
        if (label < 0 || label >= classes)
            throw Error("sample " + std::to_string(i) + ": label " + std::to_string(label) + " is out of range for " +
                        std::to_string(classes) + " classes");
    }
    set_ = std::make_shared<const ImageSet>(std::move(set));
}

Image MemoryImages::picture(int64_t i) const {
    return Image::view(set_->image(i), Image::Order::planes, set_->height, set_->width, set_->channels);
}

Sample MemoryImages::get(int64_t i) const { return {picture(i), label(i)}; }

namespace {

void add_line(const uint8_t* p, int64_t step, int64_t count, uint64_t& sum, uint64_t& squares) {
    uint64_t s = 0, q = 0;
    for (int64_t i = 0; i < count; ++i, p += step) {
        const uint32_t v = *p;
        s += v;
        q += v * v;
    }
    sum += s;
    squares += q;
}

} // namespace

ChannelStats channel_stats(const Dataset& images, int64_t most) {
    struct Sums {
        std::vector<uint64_t> sum, squares;
        uint64_t count = 0;
    } total;
    const int64_t size = images.size(), counted = most > 0 ? std::min(most, size) : size;
    std::mutex mutex;
    base::parallel_for(counted, 64, [&](int64_t begin, int64_t end) {
        Sums part;
        for (int64_t k = begin; k < end; ++k) {
            Sample sample;
            try {
                // k * size may not overflow: sizes are counts of samples in memory or on disk
                sample = images.get(counted == size ? k : k * size / counted);
            } catch (const FileError&) { continue; } // the loader decides about it and names it
            const Image& image = std::get<Image>(sample.x);
            const auto channels = static_cast<size_t>(image.channels());
            part.sum.resize(channels);
            part.squares.resize(channels);
            for (size_t c = 0; c < channels; ++c)
                for (int64_t y = 0; y < image.height(); ++y)
                    add_line(image.line(static_cast<int64_t>(c), y), image.step(), image.width(), part.sum[c],
                             part.squares[c]);
            part.count += static_cast<uint64_t>(image.height() * image.width());
        }
        const std::lock_guard lock(mutex);
        total.sum.resize(std::max(total.sum.size(), part.sum.size()));
        total.squares.resize(total.sum.size());
        for (size_t c = 0; c < part.sum.size(); ++c) {
            total.sum[c] += part.sum[c];
            total.squares[c] += part.squares[c];
        }
        total.count += part.count;
    });
    ChannelStats stats;
    const auto count = static_cast<double>(total.count);
    for (size_t c = 0; c < total.sum.size(); ++c) {
        const double mean = count > 0 ? static_cast<double>(total.sum[c]) / count : 0;
        const double variance = count > 0 ? static_cast<double>(total.squares[c]) / count - mean * mean : 0;
        const double deviation = variance > 1e-9 ? std::sqrt(variance) : 255.0;
        stats.mean.push_back(static_cast<float>(mean / 255));
        stats.std.push_back(static_cast<float>(deviation / 255));
    }
    return stats;
}

io::Image fit_image(io::Image image, int64_t channels, int64_t height, int64_t width) {
    INGOT_ASSERT(channels == 1 || channels == 3, "images have 1 or 3 channels");
    if (channels == 1 && image.channels == 3) image = io::to_grey(image);
    if (image.width != width || image.height != height)
        image = io::resize(image, static_cast<int>(width), static_cast<int>(height));
    if (image.channels != channels) image = io::to_rgb(image);
    return image; // moved: most pictures are right as they are
}

void write_planes(const io::Image& image, uint8_t* out) {
    const int64_t plane = int64_t{image.height} * image.width;
    for (int64_t c = 0; c < image.channels; ++c, out += plane) {
        const uint8_t* p = image.pixels.data() + c;
        for (int64_t i = 0; i < plane; ++i) out[i] = p[i * image.channels];
    }
}

Image to_sample(io::Image image) {
    auto owner = std::make_shared<const io::Pixels>(std::move(image.pixels));
    const uint8_t* pixels = owner->data();
    return Image::view(pixels, Image::Order::pixels, image.height, image.width, image.channels, std::move(owner));
}

io::Image to_file_image(const Image& image) {
    const std::vector<uint8_t> pixels = image.pixels();
    return {static_cast<int>(image.width()), static_cast<int>(image.height()), static_cast<int>(image.channels()),
            io::Pixels(pixels.begin(), pixels.end())};
}

} // namespace ingot::data
