// SPDX-License-Identifier: MIT
// The training loop on small synthetic data: it learns, keeps the best weights, writes whole checkpoints, notices
// divergence and signals.
#include <cmath>
#include <csignal>

#include <gtest/gtest.h>

#include <ingot/nn.h>
#include <ingot/ops.h>
#include <ingot/optim.h>
#include <ingot/train.h>

#include "train/checkpoint.h"
#include "train/interrupt.h"
#include "train/trainer_testing.h"

namespace ingot::train {

TEST(Trainer, Learns) {
    nn::Sequential model = small_net();
    optim::AdamW optimizer(model.parameters(), {.lr = 0.01});
    Clusters train(30, 1), test(5, 2);
    const TrainResult result =
        Trainer(model, optimizer, nn::cross_entropy, {.epochs = 3, .progress = false}).fit(train, test);
    EXPECT_EQ(result.epochs, 3);
    EXPECT_EQ(result.steps, 90);
    ASSERT_TRUE(result.test);
    EXPECT_EQ(result.test->samples, 80);
    EXPECT_GT(result.test->accuracy, 0.95);
    EXPECT_LT(result.train_loss, 0.3);
    EXPECT_TRUE(model.is_training()) << "evaluation puts the mode back";
}

TEST(Trainer, MatchesAPlainLoop) {
    nn::Sequential a = small_net(), b = small_net();
    optim::SGD oa(a.parameters(), {.lr = 0.1}), ob(b.parameters(), {.lr = 0.1});
    Clusters data(4, 1);
    const TrainResult result = Trainer(a, oa, nn::cross_entropy, {.epochs = 1, .progress = false}).fit(data);
    double sum = 0;
    data.start(0);
    for (Tensor x, y; data.next(x, y);) {
        const Tensor loss = nn::cross_entropy(b(x), y);
        ob.zero_grad();
        loss.backward();
        ob.step();
        sum += loss.item();
    }
    EXPECT_NEAR(result.train_loss, sum / 4, 1e-6);
    const std::vector<float> wa = a.state_dict().at("0.weight").to_vector<float>();
    const std::vector<float> wb = b.state_dict().at("0.weight").to_vector<float>();
    for (size_t i = 0; i < wa.size(); ++i) EXPECT_NEAR(wa[i], wb[i], 1e-6) << i;
}

TEST(Trainer, KeepsTheBestWeights) {
    // Validation labels are the opposite of the training labels, so every epoch is worse than the one before.
    ScratchFolder folder;
    nn::Sequential model = small_net();
    optim::SGD optimizer(model.parameters(), {.lr = 0.3});
    Clusters train(20, 1), validation(5, 2, true), test(5, 3);
    const TrainResult result =
        Trainer(model, optimizer, nn::cross_entropy,
                {.epochs = 4, .out = folder / "run", .model_json = kModelJson, .progress = false})
            .fit(train, &validation, &test);
    ASSERT_TRUE(result.test);
    const LoadedCheckpoint best = read_checkpoint(folder / "run/best.safetensors");
    const LoadedCheckpoint last = read_checkpoint(folder / "run/last.safetensors");
    EXPECT_EQ(best.train.at("epoch").item<int64_t>(), 1);
    EXPECT_EQ(last.train.at("epoch").item<int64_t>(), 4);
    EXPECT_EQ(last.train.at("step").item<int64_t>(), 80);
    EXPECT_EQ(model.state_dict().at("0.weight").to_vector<float>(), best.weights.at("0.weight").to_vector<float>());
    EXPECT_NE(last.weights.at("0.weight").to_vector<float>(), best.weights.at("0.weight").to_vector<float>());
}

TEST(Trainer, AValidationLossThatIsNoNumberIsNotTheBest) {
    /// Its first pass, or every pass, has a sample that is no number.
    struct Bad : Clusters {
        Bad(int64_t passes) : Clusters(5, 2), bad_passes(passes) {}
        void start(int64_t epoch, int64_t first) override {
            nan_batches.clear();
            if (bad_passes-- > 0) nan_batches.insert({epoch, 0});
            Clusters::start(epoch, first);
        }
        int64_t bad_passes;
    };
    for (const int64_t bad_passes : {1, 2, 9}) {
        ScratchFolder folder;
        nn::Sequential model = small_net();
        optim::SGD optimizer(model.parameters(), {.lr = 0.05});
        Clusters train(20, 1);
        Bad validation(bad_passes);
        Trainer(model, optimizer, nn::cross_entropy,
                {.epochs = 4, .out = folder / "run", .model_json = kModelJson, .progress = false})
            .fit(train, &validation, nullptr);
        const Position best = read_checkpoint(folder / "run/best.safetensors").position();
        EXPECT_EQ(best.best_epoch, bad_passes == 9 ? 1 : 4);
        EXPECT_EQ(std::isnan(best.best_val_loss), bad_passes == 9);
    }
}

TEST(Trainer, FrozenPartsStayFrozen) {
    manual_seed(3);
    nn::BatchNorm1d norm(8), frozen(8);
    nn::Sequential model{nn::Linear(4, 8), norm, nn::Linear(8, 8), frozen, nn::Linear(8, 2)};
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    Clusters train(5, 1), validation(2, 2);
    const auto fit = [&] {
        Trainer(model, optimizer, nn::cross_entropy, {.epochs = 2, .progress = false}).fit(train, &validation, nullptr);
    };
    const auto mean = [](const nn::BatchNorm1d& layer) {
        return layer.state_dict().at("running_mean").to_vector<float>();
    };
    frozen.eval();
    fit();
    EXPECT_FALSE(frozen.is_training());
    EXPECT_TRUE(norm.is_training());
    EXPECT_EQ(mean(frozen), std::vector<float>(8, 0));
    EXPECT_NE(mean(norm), std::vector<float>(8, 0));
    // All of the model was in evaluation mode: nothing is meant to be frozen.
    model.eval();
    fit();
    EXPECT_NE(mean(frozen), std::vector<float>(8, 0));
    EXPECT_FALSE(model.is_training());
    EXPECT_FALSE(norm.is_training());
}

TEST(Trainer, TheScheduleRuns) {
    nn::Sequential model = small_net();
    optim::SGD optimizer(model.parameters(), {.lr = 0.5});
    Clusters train(10, 1);
    Trainer(
        model, optimizer, nn::cross_entropy,
        {.epochs = 2, .schedule = optim::CosineWithWarmup({.warmup_steps = 4, .total_steps = 20}), .progress = false})
        .fit(train);
    EXPECT_NEAR(optimizer.lr(), 0, 1e-15);
}

TEST(Trainer, SchedulesByEpoch) {
    nn::Sequential model = small_net();
    optim::SGD optimizer(model.parameters(), {.lr = 0.5});
    Clusters train(5, 1), validation(2, 2);
    Trainer(model, optimizer, nn::cross_entropy,
            {.epochs = 3,
             .schedule = optim::StepLR({.step_size = 1, .gamma = 0.5}),
             .schedule_per = Per::epoch,
             .progress = false})
        .fit(train);
    EXPECT_EQ(optimizer.lr(), 0.0625);
    // One that follows a metric gets the validation loss: here it never falls by half, so the rate falls every epoch but one.
    optimizer.set_lr(0.5);
    const optim::ReduceLROnPlateau plateau({.factor = 0.5, .patience = 0, .threshold = 0.5});
    Trainer(model, optimizer, nn::cross_entropy,
            {.epochs = 3, .schedule = plateau, .schedule_per = Per::epoch, .progress = false})
        .fit(train, &validation, nullptr);
    EXPECT_EQ(optimizer.lr(), 0.125);
    EXPECT_THROW(Trainer(model, optimizer, nn::cross_entropy, {.schedule = plateau}), Error);
}

TEST(Trainer, Divergence) {
    nn::Sequential model = small_net();
    optim::SGD optimizer(model.parameters(), {.lr = 1e30});
    Clusters train(100, 1);
    Trainer trainer(model, optimizer, nn::cross_entropy, {.epochs = 1, .progress = false});
    try {
        trainer.fit(train);
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("diverged"), std::string::npos) << error.what();
    }
}

