// SPDX-License-Identifier: MIT
// Loss and metrics of a model over a data set, with a function that is compiled once and used for every pass: one
// submission per batch gives the loss and the summaries of all metrics. Used by the trainer and `ingot eval`. Holds a
// reference to the model. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <ingot/train/evaluate.h>

namespace ingot::train {

/// Errors: Error saying which of the two a batch of `data` ("the training data") lacks.
void check_batch(const std::string& data, const Tensor& x, const Tensor& y);

class Evaluator {
public:
    /// Errors: Error for a metric that is null, or two of one name.
    Evaluator(nn::Module& model, Loss loss, MetricList metrics = {});
    ~Evaluator();
    Evaluator(const Evaluator&) = delete;
    Evaluator& operator=(const Evaluator&) = delete;
    /// One pass in evaluation mode, without gradients; the model's mode is put back. Stops early, with what it has so far,
    /// when `stop` says so.
    EvalResult run(data::Batches& batches, const std::function<bool()>& stop = {});

private:
    struct Traced;
    nn::Module& model_;
    std::unique_ptr<Traced> traced_;
};

} // namespace ingot::train
