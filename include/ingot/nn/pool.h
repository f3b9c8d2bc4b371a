// SPDX-License-Identifier: MIT
// Pooling layers. x: [N, C, H, W] -> [N, C, H', W'] unless said (see ops/pool.h). The stride is the kernel unless given.
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

/// Pooling to a given size: [N, C, H, W] -> [N, C, size.h, size.w] (see ingot::adaptive_avg_pool2d).
class AdaptiveAvgPool2d : public Module {
public:
    explicit AdaptiveAvgPool2d(Int2 output_size = 1);
    Tensor forward(Tensor x) override;

private:
    Int2 size_;
};

class AdaptiveMaxPool2d : public Module {
public:
    explicit AdaptiveMaxPool2d(Int2 output_size = 1);
    Tensor forward(Tensor x) override;

private:
    Int2 size_;
};

/// x: [N, C, L] -> [N, C, output_size].
class AdaptiveAvgPool1d : public Module {
public:
    explicit AdaptiveAvgPool1d(int64_t output_size = 1);
    Tensor forward(Tensor x) override;

private:
    int64_t size_;
};

class AdaptiveMaxPool1d : public Module {
public:
    explicit AdaptiveMaxPool1d(int64_t output_size = 1);
    Tensor forward(Tensor x) override;

private:
    int64_t size_;
};

/// x: [N, C, L] -> [N, C, L'].
class MaxPool1d : public Module {
public:
    explicit MaxPool1d(int64_t kernel, Pool1dOptions options = {}) : kernel_(kernel), options_(options) {}
    Tensor forward(Tensor x) override;

private:
    int64_t kernel_;
    Pool1dOptions options_;
};

class AvgPool1d : public Module {
public:
    explicit AvgPool1d(int64_t kernel, Pool1dOptions options = {}) : kernel_(kernel), options_(options) {}
    Tensor forward(Tensor x) override;

private:
    int64_t kernel_;
    Pool1dOptions options_;
};

using GlobalAvgPool2d = AdaptiveAvgPool2d;

} // namespace ingot::nn
