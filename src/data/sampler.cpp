// SPDX-License-Identifier: MIT
#include <ingot/data/sampler.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include <ingot/data/random.h>
#include <ingot/error.h>

namespace ingot::data {

namespace {

constexpr uint64_t kOrderStream = 0x6F72'6465'72; // "order": separates the streams that are drawn from one seed

void shuffle_by(uint64_t seed, int64_t epoch, std::vector<int64_t>& order) {
    Random random(seed, kOrderStream, static_cast<uint64_t>(epoch));
    shuffle(order.data(), static_cast<int64_t>(order.size()), random);
}

} // namespace

std::vector<int64_t> SequentialSampler::indices(int64_t) const {
    std::vector<int64_t> order(static_cast<size_t>(size_));
    std::iota(order.begin(), order.end(), 0);
    return order;
}

std::vector<int64_t> RandomSampler::indices(int64_t epoch) const {
    std::vector<int64_t> order = SequentialSampler(size_).indices(epoch);
    shuffle_by(seed_, epoch, order);
    return order;
}

std::vector<int64_t> SubsetSampler::indices(int64_t epoch) const {
    std::vector<int64_t> order = indices_;
    if (shuffle_) shuffle_by(seed_, epoch, order);
    return order;
}

WeightedSampler::WeightedSampler(std::vector<double> weights, WeightedSamplerOptions options)
    : weights_(std::move(weights)), options_(options) {
    double sum = 0;
    int64_t positive = 0;
    for (size_t i = 0; i < weights_.size(); ++i) {
        if (!(weights_[i] >= 0) || !std::isfinite(weights_[i]))
            throw Error("WeightedSampler: weight " + std::to_string(i) + " is " + std::to_string(weights_[i]) +
                        "; weights are finite and not negative");
        positive += weights_[i] > 0 ? 1 : 0;
        ends_.push_back(sum += weights_[i]);
    }
    if (!(sum > 0) || !std::isfinite(sum)) throw Error("WeightedSampler: needs a positive, finite sum of weights");
    if (options_.samples == 0)
        options_.samples = options_.replacement ? static_cast<int64_t>(weights_.size()) : positive;
    if (options_.samples < 0) throw Error("WeightedSampler: a negative number of samples");
    if (!options_.replacement && options_.samples > positive)
        throw Error("WeightedSampler: " + std::to_string(options_.samples) + " samples without replacement from " +
                    std::to_string(positive) + " of positive weight");
}

std::vector<int64_t> WeightedSampler::indices(int64_t epoch) const {
    Random random(options_.seed, kOrderStream, static_cast<uint64_t>(epoch));
    std::vector<int64_t> order;
    if (options_.replacement) {
        for (int64_t k = 0; k < options_.samples; ++k) {
            // Rounding must not reach the end of the last interval.
            const double place = std::min(random.uniform() * ends_.back(), std::nextafter(ends_.back(), 0.0));
            const auto at = std::upper_bound(ends_.begin(), ends_.end(), place);
            order.push_back(at - ends_.begin());
        }
        return order;
    }
    // The largest keys log(u) / w are a weighted draw without replacement (Efraimidis, Spirakis 2006).
    std::vector<std::pair<double, int64_t>> keys;
    for (size_t i = 0; i < weights_.size(); ++i) {
        const double key = std::log(1 - random.uniform()) / weights_[i];
        if (weights_[i] > 0) keys.emplace_back(-key, static_cast<int64_t>(i));
    }
    std::sort(keys.begin(), keys.end());
    for (int64_t k = 0; k < options_.samples; ++k) order.push_back(keys[static_cast<size_t>(k)].second);
    return order;
}

} // namespace ingot::data
