// SPDX-License-Identifier: MIT
// Every library behind make_matmul against a double loop in double precision, over shapes, strides, batches and activations.
#include "backend/cpu/matmul.h"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include "base/parallel.h"
#include "cpu/kernel_testing.h"

namespace ingot::cpu {
namespace {

using testing::random_values;

double activated(double x, Activation act) {
    switch (act) {
    case Activation::none: return x;
    case Activation::relu: return x > 0 ? x : 0;
    case Activation::sigmoid: return 1 / (1 + std::exp(-x));
    case Activation::tanh: return std::tanh(x);
    }
    return x;
}

/// Elements between the first and the last one that a strided operand touches, plus one.
int64_t span(const Ints& batch, const Ints& strides, int64_t rows, int64_t row, int64_t cols, int64_t col) {
    int64_t s = 1 + std::max<int64_t>(rows - 1, 0) * row + std::max<int64_t>(cols - 1, 0) * col;
    for (size_t i = 0; i < batch.size(); ++i) s += std::max<int64_t>(batch[i] - 1, 0) * strides[i];
    return s;
}

template <class T>
std::vector<T> run(const MatmulSpec& s, Library library, const std::vector<T>& a, const std::vector<T>& b,
                   const std::vector<T>& bias) {
    const PrimitivePtr p = make_matmul(s, library);
    if (!p) return {};
    int64_t batch = 1;
    for (int64_t e : s.batch) batch *= e;
    std::vector<T> c = testing::unset<T>(batch * s.m * s.n);
    if (s.bias)
        testing::run(*p, a, b, bias, c);
    else
        testing::run(*p, a, b, c);
    return c;
}

template <class T> void check(const MatmulSpec& s) {
    const auto a = random_values<T>(span(s.batch, s.a_batch, s.m, s.a_row, s.k, s.a_col), 1);
    const auto b = random_values<T>(span(s.batch, s.b_batch, s.k, s.b_row, s.n, s.b_col), 2);
    const auto bias = random_values<T>(s.n, 3);
    for (Library library : {Library::automatic, Library::own, Library::onednn}) {
        if (library == Library::onednn && (!onednn::available() || s.dtype != DType::f32)) continue;
        const std::vector<T> c = run(s, library, a, b, bias);
        if (c.empty()) {
            ASSERT_TRUE(library == Library::onednn || s.m * s.n == 0 || s.batch.size() > 0);
            continue;
        }
        const int64_t mn = s.m * s.n;
        for (size_t at = 0; at < c.size(); ++at) {
            int64_t item = static_cast<int64_t>(at) / mn, a_at = 0, b_at = 0;
            const int64_t i = static_cast<int64_t>(at) % mn / s.n, j = static_cast<int64_t>(at) % s.n;
            for (size_t x = s.batch.size(); x-- > 0;) {
                a_at += item % s.batch[x] * s.a_batch[x];
                b_at += item % s.batch[x] * s.b_batch[x];
                item /= s.batch[x];
            }
            double sum = s.bias ? double(bias[static_cast<size_t>(j)]) : 0, size = 1;
            for (int64_t p = 0; p < s.k; ++p) {
                const double term = double(a[static_cast<size_t>(a_at + i * s.a_row + p * s.a_col)]) *
                                    double(b[static_cast<size_t>(b_at + p * s.b_row + j * s.b_col)]);
                sum += term;
                size += std::fabs(term);
            }
            const double tolerance = 8 * std::numeric_limits<T>::epsilon() * size;
            ASSERT_NEAR(double(c[at]), activated(sum, s.act), tolerance)
                << "library " << static_cast<int>(library) << " m " << s.m << " n " << s.n << " k " << s.k
                << " element " << at << " act " << static_cast<int>(s.act) << " strides " << s.a_row << ' ' << s.a_col
                << ' ' << s.b_row << ' ' << s.b_col;
        }
    }
}

/// Dense operands; `ta`, `tb`: stored transposed.
MatmulSpec dense(DType t, int64_t m, int64_t n, int64_t k, bool ta = false, bool tb = false, bool bias = false,
                 Activation act = Activation::none) {
    MatmulSpec s;
    s.dtype = t;
    s.m = m, s.n = n, s.k = k;
    s.a_row = ta ? 1 : k, s.a_col = ta ? m : 1;
    s.b_row = tb ? 1 : n, s.b_col = tb ? k : 1;
    s.bias = bias;
    s.act = act;
    return s;
}

void check_both(MatmulSpec s) {
    s.dtype = DType::f32;
    check<float>(s);
    s.dtype = DType::f64;
    check<double>(s);
}

constexpr Activation kActivations[] = {Activation::none, Activation::relu, Activation::sigmoid, Activation::tanh};

TEST(Matmul, AllTransposesAndEdges) {
    for (auto [m, n, k] : {std::array<int64_t, 3>{1, 1, 1},
                           {1, 7, 5},
                           {7, 1, 5},
                           {3, 2, 1},
                           {8, 48, 16},
                           {9, 49, 17},
                           {5, 100, 3},
                           {33, 17, 300},
                           {130, 30, 40},
                           {17, 400, 9},
                           {4, 16, 513},
                           {64, 10, 512},
                           {32, 2, 8},
                           {150, 395, 260}})
        for (bool ta : {false, true})
            for (bool tb : {false, true}) check_both(dense(f32, m, n, k, ta, tb));
}

TEST(Matmul, BiasAndActivations) {
    for (Activation act : kActivations)
        for (bool bias : {false, true}) {
            check_both(dense(f32, 6, 35, 20, false, true, bias, act));
            check_both(dense(f32, 70, 90, 300, false, false, bias, act));
        }
}

TEST(Matmul, FewRows) {
    for (int64_t m : {1, 2, 3, 4, 5})
        for (int64_t n : {1, 3, 4, 10, 130})
            for (int64_t k : {1, 8, 31, 32, 33, 400})
                check_both(dense(f32, m, n, k, false, true, true, Activation::sigmoid));
    check_both(dense(f32, 1, 300, 5000, false, true));
}

TEST(Matmul, LongSumIntoFewElements) {
    check_both(dense(f32, 32, 27, 9000, true, false, true, Activation::relu));
    check_both(dense(f32, 3, 5, 4097, false, true));
}

TEST(Matmul, EmptySums) {
    for (Activation act : kActivations) check_both(dense(f32, 3, 5, 0, false, false, true, act));
    check_both(dense(f32, 3, 5, 0));
    check_both(dense(f32, 0, 5, 4));
    check_both(dense(f32, 3, 0, 4));
}

TEST(Matmul, BatchesBroadcastAndPermute) {
    MatmulSpec s = dense(f32, 5, 6, 7);
    s.batch = {4};
    s.a_batch = {35};
    s.b_batch = {42};
    check_both(s);
    s.b_batch = {0}; // A x shared B: one long product
    check_both(s);
    s.a_batch = {0};
    s.b_batch = {42}; // shared A
    check_both(s);
    s.batch = {2, 3};
    s.a_batch = {35, 0};
    s.b_batch = {0, 42}; // outer product of batches
    check_both(s);
    s.batch = {2, 3, 1, 2};
    s.a_batch = {3 * 2 * 35, 2 * 35, 11, 35};
    s.b_batch = {2 * 42, 0, 5, 42};
    check_both(s);
    s.batch = {0, 3};
    s.a_batch = {35, 35};
    s.b_batch = {0, 42};
    check_both(s);
    // Attention: heads lie inside the rows, [B, T, H, D] viewed as [B, H, T, D]; the keys are transposed.
    s = dense(f32, 10, 10, 8);
    s.batch = {2, 3};
    s.a_batch = s.b_batch = {10 * 24, 8};
    s.a_row = 24, s.a_col = 1;
    s.b_row = 1, s.b_col = 24;
    check_both(s);
    s.bias = true;
    s.act = Activation::tanh;
    check_both(s);
}

TEST(Matmul, GapsAndOddStrides) {
    MatmulSpec s = dense(f32, 9, 21, 11);
    s.a_row = 25, s.a_col = 2; // every second column
    s.b_row = 63, s.b_col = 3;
    check_both(s);
    s = dense(f32, 9, 21, 11);
    s.a_row = 0; // one row, broadcast
    check_both(s);
    s = dense(f32, 9, 21, 11);
    s.b_col = 0, s.b_row = 1;
    check_both(s);
    s = dense(f32, 12, 20, 30);
    s.a_row = 40, s.b_row = 33; // slices of wider matrices
    check_both(s);
}

TEST(Matmul, OwnKernelGivesTheSameBitsForAnyNumberOfThreads) {
    const int before = base::num_threads();
    for (auto [m, n, k] : {std::array<int64_t, 3>{200, 300, 700}, {32, 27, 9000}, {64, 10, 512}, {1, 1000, 300}}) {
        const MatmulSpec s = dense(f32, m, n, k, true, false, true, Activation::relu);
        const auto a = random_values<float>(m * k, 1), b = random_values<float>(n * k, 2),
                   bias = random_values<float>(n, 3);
        std::vector<float> first;
        for (int threads : {1, 2, 3, 7}) {
            base::set_num_threads(threads);
            const auto c = run(s, Library::own, a, b, bias);
            if (first.empty()) first = c;
            EXPECT_EQ(0, std::memcmp(first.data(), c.data(), c.size() * sizeof(float)))
                << threads << " threads, m " << m;
        }
    }
    base::set_num_threads(before);
}

// As PyTorch's activations do, and ours outside of products.
TEST(Matmul, ActivationsKeepNaNAndTakeInfinities) {
    constexpr float kInf = std::numeric_limits<float>::infinity(), kNaN = std::numeric_limits<float>::quiet_NaN();
    for (const Library library : {Library::own, Library::onednn, Library::automatic}) {
        for (const auto& [m, n, k] : {std::array<int64_t, 3>{4, 20, 8}, {64, 48, 300}, {130, 513, 64}}) {
            for (const Activation act : kActivations) {
                const MatmulSpec s = dense(f32, m, n, k, false, false, true, act);
                auto a = random_values<float>(m * k, 1), b = random_values<float>(k * n, 2),
                     bias = random_values<float>(n, 3);
                const auto column = static_cast<size_t>(n - 3);
                a[static_cast<size_t>(k)] = kNaN; // row 1
                bias[column] = kNaN, bias[column + 1] = kInf, bias[column + 2] = -kInf;
                const auto c = run(s, library, a, b, bias);
                if (c.empty()) continue; // no oneDNN in this build
                for (size_t i = 0; i < c.size(); ++i) {
                    const size_t row = i / static_cast<size_t>(n), j = i % static_cast<size_t>(n);
                    ASSERT_EQ(std::isnan(c[i]), row == 1 || j == column)
                        << static_cast<int>(library) << " m " << m << " act " << static_cast<int>(act) << " at " << i;
                    if (row == 1 || j <= column) continue;
                    ASSERT_EQ(c[i], activated(j == column + 1 ? kInf : -kInf, act))
                        << static_cast<int>(library) << " m " << m << " act " << static_cast<int>(act) << " at " << i;
                }
            }
        }
    }
}

TEST(Matmul, SurvivesAChangeOfTheNumberOfThreads) {
    const int before = base::num_threads();
    const MatmulSpec s = dense(f32, 130, 200, 500, false, true);
    const auto a = random_values<float>(130 * 500, 1), b = random_values<float>(200 * 500, 2);
    for (Library library : {Library::own, Library::onednn})
        for (auto [made, ran] : {std::pair(1, 5), {5, 1}, {2, 3}}) {
            base::set_num_threads(made);
            const PrimitivePtr p = make_matmul(s, library);
            if (!p) continue; // no oneDNN in this build
            auto at_home = testing::unset<float>(130 * 200), moved = at_home;
            testing::run(*p, a, b, at_home);
            base::set_num_threads(ran);
            testing::run(*p, a, b, moved);
            for (size_t i = 0; i < moved.size(); ++i)
                ASSERT_NEAR(at_home[i], moved[i], 1e-4) << p->name << " " << made << " " << ran;
        }
    base::set_num_threads(before);
}

TEST(Matmul, ReportsWhatItDoes) {
    const PrimitivePtr p = make_matmul(dense(f32, 10, 20, 30, false, false, true), Library::own);
    EXPECT_EQ(p->flops, 2.0 * 10 * 20 * 30);
    EXPECT_EQ(p->bytes, 4.0 * (300 + 600 + 200 + 20));
    EXPECT_EQ(p->kernels, 1);
    EXPECT_FALSE(p->name.empty());
}

} // namespace
} // namespace ingot::cpu
