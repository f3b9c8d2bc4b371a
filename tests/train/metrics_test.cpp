// SPDX-License-Identifier: MIT
// Metrics against values worked out by hand and against brute force; batches in any sizes give the same as all at once.
#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include <ingot/compile.h>
#include <ingot/eval.h>
#include <ingot/nn.h>
#include <ingot/ops.h>
#include <ingot/optim.h>
#include <ingot/train/metrics.h>

namespace ingot::train {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

template <class F> std::string error_of(F&& f) {
    try {
        f();
    } catch (const Error& e) { return e.what(); }
    return "";
}

Tensor labels(const std::vector<int64_t>& values) {
    return Tensor::from(values, {static_cast<int64_t>(values.size())});
}
Tensor numbers(const std::vector<float>& values) { return Tensor::from(values, {static_cast<int64_t>(values.size())}); }

/// Scores [N, classes] whose largest is at `predictions`.
Tensor scores_for(const std::vector<int64_t>& predictions, int64_t classes) {
    return one_hot(labels(predictions), classes, f32);
}

/// 7 samples of 3 classes: rows of the confusion matrix are {2, 1, 0}, {0, 1, 1}, {1, 0, 1}.
const std::vector<int64_t> kLabels{0, 0, 0, 1, 1, 2, 2}, kPredictions{0, 0, 1, 1, 2, 2, 0};

} // namespace

TEST(Accuracy, CountsOverBatches) {
    Accuracy accuracy;
    EXPECT_TRUE(std::isnan(accuracy.compute())) << "no samples";
    accuracy.update(scores_for({0, 1, 2, 1}, 3), labels({0, 1, 1, 1}));
    EXPECT_DOUBLE_EQ(accuracy.compute(), 0.75);
    accuracy.update(scores_for({2}, 3), labels({0}));
    EXPECT_DOUBLE_EQ(accuracy.compute(), 0.6) << "samples count, not batches";
    accuracy.reset();
    EXPECT_TRUE(std::isnan(accuracy.compute()));
    for (int i = 0; i < 150; ++i)
        accuracy.update(scores_for({i % 3 == 0 ? 1 : 0}, 2), labels({1})); // more than may wait
    EXPECT_DOUBLE_EQ(accuracy.compute(), 50.0 / 150);
}

TEST(Accuracy, FormsOfScores) {
    Accuracy ties;
    ties.update(Tensor::from(std::vector<float>{1, 1, 0, 2, 2, 2}, {2, 3}), labels({0, 1}));
    EXPECT_DOUBLE_EQ(ties.compute(), 0.5) << "the first of equal scores is the prediction";
    Accuracy logits, probabilities({.threshold = 0.5});
    const std::vector<float> values{-1, 0.2f, 0.7f, 0};
    logits.update(numbers(values), labels({0, 1, 1, 0}));
    EXPECT_DOUBLE_EQ(logits.compute(), 1);
    probabilities.update(Tensor::from(values, {4, 1}), numbers({0, 0, 1, 1}));
    EXPECT_DOUBLE_EQ(probabilities.compute(), 0.75);
    Accuracy predictions;
    predictions.update(labels({3, 4}), labels({3, 5}));
    EXPECT_DOUBLE_EQ(predictions.compute(), 0.5);
}

TEST(Accuracy, ClassAxisAndIgnoredLabels) {
    // [2, 3 positions, 4 classes]: predictions 0 1 2 / 3 3 3.
    const Tensor last = reshape(scores_for({0, 1, 2, 3, 3, 3}, 4), {2, 3, 4});
    const Tensor target = Tensor::from(std::vector<int64_t>{0, 1, -100, 3, 0, 0}, {2, 3});
    Accuracy at_end({.class_axis = -1}), at_one;
    at_end.update(last, target);
    EXPECT_DOUBLE_EQ(at_end.compute(), 3.0 / 5);
    at_one.update(transpose(last, 1, 2), target);
    EXPECT_DOUBLE_EQ(at_one.compute(), 3.0 / 5);
    Accuracy none;
    none.update(scores_for({0}, 2), labels({-100}));
    EXPECT_TRUE(std::isnan(none.compute()));
}

