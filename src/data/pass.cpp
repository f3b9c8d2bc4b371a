// SPDX-License-Identifier: MIT
#include "data/pass.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <limits>

#include <ingot/error.h>

#include "base/check.h"
#include "graph/node.h"

namespace ingot::data {

namespace {

/// Separates the streams that are drawn from one seed.
constexpr uint64_t kSampleStream = 0x7361'6D70'6C65, kBatchStream = 0x6261'7463'68; // "sample", "batch"

constexpr int64_t kMostRows = 16; ///< that a worker claims at once
constexpr int64_t kAhead = 4;     ///< in a shuffled pass every sample is a cache miss
constexpr const char* kHolder = "batch of a DataLoader";

/// What is being handled now, with the sample's number, in the class it has.
std::exception_ptr with_sample(int64_t number) {
    const std::string who = "sample " + std::to_string(number) + ": ";
    try {
        throw;
    } catch (const FileError& e) {
        return std::make_exception_ptr(FileError(who + e.what()));
    } catch (const ShapeError& e) {
        return std::make_exception_ptr(ShapeError(who + e.what()));
    } catch (const DTypeError& e) {
        return std::make_exception_ptr(DTypeError(who + e.what()));
    } catch (const OutOfMemoryError& e) {
        return std::make_exception_ptr(OutOfMemoryError(who + e.what()));
    } catch (const std::exception& e) { return std::make_exception_ptr(Error(who + e.what())); } catch (...) {
        return std::make_exception_ptr(Error(who + "an exception that is no std::exception"));
    }
}

Row row_of(const std::variant<Array, Image>& value) {
    if (const auto* image = std::get_if<Image>(&value))
        return {true, {DType::f32, {image->channels(), image->height(), image->width()}}};
    const Array& array = std::get<Array>(value);
    if (!array.defined()) return {};
    return {true, {array.dtype(), array.shape()}};
}

graph::Type stacked(const Row& row, int64_t count) {
    graph::Type type = row.type;
    type.shape = Shape{count};
    for (const int64_t d : row.type.shape) type.shape.push_back(d);
    return type;
}

char* row_at(const Ref<core::Storage>& storage, const Row& row, int64_t i) {
    return static_cast<char*>(storage->data()) + static_cast<size_t>(i) * row.bytes();
}

void copy_row(const Ref<core::Storage>& storage, const Row& row, int64_t from, int64_t to) {
    if (row.bytes() > 0) std::memcpy(row_at(storage, row, to), row_at(storage, row, from), row.bytes());
}

} // namespace

std::string Row::str() const { return defined ? type.str() : "undefined"; }

bool LoaderState::is_bad(int64_t sample) const {
    const std::lock_guard lock(mutex);
    return bad.contains(sample);
}

void LoaderState::note_bad(int64_t sample, const std::string& what) {
    {
        const std::lock_guard lock(mutex);
        if (!bad.insert(sample).second) return;
        ++stats.bad_samples;
    }
    const std::lock_guard lock(report_mutex);
    if (options.on_bad_sample)
        options.on_bad_sample(sample, what);
    else
        std::fprintf(stderr, "ingot: warning: sample %lld is left out: %s\n", static_cast<long long>(sample),
                     what.c_str());
}

Pass::Pass(LoaderState& state, int64_t epoch, int64_t first)
    : state_(state), options_(state.options), epoch_(epoch), begin_(Clock::now()), opened_(first), taken_(first) {
    {
        const std::lock_guard lock(state_.mutex);
        base_seconds_ = state_.stats.seconds;
    }
    end_ = std::numeric_limits<int64_t>::max();
    if (state_.dataset) {
        order_ = state_.sampler->indices(epoch);
        const auto samples = static_cast<int64_t>(order_.size());
        if (samples != state_.sampler->size())
            throw Error("loader: the sampler gave " + std::to_string(samples) + " indices for pass " +
                        std::to_string(epoch) + ", but its size() is " + std::to_string(state_.sampler->size()));
        const int64_t there = (*state_.dataset)->size();
        for (const int64_t index : order_)
            if (index < 0 || index >= there)
                throw Error("loader: the sampler gave index " + std::to_string(index) + ", the dataset has " +
                            std::to_string(there) + " samples");
        end_ = samples / options_.batch + (!options_.drop_last && samples % options_.batch != 0 ? 1 : 0);
    }
    if (options_.steps > 0) end_ = std::min(end_, options_.steps);
    if (opened_ >= end_) return;
    try {
        if (state_.stream) {
            stream_ = state_.stream->open(epoch);
            stream_at_ = first * options_.batch;
            stream_->skip(stream_at_);
        }
        find_rows(first);
    } catch (...) {
        failure_ = std::current_exception();
        return;
    }
    slots_.resize(static_cast<size_t>(options_.prefetch));
    threads_.reserve(static_cast<size_t>(options_.workers));
    try {
        for (int i = 0; i < options_.workers; ++i) threads_.emplace_back([this] { work(); });
    } catch (const std::system_error& error) {
        if (threads_.empty())
            failure_ = std::make_exception_ptr(Error(std::string("loader: no thread: ") + error.what()));
    }
}

Pass::~Pass() {
    {
        const std::lock_guard lock(mutex_);
        leave_ = true;
    }
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

/// The first sample says what the rows of x and y are: known before the workers start, so that who is blamed for
/// another shape does not depend on their timing.
void Pass::find_rows(int64_t first) {
    if (state_.has_rows) return;
    std::optional<Sample> sample;
    if (stream_) {
        try {
            peeked_ = stream_->next();
            if (!peeked_) return;
            Sample copy = *peeked_;
            sample = make_sample(stream_at_, &copy);
        } catch (...) { std::rethrow_exception(with_sample(stream_at_)); }
    } else {
        const auto samples = static_cast<int64_t>(order_.size());
        for (int64_t k = 0; k < samples && !sample; ++k) {
            const int64_t number = order_[static_cast<size_t>((first * options_.batch + k) % samples)];
            try {
                sample = make_sample(number, nullptr);
            } catch (...) { std::rethrow_exception(with_sample(number)); }
        }
        if (!sample) throw FileError("none of the " + std::to_string(samples) + " samples can be read");
    }
    state_.x_row = row_of(sample->x);
    state_.y_row = row_of(sample->y);
    if (!state_.x_row.defined) throw Error("loader: x of the samples is undefined");
    state_.has_rows = true;
}

void Pass::work() {
    for (Chunk chunk; claim(chunk, true);) process(chunk);
}

bool Pass::claim(Chunk& chunk, bool wait) {
    chunk.read.clear();
    if (!stream_) return claim_rows(chunk, wait);
    const std::lock_guard reading(reader_mutex_);
    if (!claim_rows(chunk, wait)) return false;
    read_stream(chunk);
    return true;
}

bool Pass::claim_rows(Chunk& chunk, bool wait) {
    Lock lock(mutex_);
    while (open_ == nullptr) {
        if (leave_ || opened_ >= end_) return false;
        if (opened_ - taken_ < static_cast<int64_t>(slots_.size())) {
            if (!open_next(lock)) return false;
        } else if (!wait) {
            return false;
        } else {
            const Clock::time_point from = Clock::now();
            ++waiting_;
            room_.wait(lock);
            --waiting_;
            const std::lock_guard stats(state_.mutex);
            state_.stats.idle_seconds += std::chrono::duration<double>(Clock::now() - from).count();
        }
    }
    if (leave_) return false;
    Slot& slot = *open_;
    const int64_t all =
        order_.empty() ? options_.batch
                       : std::min(options_.batch, static_cast<int64_t>(order_.size()) - slot.batch * options_.batch);
    const int64_t share = std::clamp<int64_t>(options_.batch / std::max(1, options_.workers), 1, kMostRows);
    chunk.slot = &slot;
    chunk.first = slot.rows;
    chunk.rows = std::min(share, all - slot.rows);
    slot.rows += chunk.rows;
    if (slot.rows == all) {
        slot.closed = true;
        open_ = nullptr;
    }
    return true;
}

/// Gives the next batch memory. False: there is none; the consumer will learn it.
bool Pass::open_next(Lock& lock) {
    Slot& slot = slots_[static_cast<size_t>(opened_) % slots_.size()];
    slot = Slot{};
    slot.batch = opened_++;
    slot.samples.assign(static_cast<size_t>(options_.batch), 0);
    const int64_t begin = slot.batch * options_.batch;
    const int64_t count =
        order_.empty() ? options_.batch : std::min(options_.batch, static_cast<int64_t>(order_.size()) - begin);
    if (!order_.empty()) std::copy_n(order_.begin() + begin, count, slot.samples.begin());
    try {
        slot.x = core::Storage::allocate(Device::cpu(), static_cast<size_t>(count) * state_.x_row.bytes(), kHolder);
        if (state_.y_row.defined)
            slot.y = core::Storage::allocate(Device::cpu(), static_cast<size_t>(count) * state_.y_row.bytes(), kHolder);
    } catch (...) {
        slot.closed = slot.ready = true;
        fail(slot, 0, std::current_exception(), lock);
        ready_.notify_one();
        return false;
    }
    open_ = &slot;
    return true;
}

/// Fills chunk.read; corrects rows and end when the stream ends or fails. The reader mutex is held.
void Pass::read_stream(Chunk& chunk) {
    std::exception_ptr error;
    try {
        for (int64_t i = 0; i < chunk.rows; ++i) {
            std::optional<Sample> sample = peeked_ ? std::exchange(peeked_, {}) : stream_->next();
            if (!sample) break;
            chunk.slot->samples[static_cast<size_t>(chunk.first + i)] = stream_at_++;
            chunk.read.push_back(std::move(*sample));
        }
    } catch (...) { error = with_sample(stream_at_); }
    const auto got = static_cast<int64_t>(chunk.read.size());
    if (got == chunk.rows) return;
    Slot& slot = *chunk.slot;
    Lock lock(mutex_);
    slot.rows -= chunk.rows - got;
    chunk.rows = got;
    slot.closed = true;
    open_ = nullptr;
    if (error != nullptr) {
        fail(slot, slot.rows, error, lock);
    } else {
        const bool dropped = slot.rows == 0 || (options_.drop_last && slot.rows < options_.batch);
        end_ = std::min(end_, slot.batch + (dropped ? 0 : 1));
    }
    ready_.notify_one();
}

/// Keeps the error of the earliest row and ends the pass with this batch.
void Pass::fail(Slot& slot, int64_t row, const std::exception_ptr& error, Lock&) {
    if (slot.error == nullptr || row < slot.error_row) {
        slot.error = error;
        slot.error_row = row;
    }
    end_ = std::min(end_, slot.batch + 1);
    if (open_ == nullptr || open_->batch < slot.batch) return;
    open_->closed = true; // rows are claimed in order: all before this one are being made
    open_ = nullptr;
}

std::optional<Sample> Pass::make_sample(int64_t number, Sample* read) const {
    Random random(options_.seed ^ kSampleStream, static_cast<uint64_t>(epoch_), static_cast<uint64_t>(number));
    Sample sample;
    if (read != nullptr) {
        sample = std::move(*read);
    } else if (options_.bad_samples == BadSamples::error) {
        sample = (*state_.dataset)->draw(number, random);
    } else {
        if (state_.is_bad(number)) return {};
        try {
            sample = (*state_.dataset)->draw(number, random);
        } catch (const FileError& error) {
            state_.note_bad(number, error.what());
            return {};
        }
    }
    for (const Transform& transform : options_.transforms) transform(sample, random);
    return sample;
}

void Pass::write(Slot& slot, int64_t row, const Sample& sample) const {
    const Row x = row_of(sample.x), y = row_of(sample.y);
    if (!(x == state_.x_row))
        throw ShapeError("x is " + x.str() + ", the other samples are " + state_.x_row.str() +
                         "; resize or crop them to one size");
    if (!(y == state_.y_row)) throw ShapeError("y is " + y.str() + ", that of the other samples " + state_.y_row.str());
    if (const auto* image = std::get_if<Image>(&sample.x))
        image->write(reinterpret_cast<float*>(row_at(slot.x, x, row)));
    else if (x.bytes() > 0)
        std::memcpy(row_at(slot.x, x, row), std::get<Array>(sample.x).data(), x.bytes());
    if (y.bytes() > 0) std::memcpy(row_at(slot.y, y, row), sample.y.data(), y.bytes());
}

void Pass::process(Chunk& chunk) {
    Slot& slot = *chunk.slot;
    std::vector<int64_t> holes;
    std::exception_ptr error;
    int64_t row = chunk.first;
    for (const int64_t last = chunk.first + chunk.rows; row < last; ++row) {
        const int64_t number = slot.samples[static_cast<size_t>(row)];
        int64_t blamed = number;
        try {
            const auto ahead = static_cast<size_t>(slot.batch * options_.batch + row + kAhead);
            if (ahead < order_.size()) (*state_.dataset)->prefetch(blamed = order_[ahead]);
            blamed = number;
            Sample* read = stream_ ? &chunk.read[static_cast<size_t>(row - chunk.first)] : nullptr;
            const std::optional<Sample> sample = make_sample(number, read);
            if (sample)
                write(slot, row, *sample);
            else
                holes.push_back(row);
        } catch (...) {
            error = with_sample(blamed);
            break;
        }
    }
    {
        Lock lock(mutex_);
        slot.done += chunk.rows;
        slot.holes.insert(slot.holes.end(), holes.begin(), holes.end());
        if (error != nullptr) fail(slot, row, error, lock);
        if (leave_ || !slot.closed || slot.done != slot.rows || slot.finished) return;
        slot.finished = true;
    }
    finish(slot); // nobody else touches it now
    {
        const Lock lock(mutex_);
        slot.ready = true;
    }
    ready_.notify_one();
}

void Pass::finish(Slot& slot) {
    if (slot.error != nullptr) return;
    try {
        if (!slot.holes.empty()) {
            std::sort(slot.holes.begin(), slot.holes.end());
            if (options_.bad_samples == BadSamples::replace)
                fill_holes(slot);
            else
                drop_holes(slot);
        }
        slot.x_type = stacked(state_.x_row, slot.rows);
        slot.y_type = stacked(state_.y_row, slot.rows);
        if (!options_.batch_transforms.empty() && slot.rows > 0) transform(slot);
    } catch (...) {
        Lock lock(mutex_);
        fail(slot, 0, std::current_exception(), lock);
    }
}

/// Every hole gets the good row that follows it in the batch, the first one after the last.
void Pass::fill_holes(Slot& slot) const {
    std::vector<bool> hole(static_cast<size_t>(slot.rows));
    for (const int64_t row : slot.holes) hole[static_cast<size_t>(row)] = true;
    if (static_cast<int64_t>(slot.holes.size()) == slot.rows) {
        // None is good: the next one of the pass serves, wherever it is.
        const auto samples = static_cast<int64_t>(order_.size());
        for (int64_t k = 0;; ++k) {
            if (k == samples) throw FileError("none of the " + std::to_string(samples) + " samples can be read");
            const int64_t number = order_[static_cast<size_t>(((slot.batch + 1) * options_.batch + k) % samples)];
            try {
                const std::optional<Sample> sample = make_sample(number, nullptr);
                if (!sample) continue;
                write(slot, 0, *sample);
                break;
            } catch (...) { std::rethrow_exception(with_sample(number)); }
        }
        hole[0] = false;
    }
    int64_t good = static_cast<int64_t>(std::find(hole.begin(), hole.end(), false) - hole.begin());
    for (int64_t row = slot.rows - 1; row >= 0; --row) {
        if (!hole[static_cast<size_t>(row)]) {
            good = row;
            continue;
        }
        copy_row(slot.x, state_.x_row, good, row);
        copy_row(slot.y, state_.y_row, good, row);
    }
}

void Pass::drop_holes(Slot& slot) const {
    int64_t to = 0;
    auto hole = slot.holes.begin();
    for (int64_t row = 0; row < slot.rows; ++row) {
        if (hole != slot.holes.end() && *hole == row) {
            ++hole;
            continue;
        }
        if (to != row) {
            copy_row(slot.x, state_.x_row, row, to);
            copy_row(slot.y, state_.y_row, row, to);
        }
        ++to;
    }
    slot.rows = to;
}

void Pass::transform(Slot& slot) const {
    const auto wrap = [](const Ref<core::Storage>& storage, const graph::Type& type) {
        if (!storage) return Array();
        return Array::over(storage->data(), type.dtype, type.shape,
                           std::shared_ptr<void>(storage->data(), [](void*) {}));
    };
    HostBatch batch{wrap(slot.x, slot.x_type), wrap(slot.y, slot.y_type), slot.batch};
    Random random(options_.seed ^ kBatchStream, static_cast<uint64_t>(epoch_), static_cast<uint64_t>(slot.batch));
    for (const BatchTransform& change : options_.batch_transforms) change(batch, random);
    const auto unwrap = [](const Array& array, Ref<core::Storage>& storage, graph::Type& type) {
        if (!array.defined()) {
            storage = nullptr;
            return;
        }
        type = {array.dtype(), array.shape()};
        if (storage && array.data() == storage->data()) return;
        storage = core::Storage::allocate(Device::cpu(), array.bytes(), kHolder);
        if (array.bytes() > 0) std::memcpy(storage->data(), array.data(), array.bytes());
    };
    unwrap(batch.x, slot.x, slot.x_type);
    unwrap(batch.y, slot.y, slot.y_type);
}

bool Pass::next(Tensor& x, Tensor& y) {
    if (failure_ != nullptr) std::rethrow_exception(failure_);
    for (;;) {
        Slot* slot = nullptr;
        bool make = false;
        {
            Lock lock(mutex_);
            const auto is_ready = [&] {
                return taken_ >= end_ || slots_[static_cast<size_t>(taken_) % slots_.size()].ready;
            };
            if (!is_ready()) {
                if (threads_.empty()) {
                    make = true;
                } else {
                    const Clock::time_point from = Clock::now();
                    ready_.wait(lock, is_ready);
                    const std::lock_guard stats(state_.mutex);
                    state_.stats.wait_seconds += std::chrono::duration<double>(Clock::now() - from).count();
                }
            }
            if (!make) {
                if (taken_ >= end_) break;
                slot = &slots_[static_cast<size_t>(taken_) % slots_.size()];
                if (slot->error != nullptr) std::rethrow_exception(slot->error);
            }
        }
        if (make) {
            Chunk chunk;
            if (claim(chunk, false)) process(chunk);
        } else if (hand_out(*slot, x, y)) {
            return true;
        }
    }
    if (handed_rows_ == 0 && !order_.empty() && end_ > 0 && options_.bad_samples == BadSamples::skip) {
        const std::lock_guard stats(state_.mutex);
        if (!state_.bad.empty())
            throw FileError("none of the " + std::to_string(order_.size()) + " samples can be read");
    }
    return false;
}

/// False: the batch has no rows, all its samples were bad.
bool Pass::hand_out(Slot& slot, Tensor& x, Tensor& y) {
    const int64_t rows = slot.rows;
    const auto tensor = [&](Ref<core::Storage>& storage, const graph::Type& type) {
        if (!storage) return Tensor();
        const Tensor host(graph::make_ready(type, Device::cpu(), std::move(storage)));
        return host.to(options_.device);
    };
    if (rows > 0) {
        x = tensor(slot.x, slot.x_type);
        y = tensor(slot.y, slot.y_type);
    }
    bool wake = false;
    {
        const Lock lock(mutex_);
        slot.ready = false;
        ++taken_;
        handed_rows_ += rows;
        wake = waiting_ > 0;
    }
    if (wake) room_.notify_all();
    const std::lock_guard stats(state_.mutex);
    state_.stats.batches += rows > 0 ? 1 : 0;
    state_.stats.samples += rows;
    state_.stats.seconds = base_seconds_ + std::chrono::duration<double>(Clock::now() - begin_).count();
    return rows > 0;
}

} // namespace ingot::data
