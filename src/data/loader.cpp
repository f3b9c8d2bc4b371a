// SPDX-License-Identifier: MIT
#include "data/loader.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>

#include <ingot/error.h>

#include "base/check.h"
#include "data/random.h"

namespace ingot::data {

namespace {

/// Separates the streams that are drawn from one seed.
enum Stream : uint64_t { kOrderStream = 0x6F72'6465'72, kSampleStream = 0x7361'6D70'6C65 };

/// In a shuffled epoch every sample is a cache miss, which would cost twice as much as the arithmetic.
constexpr int64_t kAhead = 4; ///< samples
void prefetch(const uint8_t* bytes, int64_t count) {
    for (int64_t at = 0; at < std::min<int64_t>(count, 4096); at += 64) __builtin_prefetch(bytes + at);
}

/// Byte -> float while moving by (dx, dy) and mirroring. in, out: [C, H, W]; table: [C, 256].
void fill_sample(const ImageDataset& set, const uint8_t* in, const std::vector<float>& table, int64_t dx, int64_t dy,
                 bool mirror, float* out) {
    const int64_t h = set.height, w = set.width;
    const int64_t x0 = std::clamp<int64_t>(-dx, 0, w), x1 = std::clamp<int64_t>(w - dx, 0, w);
    for (int64_t c = 0; c < set.channels; ++c) {
        const float* lookup = table.data() + c * 256;
        if (dx == 0 && dy == 0 && !mirror) { // one long loop: rows are short
            const uint8_t* plane = in + c * h * w;
            for (int64_t i = 0; i < h * w; ++i) out[i] = lookup[plane[i]];
            out += h * w;
            continue;
        }
        for (int64_t y = 0; y < h; ++y, out += w) {
            const int64_t source = y + dy;
            if (source < 0 || source >= h) {
                std::fill_n(out, w, lookup[0]);
                continue;
            }
            const uint8_t* row = in + (c * h + source) * w;
            if (mirror) {
                std::fill(out, out + (w - x1), lookup[0]);
                for (int64_t x = x0; x < x1; ++x) out[w - 1 - x] = lookup[row[x + dx]];
                std::fill(out + (w - x0), out + w, lookup[0]);
            } else {
                std::fill(out, out + x0, lookup[0]);
                for (int64_t x = x0; x < x1; ++x) out[x] = lookup[row[x + dx]];
                std::fill(out + x1, out + w, lookup[0]);
            }
        }
    }
}

} // namespace

/// One epoch's thread and the ring of batches between it and next().
struct BatchLoader::Producer {
    Producer(const BatchLoader& loader, int64_t epoch, int64_t first_batch, std::vector<Batch> buffers)
        : loader_(loader), epoch_(epoch), first_(first_batch), ring_(std::move(buffers)), thread_([this] { run(); }) {}

    ~Producer() { join(); }

    void join() {
        {
            const std::lock_guard lock(mutex_);
            leave_ = true;
        }
        room_.notify_one();
        if (thread_.joinable()) thread_.join();
    }

    bool next(Batch& batch) {
        {
            std::unique_lock lock(mutex_);
            filled_.wait(lock, [&] { return made_ > taken_ || done_; });
            if (made_ == taken_) {
                if (error_) std::rethrow_exception(error_);
                return false;
            }
            std::swap(batch, ring_[static_cast<size_t>(taken_) % ring_.size()]);
            ++taken_;
        }
        room_.notify_one();
        return true;
    }

    std::vector<Batch> take_buffers() { return std::move(ring_); } // after join()

private:
    void run() {
        std::exception_ptr error;
        try {
            produce();
        } catch (...) { error = std::current_exception(); }
        {
            const std::lock_guard lock(mutex_);
            error_ = error;
            done_ = true;
        }
        filled_.notify_one();
    }

    void produce() {
        const LoaderOptions& options = loader_.options_;
        std::vector<int64_t> order(static_cast<size_t>(loader_.dataset_.size()));
        std::iota(order.begin(), order.end(), 0);
        if (options.shuffle) {
            Random random(options.seed, kOrderStream, static_cast<uint64_t>(epoch_));
            shuffle(order.data(), loader_.dataset_.size(), random);
        }
        for (int64_t b = first_; b < loader_.batches(); ++b) {
            size_t slot = 0;
            {
                std::unique_lock lock(mutex_);
                room_.wait(lock, [&] { return leave_ || made_ - taken_ < static_cast<int64_t>(ring_.size()); });
                if (leave_) return;
                slot = static_cast<size_t>(made_) % ring_.size();
            }
            // The slot belongs to this thread until made_ grows.
            const int64_t begin = b * options.batch;
            const int64_t count = std::min(options.batch, loader_.dataset_.size() - begin);
            fill(ring_[slot], b, order.data() + begin, count);
            {
                const std::lock_guard lock(mutex_);
                ++made_;
            }
            filled_.notify_one();
        }
    }

