// SPDX-License-Identifier: MIT
#include "train/step_statistics.h"

#include <utility>

#include <ingot/ops.h>

namespace ingot::train {

Tensor StepStatistics::probe(const nn::Module& model) {
    std::vector<Tensor> tensors = model.named_parameters().tensors();
    for (size_t i = 0, n = tensors.size(); i < n; ++i) {
        const Tensor gradient = tensors[i].grad();
        tensors.push_back(gradient.defined() ? gradient : zeros({0}, {.device = tensors[i].device()}));
    }
    return summarize_tensors(tensors);
}

void StepStatistics::push(int64_t step, double epoch, Tensor summary) {
    waiting_.push_back({{.step = step, .epoch = epoch}, std::move(summary)});
}

void StepStatistics::forget_after(int64_t step) {
    std::erase_if(waiting_, [step](const Waiting& w) { return w.at.step > step; });
}

std::vector<StatisticsAt> StepStatistics::take() {
    std::vector<std::string> both = names_;
    both.insert(both.end(), names_.begin(), names_.end());
    std::vector<StatisticsAt> out;
    for (Waiting& w : waiting_) {
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
