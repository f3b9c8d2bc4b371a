// SPDX-License-Identifier: MIT
// Labelled images in memory, as bytes: what the readers of MNIST, CIFAR-10, small folders and the drawn digits give, and
// the dataset made of them. Values without hidden state. Letters: N samples, C channels (1 grey, 3 RGB), H rows, W columns.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ingot/data/dataset.h>

#include "io/image.h"

namespace ingot::data {

struct ImageSet {
    int64_t channels = 0, height = 0, width = 0;
    std::vector<uint8_t> pixels; ///< [N, C, H, W]
    std::vector<int64_t> labels; ///< [N], each in [0, class_names.size())
    std::vector<std::string> class_names;

    int64_t size() const { return static_cast<int64_t>(labels.size()); }
    int64_t sample_bytes() const { return channels * height * width; }
    /// Sample `i`: [C, H, W].
    const uint8_t* image(int64_t i) const { return pixels.data() + i * sample_bytes(); }
};

/// Its pictures and labels as samples (views of its memory).
class MemoryImages : public Dataset {
public:
    /// Errors: Error unless there are as many bytes as the sizes say and every label has a class.
    explicit MemoryImages(ImageSet set);
    int64_t size() const override { return set_->size(); }
    Sample get(int64_t i) const override;
    int64_t label(int64_t i) const override { return set_->labels[static_cast<size_t>(i)]; }
    void prefetch(int64_t i) const override { picture(i).prefetch(); }

private:
    Image picture(int64_t i) const;
    std::shared_ptr<const ImageSet> set_;
};

/// Mean and standard deviation per channel of pixel / 255. A constant channel gets 1 as its deviation, so that dividing
/// by it is harmless. Exact sums: independent of threads. Counts at most `most` samples, evenly spread (0: all), and
/// leaves out those that throw FileError. Uses all threads.
struct ChannelStats {
    std::vector<float> mean, std; ///< [C]
};
ChannelStats channel_stats(const Dataset& images, int64_t most = 0);

/// `image` as a model wants it: greyed or repeated to `channels`, resized. channels: 1 or 3.
io::Image fit_image(io::Image image, int64_t channels, int64_t height, int64_t width);

/// As planes: out [C, H, W].
void write_planes(const io::Image& image, uint8_t* out);

/// Between the decoders' pictures and the samples'.
Image to_sample(io::Image image);
io::Image to_file_image(const Image& image);

} // namespace ingot::data
