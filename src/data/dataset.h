// SPDX-License-Identifier: MIT
// Labelled images in memory, as bytes, and where they come from. Used by the loaders, the trainer and the command line.
// Values without hidden state; loading uses all threads (base/parallel.h), everything else is plain reading.
// Letters: N samples, C channels (1 grey, 3 RGB), H rows, W columns.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/image.h"

namespace ingot::data {

struct ImageDataset {
    int64_t channels = 0, height = 0, width = 0;
    std::vector<uint8_t> pixels; ///< [N, C, H, W]
    std::vector<int64_t> labels; ///< [N], each in [0, class_names.size())
    std::vector<std::string> class_names;

    int64_t size() const { return static_cast<int64_t>(labels.size()); }
    int64_t sample_bytes() const { return channels * height * width; }
    /// Sample `i`: [C, H, W].
    const uint8_t* image(int64_t i) const { return pixels.data() + i * sample_bytes(); }
};

struct DataSplits {
    ImageDataset train, test;
    bool has_test = false; ///< when false, `test` is empty but has the sizes and class names of `train`
};

/// Loads what `spec` names (data/spec.h has the grammar). Errors: Error for a bad spec, FileError for missing or damaged
/// files; both name the thing.
DataSplits load_data(const std::string& spec);

/// The samples `indices` of `from`, in that order.
ImageDataset subset(const ImageDataset& from, const std::vector<int64_t>& indices);

/// Moves a seeded choice of round(fraction * N) samples of `all` to `held_out`; both keep the order of `all`.
/// 0 < fraction < 1. Errors: Error when one side would be empty.
struct Split {
    ImageDataset rest, held_out;
};
Split split_by_seed(const ImageDataset& all, double fraction, uint64_t seed);

/// Mean and standard deviation per channel of pixel / 255, over all samples. A constant channel gets 1 as its deviation,
/// so that dividing by it is harmless. Exact sums: independent of threads.
struct ChannelStats {
    std::vector<float> mean, std; ///< [C]
};
ChannelStats channel_stats(const ImageDataset& dataset);

/// `image` as a model wants it: greyed or repeated to `channels`, resized, planes instead of pixels.
/// out: [channels, height, width].
void fit_image(const io::Image& image, int64_t channels, int64_t height, int64_t width, uint8_t* out);

/// Sample `i` as an image, for showing it.
io::Image sample_image(const ImageDataset& dataset, int64_t i);

} // namespace ingot::data
