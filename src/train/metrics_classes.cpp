// SPDX-License-Identifier: MIT
// The metrics of class labels.
#include <cmath>
#include <limits>

#include <ingot/error.h>
#include <ingot/ops.h>
#include <ingot/train/curves.h>
#include <ingot/train/metrics.h>

#include "train/sum_dtype.h"

namespace ingot::train {

namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

[[noreturn]] void bad_shapes(const std::string& metric, const Tensor& output, const Tensor& target) {
    throw ShapeError(metric + ": output " + output.shape().str() + " and target " + target.shape().str() +
                     " do not fit; scores [N, C, ..] take integer labels [N, ..], scores [N] or [N, 1] labels 0 or 1");
}

bool is_binary(const Tensor& output, const Tensor& target) {
    return is_float(output.dtype()) && output.numel() == target.numel() &&
           (output.rank() == 1 || (output.rank() == 2 && output.size(1) == 1));
}

/// Scores with the class axis last and all others flattened, and their labels: [M, C], [M] i64.
struct Scores {
    Tensor scores, labels;
};

Scores class_scores(const std::string& metric, const Tensor& output, const Tensor& target,
                    const ClassMetricOptions& options) {
    const auto rank = static_cast<size_t>(output.rank());
    if (rank < 2 || !is_float(output.dtype()) || is_float(target.dtype())) bad_shapes(metric, output, target);
    const auto axis = static_cast<size_t>(output.shape().axis(options.class_axis, metric.c_str()));
    Shape rest;
    Ints order;
    for (size_t i = 0; i < rank; ++i) {
        if (i == axis) continue;
        rest.push_back(output.shape()[i]);
        order.push_back(static_cast<int64_t>(i));
    }
    if (!(rest == target.shape())) bad_shapes(metric, output, target);
    order.push_back(static_cast<int64_t>(axis));
    const Tensor last = axis + 1 == rank ? output : permute(output, Axes(order));
    return {reshape(last, {rest.numel(), output.shape()[axis]}), cast(reshape(target, {rest.numel()}), i64)};
}

struct Labelled {
    Tensor labels, predictions; ///< [M] i64
    int64_t classes = 0;        ///< 0 where the output does not say
};

/// `classes`: what the metric expects, or 0.
Labelled labels_and_predictions(const std::string& metric, const Tensor& output, const Tensor& target,
                                const ClassMetricOptions& options, int64_t classes) {
    Tensor labels, predictions;
    int64_t found = 0;
    if (is_integer(output.dtype()) && output.shape() == target.shape()) {
        labels = cast(flatten(target), i64);
        predictions = cast(flatten(output), i64);
    } else if (is_binary(output, target)) {
        labels = cast(flatten(target), i64);
        predictions = cast(gt(flatten(output), options.threshold), i64);
        found = 2;
    } else {
        const Scores s = class_scores(metric, output, target, options);
        labels = s.labels;
        predictions = argmax(s.scores, {1});
        found = s.scores.size(1);
    }
    if (classes != 0 && found != 0 && found != classes)
        throw ShapeError(metric + ": output " + output.shape().str() + " has " + std::to_string(found) +
                         " classes, the metric was made for " + std::to_string(classes));
    return {labels, predictions, found};
}

/// [right, counted] of `right` [M] bool where the label counts.
Tensor right_and_counted(const Tensor& right, const Tensor& labels, int64_t ignore_index) {
    const Tensor counted = ne(labels, ignore_index);
    return stack({sum(cast(logical_and(right, counted), i64)), sum(cast(counted, i64))});
}

void check_classes(const std::string& metric, int64_t classes) {
    if (classes < 2) throw Error(metric + ": needs at least 2 classes, not " + std::to_string(classes));
}

} // namespace

