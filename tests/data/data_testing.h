// SPDX-License-Identifier: MIT
// Small datasets and data folders for tests.
#pragma once

#include <string>
#include <vector>

#include <ingot/data.h>

#include "data/image_set.h"
#include "io/image_testing.h"
#include "io/io_testing.h"

namespace ingot::testing {

/// `count` samples, C x H x W; byte k of sample i is i + k (mod 256), label i % 3.
inline data::ImageSet numbered_set(int64_t count, int64_t channels = 1, int64_t height = 2, int64_t width = 3) {
    data::ImageSet set;
    set.channels = channels;
    set.height = height;
    set.width = width;
    set.class_names = {"a", "b", "c"};
    for (int64_t i = 0; i < count; ++i) {
        set.labels.push_back(i % 3);
        for (int64_t k = 0; k < set.sample_bytes(); ++k) set.pixels.push_back(static_cast<uint8_t>(i + k));
    }
    return set;
}

inline data::MemoryImages numbered_images(int64_t count, int64_t channels = 1, int64_t height = 2, int64_t width = 3) {
    return data::MemoryImages(numbered_set(count, channels, height, width));
}

/// Sample i: x = i as f32 [1], y = i as i64 [].
inline data::GeneratedDataset counting(int64_t size) {
    return data::GeneratedDataset(size, [](int64_t i) {
        return data::Sample{data::Array(std::vector<float>{static_cast<float>(i)}, {1}), i};
    });
}

/// The picture of sample i, [H, W, C].
inline Bytes bytes_of(const data::Dataset& dataset, int64_t i) {
    return std::get<data::Image>(dataset.get(i).x).pixels();
}

/// All labels.
inline std::vector<int64_t> labels_of(const data::Dataset& dataset) {
    std::vector<int64_t> labels;
    for (int64_t i = 0; i < dataset.size(); ++i) labels.push_back(dataset.label(i));
    return labels;
}

/// A PNG of one value; channels 1 or 3.
inline Bytes flat_png(int width, int height, int channels, uint8_t value) {
    return io::encode_png({width, height, channels, io::Pixels(static_cast<size_t>(width) * height * channels, value)});
}

/// An IDX file of unsigned bytes.
inline Bytes make_idx(const std::vector<uint32_t>& dims, const Bytes& data) {
    Bytes bytes = {0, 0, 8, static_cast<uint8_t>(dims.size())};
    for (const uint32_t d : dims) append_be32(bytes, d);
    bytes.insert(bytes.end(), data.begin(), data.end());
    return bytes;
}

} // namespace ingot::testing
