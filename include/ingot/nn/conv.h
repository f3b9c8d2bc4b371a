// SPDX-License-Identifier: MIT
// Convolution layers. Letters: N = batch, C = input channels, O = output channels, G = groups.
#pragma once

#include <ingot/nn/module.h>
#include <ingot/ops/types.h>

namespace ingot::nn {

struct Conv2dOptions {
    Int2 kernel = 3;
    Int2 stride = 1;
    Int2 padding = 0;
    Int2 dilation = 1;
    int64_t groups = 1;
    bool bias = true;
};

/// x: [N, C, H, W] -> [N, O, H', W'] (see ingot::conv2d). weight: [O, C / G, kh, kw]; bias: [O], undefined without.
/// Both start uniform in +-1 / sqrt(C / G kh kw), as in PyTorch.
class Conv2d : public Module {
public:
    Conv2d(int64_t in_channels, int64_t out_channels, Conv2dOptions options = {});
    Tensor forward(Tensor x) override;
    Tensor weight, bias;

private:
    Conv2dOptions options_;
};

struct Conv1dOptions {
    int64_t kernel = 3;
    int64_t stride = 1;
    int64_t padding = 0;
    int64_t dilation = 1;
    int64_t groups = 1;
    bool bias = true;
};

/// x: [N, C, L] -> [N, O, L'] (see ingot::conv1d). weight: [O, C / G, k]; bias: [O]. Start as Conv2d's.
class Conv1d : public Module {
public:
    Conv1d(int64_t in_channels, int64_t out_channels, Conv1dOptions options = {});
    Tensor forward(Tensor x) override;
    Tensor weight, bias;

private:
    Conv1dOptions options_;
};

struct ConvTranspose2dOptions {
    Int2 kernel = 3;
    Int2 stride = 1;
    Int2 padding = 0;
    Int2 output_padding = 0;
    Int2 dilation = 1;
    int64_t groups = 1;
    bool bias = true;
};

/// x: [N, C, H, W] -> [N, O, H', W'] (see ingot::conv_transpose2d). weight: [C, O / G, kh, kw]; bias: [O]. Both start uniform
/// in +-1 / sqrt(O / G kh kw), as in PyTorch.
class ConvTranspose2d : public Module {
public:
    ConvTranspose2d(int64_t in_channels, int64_t out_channels, ConvTranspose2dOptions options = {});
    Tensor forward(Tensor x) override;
    Tensor weight, bias;

private:
    ConvTranspose2dOptions options_;
};

struct ConvTranspose1dOptions {
    int64_t kernel = 3;
    int64_t stride = 1;
    int64_t padding = 0;
    int64_t output_padding = 0;
    int64_t dilation = 1;
    int64_t groups = 1;
    bool bias = true;
};

/// x: [N, C, L] -> [N, O, L']. weight: [C, O / G, k]; bias: [O].
class ConvTranspose1d : public Module {
public:
    ConvTranspose1d(int64_t in_channels, int64_t out_channels, ConvTranspose1dOptions options = {});
    Tensor forward(Tensor x) override;
    Tensor weight, bias;

private:
    ConvTranspose1dOptions options_;
};

} // namespace ingot::nn
