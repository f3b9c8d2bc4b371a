// SPDX-License-Identifier: MIT
// Scalars of queued steps, read some steps after they were asked for: reading waits for the device, so reading each one
// at once would stop the queue at every step. Used by the trainer and by evaluation. Not synchronised.
#pragma once

#include <deque>
#include <functional>
#include <utility>

#include <ingot/tensor.h>

namespace ingot::train {

class LateValues {
public:
    /// `take` gets each value in the order of push().
    explicit LateValues(std::function<void(const Tensor&)> take) : take_(std::move(take)) {}

    void push(Tensor value) {
        waiting_.push_back(std::move(value));
        // By the time the newest of them is queued, the oldest is long done: this wait is short.
        if (waiting_.size() > kWindow) pop();
    }
    /// Reads all that are waiting but the newest `keep`.
    void drain(size_t keep = 0) {
        while (waiting_.size() > keep) pop();
    }
    /// The one that was pushed last; there must be one waiting.
    const Tensor& newest() const { return waiting_.back(); }
    /// Forgets all that are waiting.
    void clear() { waiting_.clear(); }

private:
    static constexpr size_t kWindow = 64;
    void pop() {
        const Tensor value = std::move(waiting_.front());
        waiting_.pop_front();
        take_(value);
    }
    std::function<void(const Tensor&)> take_;
    std::deque<Tensor> waiting_;
};

} // namespace ingot::train