TEST(Trainer, BatchLargerThanTheData) {
    nn::Sequential model = small_net();
    optim::SGD optimizer(model.parameters(), {});
    Clusters none(0, 1);
    EXPECT_THROW(Trainer(model, optimizer, nn::cross_entropy, {}).fit(none), Error);
    EXPECT_THROW(Trainer(model, optimizer, nn::cross_entropy, {.epochs = 0}), Error);
}

TEST(Trainer, SignalEndsAfterTheStepWithACheckpoint) {
    ScratchFolder folder;
    nn::Sequential model = small_net();
    optim::Adam optimizer(model.parameters(), {});
    Clusters train(50, 1), test(5, 2);
    train.signal_at = 7;
    const TrainResult result = Trainer(model, optimizer, nn::cross_entropy,
                                       {.epochs = 2,
                                        .out = folder / "run",
                                        .model_json = kModelJson,
                                        .progress = false,
                                        .handle_interrupts = true})
                                   .fit(train, test);
    EXPECT_TRUE(result.interrupted);
    EXPECT_FALSE(result.test);
    EXPECT_EQ(result.steps, 7);
    EXPECT_EQ(result.epochs, 0);
    const LoadedCheckpoint last = read_checkpoint(folder / "run/last.safetensors");
    EXPECT_EQ(last.train.at("step").item<int64_t>(), 7);
    EXPECT_EQ(last.train.at("epoch").item<int64_t>(), 0);
    EXPECT_NEAR(last.train.at("epoch_loss").item<double>() / 7, result.train_loss, 1e-9);
    EXPECT_FALSE(fs::exists(folder / "run/metrics.csv")) << "no epoch was finished";
}

