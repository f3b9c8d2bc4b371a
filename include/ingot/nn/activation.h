// SPDX-License-Identifier: MIT
// Activation functions as layers; all but PReLU have no parameters. x: any shape, float dtype; results have the same shape
// unless said. Formulas: ops/elementwise.h, ops/activation.h, ops/softmax.h.
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

class SELU : public Module {
public:
    Tensor forward(Tensor x) override;
};

class Softsign : public Module {
public:
    Tensor forward(Tensor x) override;
};

class ReLU6 : public Module {
public:
    Tensor forward(Tensor x) override;
};

class Hardswish : public Module {
public:
    Tensor forward(Tensor x) override;
};

class Hardsigmoid : public Module {
public:
    Tensor forward(Tensor x) override;
};

class Mish : public Module {
public:
    Tensor forward(Tensor x) override;
};

class LogSigmoid : public Module {
public:
    Tensor forward(Tensor x) override;
};

class Tanhshrink : public Module {
public:
    Tensor forward(Tensor x) override;
};

class ELU : public Module {
public:
    explicit ELU(double alpha = 1) : alpha_(alpha) {}
    Tensor forward(Tensor x) override;

private:
    double alpha_;
};

class CELU : public Module {
public:
    explicit CELU(double alpha = 1) : alpha_(alpha) {}
    Tensor forward(Tensor x) override;

private:
    double alpha_;
};

/// log(1 + exp(beta x)) / beta.
class Softplus : public Module {
public:
    explicit Softplus(double beta = 1) : beta_(beta) {}
    Tensor forward(Tensor x) override;

private:
    double beta_;
};

class Hardtanh : public Module {
public:
    explicit Hardtanh(double min_val = -1, double max_val = 1) : min_val_(min_val), max_val_(max_val) {}
    Tensor forward(Tensor x) override;

private:
    double min_val_, max_val_;
};

/// x where x > 0, else weight x. weight: [num_parameters], 1 or the size of axis 1; starts at `init`.
class PReLU : public Module {
public:
    explicit PReLU(int64_t num_parameters = 1, double init = 0.25);
    Tensor forward(Tensor x) override;
    Tensor weight;
};

/// Halves an axis: a sigmoid(b).
class GLU : public Module {
public:
    explicit GLU(int64_t axis = -1) : axis_(axis) {}
    Tensor forward(Tensor x) override;

private:
    int64_t axis_;
};

class Softmin : public Module {
public:
    explicit Softmin(int64_t axis = -1) : axis_(axis) {}
    Tensor forward(Tensor x) override;

private:
    int64_t axis_;
};

class LogSoftmax : public Module {
public:
    explicit LogSoftmax(int64_t axis = -1) : axis_(axis) {}
    Tensor forward(Tensor x) override;

private:
    int64_t axis_;
};

} // namespace ingot::nn
