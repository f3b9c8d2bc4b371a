// SPDX-License-Identifier: MIT
// A pass over data: loss and figures of each kind of task, metrics that ride along, one submission per batch.
#include <cmath>
#include <tuple>

#include <gtest/gtest.h>

#include <ingot/eval.h>
#include <ingot/nn.h>
#include <ingot/ops.h>
#include <ingot/train/evaluate.h>
#include <ingot/train/metrics.h>

#include "train/evaluator.h"

namespace ingot::train {

namespace {

/// Batches that are there already.
class Fixed : public data::Batches {
public:
    explicit Fixed(std::vector<std::pair<Tensor, Tensor>> batches) : batches_(std::move(batches)) {}
    int64_t steps() const override { return static_cast<int64_t>(batches_.size()); }
    int64_t batch_size() const override { return batches_[0].first.size(0); }
    void start(int64_t, int64_t first) override { at_ = static_cast<size_t>(first); }
    bool next(Tensor& x, Tensor& y) override {
        if (at_ == batches_.size()) return false;
        std::tie(x, y) = batches_[at_++];
        return true;
    }

private:
    std::vector<std::pair<Tensor, Tensor>> batches_;
    size_t at_ = 0;
};

Tensor ids(const std::vector<int64_t>& values, const Shape& shape) { return Tensor::from(values, shape); }

/// The mean over samples of unequal batches, and labels of each.
Fixed classes() {
    return Fixed({{Tensor::from(std::vector<float>{2, 0, 0, 0, 2, 0}, {2, 3}), ids({0, 1}, {2})},
                  {Tensor::from(std::vector<float>{0, 0, 2}, {1, 3}), ids({1}, {1})}});
}

} // namespace

TEST(Evaluate, Classes) {
    nn::Identity model;
    Fixed data = classes();
    const auto confusion = std::make_shared<ConfusionMatrix>(3);
    const MetricList metrics{confusion, std::make_shared<LogLoss>(), std::make_shared<F1>(3, Average::micro)};
    const EvalResult r = evaluate(model, nn::cross_entropy, data, metrics);
    const double z = std::exp(2.0) + 2;
    EXPECT_NEAR(r.loss, (2 * -std::log(std::exp(2.0) / z) - std::log(1 / z)) / 3, 1e-6) << "samples weigh, not batches";
    EXPECT_DOUBLE_EQ(r.accuracy, 2.0 / 3);
    EXPECT_EQ(r.samples, 3);
    EXPECT_TRUE(std::isnan(r.mae));
    EXPECT_NEAR(r.metric("log_loss"), r.loss, 1e-6);
    EXPECT_DOUBLE_EQ(r.metric("f1"), 2.0 / 3);
    EXPECT_TRUE(std::isnan(r.metric("none")));
    EXPECT_EQ(confusion->counts().at(1, 2), 1);
    EXPECT_TRUE(model.is_training()) << "the mode is put back";
}

TEST(Evaluate, ModesArePutBackPartByPart) {
    nn::Sequential model{nn::Identity()};
    nn::Sequential inner{nn::Identity(), nn::Identity()};
    model.add("inner", inner);
    inner[1].eval();
    Fixed data = classes();
    evaluate(model, nn::cross_entropy, data);
    EXPECT_TRUE(model.is_training());
    EXPECT_TRUE(inner.is_training());
    EXPECT_TRUE(inner[0].is_training());
    EXPECT_FALSE(inner[1].is_training());
    EXPECT_THROW(evaluate(
                     model, [](const Tensor&, const Tensor&) -> Tensor { throw Error("no loss"); }, data),
                 Error);
    EXPECT_TRUE(inner[0].is_training());
    EXPECT_FALSE(inner[1].is_training());
}

TEST(Evaluate, PassesAreIndependentAndOneSubmissionPerBatch) {
    nn::Identity model;
    Fixed data = classes();
    const auto accuracy = std::make_shared<Accuracy>();
    Evaluator evaluator(model, nn::cross_entropy, {accuracy, std::make_shared<F1>(3)});
    const EvalResult first = evaluator.run(data);
    const int64_t before = eval_stats().submissions;
    const EvalResult second = evaluator.run(data);
    EXPECT_EQ(eval_stats().submissions - before, 2);
    EXPECT_EQ(second.samples, 3);
    EXPECT_EQ(second.loss, first.loss);
    EXPECT_DOUBLE_EQ(second.metric("accuracy"), 2.0 / 3);
    int asked = 0;
    const EvalResult half = evaluator.run(data, [&] { return ++asked == 2; });
    EXPECT_EQ(half.samples, 2) << "stopped after the first batch";
    EXPECT_DOUBLE_EQ(half.accuracy, 1);
}

TEST(Evaluate, NothingHasNoLoss) {
    class Nothing : public data::Batches {
    public:
        int64_t steps() const override { return 0; }
        int64_t batch_size() const override { return 1; }
        void start(int64_t, int64_t) override {}
        bool next(Tensor&, Tensor&) override { return false; }
    } nothing;
    nn::Sequential model{nn::Linear(4, 2)};
    const EvalResult result = evaluate(model, nn::cross_entropy, nothing);
    EXPECT_EQ(result.samples, 0);
    EXPECT_TRUE(std::isnan(result.loss)) << "0 would be the best of all losses";
}

TEST(Evaluate, Numbers) {
    nn::Identity model;
    Fixed data(
        {{Tensor::from(std::vector<float>{2.5f, 0, 2}, {3, 1}), Tensor::from(std::vector<float>{3, -0.5f, 2}, {3})},
         {Tensor::from(std::vector<float>{8}, {1, 1}), Tensor::from(std::vector<float>{7}, {1})}});
    const EvalResult r = evaluate(
        model, [](const Tensor& o, const Tensor& y) { return nn::mse_loss(squeeze(o, 1), y); }, data);
    EXPECT_NEAR(r.loss, 0.375, 1e-7); // of f32
    EXPECT_DOUBLE_EQ(r.mae, 0.5);
    EXPECT_DOUBLE_EQ(r.r2, 1 - 1.5 / 29.1875);
    EXPECT_TRUE(std::isnan(r.accuracy));
}

TEST(Evaluate, Tokens) {
    // Scores [N, T, V] of a language model: the class axis is the last one.
    nn::Identity model;
    const Tensor scores = reshape(one_hot(ids({1, 2, 0, 4}, {4}), 5, f32), {2, 2, 5});
    Fixed data({{scores, ids({1, 2, 0, 3}, {2, 2})}});
    const auto loss = [](const Tensor& o, const Tensor& y) { return nn::cross_entropy(transpose(o, 1, 2), y); };
    EXPECT_DOUBLE_EQ(evaluate(model, loss, data).accuracy, 0.75);
    // As many positions as tokens: both axes would fit.
    const Tensor square = reshape(one_hot(ids({1, 2, 0, 4, 3}, {5}), 5, f32), {1, 5, 5});
    Fixed both({{square, ids({1, 2, 0, 4, 0}, {1, 5})}});
    EXPECT_DOUBLE_EQ(evaluate(model, loss, both).accuracy, 0.8);
    // Scores [N, C, H, W] of pixels.
    Fixed pixels({{reshape(transpose(reshape(scores, {1, 4, 5}), 1, 2), {1, 5, 2, 2}), ids({1, 2, 0, 3}, {1, 2, 2})}});
    EXPECT_DOUBLE_EQ(evaluate(model, nn::cross_entropy, pixels).accuracy, 0.75);
}

TEST(Evaluate, TasksWithoutAFigureOfTheirOwn) {
    // A loss that compares with something else than labels or numbers of the outputs' shape needs no accuracy.
    nn::Identity model;
    Fixed data({{ones({2, 3}), ones({2, 5})}});
    const EvalResult r = evaluate(
        model, [](const Tensor& o, const Tensor& y) { return mean(o) + mean(y); }, data);
    EXPECT_DOUBLE_EQ(r.loss, 2);
    EXPECT_TRUE(std::isnan(r.accuracy));
    EXPECT_TRUE(std::isnan(r.r2));
    EXPECT_THROW(evaluate(model, [](const Tensor& o, const Tensor& y) { return mean(o) + mean(y); }, data,
                          {std::make_shared<Accuracy>()}),
                 ShapeError)
        << "but one that was asked for must fit";
}

} // namespace ingot::train
