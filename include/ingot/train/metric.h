// SPDX-License-Identifier: MIT
// What all metrics share: a metric reduces each batch to a small summary on the device and combines the summaries on the
// host in double. Used by the trainer, `ingot eval` and programs; include/ingot/train/metrics.h has the metrics. One
// thread; not synchronised.
//
//   train::Accuracy accuracy;
//   for (auto [x, y] : batches) accuracy.update(model(x), y);   // does not wait for the device
//   double value = accuracy.compute();                          // does
//
// Letters: N samples, C classes, S any further axes (pixels, time), K outputs of a regression.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ingot/tensor.h>

namespace ingot::train {

class Metric {
public:
    virtual ~Metric() = default;
    Metric(const Metric&) = delete;
    Metric& operator=(const Metric&) = delete;

    const std::string& name() const { return name_; }

    /// Takes one batch; the tensors may live on any device and are not waited for. In evaluation (nothing requires a
    /// gradient) the batch's work is submitted at once; in training the summary becomes part of the step's submission.
    /// Errors: those of summarize(); Error inside compile(), where summarize() is what is wanted.
    void update(const Tensor& output, const Tensor& target);
    /// The value over all batches since the last reset(); NaN where it is undefined (no samples, one class only, ...).
    /// Waits. Errors: what a batch failed with; Error for labels out of range.
    double compute();
    /// Forgets everything.
    void reset();

    /// The two halves of update(), for compiled functions: trace summarize() with the model, read the tensor it returns
    /// when convenient and hand its elements to add().
    virtual Tensor summarize(const Tensor& output, const Tensor& target) const = 0;
    virtual void add(const std::vector<double>& summary) = 0;

protected:
    explicit Metric(std::string name) : name_(std::move(name)) {}
    /// The value of what add() got.
    virtual double value() const = 0;
    virtual void clear() = 0;

    /// Reads what update() left on the device.
    void drain();

private:
    void read_oldest();
    std::string name_;
    std::deque<Tensor> waiting_;
};

using MetricList = std::vector<std::shared_ptr<Metric>>;

/// A metric of one's own, as a function: the mean of all elements that `f(output, target)` returns over all batches, such as
/// MeanOf("mape", [](const Tensor& o, const Tensor& y) { return abs((y - o) / y); }). Other ones derive from Metric.
class MeanOf : public Metric {
public:
    using Function = std::function<Tensor(const Tensor& output, const Tensor& target)>;
    MeanOf(std::string name, Function f) : Metric(std::move(name)), f_(std::move(f)) {}
    Tensor summarize(const Tensor& output, const Tensor& target) const override;
    void add(const std::vector<double>& summary) override;

protected:
    double value() const override;
    void clear() override { sum_ = count_ = 0; }

private:
    Function f_;
    double sum_ = 0, count_ = 0;
};

} // namespace ingot::train