TEST(Interrupts, TheHandlersComeBack) {
    static volatile std::sig_atomic_t seen = 0;
    const auto before = std::signal(SIGINT, [](int) { seen = 1; });
    {
        const InterruptScope scope;
        EXPECT_FALSE(scope.requested());
        raise(SIGINT);
        EXPECT_TRUE(scope.requested());
        EXPECT_EQ(seen, 0);
    }
    raise(SIGINT);
    EXPECT_EQ(seen, 1);
    std::signal(SIGINT, before);
}

TEST(InterruptsDeathTest, ASecondSignalEndsTheProcess) {
    EXPECT_EXIT(
        {
            const InterruptScope scope;
            raise(SIGTERM);
            raise(SIGTERM);
        },
        testing::ExitedWithCode(130), "interrupted");
}

TEST(Evaluate, UnevenBatches) {
    // Mean over samples, not over batches.
    class Two : public data::Batches {
    public:
        int64_t steps() const override { return 2; }
        int64_t batch_size() const override { return 3; }
        void start(int64_t, int64_t first) override { at_ = static_cast<int>(first); }
        bool next(Tensor& x, Tensor& y) override {
            if (at_ == 2) return false;
            x = at_ == 0 ? Tensor::from(std::vector<float>{5, 0, 5, 0, 0, 5}, {3, 2})
                         : Tensor::from(std::vector<float>{0, 5}, {1, 2});
            y = at_ == 0 ? Tensor::from(std::vector<int64_t>{0, 1, 1}, {3})
                         : Tensor::from(std::vector<int64_t>{1}, {1});
            ++at_;
            return true;
        }
        int at_ = 0;
    } batches;
    nn::Sequential identity{nn::Flatten()};
    const EvalResult result = evaluate(identity, nn::cross_entropy, batches);
    EXPECT_EQ(result.samples, 4);
    EXPECT_DOUBLE_EQ(result.accuracy, 0.75);
    const double right = std::log1p(std::exp(-5.0)), wrong = 5 + right;
    EXPECT_NEAR(result.loss, (3 * right + wrong) / 4, 1e-5);
}

} // namespace ingot::train
