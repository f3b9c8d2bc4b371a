// SPDX-License-Identifier: MIT
// One pass of a DataLoader: threads that make batches in a ring of slots and the consumer that takes them in order.
// A worker claims a few rows of the earliest batch that has rows left, makes these samples and writes them straight into
// the batch's memory; who writes the last row finishes the batch (bad samples, batch transforms) and publishes it.
// next() is for one thread; everything else happens under the mutex or on slots that a worker has claimed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <ingot/data/loader.h>

#include "base/ref.h"
#include "core/buffer.h"
#include "graph/op_def.h"

namespace ingot::data {

/// What one row of a batch is: the dtype and shape of a sample's x or y.
struct Row {
    bool defined = false;
    graph::Type type;
    size_t bytes() const { return defined ? static_cast<size_t>(type.shape.numel()) * size_of(type.dtype) : 0; }
    bool operator==(const Row&) const = default;
    std::string str() const;
};

/// What the passes of one loader have in common.
struct LoaderState {
    std::optional<DatasetRef> dataset;           ///< either this
    std::shared_ptr<const StreamDataset> stream; ///< or that
    LoaderOptions options;
    std::shared_ptr<const Sampler> sampler; ///< null for streams

    bool has_rows = false; ///< the first pass has found out what x and y are
    Row x_row, y_row;

    mutable std::mutex mutex; ///< guards what follows
    std::set<int64_t> bad;    ///< samples that cannot be had
    LoaderStats stats;
    std::mutex report_mutex; ///< held while on_bad_sample runs

    bool is_bad(int64_t sample) const;
    void note_bad(int64_t sample, const std::string& what);
};

class Pass {
public:
    /// Batches of the map-style pass from `first` on, or of the stream.
    Pass(LoaderState& state, int64_t epoch, int64_t first);
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass();

    bool next(Tensor& x, Tensor& y);

private:
    using Clock = std::chrono::steady_clock;
    using Lock = std::unique_lock<std::mutex>;

    /// A batch in the making.
    struct Slot {
        int64_t batch = 0;
        int64_t rows = 0, done = 0;   ///< claimed, made
        bool closed = false;          ///< no more rows come
        bool finished = false;        ///< somebody has taken over to finish it
        bool ready = false;           ///< the consumer's
        std::vector<int64_t> samples; ///< the sample's number by row
        std::vector<int64_t> holes;   ///< rows whose sample is bad
        Ref<core::Storage> x, y;
        graph::Type x_type, y_type;
        int64_t error_row = 0;
        std::exception_ptr error; ///< of the first row that has one
    };
    /// Rows of one slot for one worker.
    struct Chunk {
        Slot* slot = nullptr;
        int64_t first = 0, rows = 0;
        std::vector<Sample> read; ///< of a stream
    };

    void find_rows(int64_t first);
    void work();
    /// Finds rows to make; waits for room if `wait`. False: there are none (any more).
    bool claim(Chunk& chunk, bool wait);
    bool claim_rows(Chunk& chunk, bool wait);
    bool open_next(Lock& lock);
    void read_stream(Chunk& chunk);
    void process(Chunk& chunk);
    /// Applies the transforms. Nothing: the sample is bad.
    std::optional<Sample> make_sample(int64_t number, Sample* read) const;
    void write(Slot& slot, int64_t row, const Sample& sample) const;
    void fail(Slot& slot, int64_t row, const std::exception_ptr& error, Lock& held);
    void finish(Slot& slot);
    void fill_holes(Slot& slot) const;
    void drop_holes(Slot& slot) const;
    void transform(Slot& slot) const;
    bool hand_out(Slot& slot, Tensor& x, Tensor& y);

    LoaderState& state_;
    const LoaderOptions& options_;
    const int64_t epoch_;
    std::vector<int64_t> order_; ///< the samples of the pass; empty for streams
    std::unique_ptr<SampleStream> stream_;
    std::mutex reader_mutex_;       ///< held while rows of a stream are claimed and read, so that they are in order
    std::optional<Sample> peeked_;  ///< the stream's next sample, read ahead
    int64_t stream_at_ = 0;         ///< number of the stream's next sample
    std::exception_ptr failure_;    ///< the pass could not begin
    const Clock::time_point begin_; ///< with base_seconds_: for the statistics
    double base_seconds_ = 0;

    std::mutex mutex_; // guards what follows, but a slot's rows belong to who claimed them
    std::condition_variable room_, ready_;
    std::vector<Slot> slots_;
    int64_t opened_, taken_; ///< batches: the next to open, the next to hand out
    Slot* open_ = nullptr;   ///< the slot that has rows left to claim
    int64_t end_;            ///< batches of the pass; a stream's is known at its end
    int64_t handed_rows_ = 0;
    int waiting_ = 0; ///< workers that wait for room
    bool leave_ = false;
    std::vector<std::thread> threads_; // last: they use all of the above
};

} // namespace ingot::data
