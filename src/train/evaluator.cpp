// SPDX-License-Identifier: MIT
#include "train/evaluator.h"

#include <deque>
#include <utility>

#include <ingot/ops.h>

#include "train/late_values.h"

namespace ingot::train {

namespace {

/// Puts train or eval mode back, also after an exception.
class ModeGuard {
public:
    explicit ModeGuard(nn::Module& model) : model_(model), before_(model.is_training()) {}
    ~ModeGuard() { model_.train(before_); }
    ModeGuard(const ModeGuard&) = delete;
    ModeGuard& operator=(const ModeGuard&) = delete;

private:
    nn::Module& model_;
    bool before_;
};

} // namespace

Evaluator::Evaluator(nn::Module& model, Trainer::Loss loss)
    : model_(model), function_(compile_batch_function([&model, loss = std::move(loss)](Tensor x, Tensor y) {
          const NoGrad guard;
          const Tensor output = model(x);
          if (output.rank() != 2 || output.size(0) != y.size(0))
              throw ShapeError("evaluate: the model's output " + output.shape().str() +
                               " should be [samples, classes] for labels " + y.shape().str());
          const Tensor right = sum(cast(eq(argmax(output, {1}), y), f32));
          return stack({cast(loss(output, y), f32), right});
      })) {}

EvalResult Evaluator::run(data::Batches& batches, const std::function<bool()>& stop) {
    const ModeGuard mode(model_);
    model_.eval();
    EvalResult result;
    double loss_sum = 0, right = 0;
    std::deque<int64_t> sizes;
    LateValues values([&](const Tensor& value) {
        const std::vector<float> pair = value.to_vector<float>();
        const auto n = sizes.front();
        sizes.pop_front();
        loss_sum += static_cast<double>(pair[0]) * static_cast<double>(n);
        right += static_cast<double>(pair[1]);
        result.samples += n;
    });
    batches.start(0);
    for (Tensor x, y; !(stop && stop()) && batches.next(x, y);) {
        sizes.push_back(y.size(0));
        values.push(function_(x, y));
    }
    values.drain();
    if (result.samples > 0) {
        result.loss = loss_sum / static_cast<double>(result.samples);
        result.accuracy = right / static_cast<double>(result.samples);
    }
    return result;
}

EvalResult evaluate(nn::Module& model, const Trainer::Loss& loss, data::Batches& batches) {
    return Evaluator(model, loss).run(batches);
}

} // namespace ingot::train
