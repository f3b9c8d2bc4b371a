// SPDX-License-Identifier: MIT
// Which samples a pass consists of and in which order. A sampler is a pure function of the pass's number, so that a pass
// can be repeated and resumed. Used by the DataLoader; shared, never changed, callable from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace ingot::data {

class Sampler {
public:
    virtual ~Sampler() = default;
    /// Samples of a pass.
    virtual int64_t size() const = 0;
    /// The dataset's indices that pass `epoch` consists of, in order: size() of them.
    virtual std::vector<int64_t> indices(int64_t epoch) const = 0;
};

/// 0, 1, ..., size - 1.
class SequentialSampler : public Sampler {
public:
    explicit SequentialSampler(int64_t size) : size_(size) {}
    int64_t size() const override { return size_; }
    std::vector<int64_t> indices(int64_t epoch) const override;

private:
    int64_t size_;
};

/// All samples in an order that seed and epoch fix.
class RandomSampler : public Sampler {
public:
    explicit RandomSampler(int64_t size, uint64_t seed = 0) : size_(size), seed_(seed) {}
    int64_t size() const override { return size_; }
    std::vector<int64_t> indices(int64_t epoch) const override;

private:
    int64_t size_;
    uint64_t seed_;
};

/// Some samples only, in the given order or in a new one every pass.
class SubsetSampler : public Sampler {
public:
    explicit SubsetSampler(std::vector<int64_t> indices, bool shuffle = false, uint64_t seed = 0)
        : indices_(std::move(indices)), shuffle_(shuffle), seed_(seed) {}
    int64_t size() const override { return static_cast<int64_t>(indices_.size()); }
    std::vector<int64_t> indices(int64_t epoch) const override;

private:
    std::vector<int64_t> indices_;
    bool shuffle_;
    uint64_t seed_;
};

struct WeightedSamplerOptions {
    int64_t samples = 0;     ///< of a pass; 0: as many as there are weights
    bool replacement = true; ///< a sample may come several times; without, samples of weight 0 never come
    uint64_t seed = 0;
};

/// Sample i comes with a probability proportional to weights[i]. Evens out rare classes, say with weight 1 / count.
class WeightedSampler : public Sampler {
public:
    /// Errors: Error for a negative or non-finite weight, no positive one, or, without replacement, more samples than
    /// positive weights.
    explicit WeightedSampler(std::vector<double> weights, WeightedSamplerOptions options = {});
    int64_t size() const override { return options_.samples; }
    std::vector<int64_t> indices(int64_t epoch) const override;

private:
    std::vector<double> weights_, ends_; ///< ends_: running sums
    WeightedSamplerOptions options_;
};

} // namespace ingot::data
