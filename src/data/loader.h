// SPDX-License-Identifier: MIT
// Batches of an ImageDataset as normalized floats, made one step ahead by one thread. Ordered and lossless: every batch
// of the epoch arrives once, in the order that seed and epoch fix; augmentation of a sample depends on (seed, epoch,
// sample) only, so neither timing nor the point of resuming changes a bit. Owns its thread; the dataset is borrowed and
// must outlive the loader. One thread consumes; start(), next() and stop() are not for several threads at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <vector>

#include "data/dataset.h"

namespace ingot::data {

/// Gives vectors the alignment that devices and SIMD like for copies.
template <class T> struct AlignedAllocator {
    using value_type = T;
    static constexpr std::align_val_t kAlignment{64};
    AlignedAllocator() = default;
    template <class U> explicit AlignedAllocator(const AlignedAllocator<U>&) {}
    T* allocate(size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), kAlignment)); }
    void deallocate(T* p, size_t) { ::operator delete(p, kAlignment); }
    bool operator==(const AlignedAllocator&) const { return true; }
};

struct Batch {
    std::vector<float, AlignedAllocator<float>> images; ///< [N, C, H, W]
    std::vector<int64_t> labels;                        ///< [N]
    int64_t channels = 0, height = 0, width = 0;
    int64_t index = 0; ///< number of the batch within its epoch
    int64_t size() const { return static_cast<int64_t>(labels.size()); }
};

struct LoaderOptions {
    int64_t batch = 64;
    bool shuffle = false;     ///< a new order every epoch
    bool drop_last = false;   ///< leave out a last batch that is not full
    bool flip = false;        ///< mirror half of the samples, left to right
    int64_t crop_padding = 0; ///< crop at a random place after padding each side with that many black pixels
    uint64_t seed = 0;
    std::vector<float> mean{}, std{}; ///< [C], of pixel / 255; empty: 0 and 1
    int depth = 2;                    ///< batches that wait at most
    /// Called last, on the loader's thread, with the sample's index and its floats [C, H, W]; may throw.
    std::function<void(int64_t sample, float* image)> transform{};
};

class BatchLoader {
public:
    /// Errors: Error for options that do not fit the dataset, among them a full batch larger than the dataset.
    BatchLoader(const ImageDataset& dataset, LoaderOptions options);
    BatchLoader(const BatchLoader&) = delete;
    BatchLoader& operator=(const BatchLoader&) = delete;
    /// Joins the thread, also in the middle of an epoch.
    ~BatchLoader();

    /// Batches per epoch.
    int64_t batches() const;
    const LoaderOptions& options() const { return options_; }

    /// Begins the epoch `epoch` at its batch `first_batch`; what is left of another epoch is dropped.
    void start(int64_t epoch, int64_t first_batch = 0);

    /// The next batch, or false at the end of the epoch. Swaps buffers with `batch`, so handing in the same object again
    /// and again allocates nothing. Rethrows what went wrong in the thread as Error naming the sample, after the batches
    /// before it were handed out.
    bool next(Batch& batch);

    /// Leaves the epoch; joins the thread.
    void stop();

private:
    struct Producer;
    const ImageDataset& dataset_;
    LoaderOptions options_;
    std::vector<float> table_; ///< [C, 256]: the normalized value of every byte
    std::vector<Batch> spare_; ///< buffers of earlier epochs
    std::unique_ptr<Producer> producer_;
};

} // namespace ingot::data
