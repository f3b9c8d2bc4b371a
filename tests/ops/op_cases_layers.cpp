// SPDX-License-Identifier: MIT
// Rows of ingot/ops/activation.h and of what conv.h, pool.h and norm.h hold beside the basic forms. All are also compared with
// PyTorch's values (tests/nn/more_golden_test.cpp).
#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/op_case.h"

namespace ingot::optest {

namespace {

const char* const kLinear = "sums of products in another order, in f32";
const char* const kNorm = "differences from a rounded mean are divided by a rounded deviation";

double sigmoid_of(double a) { return 1 / (1 + std::exp(-a)); }
double softplus_of(double a) { return std::log1p(std::exp(a)); }

/// A row of one function of each element, as in the arguments.
OpCase activation(OpCase row, Fn fn, double (*f)(double)) {
    row.args = {real({3, 4, 5}, -5, 5)};
    row.fn = std::move(fn);
    row.oracle = map1(f);
    row.elementwise = true;
    return row;
}

// ------------------------------------------------------------------------------------------------- convolutions

/// The transpose of convolution by its definition: every element of x adds its multiple of the kernel.
struct Transposed {
    int64_t stride = 1, padding = 0, more = 0, dilation = 1, groups = 1;
};
Oracle transposed(Transposed o) {
    return [o](const std::vector<Array>& in) {
        const Array &x = in[0], &w = in[1];
        const Shape &xs = x.shape, &ws = w.shape;
        const auto size = [&](int64_t n, int64_t k) {
            return (n - 1) * o.stride - 2 * o.padding + o.dilation * (k - 1) + o.more + 1;
        };
        const Shape out{xs[0], ws[1] * o.groups, size(xs[2], ws[2]), size(xs[3], ws[3])};
        std::vector<double> y(static_cast<size_t>(out.numel()), 0);
        const Ints strides = out.strides();
        const int64_t per_group = xs[1] / o.groups;
        for_each_index(xs, [&](const Ints& i) {
            for_each_index({ws[1], ws[2], ws[3]}, [&](const Ints& k) {
                const int64_t channel = i[1] / per_group * ws[1] + k[0];
                const int64_t row = i[2] * o.stride - o.padding + k[1] * o.dilation;
                const int64_t column = i[3] * o.stride - o.padding + k[2] * o.dilation;
                if (row < 0 || row >= out[2] || column < 0 || column >= out[3]) return;
                y[static_cast<size_t>(i[0] * strides[0] + channel * strides[1] + row * strides[2] + column)] +=
                    x.at(i) * w.at({i[1], k[0], k[1], k[2]});
            });
        });
        if (in.size() == 3)
            for (size_t i = 0; i < y.size(); ++i)
                y[i] += in[2][static_cast<size_t>(static_cast<int64_t>(i) / strides[1] % out[1])];
        return y;
    };
}

/// An oracle of images for sequences [A, B, L]: as [A, B, 1, L].
Oracle as_images(Oracle oracle) {
    return [oracle](const std::vector<Array>& in) {
        std::vector<Array> lifted = in;
        for (Array& a : lifted)
            if (a.shape.rank() == 3) a.shape = {a.shape[0], a.shape[1], 1, a.shape[2]};
        return oracle(lifted);
    };
}

/// x: [N, C, L], w: [O, C, k]; no padding.
std::vector<double> plain_conv1d(const std::vector<Array>& in) {
    const Shape &xs = in[0].shape, &ws = in[1].shape;
    std::vector<double> y;
    for_each_index({xs[0], ws[0], xs[2] - ws[2] + 1}, [&](const Ints& i) {
        double sum = in.size() == 3 ? in[2].at({i[1]}) : 0;
        for_each_index({ws[1], ws[2]}, [&](const Ints& k) {
            sum += in[0].at({i[0], k[0], i[2] + k[1]}) * in[1].at({i[1], k[0], k[1]});
        });
        y.push_back(sum);
    });
    return y;
}

// ------------------------------------------------------------------------------------------------------- pooling

/// Adaptive pooling of [N, C, H, W] by its definition; f gets a window's elements in row order.
Oracle adaptive(int64_t height, int64_t width, double (*f)(const std::vector<double>&)) {
    return [=](const std::vector<Array>& in) {
        const Shape& s = in[0].shape;
        std::vector<double> y;
        for_each_index({s[0], s[1], height, width}, [&](const Ints& i) {
            std::vector<double> window;
            for (int64_t r = i[2] * s[2] / height; r < ((i[2] + 1) * s[2] + height - 1) / height; ++r)
                for (int64_t c = i[3] * s[3] / width; c < ((i[3] + 1) * s[3] + width - 1) / width; ++c)
                    window.push_back(in[0].at({i[0], i[1], r, c}));
            y.push_back(f(window));
        });
        return y;
    };
}
double mean_of(const std::vector<double>& v) {
    return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
}
double largest_of(const std::vector<double>& v) { return *std::max_element(v.begin(), v.end()); }

// --------------------------------------------------------------------------------------------------------- norms

/// Each run of `size` elements normalized; then weight and bias (if given) by channel of [N, C, S..].
Oracle normalized_runs(int64_t size, double eps) {
    return [=](const std::vector<Array>& in) {
        std::vector<double> y;
        const Shape& s = in[0].shape;
        const int64_t inner = s.numel() / s[0] / s[1];
        for (size_t first = 0; first < in[0].v.size(); first += static_cast<size_t>(size)) {
            const std::vector<double> run(in[0].v.begin() + static_cast<std::ptrdiff_t>(first),
                                          in[0].v.begin() + static_cast<std::ptrdiff_t>(first) + size);
            const double mean = mean_of(run);
            double var = 0;
            for (const double v : run) var += (v - mean) * (v - mean) / static_cast<double>(size);
            for (const double v : run) {
                const size_t channel = static_cast<size_t>(static_cast<int64_t>(y.size()) / inner % s[1]);
                const double n = (v - mean) / std::sqrt(var + eps);
                y.push_back(in.size() == 3 ? n * in[1][channel] + in[2][channel] : n);
            }
        }
        return y;
    };
}

Oracle rms_of(int64_t size, double eps) {
    return [=](const std::vector<Array>& in) {
        std::vector<double> y;
        for (size_t i = 0; i < in[0].v.size(); ++i) {
            const size_t first = i - i % static_cast<size_t>(size);
            double squares = 0;
            for (int64_t k = 0; k < size; ++k) {
                const double v = in[0][first + static_cast<size_t>(k)];
                squares += v * v / static_cast<double>(size);
            }
            const double n = in[0][i] / std::sqrt(squares + eps);
            y.push_back(in.size() == 2 ? n * in[1][i % static_cast<size_t>(size)] : n);
        }
        return y;
    };
}

Cases activations() {
    return {
        activation({.name = "selu"}, unary(selu),
                   [](double a) { return 1.0507009873554805 * (a > 0 ? a : 1.6732632423543772 * std::expm1(a)); }),
        activation(
            {.name = "celu"}, [](const In& in) { return celu(in[0], 0.7); },
            [](double a) { return a > 0 ? a : 0.7 * std::expm1(a / 0.7); }),
        activation({.name = "softsign"}, unary(softsign), [](double a) { return a / (1 + std::fabs(a)); }),
        activation(
            {.name = "hardtanh"}, [](const In& in) { return hardtanh(in[0], -0.75, 2.25); },
            [](double a) { return std::clamp(a, -0.75, 2.25); }),
        activation(
            {.name = "relu6"}, [](const In& in) { return relu6(in[0] * 2); },
            [](double a) { return std::clamp(2 * a, 0.0, 6.0); }),
        activation({.name = "hardsigmoid"}, unary(hardsigmoid),
                   [](double a) { return std::clamp(a + 3, 0.0, 6.0) / 6; }),
        activation({.name = "hardswish"}, unary(hardswish),
                   [](double a) { return a * std::clamp(a + 3, 0.0, 6.0) / 6; }),
        activation({.name = "mish"}, unary(mish), [](double a) { return a * std::tanh(softplus_of(a)); }),
        activation({.name = "logsigmoid"}, unary(logsigmoid), [](double a) { return -softplus_of(-a); }),
        activation({.name = "tanhshrink"}, unary(tanhshrink), [](double a) { return a - std::tanh(a); }),
        {.name = "celu",
         .variant = "default",
         .args = {real({2, 3})},
         .fn = [](const In& in) { return celu(in[0]); },
         .oracle = map1([](double a) { return a > 0 ? a : std::expm1(a); }),
         .bad = {{[] { celu(ones({2}), 0); }, "celu: alpha must not be 0"}}},
        {.name = "hardtanh",
         .variant = "default",
         .args = {real({2, 3})},
         .fn = [](const In& in) { return hardtanh(in[0]); },
         .oracle = map1([](double a) { return std::clamp(a, -1.0, 1.0); }),
         .specials = true,
         .bad = {{[] { hardtanh(ones({2}), 1, 1); }, "hardtanh: low = 1.000000 is not below high = 1.000000"}}},
        {.name = "prelu",
         .args = {real({2, 3, 4}), real({3})},
         .fn = [](const In& in) { return prelu(in[0], in[1]); },
         .oracle =
             [](const std::vector<Array>& in) {
                 std::vector<double> y;
                 for (size_t i = 0; i < in[0].v.size(); ++i)
                     y.push_back(in[0][i] > 0 ? in[0][i] : in[0][i] * in[1][i / 4 % 3]);
                 return y;
             },
         .bad = {{[] {
                      prelu(ones({2, 3}), ones({2}));
                  },
                  "prelu: a weight of shape [2] does not fit shape [2, 3]; expected [1] or [3]"}}},
        {.name = "prelu",
         .variant = "one",
         .args = {real({7}), real({1})},
         .fn = [](const In& in) { return prelu(in[0], in[1]); }},
        {.name = "glu",
         .args = {real({3, 8})},
         .fn = [](const In& in) { return glu(in[0]); },
         .oracle =
             [](const std::vector<Array>& in) {
                 std::vector<double> y;
                 for (size_t r = 0; r < 3; ++r)
                     for (size_t c = 0; c < 4; ++c) y.push_back(in[0][r * 8 + c] * sigmoid_of(in[0][r * 8 + c + 4]));
                 return y;
             },
         .bad = {{[] {
                      glu(ones({2, 3}));
                  },
                  "glu: axis 1 of shape [2, 3] has no two halves"}}},
        {.name = "glu",
         .variant = "first_axis",
         .args = {real({4, 3})},
         .fn = [](const In& in) { return glu(in[0], 0); }},
        {.name = "softmin",
         .args = {real({4, 5})},
         .fn = [](const In& in) { return softmin(in[0]); },
         .oracle =
             [](const std::vector<Array>& in) {
                 std::vector<double> y;
                 for (size_t i = 0; i < in[0].v.size(); ++i) {
                     double total = 0;
                     for (size_t k = 0; k < 5; ++k) total += std::exp(-in[0][i / 5 * 5 + k]);
                     y.push_back(std::exp(-in[0][i]) / total);
                 }
                 return y;
             }},
        {.name = "unflatten",
         .args = {real({2, 6, 3})},
         .fn =
             [](const In& in) {
                 return unflatten(in[0], 1, {2, -1});
             },
         .oracle = map1([](double a) { return a; }),
         .bad = {{[] {
                      unflatten(ones({2, 6}), 1, {4, -1});
                  },
                  "unflatten: axis 1 of shape [2, 6] does not become [4, -1]"},
                 {[] {
                      unflatten(ones({2, 6}), 1, {2, 2});
                  },
                  "unflatten: axis 1 of shape [2, 6] does not become [2, 2]"},
                 {[] {
                      unflatten(ones({2, 6}), 1, {-1, -1});
                  },
                  "unflatten: axis 1 of shape [2, 6] does not become [-1, -1]"}}},
    };
}

Cases convolutions() {
    return {
        {.name = "conv1d",
         .args = {real({2, 3, 9}), real({4, 3, 3}), real({4})},
         .fn = [](const In& in) { return conv1d(in[0], in[1], in[2]); },
         .oracle = plain_conv1d,
         .factor = 4,
         .factor_reason = kLinear,
         .bad = {{[] {
                      conv1d(ones({3, 9}), ones({4, 3, 3}));
                  },
                  "conv1d: shape [3, 9] has not three axes"}}},
        {.name = "conv1d",
         .variant = "options",
         .args = {real({2, 4, 9}), real({6, 2, 3})},
         .fn =
             [](const In& in) {
                 return conv1d(in[0], in[1], {}, {.stride = 2, .padding = 2, .dilation = 2, .groups = 2});
             },
         .factor = 4,
         .factor_reason = kLinear},
        {.name = "conv_transpose2d",
         .args = {real({2, 3, 4, 5}), real({3, 4, 3, 2}), real({4})},
         .fn = [](const In& in) { return conv_transpose2d(in[0], in[1], in[2]); },
         .oracle = transposed({}),
         .factor = 4,
         .factor_reason = kLinear,
         .bad =
             {{[] {
                   conv_transpose2d(ones({3, 4, 5}), ones({3, 4, 3, 2}));
               },
               "conv_transpose2d: shapes [3, 4, 5] and [3, 4, 3, 2] are not [N, C, H, W] and [C, O / groups, kh, kw]"},
              {[] {
                   conv_transpose2d(ones({1, 2, 4, 5}), ones({3, 4, 3, 2}));
               },
               "conv_transpose2d: shapes [1, 2, 4, 5] and [3, 4, 3, 2] with 1 groups: 2 input channels, the weight "
               "takes "
               "3"},
              {[] {
                   conv_transpose2d(ones({1, 3, 4, 5}), ones({3, 4, 3, 2}), ones({3}));
               },
               "conv_transpose2d: bias of shape [3] does not fit weight of shape [3, 4, 3, 2]"},
              {[] {
                   conv_transpose2d(ones({1, 3, 4, 5}), ones({3, 4, 3, 2}), {}, {.output_padding = 1});
               },
               "conv_transpose2d: output_padding must be below stride"},
              {[] {
                   conv_transpose2d(ones({1, 3, 1, 1}), ones({3, 4, 3, 3}), {}, {.padding = 2});
               },
               "conv_transpose2d: shapes [1, 3, 1, 1] and [3, 4, 3, 3]: the result [1, 4, -1, -1] would be empty"},
              {[] {
                   conv_transpose2d(ones({1, 3, 4, 5}), ones({3, 4, 3, 2}), {}, {.stride = 0});
               },
               "conv_transpose2d: stride, dilation and groups must be at least 1, padding and output_padding at least "
               "0"}}},
        {.name = "conv_transpose2d",
         .variant = "options",
         .args = {real({2, 4, 4, 3}), real({4, 3, 3, 3}), real({6})},
         .fn =
             [](const In& in) {
                 return conv_transpose2d(in[0], in[1], in[2],
                                         {.stride = 3, .padding = 1, .output_padding = 2, .dilation = 2, .groups = 2});
             },
         .oracle = transposed({3, 1, 2, 2, 2}),
         .factor = 4,
         .factor_reason = kLinear},
        {.name = "conv_transpose1d",
         .args = {real({2, 3, 5}), real({3, 4, 3}), real({4})},
         .fn = [](const In& in) { return conv_transpose1d(in[0], in[1], in[2]); },
         .oracle = as_images(transposed({})),
         .factor = 4,
         .factor_reason = kLinear,
         .bad = {{[] {
                      conv_transpose1d(ones({3, 9}), ones({4, 3, 3}));
                  },
                  "conv_transpose1d: shape [3, 9] has not three axes"}}},
        {.name = "conv_transpose1d",
         .variant = "options",
         .args = {real({2, 4, 5}), real({4, 3, 4})},
         .fn =
             [](const In& in) {
                 return conv_transpose1d(in[0], in[1], {},
                                         {.stride = 3, .padding = 1, .output_padding = 2, .dilation = 2, .groups = 2});
             },
         .factor = 4,
         .factor_reason = kLinear},
    };
}

Cases pools() {
    const auto image = real({2, 2, 7, 6});
    return {
        {.name = "adaptive_avg_pool2d",
         .args = {image},
         .fn =
             [](const In& in) {
                 return adaptive_avg_pool2d(in[0], {3, 4});
             },
         .oracle = adaptive(3, 4, mean_of),
         .factor = 2,
         .factor_reason = kLinear,
         .bad = {{[] {
                      adaptive_avg_pool2d(ones({2, 7, 6}), 2);
                  },
                  "adaptive_avg_pool2d: shape [2, 7, 6] is not [N, C, H, W]"},
                 {[] {
                      adaptive_avg_pool2d(ones({1, 2, 7, 6}), 0);
                  },
                  "adaptive_avg_pool2d: size [0, 0] of shape [1, 2, 7, 6] makes no sense"}}},
        {.name = "adaptive_avg_pool2d",
         .variant = "even",
         .args = {real({2, 2, 6, 9})},
         .fn =
             [](const In& in) {
                 return adaptive_avg_pool2d(in[0], {2, 3});
             },
         .oracle = adaptive(2, 3, mean_of)},
        {.name = "adaptive_avg_pool2d",
         .variant = "larger",
         .args = {real({1, 2, 2, 3})},
         .fn =
             [](const In& in) {
                 return adaptive_avg_pool2d(in[0], {5, 4});
             },
         .oracle = adaptive(5, 4, mean_of)},
        {.name = "adaptive_max_pool2d",
         .args = {image},
         .fn =
             [](const In& in) {
                 return adaptive_max_pool2d(in[0], {3, 4});
             },
         .oracle = adaptive(3, 4, largest_of),
         .bad = {{[] {
                      adaptive_max_pool2d(ones({2, 7, 6}), 2);
                  },
                  "adaptive_max_pool2d: shape [2, 7, 6] is not [N, C, H, W]"}}},
        {.name = "adaptive_max_pool2d",
         .variant = "even",
         .args = {real({2, 2, 6, 9})},
         .fn =
             [](const In& in) {
                 return adaptive_max_pool2d(in[0], {2, 3});
             },
         .oracle = adaptive(2, 3, largest_of)},
        {.name = "adaptive_max_pool2d",
         .variant = "wide_windows",
         .args = {real({1, 1, 2, 700})},
         .fn =
             [](const In& in) {
                 return adaptive_max_pool2d(in[0], {1, 1});
             },
         .oracle = adaptive(1, 1, largest_of)},
        {.name = "adaptive_avg_pool1d",
         .args = {real({2, 3, 8})},
         .fn = [](const In& in) { return adaptive_avg_pool1d(in[0], 3); },
         .oracle = as_images(adaptive(1, 3, mean_of)),
         .bad = {{[] {
                      adaptive_avg_pool1d(ones({2, 7}), 2);
                  },
                  "adaptive_avg_pool1d: shape [2, 7] is not [N, C, L]"}}},
        {.name = "adaptive_max_pool1d",
         .args = {real({2, 3, 8})},
         .fn = [](const In& in) { return adaptive_max_pool1d(in[0], 3); },
         .oracle = as_images(adaptive(1, 3, largest_of)),
         .bad = {{[] {
                      adaptive_max_pool1d(ones({2, 7}), 2);
                  },
                  "adaptive_max_pool1d: shape [2, 7] is not [N, C, L]"}}},
        {.name = "max_pool1d",
         .args = {real({2, 3, 8})},
         .fn = [](const In& in) { return max_pool1d(in[0], 2); },
         .oracle = as_images(adaptive(1, 4, largest_of)),
         .bad = {{[] {
                      max_pool1d(ones({2, 7}), 2);
                  },
                  "max_pool1d: shape [2, 7] is not [N, C, L]"}}},
        {.name = "max_pool1d",
         .variant = "options",
         .args = {real({2, 3, 8})},
         .fn = [](const In& in) { return max_pool1d(in[0], 3, {.stride = 2, .padding = 1}); }},
        {.name = "avg_pool1d",
         .args = {real({2, 3, 8})},
         .fn = [](const In& in) { return avg_pool1d(in[0], 2); },
         .oracle = as_images(adaptive(1, 4, mean_of)),
         .bad = {{[] {
                      avg_pool1d(ones({2, 7}), 2);
                  },
                  "avg_pool1d: shape [2, 7] is not [N, C, L]"}}},
        {.name = "avg_pool1d",
         .variant = "options",
         .args = {real({2, 3, 8})},
         .fn =
             [](const In& in) {
                 return avg_pool1d(in[0], 3, {.stride = 2, .padding = 1, .count_include_pad = false});
             }},
    };
}

Cases norms() {
    return {
        {.name = "group_norm",
         .args = {real({2, 6, 3, 2}), real({6}, 0.5, 2), real({6})},
         .fn = [](const In& in) { return group_norm(in[0], 3, in[1], in[2]); },
         .oracle = normalized_runs(12, 1e-5),
         .factor = 10,
         .factor_reason = kNorm,
         .bad = {{[] { group_norm(ones({6}), 3); }, "group_norm: shape [6] is not [N, C] or [N, C, ..]"},
                 {[] {
                      group_norm(ones({2, 6}), 4);
                  },
                  "group_norm: 4 groups do not divide the 6 channels of shape [2, 6]"},
                 {[] {
                      group_norm(ones({2, 6}), 3, ones({3}));
                  },
                  "group_norm: shape [3] does not fit 6 channels of shape [2, 6]"}}},
        {.name = "group_norm",
         .variant = "plain",
         .args = {real({3, 8})},
         .fn = [](const In& in) { return group_norm(in[0], 2, {}, {}, 1e-2); },
         .oracle = normalized_runs(4, 1e-2),
         .factor = 10,
         .factor_reason = kNorm},
        {.name = "instance_norm",
         .args = {real({2, 3, 4, 3}), real({3}, 0.5, 2), real({3})},
         .fn = [](const In& in) { return instance_norm(in[0], in[1], in[2]); },
         .oracle = normalized_runs(12, 1e-5),
         .factor = 10,
         .factor_reason = kNorm,
         .bad = {{[] {
                      instance_norm(ones({2, 6}));
                  },
                  "instance_norm: shape [2, 6] is not [N, C, ..]"},
                 {[] {
                      instance_norm(ones({2, 6, 1}));
                  },
                  "instance_norm: shape [2, 6, 1] has one element per channel, which has no variance"}}},
        {.name = "rms_norm",
         .args = {real({3, 4, 6}), real({6}, 0.5, 2)},
         .fn = [](const In& in) { return rms_norm(in[0], {6}, in[1], 1e-3); },
         .oracle = rms_of(6, 1e-3),
         .factor = 4,
         .factor_reason = kNorm,
         .bad = {{[] {
                      rms_norm(ones({2, 6}), {5});
                  },
                  "rms_norm: shape [2, 6] does not end with [5]"},
                 {[] {
                      rms_norm(ones({2, 6}), {6}, ones({2}));
                  },
                  "rms_norm: weight of shape [2] does not fit the axes [6] of shape [2, 6]"}}},
        {.name = "rms_norm",
         .variant = "two_axes",
         .args = {real({3, 2, 5})},
         .fn =
             [](const In& in) {
                 return rms_norm(in[0], {2, 5});
             },
         .oracle = rms_of(10, 0x1p-52), // f64
         .factor = 4,
         .factor_reason = kNorm},
    };
}

} // namespace

Cases layer_cases() {
    Cases all;
    for (const auto part : {activations, convolutions, pools, norms})
        for (OpCase& row : part()) all.push_back(std::move(row));
    return all;
}

} // namespace ingot::optest
