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

} // namespace ingot::nn
