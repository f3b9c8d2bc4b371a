// SPDX-License-Identifier: MIT
// Initial values for parameters, drawn from this thread's generator (manual_seed). Each function makes a new value the
// present one of `t`, which must be a parameter or buffer, and returns t. Fans of a weight [O, I, k..]: in I k.., out O k...
// Xavier: Glorot and Bengio 2010; Kaiming: He et al. 2015.
#pragma once

#include <cstdint>

#include <ingot/tensor.h>

namespace ingot::nn::init {

enum class FanMode : uint8_t { fan_in, fan_out };
enum class Nonlinearity : uint8_t { linear, sigmoid, tanh, relu, leaky_relu };

/// The factor by which a function's input variance should grow: 1, 1, 5/3, sqrt(2), sqrt(2 / (1 + slope^2)).
double gain(Nonlinearity nonlinearity, double slope = 0.01);

Tensor constant(const Tensor& t, double value);
Tensor zeros(const Tensor& t);
Tensor ones(const Tensor& t);
/// Uniform in [low, high).
Tensor uniform(const Tensor& t, double low = 0, double high = 1);
Tensor normal(const Tensor& t, double mean = 0, double std = 1);

/// Uniform in +-gain sqrt(6 / (fan_in + fan_out)). t: rank >= 2. Errors: ShapeError.
Tensor xavier_uniform(const Tensor& t, double gain = 1);
/// Normal with std gain sqrt(2 / (fan_in + fan_out)).
Tensor xavier_normal(const Tensor& t, double gain = 1);

struct KaimingOptions {
    double a = 0; ///< the slope, for leaky_relu
    FanMode mode = FanMode::fan_in;
    Nonlinearity nonlinearity = Nonlinearity::leaky_relu;
};
/// Uniform in +-gain sqrt(3 / fan).
Tensor kaiming_uniform(const Tensor& t, KaimingOptions options = {});
/// Normal with std gain / sqrt(fan).
Tensor kaiming_normal(const Tensor& t, KaimingOptions options = {});

/// Normal, but only what lies in [low, high]: by the inverse of the distribution function. Waits. Errors: Error unless
/// low < high and std > 0.
Tensor trunc_normal(const Tensor& t, double mean = 0, double std = 1, double low = -2, double high = 2);

/// gain times a random orthogonal matrix (Saxe et al. 2014): t as a matrix [O, all other axes] has orthonormal rows, or
/// columns when there are more rows. Waits. t: rank >= 2, one element at least. Errors: ShapeError.
Tensor orthogonal(const Tensor& t, double gain = 1);

} // namespace ingot::nn::init