TEST(Accuracy, Errors) {
    Accuracy accuracy;
    const std::string error = error_of([&] { accuracy.update(zeros({4, 3}), labels({0, 1})); });
    EXPECT_NE(error.find("accuracy: output [4, 3] and target [2] do not fit"), std::string::npos) << error;
    EXPECT_NE(error_of([&] { accuracy.update(zeros({4, 3}), zeros({4, 3})); }), "") << "numbers are no labels";
    EXPECT_TRUE(std::isnan(accuracy.compute())) << "a refused batch leaves nothing behind";
    accuracy.update(zeros({4, 3}), labels({0, 3, -1, 2}));
    EXPECT_EQ(error_of([&] { accuracy.compute(); }), "accuracy: 2 labels are none of the output's classes");
}

TEST(TopK, RanksTiesAndNaN) {
    const Tensor scores = Tensor::from(std::vector<float>{0.1f, 0.5f, 0.4f, 0.0f, //
                                                          0.3f, 0.3f, 0.3f, 0.1f, //
                                                          0.9f, NAN, 0.5f, 0.1f},
                                       {3, 4});
    const auto value = [&](int64_t k, const std::vector<int64_t>& y) {
        TopKAccuracy metric(k);
        metric.update(scores, labels(y));
        return metric.compute();
    };
    EXPECT_DOUBLE_EQ(value(1, {1, 0, 0}), 1);
    EXPECT_DOUBLE_EQ(value(1, {2, 1, 2}), 0) << "of equal scores the lower class ranks higher";
    EXPECT_DOUBLE_EQ(value(2, {2, 1, 2}), 1);
    EXPECT_DOUBLE_EQ(value(2, {0, 2, 3}), 0);
    EXPECT_DOUBLE_EQ(value(3, {0, 2, 3}), 1);
    EXPECT_DOUBLE_EQ(value(4, {3, 3, 1}), 2.0 / 3) << "a score that is NaN is never right";
    EXPECT_DOUBLE_EQ(value(1, {-100, 0, -100}), 1) << "ignored labels";
    EXPECT_EQ(TopKAccuracy(5).name(), "top5_accuracy");
    EXPECT_THROW(TopKAccuracy(0), Error);
}

TEST(ConfusionMatrix, CountsAndScores) {
    ConfusionMatrix metric(3);
    for (size_t i = 0; i < kLabels.size(); ++i) metric.update(scores_for({kPredictions[i]}, 3), labels({kLabels[i]}));
    EXPECT_EQ(metric.counts().counts, (std::vector<int64_t>{2, 1, 0, 0, 1, 1, 1, 0, 1}));
    EXPECT_EQ(metric.counts().at(0, 1), 1) << "rows are true classes";
    EXPECT_DOUBLE_EQ(metric.compute(), 4.0 / 7);
    const std::vector<ClassScore> scores = metric.scores();
    EXPECT_DOUBLE_EQ(scores[0].precision, 2.0 / 3);
    EXPECT_DOUBLE_EQ(scores[0].recall, 2.0 / 3);
    EXPECT_DOUBLE_EQ(scores[0].f1, 2.0 / 3);
    EXPECT_DOUBLE_EQ(scores[0].iou, 2.0 / 4);
    EXPECT_DOUBLE_EQ(scores[1].precision, 1.0 / 2);
    EXPECT_DOUBLE_EQ(scores[1].recall, 1.0 / 2);
    EXPECT_EQ(scores[0].support, 3);
    EXPECT_EQ(scores[2].predicted, 2);
    metric.reset();
    EXPECT_EQ(metric.counts().total(), 0);
    metric.update(scores_for({0}, 3), labels({3}));
    EXPECT_NE(error_of([&] { metric.compute(); }).find("label 3 is not in 0..2"), std::string::npos);
    EXPECT_NE(error_of([&] {
                  ConfusionMatrix(4).update(zeros({1, 3}), labels({0}));
              }).find("3 classes"),
              std::string::npos);
    EXPECT_THROW(ConfusionMatrix(1), Error);
}

