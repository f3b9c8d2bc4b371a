// SPDX-License-Identifier: MIT
// Rows of ingot/ops/matmul.h, conv.h and pool.h. Convolution, pooling and linear are also compared with PyTorch's
// values (golden_test.cpp).
#include <cmath>
#include <limits>

#include "ops/op_case.h"

namespace ingot::optest {

namespace {

const char* const kLinear = "sums of products in another order, in f32";

/// [B, M, K] x [B, K, N] by the definition, on flat arrays; a batch of 1 is used by all.
Oracle products(size_t batch, size_t m, size_t k, size_t n) {
    return [=](const std::vector<Array>& in) {
        std::vector<double> out;
        const bool many_a = in[0].v.size() == batch * m * k, many_b = in[1].v.size() == batch * k * n;
        for (size_t b = 0; b < batch; ++b)
            for (size_t i = 0; i < m; ++i)
                for (size_t j = 0; j < n; ++j) {
                    double sum = 0;
                    for (size_t p = 0; p < k; ++p)
                        sum +=
                            in[0][(many_a ? b : 0) * m * k + i * k + p] * in[1][(many_b ? b : 0) * k * n + p * n + j];
                    out.push_back(sum);
                }
        return out;
    };
}

struct Window {
    int64_t stride = 1, padding = 0, dilation = 1, groups = 1;
};

/// Convolution by its definition: every output adds up what its window covers.
Oracle convolution(Window o) {
    return [o](const std::vector<Array>& in) {
        const Array &x = in[0], &w = in[1];
        const Shape &xs = x.shape, &ws = w.shape;
        const auto size = [&](int64_t n, int64_t k) {
            return (n + 2 * o.padding - o.dilation * (k - 1) - 1) / o.stride + 1;
        };
        std::vector<double> out;
        for_each_index({xs[0], ws[0], size(xs[2], ws[2]), size(xs[3], ws[3])}, [&](const Ints& i) {
            double sum = in.size() == 3 ? in[2].at({i[1]}) : 0;
            const int64_t first = i[1] / (ws[0] / o.groups) * ws[1];
            for_each_index({ws[1], ws[2], ws[3]}, [&](const Ints& k) {
                const int64_t row = i[2] * o.stride - o.padding + k[1] * o.dilation;
                const int64_t column = i[3] * o.stride - o.padding + k[2] * o.dilation;
                if (row >= 0 && row < xs[2] && column >= 0 && column < xs[3])
                    sum += x.at({i[0], first + k[0], row, column}) * w.at({i[1], k[0], k[1], k[2]});
            });
            out.push_back(sum);
        });
        return out;
    };
}

enum class Pooling { max, mean, mean_inside };

Oracle pooling(Pooling kind, int64_t kernel, int64_t stride, int64_t padding) {
    return [=](const std::vector<Array>& in) {
        const Shape& s = in[0].shape;
        const auto size = [&](int64_t n) { return (n + 2 * padding - kernel) / stride + 1; };
        std::vector<double> out;
        for_each_index({s[0], s[1], size(s[2]), size(s[3])}, [&](const Ints& i) {
            double largest = -std::numeric_limits<double>::infinity(), sum = 0, count = 0;
            for_each_index({kernel, kernel}, [&](const Ints& k) {
                const int64_t row = i[2] * stride - padding + k[0], column = i[3] * stride - padding + k[1];
                if (row < 0 || row >= s[2] || column < 0 || column >= s[3]) return;
                const double v = in[0].at({i[0], i[1], row, column});
                largest = std::max(largest, v);
                sum += v;
                count += 1;
            });
            const double all = static_cast<double>(kernel * kernel);
            out.push_back(kind == Pooling::max ? largest : sum / (kind == Pooling::mean ? all : count));
        });
        return out;
    };
}

OpCase matmul_case(std::string variant, Shape a, Shape b, Oracle oracle) {
    return {.name = "matmul",
            .variant = std::move(variant),
            .args = {real(std::move(a)), real(std::move(b))},
            .fn = binary(matmul),
            .oracle = std::move(oracle),
            .factor = 2,
            .factor_reason = kLinear};
}

OpCase conv_case(std::string variant, Shape x, Shape w, bool bias, Window o) {
    OpCase row{.name = "conv2d",
               .variant = std::move(variant),
               .args = {real(std::move(x)), real(w)},
               .oracle = convolution(o),
               .factor = 3,
               .factor_reason = kLinear};
    if (w[1] > 8) {
        row.factor = 10;
        row.factor_reason = "sums of more than a hundred products, which cancel";
    }
    if (bias) row.args.push_back(real({w[0]}));
    row.fn = [o, bias](const In& in) {
        return conv2d(in[0], in[1], bias ? in[2] : Tensor{},
                      {.stride = o.stride, .padding = o.padding, .dilation = o.dilation, .groups = o.groups});
    };
    return row;
}

} // namespace

Cases linear_cases() {
    Cases rows{
        {.name = "matmul",
         .args = {real({5, 7}), real({7, 4})},
         .fn = binary(matmul),
         .oracle = products(1, 5, 7, 4),
         .factor = 2,
         .factor_reason = kLinear,
         .bad = {{[] {
                      matmul(ones({2, 3}), ones({4, 5}));
                  },
                  "matmul: shapes [2, 3] and [4, 5]: inner sizes 3 and 4 differ"},
                 {[] {
                      matmul(ones({2, 2, 3}), ones({4, 3, 5}));
                  },
                  "matmul: shapes [2, 2, 3] and [4, 3, 5]: batch axes do not broadcast"},
                 {[] { matmul(ones({}), ones({4})); }, "matmul: shapes [] and [4]: a scalar is not a matrix; use mul"},
                 {[] {
                      matmul(ones({2, 2}), ones({2, 2}, {.dtype = f64}));
                  },
                  "matmul: dtypes f32 and f64 differ; convert one with .to(dtype)"}}},
        matmul_case("large", {33, 65}, {65, 40}, products(1, 33, 65, 40)),
        matmul_case("vectors", {6}, {6}, products(1, 1, 6, 1)),
        matmul_case("matrix_vector", {4, 6}, {6}, products(1, 4, 6, 1)),
        matmul_case("vector_matrix", {6}, {6, 3}, products(1, 1, 6, 3)),
        matmul_case("batch", {3, 2, 4}, {3, 4, 5}, products(3, 2, 4, 5)),
        matmul_case("batch_matrix", {3, 2, 4}, {4, 5}, products(3, 2, 4, 5)),
        matmul_case("batch_vector", {3, 2, 4}, {4}, products(3, 2, 4, 1)),
        matmul_case("vector_batch", {4}, {3, 4, 5}, products(3, 1, 4, 5)),
        matmul_case("matrix_batch", {2, 4}, {3, 4, 5}, products(3, 2, 4, 5)),
        matmul_case("broadcast_batch", {2, 1, 2, 3}, {3, 3, 2}, {}),
        {.name = "matmul",
         .variant = "transposed", // both factors as transposes: passes turn these into flags
         .args = {real({7, 5}), real({4, 7})},
         .fn = [](const In& in) { return matmul(transpose(in[0], 0, 1), transpose(in[1], 0, 1)); },
         .factor = 2,
         .factor_reason = kLinear},
        {.name = "matmul",
         .variant = "empty",
         .args = {real({0, 3}), real({3, 2})},
         .fn = binary(matmul),
         .oracle = products(1, 0, 3, 2),
         .no_gradient = "no elements"},
        {.name = "linear",
         .args = {real({4, 6}), real({3, 6}), real({3})},
         .fn = [](const In& in) { return linear(in[0], in[1], in[2]); },
         .oracle =
             [](const std::vector<Array>& in) {
                 std::vector<double> out;
                 for_each_index({4, 3}, [&](const Ints& i) {
                     double sum = in[2].at({i[1]});
                     for (int64_t k = 0; k < 6; ++k) sum += in[0].at({i[0], k}) * in[1].at({i[1], k});
                     out.push_back(sum);
                 });
                 return out;
             },
         .factor = 2,
         .factor_reason = kLinear,
         .bad = {{[] {
                      linear(ones({2, 3}), ones({4, 5}));
                  },
                  "linear: input of shape [2, 3] does not fit weight of shape [4, 5] ([out, in])"},
                 {[] {
                      linear(ones({2, 3}), ones({4, 3}), ones({3}));
                  },
                  "linear: bias of shape [3] does not fit weight of shape [4, 3] ([out, in])"}}},
        {.name = "linear",
         .variant = "no_bias_3d",
         .args = {real({2, 3, 5}), real({4, 5})},
         .fn = [](const In& in) { return linear(in[0], in[1]); },
         .factor = 2,
         .factor_reason = kLinear},
        {.name = "linear",
         .variant = "vector",
         .args = {real({5}), real({4, 5}), real({4})},
         .fn = [](const In& in) { return linear(in[0], in[1], in[2]); },
         .factor = 2,
         .factor_reason = kLinear},
        conv_case("", {2, 3, 6, 5}, {4, 3, 3, 3}, true, {}),
        conv_case("padding", {2, 3, 5, 6}, {4, 3, 3, 3}, false, {.padding = 1}),
        conv_case("stride", {2, 3, 7, 6}, {4, 3, 3, 3}, true, {.stride = 2, .padding = 1}),
        conv_case("dilation", {1, 2, 8, 9}, {3, 2, 3, 2}, true, {.padding = 2, .dilation = 2}),
        conv_case("groups", {2, 4, 5, 5}, {6, 2, 3, 3}, true, {.padding = 1, .groups = 2}),
        conv_case("depthwise", {2, 8, 6, 6}, {8, 1, 3, 3}, true, {.stride = 2, .padding = 1, .groups = 8}),
        conv_case("pointwise", {2, 16, 5, 4}, {8, 16, 1, 1}, false, {}),
        conv_case("wide", {2, 16, 9, 9}, {32, 16, 3, 3}, true, {.padding = 1}),
        conv_case("large_kernel", {2, 1, 12, 12}, {6, 1, 5, 5}, true, {.padding = 2}),
        {.name = "max_pool2d",
         .args = {real({2, 3, 7, 6})},
         .fn = [](const In& in) { return max_pool2d(in[0], 2); },
         .oracle = pooling(Pooling::max, 2, 2, 0),
         .specials = true,
         .bad = {{[] {
                      max_pool2d(ones({2, 3}), 2);
                  },
                  "max_pool2d: shape [2, 3] is not [N, C, H, W]"},
                 {[] {
                      max_pool2d(ones({1, 1, 4, 4}), 2, {.padding = 2});
                  },
                  "max_pool2d: the padding [2, 2] must be from 0 to half of the kernel [2, 2]"},
                 {[] {
                      max_pool2d(ones({1, 1, 4, 4}), 5);
                  },
                  "max_pool2d: the kernel [5, 5] is larger than the padded image of shape [1, 1, 4, 4]"}}},
        {.name = "max_pool2d",
         .variant = "overlapping",
         .args = {real({2, 3, 7, 6})},
         .fn = [](const In& in) { return max_pool2d(in[0], 3, {.stride = 2, .padding = 1}); },
         .oracle = pooling(Pooling::max, 3, 2, 1),
         .specials = true},
        {.name = "max_pool2d",
         .variant = "channels16",
         .args = {real({2, 16, 8, 8})},
         .fn = [](const In& in) { return max_pool2d(in[0], 2); },
         .oracle = pooling(Pooling::max, 2, 2, 0)},
        {.name = "avg_pool2d",
         .args = {real({2, 3, 7, 6})},
         .fn = [](const In& in) { return avg_pool2d(in[0], 3, {.stride = 2, .padding = 1}); },
         .oracle = pooling(Pooling::mean, 3, 2, 1)},
        {.name = "avg_pool2d",
         .variant = "exclude_pad",
         .args = {real({2, 3, 7, 6})},
         .fn =
             [](const In& in) { return avg_pool2d(in[0], 3, {.stride = 2, .padding = 1, .count_include_pad = false}); },
         .oracle = pooling(Pooling::mean_inside, 3, 2, 1)},
        {.name = "global_avg_pool2d",
         .args = {real({2, 3, 4, 5})},
         .fn = [](const In& in) { return global_avg_pool2d(in[0]); },
         .oracle = lines({2, 3},
                         [](const std::vector<double>& v) {
                             double s = 0;
                             for (const double x : v) s += x;
                             return s / static_cast<double>(v.size());
                         }),
         .bad = {{[] {
                      global_avg_pool2d(ones({2, 3}));
                  },
                  "global_avg_pool2d: shape [2, 3] is not [N, C, H, W]"}}},
    };
    for (OpCase& row : rows) {
        if (row.id() != "conv2d") continue;
        row.bad = {
            {[] {
                 conv2d(ones({1, 3, 4, 4}), ones({2, 4, 3, 3}));
             },
             "conv2d: shapes [1, 3, 4, 4] and [2, 4, 3, 3] with 1 groups: 3 input channels, the weight takes 4 and "
             "gives 2"},
            {[] {
                 conv2d(ones({1, 1, 2, 2}), ones({1, 1, 3, 3}));
             },
             "conv2d: shapes [1, 1, 2, 2] and [1, 1, 3, 3]: the kernel is larger than the padded image"},
            {[] {
                 conv2d(ones({3, 4, 4}), ones({2, 3, 3, 3}));
             },
             "conv2d: shapes [3, 4, 4] and [2, 3, 3, 3] are not [N, C, H, W] and [O, C / groups, kh, kw]"},
            {[] {
                 conv2d(ones({1, 1, 4, 4}), ones({2, 1, 3, 3}), ones({3}));
             },
             "conv2d: bias of shape [3] does not fit weight of shape [2, 1, 3, 3]"}};
    }
    return rows;
}

} // namespace ingot::optest
