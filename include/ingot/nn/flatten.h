// SPDX-License-Identifier: MIT
// Layers that compute nothing.
#pragma once

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

class Identity : public Module {
public:
    Tensor forward(Tensor x) override { return x; }
};

} // namespace ingot::nn