TEST(ConfusionMatrix, Averages) {
    const auto value = [](auto metric_of) {
        auto metric = metric_of();
        metric->update(scores_for(kPredictions, 3), labels(kLabels));
        return metric->compute();
    };
    const auto precision = [](Average a) { return [a] { return std::make_shared<Precision>(3, a); }; };
    const auto recall = [](Average a) { return [a] { return std::make_shared<Recall>(3, a); }; };
    const auto f1 = [](Average a) { return [a] { return std::make_shared<F1>(3, a); }; };
    // Per class: precision 2/3, 1/2, 1/2; recall 2/3, 1/2, 1/2; support 3, 2, 2.
    EXPECT_DOUBLE_EQ(value(precision(Average::macro)), 5.0 / 9);
    EXPECT_DOUBLE_EQ(value(recall(Average::macro)), 5.0 / 9);
    EXPECT_DOUBLE_EQ(value(f1(Average::macro)), 5.0 / 9);
    EXPECT_DOUBLE_EQ(value(f1(Average::micro)), 4.0 / 7);
    EXPECT_DOUBLE_EQ(value(precision(Average::micro)), 4.0 / 7);
    EXPECT_NEAR(value(recall(Average::weighted)), (3 * 2.0 / 3 + 2 * 0.5 + 2 * 0.5) / 7, 1e-15);
    EXPECT_NEAR(value(precision(Average::weighted)), 4.0 / 7, 1e-15);
}

TEST(ConfusionMatrix, UndefinedScores) {
    Confusion c(
        4); // class 2 occurs but is never predicted, class 3 does neither, class 1 is predicted but does not occur
    c.count(0, 0);
    c.count(0, 1);
    c.count(2, 0);
    EXPECT_TRUE(std::isnan(c.score(2).precision));
    EXPECT_DOUBLE_EQ(c.score(2).recall, 0);
    EXPECT_DOUBLE_EQ(c.score(2).f1, 0);
    EXPECT_TRUE(std::isnan(c.score(1).recall));
    EXPECT_TRUE(std::isnan(c.score(3).f1));
    EXPECT_TRUE(std::isnan(c.score(3).iou));
    EXPECT_DOUBLE_EQ(c.precision(), (0.5 + 0 + 0) / 3) << "class 3 has no part in the mean";
    EXPECT_DOUBLE_EQ(c.recall(), (0.5 + 0 + 0) / 3);
    EXPECT_DOUBLE_EQ(c.iou(Average::micro), 1.0 / (3 + 3 - 1));
    EXPECT_TRUE(std::isnan(Confusion(3).precision()));
    EXPECT_TRUE(std::isnan(Confusion(3).f1(Average::micro)));
}

TEST(AreaMetrics, TwoClassesInThreeForms) {
    // The classic four points: ROC AUC 3/4, average precision 1/2 * 1 + 1/2 * 2/3.
    const std::vector<float> s{0.1f, 0.4f, 0.35f, 0.8f};
    const std::vector<int64_t> y{0, 0, 1, 1};
    for (int form = 0; form < 3; ++form) {
        RocAuc roc;
        PrAuc pr;
        const Tensor column = Tensor::from(s, {4, 1});
        const Tensor output = form == 0 ? numbers(s) : form == 1 ? column : concat({0 - column, column}, 1);
        for (int64_t i = 0; i < 4; i += 2) { // two batches
            roc.update(narrow(output, 0, i, 2), narrow(labels(y), 0, i, 2));
            pr.update(narrow(output, 0, i, 2), narrow(labels(y), 0, i, 2));
        }
        EXPECT_DOUBLE_EQ(roc.compute(), 0.75) << form;
        EXPECT_DOUBLE_EQ(pr.compute(), 0.5 + 0.5 * 2 / 3) << form;
    }
    RocAuc one_class;
    one_class.update(numbers({0.1f, 0.2f}), labels({1, 1}));
    EXPECT_TRUE(std::isnan(one_class.compute()));
    RocAuc bad;
    bad.update(numbers({0.1f}), labels({2}));
    EXPECT_NE(error_of([&] { bad.compute(); }).find("label 2 is not in 0..1"), std::string::npos);
}

