// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>

#include <ingot/error.h>
#include <ingot/ops.h>
#include <ingot/train/statistics.h>

#include "train/sum_dtype.h"

namespace ingot::train {

namespace {

/// The columns before the bins.
enum Column : size_t { kElements, kFinite, kMin, kMax, kMean, kDeviation, kColumns };

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// [6 + bins]
Tensor summarize_one(const Tensor& tensor, int64_t bins) {
    if (!is_float(tensor.dtype()))
        throw DTypeError(std::string("tensor statistics: needs floats, not ") + name(tensor.dtype()));
    const DType wide = sum_dtype(tensor.device());
    const TensorOptions options{.dtype = wide, .device = tensor.device()};
    const int64_t n = tensor.numel();
    if (n == 0) return zeros({static_cast<int64_t>(kColumns) + bins}, options);
    const Tensor x = cast(flatten(tensor), promote(tensor.dtype(), f32));
    const Tensor finite = eq(x - x, 0), used = where(finite, x, 0);
    const Tensor low = min(where(finite, x, kInfinity)), high = max(where(finite, x, -kInfinity));
    const Tensor number = sum(cast(finite, wide));
    const Tensor mean = sum(cast(used, wide)) / number;
    const Tensor deviation = sum(where(finite, square(cast(used, wide) - mean), 0));
    // Elements that are not finite go to a bin of their own, which is dropped. (high - low may overflow: halves do not.)
    const Tensor half = high * 0.5 - low * 0.5;
    const Tensor part = where(gt(half, 0), (used * 0.5 - low * 0.5) / half, 0);
    const Tensor bin = where(finite, clamp(floor(part * static_cast<double>(bins)), 0, static_cast<double>(bins - 1)),
                             static_cast<double>(bins));
    const TensorOptions whole{.dtype = i64, .device = tensor.device()};
    const Tensor counts = index_add(zeros({bins + 1}, whole), 0, cast(bin, i64), ones({n}, whole));
    return concat(
        std::vector<Tensor>{stack({full({}, n, options), number, cast(low, wide), cast(high, wide), mean, deviation}),
                            cast(narrow(counts, 0, 0, bins), wide)});
}

} // namespace

Tensor summarize_tensors(const std::vector<Tensor>& tensors, int64_t bins) {
    if (tensors.empty()) throw Error("tensor statistics: no tensors");
    if (bins < 1) throw Error("tensor statistics: " + std::to_string(bins) + " bins make no histogram");
    const NoGrad guard;
    std::vector<Tensor> rows;
    for (const Tensor& t : tensors) rows.push_back(summarize_one(t, bins));
    return stack(rows);
}

std::vector<TensorStatistics> read_statistics(const std::vector<std::string>& names, const Tensor& summary) {
    const auto columns = static_cast<size_t>(summary.size(1));
    if (summary.size(0) != static_cast<int64_t>(names.size()))
        throw Error("tensor statistics: " + std::to_string(names.size()) + " names for a summary of " +
                    std::to_string(summary.size(0)) + " tensors");
    const std::vector<double> values = summary.to_vector<double>();
    std::vector<TensorStatistics> out;
    for (size_t i = 0; i < names.size(); ++i) {
        const double* row = values.data() + i * columns;
        TensorStatistics s{.name = names[i], .finite = static_cast<int64_t>(row[kFinite])};
        s.not_finite = static_cast<int64_t>(row[kElements]) - s.finite;
        const double none = std::numeric_limits<double>::quiet_NaN();
        s.min = s.finite > 0 ? row[kMin] : none;
        s.max = s.finite > 0 ? row[kMax] : none;
        s.mean = s.finite > 0 ? row[kMean] : none;
        s.std = s.finite > 0 ? std::sqrt(row[kDeviation] / row[kFinite]) : none;
        for (size_t c = kColumns; c < columns; ++c) s.counts.push_back(static_cast<int64_t>(row[c]));
        out.push_back(std::move(s));
    }
    return out;
}

std::vector<TensorStatistics> tensor_statistics(const StateDict& tensors, int64_t bins) {
    if (tensors.empty()) return {};
    return read_statistics(tensors.names(), summarize_tensors(tensors.tensors(), bins));
}

} // namespace ingot::train
