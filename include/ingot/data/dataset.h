// SPDX-License-Identifier: MIT
// Where samples come from: datasets with an index (tensors, functions, parts and sums of others, your own) and streams.
// Samples are made when asked for, by several threads of the loader at once, so get() must be safe to call so and should
// give the same sample whenever it is asked. Datasets are shared, never changed. Letters: N samples.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <ingot/data/random.h>
#include <ingot/data/sample.h>
#include <ingot/tensor.h>

namespace ingot::data {

/// How often decoded pictures were found in a cache (images.h), and what it holds.
struct CacheStats {
    int64_t hits = 0, misses = 0;
    int64_t entries = 0, bytes = 0;
    double hit_rate() const {
        return hits + misses > 0 ? static_cast<double>(hits) / static_cast<double>(hits + misses) : 0;
    }
};

/// Samples with numbers 0..size()-1. Derive from it for data of your own: size() and get() are enough.
class Dataset {
public:
    virtual ~Dataset() = default;
    virtual int64_t size() const = 0;
    /// Sample i, 0 <= i < size(). What it throws reaches the consumer of the loader with the sample's number; a FileError
    /// means that this sample cannot be had, which the loader may be told to skip.
    virtual Sample get(int64_t i) const = 0;
    /// Sample i when a part of it is chosen at random (a window of a text): `random` belongs to (seed, epoch, i).
    virtual Sample draw(int64_t i, Random& random) const {
        (void)random;
        return get(i);
    }
    /// The class of sample i, for splits and weights; unless overridden get(i).y. Errors: Error when that is no integer.
    virtual int64_t label(int64_t i) const;
    /// Sample i will be asked for soon.
    virtual void prefetch(int64_t i) const { (void)i; }
    virtual CacheStats cache_stats() const { return {}; }
};

/// A dataset in somebody's hands: shared, or handed over as an object (a temporary is moved in, a variable copied).
class DatasetRef {
public:
    template <class D>
    requires std::derived_from<std::remove_cvref_t<D>, Dataset> DatasetRef(D&& dataset) // NOLINT: implicit by design
        : pointer_(std::make_shared<std::remove_cvref_t<D>>(std::forward<D>(dataset))) {}
    template <std::derived_from<Dataset> D>
    DatasetRef(std::shared_ptr<D> dataset) : pointer_(std::move(dataset)) {} // NOLINT: implicit by design
    template <std::derived_from<Dataset> D>
    DatasetRef(std::shared_ptr<const D> dataset) : pointer_(std::move(dataset)) {} // NOLINT: implicit by design

    const Dataset& operator*() const { return *pointer_; }
    const Dataset* operator->() const { return pointer_.get(); }
    explicit operator bool() const { return pointer_ != nullptr; }

private:
    std::shared_ptr<const Dataset> pointer_;
};

/// Samples that come one after the other: files too large for an index, a simulation, a socket.
class SampleStream {
public:
    virtual ~SampleStream() = default;
    /// The next sample, or nothing at the end. Called by one thread at a time.
    virtual std::optional<Sample> next() = 0;
    /// Passes over `count` samples; how a pass is resumed.
    virtual void skip(int64_t count);
};

class StreamDataset {
public:
    virtual ~StreamDataset() = default;
    /// The stream of pass `epoch`, from its beginning. The same epoch must give the same samples.
    virtual std::unique_ptr<SampleStream> open(int64_t epoch) const = 0;
    /// Samples of a pass, if known.
    virtual std::optional<int64_t> size() const { return {}; }
};

/// Tensors in memory: sample i is (x[i], y[i]). x: [N, ...], y: [N, ...] or undefined. Computes and copies them once.
class TensorDataset : public Dataset {
public:
    explicit TensorDataset(const Tensor& x, const Tensor& y = {});
    explicit TensorDataset(Array x, Array y = {});
    int64_t size() const override { return x_.shape()[0]; }
    Sample get(int64_t i) const override;

private:
    Array x_, y_;
    Shape x_row_, y_row_;
};

/// Sample i is f(i), computed when asked for. f is called by several threads.
class GeneratedDataset : public Dataset {
public:
    GeneratedDataset(int64_t size, std::function<Sample(int64_t i)> f);
    int64_t size() const override { return size_; }
    Sample get(int64_t i) const override { return f_(i); }

private:
    int64_t size_;
    std::function<Sample(int64_t)> f_;
};

/// The samples `indices` of another dataset, in that order; repetitions are allowed.
class Subset : public Dataset {
public:
    /// Errors: Error for an index outside the dataset.
    Subset(DatasetRef dataset, std::vector<int64_t> indices);
    int64_t size() const override { return static_cast<int64_t>(indices_->size()); }
    Sample get(int64_t i) const override { return dataset_->get(index(i)); }
    Sample draw(int64_t i, Random& random) const override { return dataset_->draw(index(i), random); }
    int64_t label(int64_t i) const override { return dataset_->label(index(i)); }
    void prefetch(int64_t i) const override { dataset_->prefetch(index(i)); }
    CacheStats cache_stats() const override { return dataset_->cache_stats(); }
    const std::vector<int64_t>& indices() const { return *indices_; }

private:
    int64_t index(int64_t i) const { return (*indices_)[static_cast<size_t>(i)]; }
    DatasetRef dataset_;
    std::shared_ptr<const std::vector<int64_t>> indices_;
};

/// Several datasets, one after the other.
class Concat : public Dataset {
public:
    explicit Concat(std::vector<DatasetRef> parts);
    int64_t size() const override { return ends_.empty() ? 0 : ends_.back(); }
    Sample get(int64_t i) const override;
    Sample draw(int64_t i, Random& random) const override;
    int64_t label(int64_t i) const override;
    void prefetch(int64_t i) const override;
    CacheStats cache_stats() const override;

private:
    std::pair<const Dataset*, int64_t> find(int64_t i) const;
    std::vector<DatasetRef> parts_;
    std::vector<int64_t> ends_; ///< ends_[k]: samples in the parts 0..k
};

/// Two parts of a dataset; both keep its order.
struct Split {
    std::vector<int64_t> rest, held_out; ///< indices, ascending
};

/// Holds out round(fraction * size) samples, chosen by `seed`. Errors: Error when one part would be empty.
Split random_split(int64_t size, double fraction, uint64_t seed);

/// The same with as equal a fraction of every class as whole samples allow (largest remainders). labels: the class of
/// every sample.
Split stratified_split(const std::vector<int64_t>& labels, double fraction, uint64_t seed);

/// Of a dataset by its label().
Split stratified_split(const Dataset& dataset, double fraction, uint64_t seed);

} // namespace ingot::data
