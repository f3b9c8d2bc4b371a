// SPDX-License-Identifier: MIT
// What a run tells about itself while it lasts and afterwards: losses by step in bounded memory, sinks, statistics of
// weights and gradients that change nothing, times that add up.
#include <cmath>

#include <gtest/gtest.h>

#include <ingot/ops.h>
#include <ingot/optim.h>
#include <ingot/train.h>

#include "train/step_history.h"
#include "train/trainer_testing.h"

namespace ingot::train {

namespace {

nn::Sequential small_model() {
    manual_seed(3);
    return nn::Sequential{nn::Linear(4, 8), nn::BatchNorm1d(8), nn::ReLU(), nn::Dropout(0.2), nn::Linear(8, 2)};
}

/// Everything that the sinks get.
struct Heard {
    std::vector<std::pair<int64_t, std::vector<MetricValue>>> scalars;
    std::vector<std::pair<int64_t, std::vector<TensorStatistics>>> histograms;
    std::shared_ptr<Sink> sink() {
        return std::make_shared<CallbackSink>(
            [this](int64_t step, const std::vector<MetricValue>& v) { scalars.emplace_back(step, v); },
            [this](int64_t step, const std::vector<TensorStatistics>& t) { histograms.emplace_back(step, t); });
    }
};

double value_of(const std::vector<MetricValue>& values, const std::string& name) {
    for (const MetricValue& v : values)
        if (v.name == name) return v.value;
    ADD_FAILURE() << "no " << name;
    return NAN;
}

} // namespace

TEST(StepHistory, NeighboursBecomeTheirMean) {
    StepHistory history(8);
    double sum = 0;
    for (int64_t step = 1; step <= 100; ++step) {
        history.submitted(step, static_cast<double>(step) / 10, 0.5);
        if (step <= 3) continue; // losses are read late
        EXPECT_EQ(history.read(static_cast<double>(step - 3)).step, step - 3);
    }
    for (int64_t step = 98; step <= 100; ++step) history.read(static_cast<double>(step));
    const std::vector<StepLoss> points = history.points();
    ASSERT_EQ(points.size(), 7u); // of 16 steps, the last of 4
    for (size_t i = 0; i < 6; ++i) {
        EXPECT_EQ(points[i].step, static_cast<int64_t>(16 * (i + 1)));
        EXPECT_DOUBLE_EQ(points[i].loss, 16 * static_cast<double>(i) + 8.5);
        EXPECT_NEAR(points[i].epoch, points[i].loss / 10, 1e-12);
        EXPECT_DOUBLE_EQ(points[i].lr, 0.5);
        sum += points[i].loss * 16;
    }
    EXPECT_EQ(points[6].step, 100);
    EXPECT_DOUBLE_EQ(sum + points[6].loss * 4, 5050);
}

TEST(History, LossesOfAllStepsAndTimes) {
    nn::Sequential model = small_model();
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    Clusters train(6, 1), validation(2, 2);
    const TrainResult r =
        Trainer(model, optimizer, nn::cross_entropy, {.epochs = 2, .progress = false}).fit(train, &validation, nullptr);
    ASSERT_EQ(r.history.steps.size(), 12u);
    double last_epoch = 0;
    for (size_t i = 0; i < 12; ++i) {
        EXPECT_EQ(r.history.steps[i].step, static_cast<int64_t>(i + 1));
        EXPECT_DOUBLE_EQ(r.history.steps[i].epoch, static_cast<double>(i + 1) / 6);
        EXPECT_EQ(r.history.steps[i].lr, 0.1);
        if (i >= 6) last_epoch += r.history.steps[i].loss / 6;
    }
    EXPECT_NEAR(last_epoch, r.train_loss, 1e-12);
    EXPECT_TRUE(r.history.statistics.empty());
    const PhaseTimes& t = r.history.phases;
    EXPECT_GT(t.steps, 0);
    EXPECT_GT(t.data, 0);
    EXPECT_GT(t.validation, 0);
    EXPECT_GE(t.other(), 0);
    EXPECT_LE(t.total, r.seconds + 0.05);
    EXPECT_GT(t.steps + t.data + t.validation + t.checkpoints, 0.5 * t.total) << "most of the time has a name";
}

TEST(History, SinksHearOfStepsEpochsAndMetrics) {
    nn::Sequential model = small_model();
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    Clusters train(10, 1), validation(2, 2);
    Heard heard;
    const TrainResult r = Trainer(model, optimizer, nn::cross_entropy,
                                  {.epochs = 2,
                                   .progress = false,
                                   .metrics = {std::make_shared<F1>(2)},
                                   .sinks = {heard.sink()},
                                   .sink_steps = 5})
                              .fit(train, &validation, nullptr);
    ASSERT_EQ(heard.scalars.size(), 6u);
    std::vector<int64_t> steps;
    for (const auto& [step, values] : heard.scalars) steps.push_back(step);
    EXPECT_EQ(steps, (std::vector<int64_t>{5, 10, 10, 15, 20, 20}));
    double mean = 0;
    for (size_t i = 5; i < 10; ++i) mean += r.history.steps[i].loss / 5;
    EXPECT_NEAR(value_of(heard.scalars[1].second, "train/loss"), mean, 1e-12) << "of the steps since the last report";
    EXPECT_EQ(value_of(heard.scalars[1].second, "train/lr"), 0.1);
    const auto& epoch = heard.scalars[5].second;
    EXPECT_EQ(value_of(epoch, "epoch/train_loss"), r.train_loss);
    for (const char* name : {"validation/loss", "validation/accuracy", "validation/f1"})
        EXPECT_GT(value_of(epoch, name), 0) << name;
    EXPECT_EQ(epoch.size(), 4u) << "no figures of other tasks";
}

TEST(History, StatisticsChangeNothingAndAreRight) {
    const auto run = [](int64_t statistics_steps, Heard* heard) {
        nn::Sequential model = small_model();
        optim::AdamW optimizer(model.parameters(), {.lr = 0.01});
        Clusters train(6, 1);
        TrainResult r = Trainer(model, optimizer, nn::cross_entropy,
                                {.epochs = 2,
                                 .progress = false,
                                 .sinks = heard ? SinkList{heard->sink()} : SinkList{},
                                 .statistics_steps = statistics_steps})
                            .fit(train);
        std::vector<std::vector<float>> weights;
        for (const auto& [name, t] : model.state_dict()) weights.push_back(t.to_vector<float>());
        return std::pair(weights, r);
    };
    Heard heard;
    const auto [plain, without] = run(0, nullptr);
    const auto [watched, with] = run(4, &heard);
    EXPECT_EQ(plain, watched) << "looking at the weights changed them";
    EXPECT_EQ(without.train_loss, with.train_loss);
    ASSERT_EQ(with.history.statistics.size(), 3u);
    const StatisticsAt& last = with.history.statistics[2];
    EXPECT_EQ(last.step, 12);
    EXPECT_DOUBLE_EQ(last.epoch, 2);
    ASSERT_EQ(last.weights.size(), 6u);
    ASSERT_EQ(last.gradients.size(), 6u);
    EXPECT_EQ(last.weights[0].name, "0.weight");
    EXPECT_EQ(last.weights[0].finite, 32);
    for (const TensorStatistics& g : last.gradients) EXPECT_EQ(g.not_finite, 0) << g.name;
    EXPECT_GT(last.gradients[4].std, 0);
    ASSERT_EQ(heard.histograms.size(), 6u);
    EXPECT_EQ(heard.histograms[0].first, 4);
    EXPECT_EQ(heard.histograms[0].second[0].name, "weights/0.weight");
    EXPECT_EQ(heard.histograms[1].second[5].name, "gradients/4.bias");
}

TEST(History, BadOptions) {
    nn::Sequential model = small_model();
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    EXPECT_THROW(Trainer(model, optimizer, nn::cross_entropy, {.sink_steps = 0}), Error);
    EXPECT_THROW(Trainer(model, optimizer, nn::cross_entropy, {.statistics_steps = -1}), Error);
}

} // namespace ingot::train
