// SPDX-License-Identifier: MIT
#include "train/image_batches.h"

#include <algorithm>
#include <utility>

#include "data/loader.h"

namespace ingot::train {

namespace {

// Divides the usual test sets, so that the last batch needs no variant of its own.
constexpr int64_t kEvalBatch = 200;

class ImageBatches : public data::Batches {
public:
    ImageBatches(const data::ImageDataset& dataset, data::LoaderOptions options, Device device)
        : loader_(dataset, std::move(options)), device_(device) {}

    int64_t steps() const override { return loader_.batches(); }
    int64_t batch_size() const override { return loader_.options().batch; }
    void start(int64_t epoch, int64_t first) override { loader_.start(epoch, first); }

    bool next(Tensor& x, Tensor& y) override {
        if (!loader_.next(batch_)) return false;
        const int64_t n = batch_.size();
        x = Tensor::from_data(batch_.images.data(), batch_.images.size(), f32,
                              {n, batch_.channels, batch_.height, batch_.width}, {.device = device_});
        y = Tensor::from_data(batch_.labels.data(), batch_.labels.size(), i64, {n}, {.device = device_});
        return true;
    }

private:
    data::BatchLoader loader_;
    data::Batch batch_;
    Device device_;
};

} // namespace

std::unique_ptr<data::Batches> training_batches(const data::ImageDataset& dataset, const ModelInfo& info,
                                                const Recipe& recipe, uint64_t seed, Device device) {
    data::LoaderOptions options;
    options.batch = recipe.batch;
    options.shuffle = true;
    options.drop_last = true;
    options.flip = recipe.flip;
    options.crop_padding = recipe.shift;
    options.seed = seed;
    options.mean = info.mean;
    options.std = info.std;
    return std::make_unique<ImageBatches>(dataset, std::move(options), device);
}

std::unique_ptr<data::Batches> evaluation_batches(const data::ImageDataset& dataset, const ModelInfo& info,
                                                  Device device) {
    data::LoaderOptions options;
    options.batch = std::max<int64_t>(1, std::min(kEvalBatch, dataset.size()));
    options.mean = info.mean;
    options.std = info.std;
    return std::make_unique<ImageBatches>(dataset, std::move(options), device);
}

} // namespace ingot::train