TEST(AreaMetrics, OneAgainstTheRest) {
    // Probabilities by rows; class 3 never occurs and has no part in the mean.
    const std::vector<std::vector<double>> p{
        {0.7, 0.1, 0.1, 0.1}, {0.2, 0.5, 0.2, 0.1}, {0.3, 0.3, 0.3, 0.1}, {0.6, 0.2, 0.1, 0.1}, {0.1, 0.2, 0.6, 0.1}};
    const std::vector<int64_t> y{0, 1, 2, 1, 2};
    std::vector<double> logits;
    for (const auto& row : p)
        for (const double v : row) logits.push_back(std::log(v) + 3);
    double expected = 0;
    for (size_t c = 0; c < 3; ++c) { // by counting pairs
        double better = 0, pairs = 0;
        for (size_t i = 0; i < 5; ++i)
            for (size_t j = 0; j < 5; ++j) {
                if (y[i] != static_cast<int64_t>(c) || y[j] == static_cast<int64_t>(c)) continue;
                ++pairs;
                better += p[i][c] > p[j][c] ? 1 : p[i][c] == p[j][c] ? 0.5 : 0;
            }
        expected += better / pairs / 3;
    }
    RocAuc metric(4);
    metric.update(Tensor::from(logits, {5, 4}), labels(y));
    EXPECT_NEAR(metric.compute(), expected, 1e-12);
    // Nothing to tell apart.
    PrAuc one(3);
    one.update(scores_for({0, 1, 2}, 3), labels({1, 1, 1}));
    EXPECT_TRUE(std::isnan(one.compute()));
}

TEST(LogLoss, ValuesAndPerplexity) {
    LogLoss loss;
    Perplexity perplexity;
    // -log of 0.5 and of 0.25
    const Tensor logits = log(Tensor::from(std::vector<double>{0.5, 0.3, 0.2, 0.25, 0.25, 0.5}, {2, 3}));
    loss.update(logits, labels({0, 1}));
    perplexity.update(logits, labels({0, 1}));
    EXPECT_NEAR(loss.compute(), (std::log(2.0) + std::log(4.0)) / 2, 1e-15);
    EXPECT_NEAR(perplexity.compute(), std::sqrt(8.0), 1e-14);
    Perplexity uniform({.class_axis = -1});
    uniform.update(zeros({2, 5, 256}), zeros({2, 5}, {.dtype = i64}));
    EXPECT_NEAR(uniform.compute(), 256, 1e-10);
    LogLoss ignoring;
    ignoring.update(logits, labels({0, -100}));
    EXPECT_NEAR(ignoring.compute(), std::log(2.0), 1e-15);
    LogLoss binary; // probabilities 3/4 of class 1
    binary.update(numbers({std::log(3.0f), std::log(3.0f)}), numbers({1, 0}));
    EXPECT_NEAR(binary.compute(), -(std::log(0.75) + std::log(0.25)) / 2, 1e-7);
}

TEST(Regression, Values) {
    MAE mae;
    MSE mse;
    RMSE rmse;
    R2 r2;
    const std::vector<float> output{2.5f, 0, 2, 8}, target{3, -0.5f, 2, 7};
    for (Metric* m : std::initializer_list<Metric*>{&mae, &mse, &rmse, &r2}) {
        EXPECT_TRUE(std::isnan(m->compute())) << m->name();
        m->update(Tensor::from(std::vector<float>(output.begin(), output.begin() + 3), {3, 1}),
                  numbers({target.begin(), target.begin() + 3}));
        m->update(numbers({output[3]}), numbers({target[3]}));
        m->update(zeros({0}), zeros({0}));
    }
    EXPECT_DOUBLE_EQ(mae.compute(), 0.5);
    EXPECT_DOUBLE_EQ(mse.compute(), 0.375);
    EXPECT_DOUBLE_EQ(rmse.compute(), std::sqrt(0.375));
    EXPECT_DOUBLE_EQ(r2.compute(), 1 - 1.5 / 29.1875);
    const std::string error = error_of([&] { mae.update(zeros({4, 2}), zeros({4})); });
    EXPECT_NE(error.find("mae: output [4, 2] and target [4]"), std::string::npos) << error;
}

TEST(Regression, SeveralOutputsAndUndefined) {
    R2 metric;
    // Columns: perfect (1), and always the mean (0).
    metric.update(Tensor::from(std::vector<float>{1, 2, 3, 2, 5, 2}, {3, 2}),
                  Tensor::from(std::vector<float>{1, 1, 3, 2, 5, 3}, {3, 2}));
    EXPECT_DOUBLE_EQ(metric.compute(), 0.5);
    EXPECT_NE(error_of([&] {
                  metric.update(zeros({3}), zeros({3}));
                  metric.compute();
              }).find("has 1 outputs, the batches before it 2"),
              std::string::npos);
    R2 constant; // whose mean is not exactly 0.1
    for (const int64_t n : {3, 2})
        constant.update(arange(n, {.dtype = f64}), Tensor::from(std::vector<double>(static_cast<size_t>(n), 0.1), {n}));
    EXPECT_TRUE(std::isnan(constant.compute()));
}

