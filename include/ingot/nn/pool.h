// SPDX-License-Identifier: MIT
// Pooling layers. x: [N, C, H, W] -> [N, C, H', W'] (see ops/pool.h). The stride is the kernel unless given.
#pragma once

#include <ingot/nn/module.h>
#include <ingot/ops/pool.h>

namespace ingot::nn {

class MaxPool2d : public Module {
public:
    explicit MaxPool2d(Int2 kernel, Pool2dOptions options = {}) : kernel_(kernel), options_(options) {}
    Tensor forward(Tensor x) override;

private:
    Int2 kernel_;
    Pool2dOptions options_;
};

class AvgPool2d : public Module {
public:
    explicit AvgPool2d(Int2 kernel, Pool2dOptions options = {}) : kernel_(kernel), options_(options) {}
    Tensor forward(Tensor x) override;

private:
    Int2 kernel_;
    Pool2dOptions options_;
};

/// The mean of each image: [N, C, H, W] -> [N, C, 1, 1]. Errors: Error for an output size other than 1.
class AdaptiveAvgPool2d : public Module {
public:
    explicit AdaptiveAvgPool2d(Int2 output_size = 1);
    Tensor forward(Tensor x) override;
};

using GlobalAvgPool2d = AdaptiveAvgPool2d;

} // namespace ingot::nn