Tensor Accuracy::summarize(const Tensor& output, const Tensor& target) const {
    const Labelled l = labels_and_predictions(name(), output, target, options_, 0);
    const Tensor both = right_and_counted(eq(l.labels, l.predictions), l.labels, options_.ignore_index);
    if (l.classes == 0) return both;
    const Tensor outside = logical_or(lt(l.labels, 0), ge(l.labels, l.classes));
    return concat({both, unsqueeze(sum(cast(logical_and(outside, ne(l.labels, options_.ignore_index)), i64)), 0)}, 0);
}

void Accuracy::add(const std::vector<double>& summary) {
    if (summary.size() > 2 && summary[2] > 0)
        throw Error(name() + ": " + std::to_string(static_cast<int64_t>(summary[2])) +
                    " labels are none of the output's classes");
    right_ += summary.at(0);
    count_ += summary.at(1);
}

double Accuracy::value() const { return count_ > 0 ? right_ / count_ : kUndefined; }

TopKAccuracy::TopKAccuracy(int64_t k, ClassMetricOptions options)
    : Metric("top" + std::to_string(k) + "_accuracy"), k_(k), options_(options) {
    if (k < 1) throw Error("TopKAccuracy: k is " + std::to_string(k) + ", not at least 1");
}

Tensor TopKAccuracy::summarize(const Tensor& output, const Tensor& target) const {
    const Scores s = class_scores(name(), output, target, options_);
    // An ignored label is no position to read at.
    const Tensor label = unsqueeze(where(eq(s.labels, options_.ignore_index), 0, s.labels), 1);
    const Tensor own = take_along_dim(s.scores, label, 1);
    const Tensor position = unsqueeze(arange(s.scores.size(1), {.dtype = i64, .device = output.device()}), 0);
    const Tensor ahead = logical_or(gt(s.scores, own), logical_and(eq(s.scores, own), lt(position, label)));
    const Tensor right = logical_and(lt(sum(cast(ahead, i64), {1}), k_), logical_not(isnan(squeeze(own, 1))));
    return right_and_counted(right, s.labels, options_.ignore_index);
}

void TopKAccuracy::add(const std::vector<double>& summary) {
    right_ += summary.at(0);
    count_ += summary.at(1);
}

double TopKAccuracy::value() const { return count_ > 0 ? right_ / count_ : kUndefined; }

ConfusionMatrix::ConfusionMatrix(int64_t classes, ClassMetricOptions options)
    : ConfusionMatrix("confusion_matrix", classes, options) {}

ConfusionMatrix::ConfusionMatrix(std::string name, int64_t classes, ClassMetricOptions options)
    : Metric(std::move(name)), options_(options) {
    check_classes(this->name(), classes);
    counts_ = Confusion(classes);
}

Tensor ConfusionMatrix::summarize(const Tensor& output, const Tensor& target) const {
    const Labelled l = labels_and_predictions(name(), output, target, options_, counts_.classes);
    return stack({l.labels, l.predictions});
}

void ConfusionMatrix::add(const std::vector<double>& summary) {
    const size_t samples = summary.size() / 2;
    for (size_t i = 0; i < samples; ++i) {
        const auto label = static_cast<int64_t>(summary[i]);
        if (label != options_.ignore_index) counts_.count(label, static_cast<int64_t>(summary[samples + i]));
    }
}

const Confusion& ConfusionMatrix::counts() {
    drain();
    return counts_;
}

Precision::Precision(int64_t classes, Average average, ClassMetricOptions options)
    : ConfusionMatrix("precision", classes, options), average_(average) {}
Recall::Recall(int64_t classes, Average average, ClassMetricOptions options)
    : ConfusionMatrix("recall", classes, options), average_(average) {}
F1::F1(int64_t classes, Average average, ClassMetricOptions options)
    : ConfusionMatrix("f1", classes, options), average_(average) {}

ScoreMetric::ScoreMetric(std::string name, int64_t classes, ClassMetricOptions options)
    : Metric(std::move(name)), classes_(classes), options_(options) {
    check_classes(this->name(), classes);
}

