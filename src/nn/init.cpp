// SPDX-License-Identifier: MIT
#include <cmath>

#include <ingot/nn/init.h>
#include <ingot/ops/creation.h>
#include <ingot/ops/elementwise.h>
#include <ingot/ops/random.h>

namespace ingot::nn::init {

namespace {

struct Fans {
    double in, out;
};

Fans fans(const Tensor& t, const char* name) {
    if (t.rank() < 2)
        throw ShapeError(std::string(name) + ": a tensor of shape " + t.shape().str() +
                         " has no fans; rank 2 is needed");
    const double out = static_cast<double>(t.size(0)), in = static_cast<double>(t.size(1));
    const double field = out * in > 0 ? static_cast<double>(t.numel()) / (out * in) : 0;
    return {in * field, out * field};
}

double kaiming_std(const Tensor& t, const KaimingOptions& options, const char* name) {
    const Fans f = fans(t, name);
    return gain(options.nonlinearity, options.a) / std::sqrt(options.mode == FanMode::fan_in ? f.in : f.out);
}

TensorOptions like(const Tensor& t) { return {.dtype = t.dtype(), .device = t.device()}; }

Tensor fill(const Tensor& t, const Tensor& value) {
    t.assign(value);
    return t;
}

} // namespace

double gain(Nonlinearity nonlinearity, double slope) {
    switch (nonlinearity) {
    case Nonlinearity::linear:
    case Nonlinearity::sigmoid: return 1;
    case Nonlinearity::tanh: return 5.0 / 3;
    case Nonlinearity::relu: return std::sqrt(2.0);
    case Nonlinearity::leaky_relu: return std::sqrt(2 / (1 + slope * slope));
    }
    throw Error("gain: unknown nonlinearity");
}

Tensor constant(const Tensor& t, double value) { return fill(t, full(t.shape(), value, like(t))); }
Tensor zeros(const Tensor& t) { return constant(t, 0); }
Tensor ones(const Tensor& t) { return constant(t, 1); }

Tensor uniform(const Tensor& t, double low, double high) {
    return fill(t, rand(t.shape(), like(t)) * (high - low) + low);
}

Tensor normal(const Tensor& t, double mean, double std) { return fill(t, randn(t.shape(), like(t)) * std + mean); }

Tensor xavier_uniform(const Tensor& t, double gain) {
    const Fans f = fans(t, "xavier_uniform");
    const double bound = gain * std::sqrt(6 / (f.in + f.out));
    return uniform(t, -bound, bound);
}

Tensor xavier_normal(const Tensor& t, double gain) {
    const Fans f = fans(t, "xavier_normal");
    return normal(t, 0, gain * std::sqrt(2 / (f.in + f.out)));
}

Tensor kaiming_uniform(const Tensor& t, KaimingOptions options) {
    const double bound = std::sqrt(3.0) * kaiming_std(t, options, "kaiming_uniform");
    return uniform(t, -bound, bound);
}

Tensor kaiming_normal(const Tensor& t, KaimingOptions options) {
    return normal(t, 0, kaiming_std(t, options, "kaiming_normal"));
}

} // namespace ingot::nn::init
