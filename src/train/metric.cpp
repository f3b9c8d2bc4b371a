// SPDX-License-Identifier: MIT
#include <limits>

#include <ingot/compile.h>
#include <ingot/error.h>
#include <ingot/eval.h>
#include <ingot/ops.h>
#include <ingot/train/metric.h>

#include "train/sum_dtype.h"

namespace ingot::train {

namespace {

/// Summaries that may wait on the device: enough that reading one finds it computed.
constexpr size_t kWindow = 64;

} // namespace

void Metric::update(const Tensor& output, const Tensor& target) {
    if (compiling())
        throw Error(name_ + ": update() inside compile(); return summarize()'s tensor from the compiled function and "
                            "hand its elements to add()");
    const bool training = output.requires_grad();
    {
        const NoGrad guard;
        waiting_.push_back(summarize(output, target));
    }
    if (!training) submit_pending();
    while (waiting_.size() > kWindow) read_oldest();
}

double Metric::compute() {
    drain();
    return value();
}

void Metric::reset() {
    waiting_.clear();
    clear();
}

void Metric::drain() {
    while (!waiting_.empty()) read_oldest();
}

void Metric::read_oldest() {
    const Tensor summary = std::move(waiting_.front());
    waiting_.pop_front();
    add(summary.to_vector<double>());
}

Tensor MeanOf::summarize(const Tensor& output, const Tensor& target) const {
    const Tensor values = f_(output, target);
    const DType dtype = sum_dtype(values.device());
    return stack({sum(cast(values, dtype)), full({}, values.numel(), {.dtype = dtype, .device = values.device()})});
}

void MeanOf::add(const std::vector<double>& summary) {
    sum_ += summary.at(0);
    count_ += summary.at(1);
}

double MeanOf::value() const { return count_ > 0 ? sum_ / count_ : std::numeric_limits<double>::quiet_NaN(); }

} // namespace ingot::train
