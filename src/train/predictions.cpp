// SPDX-License-Identifier: MIT
#include "train/predictions.h"

#include <algorithm>
#include <limits>

#include <ingot/ops.h>

#include "train/sum_dtype.h"
#include "train/task_shapes.h"

namespace ingot::train {

// A summary begins with its kind and number of columns; the rows follow.
Tensor Predictions::summarize(const Tensor& output, const Tensor& target) const {
    const TensorOptions options{.dtype = sum_dtype(output.device()), .device = output.device()};
    const auto summary = [&](Kind kind, const Tensor& rows) {
        const Tensor head = stack({full({}, static_cast<int>(kind), options), full({}, rows.size(1), options)});
        return concat(std::vector<Tensor>{head, flatten(rows)});
    };
    const auto column = [&](const Tensor& t) { return unsqueeze(cast(flatten(t), *options.dtype), 1); };
    if (are_numbers(output, target) && output.rank() <= 2) {
        const auto first = [](const Tensor& t) { return t.rank() == 2 ? select(t, 1, 0) : t; };
        return summary(Kind::numbers, concat(std::vector<Tensor>{column(first(target)), column(first(output))}, 1));
    }
    const bool binary = is_float(output.dtype()) && output.numel() == target.numel() &&
                        (output.rank() == 1 || (output.rank() == 2 && output.size(1) == 1));
    if (binary && !is_float(target.dtype())) {
        const Tensor p = sigmoid(column(output));
        return summary(Kind::classes, concat(std::vector<Tensor>{column(target), 1 - p, p}, 1));
    }
    if (output.rank() == 2 && class_axis(output, target))
        return summary(Kind::classes,
                       concat(std::vector<Tensor>{column(target), softmax(cast(output, *options.dtype), 1)}, 1));
    return summary(Kind::none, zeros({1, 1}, options));
}

void Predictions::add(const std::vector<double>& summary) {
    kind_ = static_cast<Kind>(static_cast<int>(summary.at(0)));
    const auto columns = static_cast<size_t>(summary.at(1));
    if (kind_ == Kind::none) return;
    for (size_t at = 2; at < summary.size(); at += columns) {
        ++size_;
        const double* row = summary.data() + at;
        if (kind_ == Kind::numbers) {
            targets_.push_back(static_cast<float>(row[0]));
            outputs_.push_back(static_cast<float>(row[1]));
            continue;
        }
        const double *scores = row + 1, *end = row + columns;
        classes_ = static_cast<int64_t>(columns) - 1;
        const auto label = static_cast<int32_t>(row[0]);
        const double* best = std::max_element(scores, end);
        labels_.push_back(label);
        predicted_.push_back(static_cast<int32_t>(best - scores));
        confidence_.push_back(static_cast<float>(*best));
        probability_.push_back(label >= 0 && label < classes_ ? static_cast<float>(scores[label])
                                                              : std::numeric_limits<float>::quiet_NaN());
        if (scores_.size() + columns > kMaxScores) too_many_ = true;
        if (!too_many_) scores_.insert(scores_.end(), scores, end);
    }
    if (too_many_) scores_ = {};
}

double Predictions::value() const { return std::numeric_limits<double>::quiet_NaN(); }

void Predictions::clear() {
    kind_ = Kind::none;
    size_ = classes_ = 0;
    too_many_ = false;
    for (auto* v : {&labels_, &predicted_}) v->clear();
    for (auto* v : {&confidence_, &probability_, &scores_, &targets_, &outputs_}) v->clear();
}

} // namespace ingot::train
