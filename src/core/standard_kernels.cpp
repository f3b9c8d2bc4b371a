// SPDX-License-Identifier: MIT
// The kernels that every program finds by name (docs/low_level.md lists arguments and grids). Simple on purpose: they
// serve programs below tensors; tensors have faster ones. Grids that reach beyond an array are errors, so no kernel reads
// or writes outside. Matrices are row-major; weights of linear_* are [out, in], as in nn::Linear.
#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>

#include <ingot/error.h>
#include <ingot/kernel.h>

#include "core/half.h"

namespace ingot {

namespace {

using Floats = std::span<float>;
using ConstFloats = std::span<const float>;

/// The group's threads are [0, elements) of every array.
template <class... Spans> void check_elements(const char* kernel, const WorkGroup& g, const Spans&... arrays) {
    if (g.end.y > 1 || g.end.z > 1)
        throw Error(std::string(kernel) + ": the grid " + g.grid.str() + " must have one axis");
    for (const size_t size : {arrays.size()...}) {
        if (static_cast<uint64_t>(g.end.x) > size)
            throw Error(std::string(kernel) + ": the grid " + g.grid.str() + " reaches beyond an array of " +
                        std::to_string(size) + " elements");
    }
}

/// `array` has as many elements as the product of `extents` says.
void check_array(const char* kernel, const char* array, size_t elements, std::initializer_list<int64_t> extents) {
    int64_t needed = 1;
    std::string text;
    bool fits = true;
    for (const int64_t e : extents) {
        fits = fits && e >= 0 && !__builtin_mul_overflow(needed, e, &needed);
        text += (text.empty() ? "" : " x ") + std::to_string(e);
    }
    if (fits && elements == static_cast<uint64_t>(needed)) return;
    throw Error(std::string(kernel) + ": " + array + " has " + std::to_string(elements) + " elements, not " + text);
}

void check_grid(const char* kernel, const WorkGroup& g, const Dim3& most) {
    if (g.grid.x <= most.x && g.grid.y <= most.y && g.grid.z <= most.z) return;
    throw Error(std::string(kernel) + ": the grid " + g.grid.str() + " is larger than the result, " + most.str());
}

/// r[i] = f(a[i], b[i]). Integers wrap around.
template <class T, class F> auto binary(const char* name, F f) {
    return [name, f](const WorkGroup& g, std::span<const T> a, std::span<const T> b, std::span<T> r) {
        check_elements(name, g, a, b, r);
        for (auto i = static_cast<size_t>(g.begin.x); i < static_cast<size_t>(g.end.x); ++i) r[i] = f(a[i], b[i]);
    };
}

/// r[i] = f(x[i]).
template <class From, class To, class F> auto unary(const char* name, F f) {
    return [name, f](const WorkGroup& g, std::span<const From> x, std::span<To> r) {
        check_elements(name, g, x, r);
        for (auto i = static_cast<size_t>(g.begin.x); i < static_cast<size_t>(g.end.x); ++i) r[i] = f(x[i]);
    };
}

int32_t wrapping(uint32_t v) { return static_cast<int32_t>(v); }

/// Stable for both signs: exp never overflows.
float sigmoid(float x) {
    const float e = std::exp(-std::fabs(x));
    return (x >= 0 ? 1.0f : e) / (1.0f + e);
}
float identity(float x) { return x; }
float relu(float x) { return x < 0 ? 0.0f : x; } // keeps NaN

/// Grid {p, m, batch}: result[z, y, x] = sum over n of a[z, y, n] b[z, n, x].
void batch_matmul(const char* name, const WorkGroup& g, ConstFloats a, ConstFloats b, Floats r, int64_t batch,
                  int64_t m, int64_t n, int64_t p) {
    check_array(name, "a", a.size(), {batch, m, n});
    check_array(name, "b", b.size(), {batch, n, p});
    check_array(name, "the result", r.size(), {batch, m, p});
    check_grid(name, g, {p, m, batch});
    g.for_each([&](int64_t x, int64_t y, int64_t z) {
        const float* row = a.data() + (z * m + y) * n;
        const float* column = b.data() + z * n * p + x;
        float sum = 0;
        for (int64_t k = 0; k < n; ++k) sum += row[k] * column[k * p];
        r[static_cast<size_t>((z * m + y) * p + x)] = sum;
    });
}

/// Grid {out, batch}: y[b, o] = f(sum over i of x[b, i] w[o, i] + bias[o]).
template <class F> auto linear(const char* name, F f) {
    return [name, f](const WorkGroup& g, ConstFloats x, ConstFloats w, ConstFloats bias, Floats y, int64_t batch,
                     int64_t in, int64_t out) {
        check_array(name, "the input", x.size(), {batch, in});
        check_array(name, "the weight", w.size(), {out, in});
        check_array(name, "the bias", bias.size(), {out});
        check_array(name, "the result", y.size(), {batch, out});
        check_grid(name, g, {out, batch, 1});
        g.for_each([&](int64_t o, int64_t b) {
            float sum = 0;
            for (int64_t i = 0; i < in; ++i)
                sum += x[static_cast<size_t>(b * in + i)] * w[static_cast<size_t>(o * in + i)];
            y[static_cast<size_t>(b * out + o)] = f(sum + bias[static_cast<size_t>(o)]);
        });
    };
}

/// Adam, Kingma and Ba 2015, algorithm 1; step counts from 1.
void adam(const WorkGroup& g, Floats param, ConstFloats grad, Floats m, Floats v, float lr, float beta1, float beta2,
          float eps, int64_t step) {
    check_elements("adam_update_float32", g, param, grad, m, v);
    if (step < 1) throw Error("adam_update_float32: the step is " + std::to_string(step) + "; steps count from 1");
    const auto t = static_cast<double>(step);
    const auto correction1 = static_cast<float>(1 - std::pow(static_cast<double>(beta1), t));
    const auto correction2 = static_cast<float>(1 - std::pow(static_cast<double>(beta2), t));
    for (auto i = static_cast<size_t>(g.begin.x); i < static_cast<size_t>(g.end.x); ++i) {
        m[i] = beta1 * m[i] + (1 - beta1) * grad[i];
        v[i] = beta2 * v[i] + (1 - beta2) * grad[i] * grad[i];
        param[i] -= lr * (m[i] / correction1) / (std::sqrt(v[i] / correction2) + eps);
    }
}

void sgd_momentum(const WorkGroup& g, Floats param, ConstFloats grad, Floats velocity, float lr, float momentum,
                  float weight_decay) {
    check_elements("sgd_momentum_update_float32", g, param, grad, velocity);
    for (auto i = static_cast<size_t>(g.begin.x); i < static_cast<size_t>(g.end.x); ++i) {
        velocity[i] = momentum * velocity[i] + grad[i] + weight_decay * param[i];
        param[i] -= lr * velocity[i];
    }
}

/// Grid {rows}: every thread normalizes one row; variances are biased.
void layer_norm(const WorkGroup& g, ConstFloats x, ConstFloats gamma, ConstFloats beta, Floats y, Floats mean,
                Floats variance, int64_t rows, int64_t features, float eps) {
    const char* name = "layer_norm_float32";
    check_array(name, "the input", x.size(), {rows, features});
    check_array(name, "gamma", gamma.size(), {features});
    check_array(name, "beta", beta.size(), {features});
    check_array(name, "the result", y.size(), {rows, features});
    check_array(name, "the mean", mean.size(), {rows});
    check_array(name, "the variance", variance.size(), {rows});
    check_grid(name, g, {rows, 1, 1});
    g.for_each([&](int64_t row) {
        const ConstFloats in = x.subspan(static_cast<size_t>(row * features), static_cast<size_t>(features));
        const Floats out = y.subspan(static_cast<size_t>(row * features), static_cast<size_t>(features));
        double sum = 0, squares = 0;
        for (const float v : in) sum += v;
        const double average = sum / static_cast<double>(features);
        for (const float v : in) squares += (v - average) * (v - average);
        const double biased = squares / static_cast<double>(features);
        const double scale = 1 / std::sqrt(biased + static_cast<double>(eps));
        for (size_t i = 0; i < in.size(); ++i)
            out[i] = static_cast<float>((in[i] - average) * scale) * gamma[i] + beta[i];
        mean[static_cast<size_t>(row)] = static_cast<float>(average);
        variance[static_cast<size_t>(row)] = static_cast<float>(biased);
    });
}

KernelLibrary make_standard() {
    KernelLibrary library;
    const auto plus = [](float a, float b) { return a + b; };
    const auto times = [](float a, float b) { return a * b; };
    const auto plus_i = [](int32_t a, int32_t b) {
        return wrapping(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
    };
    const auto times_i = [](int32_t a, int32_t b) {
        return wrapping(static_cast<uint32_t>(a) * static_cast<uint32_t>(b));
    };
    library.add("add_arrays_float32", binary<float>("add_arrays_float32", plus));
    library.add("add_arrays_int32", binary<int32_t>("add_arrays_int32", plus_i));
    library.add("mul_arrays_float32", binary<float>("mul_arrays_float32", times));
    library.add("mul_arrays_int32", binary<int32_t>("mul_arrays_int32", times_i));
    library.add("relu_float32", unary<float, float>("relu_float32", relu));
    library.add("relu_int32", unary<int32_t, int32_t>("relu_int32", [](int32_t x) { return std::max(x, 0); }));
    library.add("sigmoid_float32", unary<float, float>("sigmoid_float32", sigmoid));
    library.add("convert_fp32_to_fp16", unary<float, uint16_t>("convert_fp32_to_fp16", core::f32_to_f16));
    library.add("convert_fp16_to_fp32", unary<uint16_t, float>("convert_fp16_to_fp32", core::f16_to_f32));
    library.add("matmul_float32", [](const WorkGroup& g, ConstFloats a, ConstFloats b, Floats r, int64_t m, int64_t n,
                                     int64_t p) { batch_matmul("matmul_float32", g, a, b, r, 1, m, n, p); });
    library.add("batch_matmul_float32",
                [](const WorkGroup& g, ConstFloats a, ConstFloats b, Floats r, int64_t batch, int64_t m, int64_t n,
                   int64_t p) { batch_matmul("batch_matmul_float32", g, a, b, r, batch, m, n, p); });
    library.add("linear_forward_float32", linear("linear_forward_float32", identity));
    library.add("linear_relu_float32", linear("linear_relu_float32", relu));
    library.add("linear_sigmoid_float32", linear("linear_sigmoid_float32", sigmoid));
    library.add("adam_update_float32", adam);
    library.add("sgd_momentum_update_float32", sgd_momentum);
    library.add("layer_norm_float32", layer_norm);
    return library;
}

} // namespace

const KernelLibrary& KernelLibrary::standard() {
    static const auto* library = new KernelLibrary(make_standard()); // immortal: kernels are used until the very end
    return *library;
}

} // namespace ingot
