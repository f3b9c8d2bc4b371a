// SPDX-License-Identifier: MIT
// Batches from a dataset, made ahead by threads:
//     data::DataLoader loader(dataset, {.batch = 64, .shuffle = true, .transforms = {data::RandomHorizontalFlip()}});
//     for (auto [x, y] : loader) ...
// Ordered and lossless: every batch of a pass arrives once, in the order that the sampler fixes. What a sample looks like
// depends on (seed, epoch, sample) only, so neither the number of workers nor the point of resuming changes a bit. Memory
// is bounded: at most `prefetch` batches are being made or waiting. Owns its threads and shares the dataset. One thread
// consumes; workers call the dataset and the transforms, several at once.
#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <ingot/data/batches.h>
#include <ingot/data/dataset.h>
#include <ingot/data/random.h>
#include <ingot/data/sample.h>
#include <ingot/data/sampler.h>
#include <ingot/device.h>
#include <ingot/tensor.h>

namespace ingot::data {

/// Changes a sample in place; `random` belongs to (seed, epoch, sample). transforms.h has the usual ones.
using Transform = std::function<void(Sample& sample, Random& random)>;

/// A batch in host memory before it becomes tensors. x: [N, ...], y: [N, ...] or undefined.
struct HostBatch {
    Array x, y;
    int64_t index = 0; ///< within its pass
};

/// Changes a whole batch (mixup); `random` belongs to (seed, epoch, batch).
using BatchTransform = std::function<void(HostBatch& batch, Random& random)>;

/// What to do about a sample whose dataset throws FileError: a picture that is damaged or gone.
enum class BadSamples : uint8_t {
    error,   ///< the pass ends with that error
    skip,    ///< its batch is smaller: for evaluation, where nothing may count twice
    replace, ///< the next good sample of its batch comes twice: for training, where batches have one size
};

struct LoaderOptions {
    int64_t batch = 64;
    bool shuffle = false;                             ///< a new order every pass, by `seed`
    bool drop_last = false;                           ///< leave out a last batch that is not full
    int workers = 1;                                  ///< threads; 0: next() does the work itself
    int prefetch = 2;                                 ///< batches that are being made or waiting, at most
    std::shared_ptr<const Sampler> sampler = nullptr; ///< instead of `shuffle`
    std::vector<Transform> transforms = {};           ///< of each sample, in order
    std::vector<BatchTransform> batch_transforms = {};
    uint64_t seed = 0;
    int64_t steps = 0; ///< batches per pass, at most; 0: as many as there are
    Device device = Device::cpu();
    BadSamples bad_samples = BadSamples::error;
    /// Called once for every bad sample that is skipped or replaced, by one thread at a time; by default a line on
    /// standard error.
    std::function<void(int64_t sample, const std::string& what)> on_bad_sample = {};
};

/// Counters since the loader was made. Seconds are of the clock on the wall.
struct LoaderStats {
    int64_t batches = 0, samples = 0; ///< handed out
    double seconds = 0;               ///< from the start of each pass to its last batch
    double wait_seconds = 0;          ///< the consumer waited for a batch
    double idle_seconds = 0;          ///< workers waited for room, summed over them
    int64_t bad_samples = 0;          ///< different ones
    CacheStats cache;
    double samples_per_s() const { return seconds > 0 ? static_cast<double>(samples) / seconds : 0; }
    /// One line.
    std::string str() const;
};

struct Batch {
    Tensor x, y; ///< x: [N, ...] (pictures: f32 [N, C, H, W]), y: [N, ...], undefined when samples have none
};

class DataLoader : public Batches {
public:
    /// Errors: Error for options that make no sense or do not fit the dataset, among them drop_last with a batch larger
    /// than the dataset.
    DataLoader(DatasetRef dataset, LoaderOptions options = {});
    /// Samples in the stream's own order (no shuffle, no sampler).
    DataLoader(std::shared_ptr<const StreamDataset> stream, LoaderOptions options = {});
    DataLoader(DataLoader&&) noexcept;
    DataLoader& operator=(DataLoader&&) noexcept;
    /// Leaves the pass and joins the threads.
    ~DataLoader() override;

    /// Batches per pass. Errors: Error for a stream that does not know its size, unless options.steps says it.
    int64_t steps() const override;
    int64_t batch_size() const override;
    void start(int64_t epoch, int64_t first = 0) override;
    /// Throws what the dataset or a transform threw, with the sample's number, after the batches before it; again when
    /// called again. start() begins anew.
    bool next(Tensor& x, Tensor& y) override;
    /// Leaves the pass.
    void stop();

    const LoaderOptions& options() const;
    LoaderStats stats() const;
    /// The bad samples met so far, ascending.
    std::vector<int64_t> bad_samples() const;

    /// for (auto [x, y] : loader): one pass, the first time number 0, then the one after the last started.
    class Iterator;
    Iterator begin();
    std::default_sentinel_t end() { return {}; }

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

class DataLoader::Iterator {
public:
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;

    explicit Iterator(DataLoader& loader) : loader_(&loader) { ++*this; }
    Batch& operator*() { return batch_; }
    Batch* operator->() { return &batch_; }
    Iterator& operator++() {
        batch_ = {}; // its memory can serve again
        if (!loader_->next(batch_.x, batch_.y)) loader_ = nullptr;
        return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return loader_ == nullptr; }

private:
    DataLoader* loader_;
    Batch batch_;
};

} // namespace ingot::data
