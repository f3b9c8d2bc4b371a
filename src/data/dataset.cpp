// SPDX-License-Identifier: MIT
#include <ingot/data/dataset.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>

#include <ingot/error.h>

namespace ingot::data {

namespace {

/// Separates the streams that are drawn from one seed.
constexpr uint64_t kSplitStream = 0x7370'6c69'74; // "split"

/// Row i of [N, ...]: a view.
Array row(const Array& all, const Shape& shape, int64_t i) {
    const auto bytes = static_cast<size_t>(shape.numel()) * size_of(all.dtype());
    return Array::view(static_cast<const char*>(all.data()) + static_cast<size_t>(i) * bytes, all.dtype(), shape);
}

Shape without_first(const Array& array, const char* what) {
    if (array.shape().rank() == 0)
        throw ShapeError(std::string("TensorDataset: ") + what + " is a scalar; its first axis counts the samples");
    return Shape(std::vector<int64_t>(array.shape().begin() + 1, array.shape().end()));
}

int64_t to_hold_out(int64_t size, double fraction) {
    const auto take = static_cast<int64_t>(std::llround(fraction * static_cast<double>(size)));
    if (!(fraction > 0 && fraction < 1) || take <= 0 || take >= size)
        throw Error("cannot hold out " + std::to_string(std::clamp<int64_t>(take, 0, size)) + " of " +
                    std::to_string(size) + " samples: both parts need at least one sample");
    return take;
}

} // namespace

int64_t Dataset::label(int64_t i) const {
    const Array y = get(i).y;
    if (!y.defined() || y.dtype() != i64 || y.numel() != 1)
        throw Error("sample " + std::to_string(i) + ": its y is no class label (one i64)");
    return *y.data<int64_t>();
}

void SampleStream::skip(int64_t count) {
    for (; count > 0 && next(); --count) {}
}

TensorDataset::TensorDataset(const Tensor& x, const Tensor& y)
    : TensorDataset(Array(x), y.defined() ? Array(y) : Array()) {}

TensorDataset::TensorDataset(Array x, Array y) : x_(std::move(x)), y_(std::move(y)), x_row_(without_first(x_, "x")) {
    if (!y_.defined()) return;
    y_row_ = without_first(y_, "y");
    if (y_.shape()[0] != x_.shape()[0])
        throw ShapeError("TensorDataset: x " + x_.shape().str() + " and y " + y_.shape().str() +
                         " have different numbers of samples");
}

Sample TensorDataset::get(int64_t i) const { return {row(x_, x_row_, i), y_.defined() ? row(y_, y_row_, i) : Array()}; }

GeneratedDataset::GeneratedDataset(int64_t size, std::function<Sample(int64_t)> f) : size_(size), f_(std::move(f)) {
    if (size < 0 || !f_) throw Error("GeneratedDataset: needs a size of at least 0 and a function");
}

Subset::Subset(DatasetRef dataset, std::vector<int64_t> indices) : dataset_(std::move(dataset)) {
    for (const int64_t i : indices)
        if (i < 0 || i >= dataset_->size())
            throw Error("Subset: index " + std::to_string(i) + " is outside the dataset of " +
                        std::to_string(dataset_->size()) + " samples");
    indices_ = std::make_shared<const std::vector<int64_t>>(std::move(indices));
}

Concat::Concat(std::vector<DatasetRef> parts) : parts_(std::move(parts)) {
    for (const DatasetRef& part : parts_) ends_.push_back(size() + part->size());
}

std::pair<const Dataset*, int64_t> Concat::find(int64_t i) const {
    const auto at = std::upper_bound(ends_.begin(), ends_.end(), i) - ends_.begin();
    return {&*parts_[static_cast<size_t>(at)], at == 0 ? i : i - ends_[static_cast<size_t>(at) - 1]};
}

Sample Concat::get(int64_t i) const {
    const auto [part, at] = find(i);
    return part->get(at);
}

Sample Concat::draw(int64_t i, Random& random) const {
    const auto [part, at] = find(i);
    return part->draw(at, random);
}

int64_t Concat::label(int64_t i) const {
    const auto [part, at] = find(i);
    return part->label(at);
}

void Concat::prefetch(int64_t i) const {
    const auto [part, at] = find(i);
    part->prefetch(at);
}

CacheStats Concat::cache_stats() const {
    CacheStats sum;
    for (const DatasetRef& part : parts_) {
        const CacheStats one = part->cache_stats();
        sum.hits += one.hits;
        sum.misses += one.misses;
        sum.entries += one.entries;
        sum.bytes += one.bytes;
    }
    return sum;
}

Split random_split(int64_t size, double fraction, uint64_t seed) {
    const int64_t take = to_hold_out(size, fraction);
    std::vector<int64_t> order(static_cast<size_t>(size));
    std::iota(order.begin(), order.end(), 0);
    Random random(seed, kSplitStream);
    shuffle(order.data(), size, random);
    std::sort(order.begin(), order.begin() + take);
    std::sort(order.begin() + take, order.end());
    return {{order.begin() + take, order.end()}, {order.begin(), order.begin() + take}};
}

Split stratified_split(const std::vector<int64_t>& labels, double fraction, uint64_t seed) {
    const auto size = static_cast<int64_t>(labels.size());
    const int64_t take = to_hold_out(size, fraction);
    std::map<int64_t, std::vector<int64_t>> classes;
    for (int64_t i = 0; i < size; ++i) classes[labels[static_cast<size_t>(i)]].push_back(i);

    // Whole samples first, then the largest remainders until the total is right; of equal ones the smaller class number.
    struct Share {
        std::vector<int64_t>* members;
        int64_t count;
        double remainder;
    };
    std::vector<Share> shares;
    int64_t given = 0;
    for (auto& [label, members] : classes) {
        const double exact =
            static_cast<double>(take) * static_cast<double>(members.size()) / static_cast<double>(size);
        const auto whole = static_cast<int64_t>(exact);
        shares.push_back({&members, whole, exact - static_cast<double>(whole)});
        given += whole;
    }
    std::vector<size_t> by_remainder(shares.size());
    std::iota(by_remainder.begin(), by_remainder.end(), 0);
    std::stable_sort(by_remainder.begin(), by_remainder.end(),
                     [&](size_t a, size_t b) { return shares[a].remainder > shares[b].remainder; });
    for (size_t k = 0; given < take; ++k, ++given) ++shares[by_remainder[k]].count;

    Split split;
    Random random(seed, kSplitStream);
    for (const Share& share : shares) {
        std::vector<int64_t>& members = *share.members;
        shuffle(members.data(), static_cast<int64_t>(members.size()), random);
        split.held_out.insert(split.held_out.end(), members.begin(), members.begin() + share.count);
        split.rest.insert(split.rest.end(), members.begin() + share.count, members.end());
    }
    std::sort(split.held_out.begin(), split.held_out.end());
    std::sort(split.rest.begin(), split.rest.end());
    return split;
}

Split stratified_split(const Dataset& dataset, double fraction, uint64_t seed) {
    std::vector<int64_t> labels;
    labels.reserve(static_cast<size_t>(dataset.size()));
    for (int64_t i = 0; i < dataset.size(); ++i) labels.push_back(dataset.label(i));
    return stratified_split(labels, fraction, seed);
}

} // namespace ingot::data
