// SPDX-License-Identifier: MIT
// One pass of a model over data in evaluation mode: loss, accuracy or errors, and any metrics. Used by the trainer for
// validation and test, by `ingot eval` and by programs. One thread.
// Letters: N samples, C classes, S any further axes.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <ingot/data/batches.h>
#include <ingot/nn/module.h>
#include <ingot/train/metric.h>

namespace ingot::train {

using Loss = std::function<Tensor(const Tensor& output, const Tensor& target)>;

struct MetricValue {
    std::string name;
    double value = 0; ///< NaN where the metric is undefined
};

/// What a pass came to. The figures that do not belong to the task are NaN.
struct EvalResult {
    double loss = std::numeric_limits<double>::quiet_NaN(); ///< mean over samples; NaN when there were none
    /// Integer targets: part of the labels whose score is the highest. Outputs are [N, C, S..] with targets [N, S..], or, as
    /// language models give them, [N, S.., C]; where both fit, those with more than three axes are taken for the first.
    double accuracy = std::numeric_limits<double>::quiet_NaN();
    int64_t samples = 0;
    /// Float targets of the outputs' shape: mean absolute error and coefficient of determination.
    double mae = std::numeric_limits<double>::quiet_NaN(), r2 = std::numeric_limits<double>::quiet_NaN();
    std::vector<MetricValue> metrics = {}; ///< of those that were asked for and have a name

    /// The value of a metric, NaN when there is none of that name.
    double metric(const std::string& name) const;
};

/// The modes of the model and its parts are put back afterwards; `metrics` are reset first and hold the pass's state then.
/// Errors: those of the model, the loss, the metrics and the data.
EvalResult evaluate(nn::Module& model, const Loss& loss, data::Batches& batches, const MetricList& metrics = {});

} // namespace ingot::train
