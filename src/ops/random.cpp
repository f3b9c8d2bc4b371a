// SPDX-License-Identifier: MIT
#include "ops/random.h"

#include <cmath>
#include <numbers>

#include <ingot/ops/creation.h>
#include <ingot/ops/elementwise.h>
#include <ingot/ops/random.h>

#include "graph/random.h"
#include "ops/common.h"

namespace ingot::ops {

namespace {

void infer_uniform(Call& c) { c.outputs->push_back({DType::f32, shape_from(c.attrs, 0)}); }

} // namespace

const OpDef kUniform{.name = "uniform", .prim = Prim::uniform, .kind = Kind::source, .infer = infer_uniform};

namespace {

/// f32 in [0, 1), one new word of the generator per element.
Tensor uniform(const Shape& shape, Device device) {
    Attrs attrs;
    append(attrs, shape.dims());
    return record(kUniform, {graph::random_key(shape.numel(), device)}, std::move(attrs));
}

Tensor finish(Tensor t, DType dtype, const TensorOptions& options) {
    t = cast(t, options.dtype.value_or(dtype));
    if (!options.requires_grad) return t;
    return t.set_requires_grad(true);
}

void check_shape(const char* op, const Shape& shape) {
    for (const int64_t d : shape)
        if (d < 0) shape_error(op, "shape " + shape.str() + " has a negative size");
}

void check_probability(const char* op, double p) {
    if (!(p >= 0 && p <= 1))
        throw Error(std::string(op) + ": the probability " + std::to_string(p) + " is not in [0, 1]");
}

Device device_of(const TensorOptions& options) { return options.device.value_or(Device::cpu()); }

} // namespace

} // namespace ingot::ops

namespace ingot {

using namespace ops;

void manual_seed(uint64_t seed) { graph::random_state() = {static_cast<int64_t>(seed), 0}; }

Tensor rand(const Shape& shape, const TensorOptions& options) {
    check_shape("rand", shape);
    const DType dtype = options.dtype.value_or(DType::f32);
    require_float("rand", dtype);
    Tensor u = uniform(shape, device_of(options));
    // Rounding to a short type must not give 1: keep as many bits as its significand has.
    if (dtype == DType::f16) u = floor(u * 2048) / 2048;
    if (dtype == DType::bf16) u = floor(u * 256) / 256;
    return finish(u, DType::f32, options);
}

Tensor randn(const Shape& shape, const TensorOptions& options) {
    check_shape("randn", shape);
    require_float("randn", options.dtype.value_or(DType::f32));
    const Tensor u = 1 - uniform(shape, device_of(options)); // in (0, 1], so that the logarithm is finite
    const Tensor angle = uniform(shape, device_of(options)) * (2 * std::numbers::pi);
    return finish(sqrt(log(u) * -2) * cos(angle), DType::f32, options);
}

Tensor randint(int64_t low, int64_t high, const Shape& shape, const TensorOptions& options) {
    check_shape("randint", shape);
    if (high <= low || high - low > (int64_t{1} << 24))
        throw Error("randint: the range from " + std::to_string(low) + " to " + std::to_string(high) +
                    " does not hold from 1 to 2^24 integers");
    // u <= 1 - 2^-24 and at most 2^24 values: the product stays below high - low in f32.
    const Tensor offset = floor(uniform(shape, device_of(options)) * static_cast<double>(high - low));
    return finish(cast(offset, DType::i64) + low, DType::i64, options);
}

Tensor bernoulli(const Shape& shape, double p, const TensorOptions& options) {
    check_shape("bernoulli", shape);
    check_probability("bernoulli", p);
    return finish(uniform(shape, device_of(options)) < p, DType::f32, options);
}

Tensor dropout(const Tensor& x, double p, bool training) {
    check_probability("dropout", p);
    require_float("dropout", x.dtype());
    if (!training || p == 0) return present(x);
    if (p == 1) return where(constant(0, DType::boolean, x.device()), x, 0);
    return where(uniform(x.shape(), x.device()) >= p, x * (1 / (1 - p)), 0);
}

} // namespace ingot
