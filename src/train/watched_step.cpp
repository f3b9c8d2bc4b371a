// SPDX-License-Identifier: MIT
#include "train/watched_step.h"

#include <utility>

#include <ingot/ops.h>

namespace ingot::train {

WatchedStep::WatchedStep(nn::Module& model, optim::Optimizer& optimizer, Loss loss)
    : names_(model.named_parameters().names()),
      function_(
          std::make_unique<Compiled>([&model, &optimizer, loss = std::move(loss)](const std::vector<Tensor>& batch) {
              const Tensor l = loss(model(batch[0]), batch[1]);
              optimizer.zero_grad();
              l.backward();
              std::vector<Tensor> tensors = model.named_parameters().tensors();
              for (size_t i = 0, n = tensors.size(); i < n; ++i) {
                  const Tensor gradient = tensors[i].grad();
                  tensors.push_back(gradient.defined() ? gradient : zeros({0}, {.device = tensors[i].device()}));
              }
              const Tensor summary =
                  summarize_tensors(tensors); // before the update: the weights that the gradients belong to
              optimizer.step();
              return std::vector<Tensor>{l, summary};
          })) {}

WatchedStep::~WatchedStep() = default;

Tensor WatchedStep::run(const Tensor& x, const Tensor& y, int64_t step, double epoch) {
    std::vector<Tensor> results = function_->call({x, y});
    waiting_.push_back({{.step = step, .epoch = epoch}, std::move(results[1])});
    return results[0];
}

std::vector<StatisticsAt> WatchedStep::take() {
    std::vector<StatisticsAt> out;
    for (Waiting& w : waiting_) {
        std::vector<std::string> both = names_;
        both.insert(both.end(), names_.begin(), names_.end());
        std::vector<TensorStatistics> all = read_statistics(both, w.summary);
        const auto middle = all.begin() + static_cast<std::ptrdiff_t>(names_.size());
        w.at.weights.assign(all.begin(), middle);
        w.at.gradients.assign(middle, all.end());
        out.push_back(std::move(w.at));
    }
    waiting_.clear();
    return out;
}

} // namespace ingot::train