    void fill(Batch& batch, int64_t index, const int64_t* samples, int64_t count) const {
        const ImageDataset& set = loader_.dataset_;
        const LoaderOptions& options = loader_.options_;
        batch.index = index;
        batch.channels = set.channels;
        batch.height = set.height;
        batch.width = set.width;
        batch.images.resize(static_cast<size_t>(count * set.sample_bytes()));
        batch.labels.resize(static_cast<size_t>(count));
        const auto classes = static_cast<int64_t>(set.class_names.size());
        const auto reach = static_cast<uint64_t>(options.crop_padding);
        for (int64_t i = 0; i < count; ++i) {
            const int64_t sample = samples[i];
            if (i + kAhead < count) prefetch(set.image(samples[i + kAhead]), set.sample_bytes());
            const int64_t label = set.labels[static_cast<size_t>(sample)];
            if (label < 0 || label >= classes)
                throw Error("sample " + std::to_string(sample) + ": label " + std::to_string(label) +
                            " is out of range for " + std::to_string(classes) + " classes");
            batch.labels[static_cast<size_t>(i)] = label;
            int64_t dx = 0, dy = 0;
            bool mirror = false;
            if (options.flip || reach > 0) {
                Random random(options.seed ^ kSampleStream, static_cast<uint64_t>(epoch_),
                              static_cast<uint64_t>(sample));
                if (reach > 0) {
                    dy = static_cast<int64_t>(random.below(2 * reach + 1)) - options.crop_padding;
                    dx = static_cast<int64_t>(random.below(2 * reach + 1)) - options.crop_padding;
                }
                mirror = options.flip && (random.next() & 1) != 0;
            }
            float* out = batch.images.data() + i * set.sample_bytes();
            fill_sample(set, set.image(sample), loader_.table_, dx, dy, mirror, out);
            if (!options.transform) continue;
            try {
                options.transform(sample, out);
            } catch (const std::exception& error) {
                throw Error("sample " + std::to_string(sample) + ": " + error.what());
            }
        }
    }

    const BatchLoader& loader_;
    const int64_t epoch_, first_;
    std::vector<Batch> ring_;
    std::mutex mutex_; // guards what follows, and the ring's slots [taken_, made_)
    std::condition_variable room_, filled_;
    int64_t made_ = 0, taken_ = 0;
    bool leave_ = false, done_ = false;
    std::exception_ptr error_;
    std::thread thread_; // last: it uses all of the above
};

BatchLoader::BatchLoader(const ImageDataset& dataset, LoaderOptions options)
    : dataset_(dataset), options_(std::move(options)) {
    const auto channels = static_cast<size_t>(dataset.channels);
    if (options_.batch < 1) throw Error("loader: the batch size must be at least 1");
    if (options_.depth < 1) throw Error("loader: the depth must be at least 1");
    if (options_.crop_padding < 0) throw Error("loader: the crop padding must not be negative");
    if (static_cast<int64_t>(dataset.pixels.size()) != dataset.size() * dataset.sample_bytes())
        throw Error("loader: the dataset has " + std::to_string(dataset.pixels.size()) + " pixel bytes; " +
                    std::to_string(dataset.size()) + " samples need " +
                    std::to_string(dataset.size() * dataset.sample_bytes()));
    if (options_.drop_last && options_.batch > dataset.size())
        throw Error("loader: a batch of " + std::to_string(options_.batch) + " is larger than the dataset of " +
                    std::to_string(dataset.size()) + " samples");
    if (options_.mean.empty()) options_.mean.assign(channels, 0.0f);
    if (options_.std.empty()) options_.std.assign(channels, 1.0f);
    if (options_.mean.size() != channels || options_.std.size() != channels)
        throw Error("loader: mean and std need " + std::to_string(channels) + " values, one per channel");
    // Only 256 values can occur, so normalizing is a lookup, and its rounding does not depend on the compiler's choices.
    table_.resize(channels * 256);
    for (size_t c = 0; c < channels; ++c) {
        if (!(options_.std[c] > 0)) throw Error("loader: std must be positive");
        for (size_t v = 0; v < 256; ++v) {
            const double unit = static_cast<double>(v) / 255;
            table_[c * 256 + v] = static_cast<float>((unit - options_.mean[c]) / options_.std[c]);
        }
    }
}

BatchLoader::~BatchLoader() { stop(); }

int64_t BatchLoader::batches() const {
    const int64_t full = dataset_.size() / options_.batch;
    return full + (!options_.drop_last && dataset_.size() % options_.batch != 0 ? 1 : 0);
}

void BatchLoader::start(int64_t epoch, int64_t first_batch) {
    INGOT_ASSERT(epoch >= 0 && first_batch >= 0, "epochs and batches count from 0");
    stop();
    std::vector<Batch> buffers = std::move(spare_);
    buffers.resize(static_cast<size_t>(options_.depth));
    producer_ = std::make_unique<Producer>(*this, epoch, first_batch, std::move(buffers));
}

bool BatchLoader::next(Batch& batch) { return producer_ != nullptr && producer_->next(batch); }

void BatchLoader::stop() {
    if (producer_ == nullptr) return;
    producer_->join();
    spare_ = producer_->take_buffers();
    producer_.reset();
}

} // namespace ingot::data
