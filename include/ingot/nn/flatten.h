// SPDX-License-Identifier: MIT
// Layers that compute nothing.
#pragma once

#include <utility>

#include <ingot/nn/module.h>

namespace ingot::nn {

/// Joins axes start to stop: [N, C, H, W] -> [N, C * H * W] by default.
class Flatten : public Module {
public:
    explicit Flatten(int64_t start = 1, int64_t stop = -1) : start_(start), stop_(stop) {}
    Tensor forward(Tensor x) override;

private:
    int64_t start_, stop_;
};

/// The opposite: an axis becomes several; one of their sizes may be -1 and is then worked out.
class Unflatten : public Module {
public:
    Unflatten(int64_t axis, Shape sizes) : axis_(axis), sizes_(std::move(sizes)) {}
    Tensor forward(Tensor x) override;

private:
    int64_t axis_;
    Shape sizes_;
};

class Identity : public Module {
public:
    Tensor forward(Tensor x) override { return x; }
};

} // namespace ingot::nn
