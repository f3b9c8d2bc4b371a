// SPDX-License-Identifier: MIT
// The kernels that every program finds by name, against plain loops; their grids and array sizes are checked.
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <ingot/command_buffer.h>
#include <ingot/error.h>

namespace ingot {
namespace {

using Floats = std::vector<float>;

class StandardKernels : public ::testing::Test {
protected:
    template <class T> static Buffer buffer(const std::vector<T>& v) {
        Buffer b = Buffer::allocate(Device::cpu(), v.size() * sizeof(T));
        b.copy_from_host(v);
        return b;
    }
    static Buffer empty(size_t floats) { return buffer(Floats(floats, -77)); }
    void run(const std::string& name, const Dim3& grid, const std::vector<KernelArg>& args) {
        CommandBuffer commands(stream);
        commands.dispatch(KernelLibrary::standard().kernel(name), grid, {3, 2, 2}, args);
        commands.commit();
        commands.wait();
    }
    std::string error(const std::string& name, const Dim3& grid, const std::vector<KernelArg>& args) {
        try {
            run(name, grid, args);
        } catch (const Error& e) { return e.what(); }
        return "nothing thrown";
    }
    static Floats numbers(size_t n, int salt) {
        Floats v(n);
        for (size_t i = 0; i < n; ++i) v[i] = static_cast<float>((static_cast<int>(i) * 37 + salt * 11) % 19 - 9) / 4;
        return v;
    }
    Stream stream;
};

TEST_F(StandardKernels, AllAreThere) {
    const std::vector<std::string> expected{
        "adam_update_float32",  "add_arrays_float32",     "add_arrays_int32",   "batch_matmul_float32",
        "convert_fp16_to_fp32", "convert_fp32_to_fp16",   "layer_norm_float32", "linear_forward_float32",
        "linear_relu_float32",  "linear_sigmoid_float32", "matmul_float32",     "mul_arrays_float32",
        "mul_arrays_int32",     "relu_float32",           "relu_int32",         "sgd_momentum_update_float32",
        "sigmoid_float32"};
    EXPECT_EQ(KernelLibrary::standard().names(), expected);
}

TEST_F(StandardKernels, Elementwise) {
    const Buffer a = buffer<float>({1, -2, 3, 4}), b = buffer<float>({10, 20, -30, 40}), r = empty(4);
    run("add_arrays_float32", 4, {a, b, r});
    EXPECT_EQ(r.to_vector<float>(), (Floats{11, 18, -27, 44}));
    run("mul_arrays_float32", 4, {a, b, r});
    EXPECT_EQ(r.to_vector<float>(), (Floats{10, -40, -90, 160}));
    run("relu_float32", 4, {a, r});
    EXPECT_EQ(r.to_vector<float>(), (Floats{1, 0, 3, 4}));
    run("relu_float32", 2, {b, r}); // a part of the arrays
    EXPECT_EQ(r.to_vector<float>(), (Floats{10, 20, 3, 4}));
    const Buffer special = buffer<float>({std::nanf(""), -INFINITY, INFINITY, -0.0f});
    run("relu_float32", 4, {special, r});
    const Floats kept = r.to_vector<float>();
    EXPECT_TRUE(std::isnan(kept[0]));
    EXPECT_EQ(kept[1], 0.0f);
    EXPECT_EQ(kept[2], INFINITY);

    const Buffer i = buffer<int32_t>({2147483647, -5, 65536}), j = buffer<int32_t>({1, 3, 65536});
    const Buffer k = buffer<int32_t>({0, 0, 0});
    run("add_arrays_int32", 3, {i, j, k});
    EXPECT_EQ(k.to_vector<int32_t>(), (std::vector<int32_t>{-2147483647 - 1, -2, 131072})); // wraps around
    run("mul_arrays_int32", 3, {i, j, k});
    EXPECT_EQ(k.to_vector<int32_t>(), (std::vector<int32_t>{2147483647, -15, 0}));
    run("relu_int32", 3, {i, k});
    EXPECT_EQ(k.to_vector<int32_t>(), (std::vector<int32_t>{2147483647, 0, 65536}));
}

TEST_F(StandardKernels, SigmoidIsStable) {
    const Buffer x = buffer<float>({0, 2, -2, 100, -80, 1000, -1000}), y = empty(7);
    run("sigmoid_float32", 7, {x, y});
    const Floats v = y.to_vector<float>();
    EXPECT_EQ(v[0], 0.5f);
    EXPECT_NEAR(v[1], 1 / (1 + std::exp(-2.0)), 1e-7);
    EXPECT_NEAR(v[2], 1 / (1 + std::exp(2.0)), 1e-7);
    EXPECT_EQ(v[3], 1.0f);
    EXPECT_NEAR(v[4] / std::exp(-80.0), 1, 1e-4);
    EXPECT_EQ(v[5], 1.0f);
    EXPECT_EQ(v[6], 0.0f);
}

TEST_F(StandardKernels, HalvesRoundTrip) {
    const Buffer x = buffer<float>({1, -2.5f, 65504, 1e-7f, 1e6f}), h = buffer(std::vector<uint16_t>(5)), y = empty(5);
    run("convert_fp32_to_fp16", 5, {x, h});
    run("convert_fp16_to_fp32", 5, {h, y});
    EXPECT_EQ(y.to_vector<float>(), (Floats{1, -2.5f, 65504, 0x1p-23f, INFINITY}));
}

TEST_F(StandardKernels, NeverReachBeyondAnArray) {
    const Buffer a = buffer<float>({1, 2, 3}), r = empty(2);
    EXPECT_EQ(error("add_arrays_float32", 3, {a, a, r}),
              "add_arrays_float32: the grid 3 x 1 x 1 reaches beyond an array of 2 elements");
    EXPECT_EQ(error("relu_float32", {2, 2}, {a, r}), "relu_float32: the grid 2 x 2 x 1 must have one axis");
    const Buffer b = empty(6), c = empty(4);
    EXPECT_EQ(error("matmul_float32", {2, 2}, {b, b, c, 2, 3, 3}), "matmul_float32: b has 6 elements, not 1 x 3 x 3");
    EXPECT_EQ(error("matmul_float32", {2, 3}, {b, b, c, 2, 3, 2}),
              "matmul_float32: the grid 2 x 3 x 1 is larger than the result, 2 x 2 x 1");
    EXPECT_EQ(error("matmul_float32", {2, 2}, {b, b, c, -2, -3, 2}),
              "matmul_float32: a has 6 elements, not 1 x -2 x -3");
    const int64_t huge = int64_t{1} << 62;
    EXPECT_NE(error("matmul_float32", {2, 2}, {b, b, c, huge, huge, 2}).find("a has 6 elements"), std::string::npos);
}

TEST_F(StandardKernels, Products) {
    constexpr int64_t kBatch = 2, kM = 5, kN = 3, kP = 4;
    const Floats a = numbers(kBatch * kM * kN, 1), b = numbers(kBatch * kN * kP, 2);
    Floats expected(kBatch * kM * kP, 0);
    for (int64_t z = 0; z < kBatch; ++z)
        for (int64_t m = 0; m < kM; ++m)
            for (int64_t p = 0; p < kP; ++p)
                for (int64_t n = 0; n < kN; ++n)
                    expected[static_cast<size_t>((z * kM + m) * kP + p)] +=
                        a[static_cast<size_t>((z * kM + m) * kN + n)] * b[static_cast<size_t>((z * kN + n) * kP + p)];
    const Buffer r = empty(kBatch * kM * kP);
    run("batch_matmul_float32", {kP, kM, kBatch}, {buffer(a), buffer(b), r, kBatch, kM, kN, kP});
    EXPECT_EQ(r.to_vector<float>(), expected); // exact: quarters
    const Buffer one = empty(kM * kP);
    run("matmul_float32", {kP, kM},
        {KernelArg(buffer(a), 0, kM * kN * 4), KernelArg(buffer(b), 0, kN * kP * 4), one, kM, kN, kP});
    EXPECT_EQ(one.to_vector<float>(), Floats(expected.begin(), expected.begin() + kM * kP));
}

TEST_F(StandardKernels, NeverMistakeTheLayoutOfALinearWeight) {
    // [out, in] = [2, 3], deliberately not square and not symmetric.
    const Buffer x = buffer<float>({1, 2, 3}), w = buffer<float>({1, 0, 0, 0, -10, -100}),
                 bias = buffer<float>({0.5f, 1});
    const Buffer y = empty(2);
    const std::vector<KernelArg> args{x, w, bias, y, 1, 3, 2};
    run("linear_forward_float32", {2, 1}, args);
    EXPECT_EQ(y.to_vector<float>(), (Floats{1.5f, -319}));
    run("linear_relu_float32", {2, 1}, args);
    EXPECT_EQ(y.to_vector<float>(), (Floats{1.5f, 0}));
    run("linear_sigmoid_float32", {2, 1}, args);
    EXPECT_NEAR(y.to_vector<float>()[0], 1 / (1 + std::exp(-1.5)), 1e-6);
}

TEST_F(StandardKernels, OptimizersFollowTheirFormulas) {
    const Buffer p = buffer<float>({1, -2}), g = buffer<float>({0.5f, -3}), m = buffer<float>({0, 0});
    const Buffer v = buffer<float>({0, 0});
    double param = 1, first = 0, second = 0;
    for (int64_t step = 1; step <= 3; ++step) {
        run("adam_update_float32", 2, {p, g, m, v, 0.1, 0.9, 0.999, 1e-8, step});
        first = 0.9 * first + 0.1 * 0.5;
        second = 0.999 * second + 0.001 * 0.25;
        param -= 0.1 * (first / (1 - std::pow(0.9, step))) / (std::sqrt(second / (1 - std::pow(0.999, step))) + 1e-8);
        EXPECT_NEAR(p.to_vector<float>()[0], param, 1e-5);
    }
    EXPECT_GT(p.to_vector<float>()[1], -2.0f);
    EXPECT_EQ(error("adam_update_float32", 2, {p, g, m, v, 0.1, 0.9, 0.999, 1e-8, 0}),
              "adam_update_float32: the step is 0; steps count from 1");

    const Buffer q = buffer<float>({1}), d = buffer<float>({0.5f}), velocity = buffer<float>({0});
    run("sgd_momentum_update_float32", 1, {q, d, velocity, 0.1, 0.9, 0.01});
    EXPECT_NEAR(velocity.to_vector<float>()[0], 0.51, 1e-6);
    EXPECT_NEAR(q.to_vector<float>()[0], 1 - 0.051, 1e-6);
    run("sgd_momentum_update_float32", 1, {q, d, velocity, 0.1, 0.9, 0.01});
    EXPECT_NEAR(velocity.to_vector<float>()[0], 0.9 * 0.51 + 0.5 + 0.01 * 0.949, 1e-6);
}

TEST_F(StandardKernels, LayerNorm) {
    const Floats x = numbers(4 * 7, 3);
    const Buffer y = empty(28), mean = empty(4), variance = empty(4);
    run("layer_norm_float32", 4,
        {buffer(x), buffer(Floats(7, 2)), buffer(Floats(7, 1)), y, mean, variance, 4, 7, 1e-5});
    for (size_t row = 0; row < 4; ++row) {
        double average = 0, squares = 0;
        for (size_t i = 0; i < 7; ++i) average += x[row * 7 + i] / 7.0;
        for (size_t i = 0; i < 7; ++i) squares += (x[row * 7 + i] - average) * (x[row * 7 + i] - average) / 7;
        EXPECT_NEAR(mean.to_vector<float>()[row], average, 1e-6);
        EXPECT_NEAR(variance.to_vector<float>()[row], squares, 1e-5);
        for (size_t i = 0; i < 7; ++i)
            EXPECT_NEAR(y.to_vector<float>()[row * 7 + i],
                        2 * (x[row * 7 + i] - average) / std::sqrt(squares + 1e-5) + 1, 1e-5);
    }
}

} // namespace
} // namespace ingot
