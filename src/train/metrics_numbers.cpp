// SPDX-License-Identifier: MIT
// The metrics of numbers.
#include <cmath>
#include <limits>

#include <ingot/error.h>
#include <ingot/ops.h>
#include <ingot/train/metrics.h>

#include "train/sum_dtype.h"

namespace ingot::train {

namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
/// Rows of a summary, one column per output.
enum Row : size_t { kCount, kAbsolute, kSquared, kMean, kDeviation, kLow, kHigh, kRows };

} // namespace

Tensor RegressionMetric::summarize(const Tensor& output, const Tensor& target) const {
    const auto shape = [](const Tensor& t) { return t.rank() == 2 && t.size(1) == 1 ? Shape{t.size(0)} : t.shape(); };
    if (!(shape(output) == shape(target)))
        throw ShapeError(name() + ": output " + output.shape().str() + " and target " + target.shape().str() +
                         " do not fit; they should have one shape (a last axis of 1 may be left out)");
    const int64_t columns = output.rank() == 2 ? output.size(1) : 1;
    const int64_t n = columns == 0 ? 0 : output.numel() / columns;
    const TensorOptions options{.dtype = sum_dtype(output.device()), .device = output.device()};
    if (n == 0) return zeros({kRows, columns}, options);
    const Tensor y = reshape(cast(target, *options.dtype), {n, columns});
    const Tensor error = reshape(cast(output, *options.dtype), {n, columns}) - y;
    const Tensor average = mean(y, {0});
    return stack({full({columns}, n, options), sum(abs(error), {0}), sum(square(error), {0}), average,
                  sum(square(y - average), {0}), min(y, {0}), max(y, {0})});
}

void RegressionMetric::add(const std::vector<double>& summary) {
    const size_t columns = summary.size() / kRows;
    if (columns_.empty()) columns_.resize(columns);
    if (columns_.size() != columns)
        throw ShapeError(name() + ": a batch has " + std::to_string(columns) + " outputs, the batches before it " +
                         std::to_string(columns_.size()));
    for (size_t i = 0; i < columns; ++i) {
        const auto at = [&](Row row) { return summary[row * columns + i]; };
        if (at(kCount) == 0) continue;
        Column& c = columns_[i];
        // Chan, Golub and LeVeque (1979): no large squares that cancel.
        const double n = at(kCount), all = c.count + n, delta = at(kMean) - c.mean;
        c.deviation += at(kDeviation) + delta * delta * c.count * n / all;
        c.mean += delta * n / all;
        c.low = c.count == 0 ? at(kLow) : std::fmin(c.low, at(kLow));
        c.high = c.count == 0 ? at(kHigh) : std::fmax(c.high, at(kHigh));
        c.count = all;
        c.absolute += at(kAbsolute);
        c.squared += at(kSquared);
    }
}

double RegressionMetric::mean_absolute_error() const {
    double sum = 0, count = 0;
    for (const Column& c : columns_) sum += c.absolute, count += c.count;
    return count > 0 ? sum / count : kUndefined;
}

double RegressionMetric::mean_squared_error() const {
    double sum = 0, count = 0;
    for (const Column& c : columns_) sum += c.squared, count += c.count;
    return count > 0 ? sum / count : kUndefined;
}

double RegressionMetric::r2() const {
    double sum = 0;
    // Rounding can leave a deviation that is not quite 0 where all targets are equal.
    for (const Column& c : columns_) sum += c.low < c.high ? 1 - c.squared / c.deviation : kUndefined;
    return columns_.empty() ? kUndefined : sum / static_cast<double>(columns_.size());
}

double RMSE::value() const { return std::sqrt(mean_squared_error()); }

} // namespace ingot::train
