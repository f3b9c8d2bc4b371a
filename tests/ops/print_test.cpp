// SPDX-License-Identifier: MIT
// Tensors as text. What is expected is what PyTorch 1.13 prints, with the shape and dtype at the end; one
// difference is marked.
#include <ingot/print.h>

#include <cmath>
#include <sstream>

#include <gtest/gtest.h>

#include <ingot/eval.h>
#include <ingot/ops.h>

namespace ingot {
namespace {

std::string text(const Tensor& t) {
    std::ostringstream out;
    out << t;
    return out.str();
}

TEST(TensorFrom, BracedLists) {
    const Tensor a = Tensor::from({1.f, 2.f}, {2});
    EXPECT_EQ(a.dtype(), f32);
    EXPECT_EQ(a.to_vector<float>(), (std::vector<float>{1, 2}));
    EXPECT_EQ(Tensor::from({1.5, 2.5, 3.5, 4.5}, {2, 2}).dtype(), f64);
    EXPECT_EQ(Tensor::from({1, 2, 3}, {3}).dtype(), i32);
    EXPECT_EQ(Tensor::from<int64_t>({1, 2, 3}, {3}).dtype(), i64);
    EXPECT_EQ(Tensor::from({true, false}, {2}).dtype(), boolean);
    EXPECT_EQ(Tensor::from({1, 2}, {2}, {.dtype = f16}).dtype(), f16);
    EXPECT_THROW(Tensor::from({1.f, 2.f}, {3}), ShapeError);
}

TEST(TensorPrint, SmallTensors) {
    EXPECT_EQ(text(Tensor::from({1.f, 2.5f, -3.f}, {3})), "tensor([ 1.0000,  2.5000, -3.0000], f32 [3])");
    EXPECT_EQ(text(Tensor::from({1., 2., 3., 400.}, {2, 2})),
              "tensor([[  1.,   2.],\n        [  3., 400.]], f64 [2, 2])");
    EXPECT_EQ(text(Tensor::from({1e-5f, 1.f, 2e3f}, {3})), "tensor([1.0000e-05, 1.0000e+00, 2.0000e+03], f32 [3])");
    EXPECT_EQ(text(Tensor::from({1e9f, 1.f}, {2})), "tensor([1.0000e+09, 1.0000e+00], f32 [2])");
    EXPECT_EQ(text(Tensor::from({NAN, INFINITY, -INFINITY, 0.f, 1.5f}, {5})),
              "tensor([   nan,    inf,   -inf, 0.0000, 1.5000], f32 [5])");
    // PyTorch aligns by the finite numbers only: [inf, 1., 2.].
    EXPECT_EQ(text(Tensor::from({INFINITY, 1.f, 2.f}, {3})), "tensor([inf,  1.,  2.], f32 [3])");
    EXPECT_EQ(text(zeros({2, 3})), "tensor([[0., 0., 0.],\n        [0., 0., 0.]], f32 [2, 3])");
    EXPECT_EQ(text(Tensor::scalar(3.14159)), "tensor(3.1416, f32 [])");
    EXPECT_EQ(text(reshape(arange(-2, 10), {3, 4})),
              "tensor([[-2, -1,  0,  1],\n        [ 2,  3,  4,  5],\n        [ 6,  7,  8,  9]], i64 [3, 4])");
    EXPECT_EQ(text(Tensor::from<int64_t>({9007199254740993}, {1})), "tensor([9007199254740993], i64 [1])");
    EXPECT_EQ(text(Tensor::from({true, false}, {2})), "tensor([ true, false], bool [2])");
    EXPECT_EQ(text(full({2}, 0.5, {.dtype = bf16})), "tensor([0.5000, 0.5000], bf16 [2])");
    EXPECT_EQ(text(zeros({0, 3})), "tensor([], f32 [0, 3])");
    EXPECT_EQ(text(Tensor()), "tensor(undefined)");
    EXPECT_EQ(text(full({1}, 2.0, {.device = Device::reference()})), "tensor([2.], f32 [1] reference)");
}

TEST(TensorPrint, LinesAndBlocks) {
    EXPECT_EQ(text(arange(30)), "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
                                "        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29], i64 [30])");
    EXPECT_EQ(text(reshape(arange(8), {2, 2, 2}).to(f32) / 4), "tensor([[[0.0000, 0.2500],\n"
                                                               "         [0.5000, 0.7500]],\n\n"
                                                               "        [[1.0000, 1.2500],\n"
                                                               "         [1.5000, 1.7500]]], f32 [2, 2, 2])");
}

TEST(TensorPrint, LargeTensorsAreShortened) {
    EXPECT_EQ(text(arange(2000)), "tensor([   0,    1,    2,  ..., 1997, 1998, 1999], i64 [2000])");
    const std::string whole = text(arange(1000));
    EXPECT_EQ(whole.find("..."), std::string::npos);
    EXPECT_EQ(text(reshape(arange(4000), {40, 100}).to(f32) / 8).substr(0, 197),
              "tensor([[0.0000e+00, 1.2500e-01, 2.5000e-01,  ..., 1.2125e+01, 1.2250e+01,\n"
              "         1.2375e+01],\n"
              "        [1.2500e+01, 1.2625e+01, 1.2750e+01,  ..., 2.4625e+01, 2.4750e+01,\n"
              "         2.4875e+01],\n"
              "   ");
    EXPECT_EQ(text(reshape(arange(3000), {10, 2, 150})),
              "tensor([[[   0,    1,    2,  ...,  147,  148,  149],\n"
              "         [ 150,  151,  152,  ...,  297,  298,  299]],\n\n"
              "        [[ 300,  301,  302,  ...,  447,  448,  449],\n"
              "         [ 450,  451,  452,  ...,  597,  598,  599]],\n\n"
              "        [[ 600,  601,  602,  ...,  747,  748,  749],\n"
              "         [ 750,  751,  752,  ...,  897,  898,  899]],\n\n"
              "        ...,\n\n"
              "        [[2100, 2101, 2102,  ..., 2247, 2248, 2249],\n"
              "         [2250, 2251, 2252,  ..., 2397, 2398, 2399]],\n\n"
              "        [[2400, 2401, 2402,  ..., 2547, 2548, 2549],\n"
              "         [2550, 2551, 2552,  ..., 2697, 2698, 2699]],\n\n"
              "        [[2700, 2701, 2702,  ..., 2847, 2848, 2849],\n"
              "         [2850, 2851, 2852,  ..., 2997, 2998, 2999]]], i64 [10, 2, 150])");
}

TEST(TensorPrint, LeavesTheTapeAlone) {
    Tensor w = Tensor::parameter(ones({2}));
    const Tensor y = w * 3;
    EXPECT_EQ(text(y), "tensor([3., 3.], f32 [2])");
    sum(y).backward();
    EXPECT_EQ(text(w.grad()), "tensor([3., 3.], f32 [2])");
}

} // namespace
} // namespace ingot