TEST(Regression, LargeOffsetsDoNotCancel) {
    // Deviations of 1 around 1e9, in batches of different means: sums of squares would lose everything.
    std::mt19937 random(5);
    std::normal_distribution<double> normal;
    std::vector<double> y, o;
    for (int i = 0; i < 300; ++i) {
        y.push_back(1e9 + i * 0.01 + normal(random));
        o.push_back(y.back() + 0.3 * normal(random));
    }
    double mean = 0, residual = 0, deviation = 0;
    for (const double v : y) mean += (v - 1e9) / 300;
    for (size_t i = 0; i < y.size(); ++i) {
        residual += (o[i] - y[i]) * (o[i] - y[i]);
        deviation += (y[i] - 1e9 - mean) * (y[i] - 1e9 - mean);
    }
    R2 metric;
    for (int64_t at = 0; at < 300; at += 100)
        metric.update(narrow(Tensor::from(o, {300}), 0, at, 100), narrow(Tensor::from(y, {300}), 0, at, 100));
    EXPECT_NEAR(metric.compute(), 1 - residual / deviation, 1e-6);
}

TEST(MeanOf, IsAMetricOfOnesOwn) {
    MeanOf mape("mape", [](const Tensor& o, const Tensor& y) { return abs((y - o) / y); });
    mape.update(numbers({1, 3}), numbers({2, 4}));
    mape.update(numbers({5}), numbers({4}));
    EXPECT_DOUBLE_EQ(mape.compute(), (0.5 + 0.25 + 0.25) / 3);
    EXPECT_EQ(mape.name(), "mape");
}

/// The largest error so far: derives from Metric.
class LargestError : public Metric {
public:
    LargestError() : Metric("largest_error") {}
    Tensor summarize(const Tensor& o, const Tensor& y) const override { return max(abs(o - y)); }
    void add(const std::vector<double>& summary) override { largest_ = std::fmax(largest_, summary.at(0)); }

protected:
    double value() const override { return largest_; }
    void clear() override { largest_ = kNaN; }

private:
    double largest_ = kNaN;
};

TEST(Metric, DerivedAndCompiled) {
    LargestError metric;
    metric.update(numbers({1, 5}), numbers({2, 2}));
    metric.update(numbers({1}), numbers({2}));
    EXPECT_DOUBLE_EQ(metric.compute(), 3);
    // A compiled function returns the summary; update() would leave a tracer behind.
    Accuracy accuracy;
    auto step = compile([&](const Tensor& x, const Tensor& y) { return accuracy.summarize(x * 2, y); });
    for (int i = 0; i < 3; ++i) accuracy.add(step(scores_for({0, 1}, 2), labels({0, i % 2})).to_vector<double>());
    EXPECT_DOUBLE_EQ(accuracy.compute(), 4.0 / 6);
    auto wrong = compile([&](const Tensor& x, const Tensor& y) {
        accuracy.update(x, y);
        return x;
    });
    EXPECT_NE(error_of([&] { wrong(scores_for({0}, 2), labels({0})); }).find("update() inside compile()"),
              std::string::npos);
}

TEST(Metric, DoesNotWaitOrSubmitOnItsOwnInTraining) {
    manual_seed(1);
    nn::Sequential model{nn::Linear(4, 3)};
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    Accuracy accuracy;
    Tensor x = randn({8, 4}), y = randint(0, 3, {8});
    x.eval();
    y.eval();
    const int64_t before = eval_stats().submissions;
    for (int i = 0; i < 5; ++i) {
        const Tensor output = model(x);
        optimizer.zero_grad();
        nn::cross_entropy(output, y).backward();
        accuracy.update(output, y);
        optimizer.step();
    }
    EXPECT_EQ(eval_stats().submissions - before, 5) << "the summary belongs to the step's submission";
    EXPECT_FALSE(std::isnan(accuracy.compute()));
    // In evaluation nothing else would submit: the work must not pile up until the value is read.
    const NoGrad guard;
    const int64_t middle = eval_stats().submissions;
    for (int i = 0; i < 3; ++i) accuracy.update(model(x), y);
    EXPECT_EQ(eval_stats().submissions - middle, 3);
}

} // namespace ingot::train
