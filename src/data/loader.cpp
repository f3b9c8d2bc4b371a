// SPDX-License-Identifier: MIT
#include <ingot/data/loader.h>

#include <cstdio>
#include <utility>

#include <ingot/error.h>

#include "base/check.h"
#include "data/pass.h"

namespace ingot::data {

struct DataLoader::Impl {
    LoaderState state;
    std::unique_ptr<Pass> pass;
    int64_t next_epoch = 0;

    void check() {
        const LoaderOptions& o = state.options;
        if (o.batch < 1) throw Error("loader: the batch size must be at least 1");
        if (o.prefetch < 1) throw Error("loader: prefetch must be at least 1");
        if (o.workers < 0 || o.workers > 1024) throw Error("loader: workers must lie between 0 and 1024");
        if (o.steps < 0) throw Error("loader: steps must not be negative");
        if (o.shuffle && (o.sampler || state.stream))
            throw Error(o.sampler ? "loader: shuffle and a sampler are given; the sampler decides the order"
                                  : "loader: a stream comes in its own order and cannot be shuffled");
        if (o.sampler && state.stream) throw Error("loader: a stream takes no sampler");
        if (!state.dataset) return;
        const int64_t size = state.sampler->size();
        if (o.drop_last && o.batch > size)
            throw Error("loader: a batch of " + std::to_string(o.batch) + " is larger than the dataset of " +
                        std::to_string(size) + " samples");
    }
};

DataLoader::DataLoader(DatasetRef dataset, LoaderOptions options) : impl_(std::make_unique<Impl>()) {
    if (!dataset) throw Error("loader: the dataset is a null pointer");
    LoaderState& state = impl_->state;
    state.options = std::move(options);
    if (state.options.sampler)
        state.sampler = state.options.sampler;
    else if (state.options.shuffle)
        state.sampler = std::make_shared<RandomSampler>(dataset->size(), state.options.seed);
    else
        state.sampler = std::make_shared<SequentialSampler>(dataset->size());
    state.dataset = std::move(dataset);
    impl_->check();
}

DataLoader::DataLoader(std::shared_ptr<const StreamDataset> stream, LoaderOptions options)
    : impl_(std::make_unique<Impl>()) {
    if (!stream) throw Error("loader: the stream is a null pointer");
    impl_->state.stream = std::move(stream);
    impl_->state.options = std::move(options);
    impl_->check();
}

DataLoader::DataLoader(DataLoader&&) noexcept = default;
DataLoader& DataLoader::operator=(DataLoader&&) noexcept = default;
DataLoader::~DataLoader() = default;

int64_t DataLoader::steps() const {
    const LoaderState& state = impl_->state;
    const LoaderOptions& o = state.options;
    if (state.stream && !state.stream->size() && o.steps == 0)
        throw Error("loader: the stream does not know how many samples it has; set options.steps");
    if (state.stream && !state.stream->size()) return o.steps;
    const int64_t samples = state.stream ? *state.stream->size() : state.sampler->size();
    const int64_t all = samples / o.batch + (!o.drop_last && samples % o.batch != 0 ? 1 : 0);
    return o.steps > 0 ? std::min(all, o.steps) : all;
}

int64_t DataLoader::batch_size() const { return impl_->state.options.batch; }

void DataLoader::start(int64_t epoch, int64_t first) {
    if (epoch < 0 || first < 0)
        throw Error("loader: cannot start pass " + std::to_string(epoch) + " at batch " + std::to_string(first) +
                    "; both count from 0");
    stop();
    impl_->next_epoch = epoch + 1;
    impl_->pass = std::make_unique<Pass>(impl_->state, epoch, first);
}

bool DataLoader::next(Tensor& x, Tensor& y) { return impl_->pass != nullptr && impl_->pass->next(x, y); }

void DataLoader::stop() { impl_->pass.reset(); }

const LoaderOptions& DataLoader::options() const { return impl_->state.options; }

LoaderStats DataLoader::stats() const {
    const LoaderState& state = impl_->state;
    const std::lock_guard lock(state.mutex);
    LoaderStats stats = state.stats;
    if (state.dataset) stats.cache = (*state.dataset)->cache_stats();
    return stats;
}

std::vector<int64_t> DataLoader::bad_samples() const {
    const std::lock_guard lock(impl_->state.mutex);
    return {impl_->state.bad.begin(), impl_->state.bad.end()};
}

DataLoader::Iterator DataLoader::begin() {
    start(impl_->next_epoch);
    return Iterator(*this);
}

std::string LoaderStats::str() const {
    char text[256];
    std::snprintf(text, sizeof text,
                  "%lld batches, %lld samples, %.0f samples/s; waited %.3f s for data, workers idle %.3f s; cache hits "
                  "%.1f %%; %lld bad samples",
                  static_cast<long long>(batches), static_cast<long long>(samples), samples_per_s(), wait_seconds,
                  idle_seconds, 100 * cache.hit_rate(), static_cast<long long>(bad_samples));
    return text;
}

} // namespace ingot::data
