// SPDX-License-Identifier: MIT
// The metrics: streaming over batches, exact (counts are integers, sums are kept in double), NaN where a value is
// undefined. See metric.h for how they are used, confusion.h and curves.h for the formulas behind some of them.
// Letters: N samples, C classes, S any further axes, K outputs of a regression.
//
// What the metrics of classes take as output and target:
//   [N, C, S..] float scores with labels [N, S..] integer, as cross_entropy does; the highest score is the prediction
//   (the first of equal ones, the first NaN);
//   [N] or [N, 1] float scores of "positive" with labels 0 or 1 of the same number of elements: two classes; a score
//   above the threshold is class 1;
//   integers, of the labels' shape: predictions made elsewhere.
// Errors: ShapeError naming the metric and both shapes.
#pragma once

#include <ingot/train/confusion.h>
#include <ingot/train/metric.h>

namespace ingot::train {

struct ClassMetricOptions {
    int64_t class_axis = 1;      ///< -1 for [N, S.., C], as language models give
    double threshold = 0;        ///< for scores of "positive": 0 for logits, 0.5 for probabilities
    int64_t ignore_index = -100; ///< labels of this value count nothing
};

/// Part of the labels that were predicted.
class Accuracy : public Metric {
public:
    explicit Accuracy(ClassMetricOptions options = {}) : Metric("accuracy"), options_(options) {}
    Tensor summarize(const Tensor& output, const Tensor& target) const override;
    void add(const std::vector<double>& summary) override;

protected:
    double value() const override;
    void clear() override { right_ = count_ = 0; }

private:
    ClassMetricOptions options_;
    double right_ = 0, count_ = 0;
};

/// Part of the labels among the k highest scores; of equal scores the lower class ranks higher; a label whose own score is
/// NaN is wrong. Only for scores [N, C, S..].
class TopKAccuracy : public Metric {
public:
    /// Errors: Error when k < 1.
    explicit TopKAccuracy(int64_t k, ClassMetricOptions options = {});
    Tensor summarize(const Tensor& output, const Tensor& target) const override;
    void add(const std::vector<double>& summary) override;

protected:
    double value() const override;
    void clear() override { right_ = count_ = 0; }

private:
    int64_t k_;
    ClassMetricOptions options_;
    double right_ = 0, count_ = 0;
};

/// The counts behind precision, recall and F1; its own value is the accuracy.
class ConfusionMatrix : public Metric {
public:
    /// `classes`: 2 for scores of "positive". Errors: Error when classes < 2.
    explicit ConfusionMatrix(int64_t classes, ClassMetricOptions options = {});
    Tensor summarize(const Tensor& output, const Tensor& target) const override;
    void add(const std::vector<double>& summary) override;
    /// Waits.
    const Confusion& counts();
    /// Scores per class. Waits.
    std::vector<ClassScore> scores() { return counts().scores(); }

protected:
    ConfusionMatrix(std::string name, int64_t classes, ClassMetricOptions options);
    double value() const override { return counts_.accuracy(); }
    void clear() override { counts_ = Confusion(counts_.classes); }
    Confusion counts_;

private:
    ClassMetricOptions options_;
};

class Precision : public ConfusionMatrix {
public:
    explicit Precision(int64_t classes, Average average = Average::macro, ClassMetricOptions options = {});

protected:
    double value() const override { return counts_.precision(average_); }
    Average average_;
};

class Recall : public ConfusionMatrix {
public:
    explicit Recall(int64_t classes, Average average = Average::macro, ClassMetricOptions options = {});

protected:
    double value() const override { return counts_.recall(average_); }
    Average average_;
};

class F1 : public ConfusionMatrix {
public:
    explicit F1(int64_t classes, Average average = Average::macro, ClassMetricOptions options = {});

protected:
    double value() const override { return counts_.f1(average_); }
    Average average_;
};

/// Keeps the scores of all samples on the host (N * C floats): areas under curves need their order.
class ScoreMetric : public Metric {
public:
    Tensor summarize(const Tensor& output, const Tensor& target) const override;
    void add(const std::vector<double>& summary) override;

protected:
    ScoreMetric(std::string name, int64_t classes, ClassMetricOptions options);
    void clear() override;
    double value() const override;
    virtual double area(const std::vector<double>& scores, const std::vector<uint8_t>& positive) const = 0;

private:
    int64_t classes_;
    ClassMetricOptions options_;
    std::vector<float> scores_; ///< [N, C], or [N] when there are two classes
    std::vector<int32_t> labels_;
};

/// Area under the ROC curve. Two classes: of the score of class 1. More: the mean over the classes that have samples and
/// non-samples, each against the rest, ranked by softmax(output).
class RocAuc : public ScoreMetric {
public:
    explicit RocAuc(int64_t classes = 2, ClassMetricOptions options = {}) : ScoreMetric("roc_auc", classes, options) {}

protected:
    double area(const std::vector<double>& scores, const std::vector<uint8_t>& positive) const override;
};

/// Area under the precision-recall curve (average precision), in the same manner.
class PrAuc : public ScoreMetric {
public:
    explicit PrAuc(int64_t classes = 2, ClassMetricOptions options = {}) : ScoreMetric("pr_auc", classes, options) {}

protected:
    double area(const std::vector<double>& scores, const std::vector<uint8_t>& positive) const override;
};

/// The mean of -log(probability of the label), nats. Outputs are logits (of two classes when [N] or [N, 1]).
class LogLoss : public Metric {
public:
    explicit LogLoss(ClassMetricOptions options = {}) : LogLoss("log_loss", options) {}
    Tensor summarize(const Tensor& output, const Tensor& target) const override;
    void add(const std::vector<double>& summary) override;

protected:
    LogLoss(std::string name, ClassMetricOptions options) : Metric(std::move(name)), options_(options) {}
    double value() const override;
    void clear() override { sum_ = count_ = 0; }

private:
    ClassMetricOptions options_;
    double sum_ = 0, count_ = 0;
};

/// exp(LogLoss): of how many equally likely tokens the model seems to choose.
class Perplexity : public LogLoss {
public:
    explicit Perplexity(ClassMetricOptions options = {}) : LogLoss("perplexity", options) {}

protected:
    double value() const override;
};

/// Metrics of numbers. output: [N] or [N, K]; target: the same number of elements, [N], [N, 1] or [N, K]. Means are over
/// all elements.
class RegressionMetric : public Metric {
public:
    Tensor summarize(const Tensor& output, const Tensor& target) const override;
    void add(const std::vector<double>& summary) override;

protected:
    using Metric::Metric;
    void clear() override { columns_.clear(); }
    double mean_absolute_error() const;
    double mean_squared_error() const;
    double r2() const;

private:
    /// Of one of the K outputs: numbers, sums of |error| and error^2, and the targets' mean, sum of squared deviations and
    /// range.
    struct Column {
        double count = 0, absolute = 0, squared = 0, mean = 0, deviation = 0, low = 0, high = 0;
    };
    std::vector<Column> columns_;
};

/// mean |output - target|
class MAE : public RegressionMetric {
public:
    MAE() : RegressionMetric("mae") {}

protected:
    double value() const override { return mean_absolute_error(); }
};

/// mean (output - target)^2
class MSE : public RegressionMetric {
public:
    MSE() : RegressionMetric("mse") {}

protected:
    double value() const override { return mean_squared_error(); }
};

/// sqrt(MSE)
class RMSE : public RegressionMetric {
public:
    RMSE() : RegressionMetric("rmse") {}

protected:
    double value() const override;
};

/// 1 - sum (output - target)^2 / sum (target - mean target)^2, the coefficient of determination; with K outputs the mean
/// of theirs. NaN when all targets are equal.
class R2 : public RegressionMetric {
public:
    R2() : RegressionMetric("r2") {}

protected:
    double value() const override { return r2(); }
};

} // namespace ingot::train
