// SPDX-License-Identifier: MIT
// Activation functions as layers without parameters. x: any shape, float dtype; results have the same shape.
#pragma once

#include <ingot/nn/module.h>

namespace ingot::nn {

class ReLU : public Module {
public:
    Tensor forward(Tensor x) override;
};

/// x where x > 0, else slope * x.
class LeakyReLU : public Module {
public:
    explicit LeakyReLU(double slope = 0.01) : slope_(slope) {}
    Tensor forward(Tensor x) override;

private:
    double slope_;
};

enum class Approximate : uint8_t { none, tanh };

/// The exact form, with erf, or the one with tanh.
class GELU : public Module {
public:
    explicit GELU(Approximate approximate = Approximate::none) : approximate_(approximate) {}
    Tensor forward(Tensor x) override;

private:
    Approximate approximate_;
};

class SiLU : public Module {
public:
    Tensor forward(Tensor x) override;
};

class Sigmoid : public Module {
public:
    Tensor forward(Tensor x) override;
};

class Tanh : public Module {
public:
    Tensor forward(Tensor x) override;
};

class Softmax : public Module {
public:
    explicit Softmax(int64_t axis = -1) : axis_(axis) {}
    Tensor forward(Tensor x) override;

private:
    int64_t axis_;
};

} // namespace ingot::nn
