// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

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

namespace {

double distribution(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

/// x with distribution(x) = p in [low, high], by bisection.
double quantile(double p, double low, double high) {
    for (int i = 0; i < 60; ++i) {
        const double middle = (low + high) / 2;
        (distribution(middle) < p ? low : high) = middle;
    }
    return (low + high) / 2;
}

double product(const double* a, const double* b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; ++i) sum += a[i] * b[i];
    return sum;
}

} // namespace

Tensor trunc_normal(const Tensor& t, double mean, double std, double low, double high) {
    if (!(std > 0) || !(low < high)) throw Error("trunc_normal: std must be above 0 and low below high");
    const double a = (low - mean) / std, b = (high - mean) / std;
    const double from = distribution(a), to = distribution(b);
    std::vector<double> values = rand(t.shape()).to_vector<double>();
    for (double& v : values) v = std::clamp(mean + std * quantile(from + v * (to - from), a, b), low, high);
    return fill(t, Tensor::from(values, t.shape(), like(t)));
}

Tensor orthogonal(const Tensor& t, double gain) {
    if (t.rank() < 2 || t.numel() == 0)
        throw ShapeError("orthogonal: a tensor of shape " + t.shape().str() + " is no matrix; rank 2 is needed");
    const auto rows = static_cast<size_t>(t.size(0)), columns = static_cast<size_t>(t.numel()) / rows;
    const bool tall = rows > columns;
    // The vectors that become orthonormal, one after the other: those of a normal matrix have evenly distributed directions.
    const size_t count = std::min(rows, columns), length = std::max(rows, columns);
    std::vector<double> m = randn({static_cast<int64_t>(count * length)}, {.dtype = f64}).to_vector<double>();
    for (size_t i = 0; i < count; ++i) {
        double* v = m.data() + i * length;
        for (int pass = 0; pass < 2; ++pass) // once more takes away what rounding left
            for (size_t j = 0; j < i; ++j) {
                const double* u = m.data() + j * length;
                const double share = product(v, u, length);
                for (size_t k = 0; k < length; ++k) v[k] -= share * u[k];
            }
        const double norm = std::sqrt(product(v, v, length));
        for (size_t k = 0; k < length; ++k) v[k] /= norm;
    }
    std::vector<double> values(m.size());
    for (size_t r = 0; r < rows; ++r)
        for (size_t c = 0; c < columns; ++c)
            values[r * columns + c] = gain * (tall ? m[c * length + r] : m[r * length + c]);
    return fill(t, Tensor::from(values, t.shape(), like(t)));
}

} // namespace ingot::nn::init
