// SPDX-License-Identifier: MIT
// Statistics of tensors against plain loops; what is not finite is counted apart; they can be part of a compiled step.
#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <ingot/compile.h>
#include <ingot/eval.h>
#include <ingot/nn.h>
#include <ingot/ops.h>
#include <ingot/optim.h>
#include <ingot/train/statistics.h>

namespace ingot::train {

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

TensorStatistics one(const Tensor& t, int64_t bins = 4) { return tensor_statistics({{"t", t}}, bins).at(0); }

} // namespace

TEST(Statistics, ValuesByHand) {
    const TensorStatistics s = one(Tensor::from(std::vector<float>{-2, 0, 0, 1, 2, 2}, {2, 3}));
    EXPECT_EQ(s.name, "t");
    EXPECT_EQ(s.finite, 6);
    EXPECT_EQ(s.not_finite, 0);
    EXPECT_DOUBLE_EQ(s.min, -2);
    EXPECT_DOUBLE_EQ(s.max, 2);
    EXPECT_DOUBLE_EQ(s.mean, 0.5);
    EXPECT_DOUBLE_EQ(s.std, std::sqrt((6.25 + 0.25 + 0.25 + 0.25 + 2.25 + 2.25) / 6));
    EXPECT_EQ(s.counts, (std::vector<int64_t>{1, 0, 2, 3})) << "the largest belongs to the last bin";
    EXPECT_DOUBLE_EQ(s.sum(), 3);
    EXPECT_NEAR(s.sum_of_squares(), 13, 1e-12);
}

TEST(Statistics, NotFiniteConstantEmptyHuge) {
    const TensorStatistics s = one(Tensor::from(std::vector<float>{NAN, 1, kInf, 3, -kInf, 2}, {6}), 2);
    EXPECT_EQ(s.finite, 3);
    EXPECT_EQ(s.not_finite, 3);
    EXPECT_DOUBLE_EQ(s.mean, 2);
    EXPECT_EQ(s.counts, (std::vector<int64_t>{1, 2}));
    const TensorStatistics none = one(Tensor::from(std::vector<float>{NAN}, {1}));
    EXPECT_EQ(none.finite, 0);
    EXPECT_TRUE(std::isnan(none.min) && std::isnan(none.max) && std::isnan(none.mean) && std::isnan(none.std));
    EXPECT_DOUBLE_EQ(none.sum_of_squares(), 0);
    const TensorStatistics constant = one(full({5}, 7.5));
    EXPECT_DOUBLE_EQ(constant.std, 0);
    EXPECT_EQ(constant.counts, (std::vector<int64_t>{5, 0, 0, 0}));
    EXPECT_EQ(one(zeros({0})).finite, 0);
    const float most = std::numeric_limits<float>::max();
    const TensorStatistics huge = one(Tensor::from(std::vector<float>{-most, most, most}, {3}));
    EXPECT_EQ(huge.counts, (std::vector<int64_t>{1, 0, 0, 2}));
    EXPECT_TRUE(std::isfinite(huge.std));
    EXPECT_THROW(one(zeros({2}, {.dtype = i64})), DTypeError);
    EXPECT_THROW(summarize_tensors({}), Error);
}

TEST(Statistics, RandomAgainstALoop) {
    manual_seed(4);
    const Tensor t = randn({777}) * 3 + 1;
    const std::vector<float> x = t.to_vector<float>();
    const TensorStatistics s = one(t, kHistogramBins);
    double mean = 0, square = 0;
    for (const float v : x) mean += static_cast<double>(v) / 777;
    for (const float v : x) square += (static_cast<double>(v) - mean) * (static_cast<double>(v) - mean) / 777;
    EXPECT_NEAR(s.mean, mean, 1e-12);
    EXPECT_NEAR(s.std, std::sqrt(square), 1e-12);
    EXPECT_FLOAT_EQ(static_cast<float>(s.min), *std::min_element(x.begin(), x.end()));
    int64_t total = 0, difference = 0;
    std::vector<int64_t> counts(kHistogramBins);
    for (const float v : x) {
        const double part = (static_cast<double>(v) - s.min) / (s.max - s.min);
        ++counts[static_cast<size_t>(std::min(part * kHistogramBins, kHistogramBins - 1.0))];
    }
    for (size_t i = 0; i < counts.size(); ++i) {
        total += s.counts[i];
        difference += std::abs(s.counts[i] - counts[i]);
    }
    EXPECT_EQ(total, 777);
    EXPECT_LE(difference, 2) << "only an element on an edge may round to its neighbour";
}

TEST(Statistics, OfGradientsInsideACompiledStep) {
    manual_seed(2);
    nn::Sequential model{nn::Linear(3, 2), nn::ReLU(), nn::Linear(2, 1)};
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    std::vector<std::string> names = model.named_parameters().names();
    auto step = compile([&](const Tensor& x) {
        const Tensor loss = mean(square(model(x)));
        optimizer.zero_grad();
        loss.backward();
        std::vector<Tensor> gradients;
        for (const Tensor& p : model.parameters()) gradients.push_back(p.grad());
        const Tensor summary = summarize_tensors(gradients);
        optimizer.step();
        return std::pair<Tensor, Tensor>(loss, summary);
    });
    const Tensor x = randn({8, 3});
    x.eval();
    const StateDict before = model.named_parameters();
    std::vector<std::vector<float>> old;
    for (const auto& [name, p] : before) old.push_back(p.to_vector<float>());
    const int64_t submissions = eval_stats().submissions;
    const auto [loss, summary] = step(x);
    const auto statistics = read_statistics(names, summary);
    EXPECT_EQ(eval_stats().submissions - submissions, 1) << "statistics are part of the step";
    ASSERT_EQ(statistics.size(), 4u);
    size_t i = 0;
    for (const auto& [name, p] : before) { // SGD: the gradient is what the weights moved by
        const std::vector<float> now = p.to_vector<float>();
        double largest = -1e30;
        for (size_t k = 0; k < now.size(); ++k)
            largest = std::max(largest, (static_cast<double>(old[i][k]) - static_cast<double>(now[k])) / 0.1);
        EXPECT_EQ(statistics[i].name, name);
        EXPECT_NEAR(statistics[i].max, largest, 1e-5) << name;
        ++i;
    }
    EXPECT_THROW(read_statistics({"a"}, summary), Error);
}

} // namespace ingot::train
