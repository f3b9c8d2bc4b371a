// SPDX-License-Identifier: MIT
#include "data/dataset.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include <ingot/error.h>

#include "base/check.h"
#include "data/random.h"

namespace ingot::data {

ImageDataset subset(const ImageDataset& from, const std::vector<int64_t>& indices) {
    ImageDataset out;
    out.channels = from.channels;
    out.height = from.height;
    out.width = from.width;
    out.class_names = from.class_names;
    const int64_t bytes = from.sample_bytes();
    out.pixels.resize(indices.size() * static_cast<size_t>(bytes));
    out.labels.reserve(indices.size());
    uint8_t* to = out.pixels.data();
    for (const int64_t i : indices) {
        INGOT_ASSERT(i >= 0 && i < from.size(), "sample index out of range");
        std::memcpy(to, from.image(i), static_cast<size_t>(bytes));
        to += bytes;
        out.labels.push_back(from.labels[static_cast<size_t>(i)]);
    }
    return out;
}

Split split_by_seed(const ImageDataset& all, double fraction, uint64_t seed) {
    const auto take = static_cast<int64_t>(std::llround(fraction * static_cast<double>(all.size())));
    if (!(fraction > 0 && fraction < 1) || take <= 0 || take >= all.size())
        throw Error("cannot hold out the fraction " + std::to_string(fraction) + " of " + std::to_string(all.size()) +
                    " samples: both parts need at least one sample");
    std::vector<int64_t> order(static_cast<size_t>(all.size()));
    std::iota(order.begin(), order.end(), 0);
    Random random(seed, 0x7370'6c69'74); // "split"
    shuffle(order.data(), all.size(), random);
    std::sort(order.begin(), order.begin() + take);
    std::sort(order.begin() + take, order.end());
    return {subset(all, {order.begin() + take, order.end()}), subset(all, {order.begin(), order.begin() + take})};
}

ChannelStats channel_stats(const ImageDataset& dataset) {
    const auto channels = static_cast<size_t>(dataset.channels);
    const int64_t plane = dataset.height * dataset.width;
    std::vector<uint64_t> sum(channels), squares(channels);
    const uint8_t* p = dataset.pixels.data();
    for (int64_t n = 0; n < dataset.size(); ++n)
        for (size_t c = 0; c < channels; ++c, p += plane) {
            uint64_t s = 0, q = 0;
            for (int64_t i = 0; i < plane; ++i) {
                const uint32_t v = p[i];
                s += v;
                q += v * v;
            }
            sum[c] += s;
            squares[c] += q;
        }
    ChannelStats stats;
    const double count = static_cast<double>(dataset.size()) * static_cast<double>(plane);
    for (size_t c = 0; c < channels; ++c) {
        const double mean = count > 0 ? static_cast<double>(sum[c]) / count : 0;
        const double variance = count > 0 ? static_cast<double>(squares[c]) / count - mean * mean : 0;
        const double deviation = variance > 1e-9 ? std::sqrt(variance) : 255.0;
        stats.mean.push_back(static_cast<float>(mean / 255));
        stats.std.push_back(static_cast<float>(deviation / 255));
    }
    return stats;
}

void fit_image(const io::Image& image, int64_t channels, int64_t height, int64_t width, uint8_t* out) {
    INGOT_ASSERT(channels == 1 || channels == 3, "images have 1 or 3 channels");
    const bool same_size = image.width == width && image.height == height;
    io::Image fitted;
    if (image.channels == 3 && channels == 1) fitted = io::to_grey(image);
    if (!same_size)
        fitted = io::resize(fitted.pixels.empty() ? image : fitted, static_cast<int>(width), static_cast<int>(height));
    const io::Image& from = fitted.pixels.empty() ? image : fitted;
    const int64_t plane = height * width;
    for (int64_t c = 0; c < channels; ++c) {
        const uint8_t* p = from.pixels.data() + (from.channels == 3 ? c : 0);
        for (int64_t i = 0; i < plane; ++i) out[c * plane + i] = p[i * from.channels];
    }
}

io::Image sample_image(const ImageDataset& dataset, int64_t i) {
    io::Image image{
        static_cast<int>(dataset.width), static_cast<int>(dataset.height), static_cast<int>(dataset.channels), {}};
    image.pixels.resize(static_cast<size_t>(dataset.sample_bytes()));
    const int64_t plane = dataset.height * dataset.width;
    for (int64_t c = 0; c < dataset.channels; ++c)
        for (int64_t k = 0; k < plane; ++k)
            image.pixels[static_cast<size_t>(k * dataset.channels + c)] = dataset.image(i)[c * plane + k];
    return image;
}

} // namespace ingot::data
