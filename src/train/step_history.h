// SPDX-License-Identifier: MIT
// The losses of a run by step, in bounded memory: when there are too many, neighbours become their mean. Used by the
// trainer, which submits steps long before it reads their losses. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include <ingot/train/history.h>

namespace ingot::train {

class StepHistory {
public:
    explicit StepHistory(size_t most = 2048) : most_(most) {}

    /// Step `step` (from 1) is on its way; it ends at `epoch`.
    void submitted(int64_t step, double epoch, double lr) { waiting_.push_back({step, epoch, 0, lr}); }
    /// The loss of the oldest step on its way. Returns that step.
    StepLoss read(double loss) {
        StepLoss s = waiting_.front();
        waiting_.pop_front();
        s.loss = loss;
        add(s);
        return s;
    }
    /// Means of equal numbers of steps (the last may be of fewer).
    std::vector<StepLoss> points() const {
        std::vector<StepLoss> out;
        for (const Sum& sum : sums_) {
            const double n = static_cast<double>(sum.count);
            out.push_back({sum.step, sum.epoch / n, sum.loss / n, sum.lr / n});
        }
        return out;
    }

private:
    struct Sum {
        int64_t step = 0, count = 0;
        double epoch = 0, loss = 0, lr = 0;
    };
    void add(const StepLoss& s) {
        if (sums_.empty() || sums_.back().count == width_) sums_.emplace_back();
        Sum& sum = sums_.back();
        sum.step = s.step;
        ++sum.count;
        sum.epoch += s.epoch;
        sum.loss += s.loss;
        sum.lr += s.lr;
        if (sums_.size() < most_ || sums_.back().count < width_) return;
        for (size_t i = 0; i < sums_.size() / 2; ++i) {
            const Sum &a = sums_[2 * i], &b = sums_[2 * i + 1];
            sums_[i] = {b.step, a.count + b.count, a.epoch + b.epoch, a.loss + b.loss, a.lr + b.lr};
        }
        sums_.resize(sums_.size() / 2);
        width_ *= 2;
    }

    size_t most_; ///< even
    int64_t width_ = 1;
    std::vector<Sum> sums_;
    std::deque<StepLoss> waiting_;
};

} // namespace ingot::train