Tensor ScoreMetric::summarize(const Tensor& output, const Tensor& target) const {
    const DType dtype = sum_dtype(output.device());
    if (is_binary(output, target)) {
        if (classes_ != 2) bad_shapes(name(), output, target);
        return stack({flatten(cast(output, dtype)), flatten(cast(target, dtype))}, 1);
    }
    const Scores s = class_scores(name(), output, target, options_);
    if (s.scores.size(1) != classes_) bad_shapes(name(), output, target);
    const Tensor scores = cast(s.scores, dtype), labels = unsqueeze(cast(s.labels, dtype), 1);
    // Of two classes the difference orders samples like the probability, but does not saturate.
    if (classes_ == 2) return concat({narrow(scores, 1, 1, 1) - narrow(scores, 1, 0, 1), labels}, 1);
    return concat({softmax(scores, 1), labels}, 1);
}

void ScoreMetric::add(const std::vector<double>& summary) {
    const auto columns = static_cast<size_t>(classes_ == 2 ? 1 : classes_);
    for (size_t at = 0; at < summary.size(); at += columns + 1) {
        const auto label = static_cast<int64_t>(summary[at + columns]);
        if (label == options_.ignore_index) continue;
        if (label < 0 || label >= classes_)
            throw Error(name() + ": label " + std::to_string(label) + " is not in 0.." + std::to_string(classes_ - 1));
        for (size_t c = 0; c < columns; ++c) scores_.push_back(static_cast<float>(summary[at + c]));
        labels_.push_back(static_cast<int32_t>(label));
    }
}

double ScoreMetric::value() const {
    const auto columns = static_cast<size_t>(classes_ == 2 ? 1 : classes_);
    std::vector<double> scores(labels_.size());
    std::vector<uint8_t> positive(labels_.size());
    double sum = 0;
    int64_t defined = 0;
    for (size_t c = 0; c < columns; ++c) {
        const auto label = static_cast<int32_t>(columns == 1 ? 1 : c);
        size_t positives = 0;
        for (size_t i = 0; i < labels_.size(); ++i) {
            scores[i] = static_cast<double>(scores_[i * columns + c]);
            positive[i] = labels_[i] == label;
            positives += positive[i];
        }
        if (columns > 1 && (positives == 0 || positives == labels_.size())) continue; // nothing to tell apart
        const double one = area(scores, positive);
        if (std::isnan(one)) continue;
        sum += one;
        ++defined;
    }
    return defined > 0 ? sum / static_cast<double>(defined) : kUndefined;
}

void ScoreMetric::clear() {
    scores_.clear();
    labels_.clear();
}

double RocAuc::area(const std::vector<double>& scores, const std::vector<uint8_t>& positive) const {
    return roc_auc(scores, positive);
}

double PrAuc::area(const std::vector<double>& scores, const std::vector<uint8_t>& positive) const {
    return average_precision(scores, positive);
}

Tensor LogLoss::summarize(const Tensor& output, const Tensor& target) const {
    const DType dtype = sum_dtype(output.device());
    if (is_binary(output, target)) {
        const Tensor x = flatten(cast(output, dtype)), y = flatten(cast(target, dtype));
        const Tensor counted = ne(y, static_cast<double>(options_.ignore_index));
        const Tensor losses = where(counted, bce_with_logits(x, y, {.reduction = Reduction::none}), 0);
        return stack({sum(losses), sum(cast(counted, dtype))});
    }
    const Scores s = class_scores(name(), output, target, options_);
    const Tensor loss = cross_entropy(cast(s.scores, dtype), s.labels,
                                      {.ignore_index = options_.ignore_index, .reduction = Reduction::sum});
    return stack({loss, sum(cast(ne(s.labels, options_.ignore_index), dtype))});
}

void LogLoss::add(const std::vector<double>& summary) {
    sum_ += summary.at(0);
    count_ += summary.at(1);
}

double LogLoss::value() const { return count_ > 0 ? sum_ / count_ : kUndefined; }
double Perplexity::value() const { return std::exp(LogLoss::value()); }

} // namespace ingot::train
