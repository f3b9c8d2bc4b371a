// SPDX-License-Identifier: MIT
// What a model said about each sample of an evaluation pass, for reports: rides along as a metric without a name, so that
// data that may be read once is read once. Sample i is the i-th of the pass. Keeps figures, not inputs.
// Letters: N samples, C classes, K outputs of a regression.
#pragma once

#include <cstdint>
#include <vector>

#include <ingot/train/metric.h>

namespace ingot::train {

class Predictions : public Metric {
public:
    enum class Kind : uint8_t {
        none,    ///< nothing seen, or a task whose samples have no single answer (text, pixels)
        classes, ///< outputs [N, C] logits (or [N], [N, 1] logits of class 1) with integer labels
        numbers, ///< outputs [N], [N, K] with float targets of that shape
    };

    Predictions() : Metric("") {}
    Tensor summarize(const Tensor& output, const Tensor& target) const override;
    void add(const std::vector<double>& summary) override;

    Kind kind() const { return kind_; }
    int64_t size() const { return size_; }

    // Kind::classes
    int64_t classes() const { return classes_; }
    const std::vector<int32_t>& labels() const { return labels_; }         ///< [N]
    const std::vector<int32_t>& predicted() const { return predicted_; }   ///< [N]
    const std::vector<float>& confidence() const { return confidence_; }   ///< [N]: probability of the prediction
    const std::vector<float>& probability() const { return probability_; } ///< [N]: of the label
    /// [N, C] probabilities; empty when there would be more than kMaxScores of them.
    const std::vector<float>& scores() const { return scores_; }

    // Kind::numbers, of the first output
    const std::vector<float>& targets() const { return targets_; } ///< [N]
    const std::vector<float>& outputs() const { return outputs_; } ///< [N]

    static constexpr size_t kMaxScores = size_t{1} << 24;

protected:
    double value() const override;
    void clear() override;

private:
    Kind kind_ = Kind::none;
    int64_t size_ = 0, classes_ = 0;
    bool too_many_ = false;
    std::vector<int32_t> labels_, predicted_;
    std::vector<float> confidence_, probability_, scores_, targets_, outputs_;
};

} // namespace ingot::train
