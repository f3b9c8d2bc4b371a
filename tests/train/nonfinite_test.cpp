// SPDX-License-Identifier: MIT
// Steps that are not finite: found late, named exactly, left out as if they had never been.
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <ingot/nn.h>
#include <ingot/ops.h>
#include <ingot/optim.h>
#include <ingot/train.h>

#include "train/checkpoint.h"
#include "train/nonfinite.h"
#include "train/trainer_testing.h"

namespace ingot::train {

namespace {

constexpr int64_t kSteps = 6;

nn::Sequential model_with_state() {
    manual_seed(9);
    return nn::Sequential{nn::Linear(4, 8), nn::BatchNorm1d(8), nn::ReLU(), nn::Dropout(0.2), nn::Linear(8, 2)};
}

/// Batches without those that are no numbers: what training should come to.
class Without : public data::Batches {
public:
    explicit Without(Clusters all, std::vector<int64_t> left_out)
        : all_(std::move(all)), left_out_(std::move(left_out)) {}
    int64_t steps() const override { return kSteps - static_cast<int64_t>(left_out_.size()); }
    int64_t batch_size() const override { return 16; }
    void start(int64_t epoch, int64_t) override {
        all_.start(epoch);
        at_ = 0;
    }
    bool next(Tensor& x, Tensor& y) override {
        do
            if (!all_.next(x, y)) return false;
        while (std::count(left_out_.begin(), left_out_.end(), at_++) > 0);
        return true;
    }

private:
    Clusters all_;
    std::vector<int64_t> left_out_;
    int64_t at_ = 0;
};

struct Job {
    Clusters train{kSteps, 1};
    TrainerOptions options = {.epochs = 2, .model_json = kModelJson, .progress = false};
    std::vector<std::string> warnings = {};
    std::vector<double> losses = {};
    StateDict end = {};

    TrainResult run() {
        nn::Sequential model = model_with_state();
        optim::Adam optimizer(model.parameters(), {.lr = 0.02});
        options.callbacks = {{.on_loss = [this](const LossEvent& e) { losses.push_back(e.loss); },
                              .on_warning = [this](const std::string& text) { warnings.push_back(text); }}};
        const TrainResult result = Trainer(model, optimizer, nn::cross_entropy, options).fit(train);
        end = model.state_dict();
        return result;
    }
    std::string error() {
        try {
            run();
        } catch (const Error& e) { return e.what(); }
        return "no error";
    }
};

void expect_parts(const std::string& text, const std::vector<std::string>& parts) {
    for (const std::string& part : parts) EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
}

/// Makes one element infinite when told so, and passes everything on otherwise.
class Burst : public nn::Module {
public:
    Tensor forward(Tensor x) override { return x + Tensor::scalar(std::numeric_limits<double>::infinity()); }
};

/// Finite values, but gradients that are not: sqrt at 0.
class Edge : public nn::Module {
public:
    Tensor forward(Tensor x) override { return x + sqrt(relu(x) * 0); }
};

} // namespace

TEST(NonFinite, ABadBatchIsLeftOut) {
    for (const int64_t checkpoint_steps : {0, 2}) {
        ScratchFolder folder;
        Job job;
        job.options.out = folder / "run";
        job.options.checkpoint_steps = checkpoint_steps;
        job.train.nan_batches = {{1, 3}};
        const TrainResult result = job.run();
        ASSERT_EQ(job.warnings.size(), 1u);
        expect_parts(job.warnings[0], {"step 10 (epoch 2, batch 4 of 6)", "the input (sample 5 of the batch)",
                                       "left out", "look at the data"});
        EXPECT_EQ(result.steps, 12);
        EXPECT_EQ(job.losses.size(), 11u) << "each loss is told once, that of the bad batch never";

        // The same without that batch, in plain style: epoch 1 has all, epoch 2 all but one.
        nn::Sequential model = model_with_state();
        optim::Adam optimizer(model.parameters(), {.lr = 0.02});
        Without one(Clusters(kSteps, 1), {}), two(Clusters(kSteps, 1), {3});
        double sum = 0;
        for (auto [data, epoch] : {std::pair<data::Batches*, int64_t>{&one, 0}, {&two, 1}}) {
            data->start(epoch);
            sum = 0;
            for (Tensor x, y; data->next(x, y);) {
                const Tensor loss = nn::cross_entropy(model(x), y);
                optimizer.zero_grad();
                loss.backward();
                optimizer.step();
                sum += loss.item();
            }
        }
        expect_near(job.end, model.state_dict(), 1e-5);
        EXPECT_NEAR(result.train_loss, sum / 5, 1e-6) << "the mean of those that were trained on";
        EXPECT_EQ(read_checkpoint(folder / "run/last.safetensors").position().nonfinite, 1);
    }
}

TEST(NonFinite, TheThirdEndsTheTraining) {
    ScratchFolder folder;
    Job job;
    job.options.out = folder / "run";
    job.train.nan_batches = {{0, 0}, {0, 4}, {1, 2}, {1, 4}};
    expect_parts(job.error(),
                 {"training diverged", "step 9 (epoch 2, batch 3 of 6)", "after 2 such before", "the input"});
    EXPECT_EQ(job.warnings.size(), 2u);
    // The state before it is on disk, with weights that are numbers.
    const LoadedCheckpoint last = read_checkpoint(folder / "run/last.safetensors");
    EXPECT_EQ(last.position().step, 8);
    EXPECT_TRUE(all_finite(last.weights.tensors()));
    // One more is allowed: on it goes.
    Job more;
    more.options.out = folder / "run";
    more.options.resume = true;
    more.options.max_nonfinite = 10;
    more.train.nan_batches = job.train.nan_batches;
    EXPECT_EQ(more.run().steps, 12);
}

TEST(NonFinite, StrictEndsAtOnce) {
    Job job;
    job.options.max_nonfinite = 1;
    job.train.nan_batches = {{0, 2}};
    expect_parts(job.error(), {"training diverged: step 3 (epoch 1, batch 3 of 6)", "the input (sample 5"});
    EXPECT_TRUE(job.warnings.empty());
}

TEST(NonFinite, NobodyLooks) {
    Job job;
    job.options.max_nonfinite = 0;
    job.train.nan_batches = {{0, 2}};
    EXPECT_TRUE(std::isnan(job.run().train_loss));
    EXPECT_TRUE(job.warnings.empty());
}

TEST(NonFinite, StopsAndBadBatchesTogether) {
    // However it is stopped, the end is the same.
    ScratchFolder folder;
    const std::set<std::pair<int64_t, int64_t>> bad{{0, 3}, {1, 1}};
    Job whole;
    whole.options.out = folder / "whole";
    whole.train.nan_batches = bad;
    whole.run();
    for (const int64_t at : {2, 4, 5, 6, 8, 9, 13}) {
        const std::string out = "a" + std::to_string(at);
        Job first;
        first.options.out = folder / out;
        first.options.checkpoint_steps = 2;
        first.train.nan_batches = bad;
        first.train.fail_at = at;
        EXPECT_EQ(first.error(), "the batch that fails");
        Job second;
        second.options.out = folder / out;
        second.options.checkpoint_steps = 2;
        second.options.resume = true;
        second.train.nan_batches = bad;
        second.run();
        EXPECT_EQ(folder.read(out + "/last.safetensors"), folder.read("whole/last.safetensors")) << at;
        EXPECT_EQ(without_seconds(folder.read(out + "/metrics.csv")),
                  without_seconds(folder.read("whole/metrics.csv")));
    }
}

TEST(NonFinite, UpdatesOfSeveralBatches) {
    Job job;
    job.options.accumulate = 2;
    job.train.nan_batches = {{0, 3}};
    const TrainResult result = job.run();
    ASSERT_EQ(job.warnings.size(), 1u);
    expect_parts(job.warnings[0], {"step 2 (epoch 1, batch 3 of 6)", "the input (sample 5"});
    EXPECT_EQ(result.steps, 6);
    ASSERT_EQ(job.losses.size(), 11u) << "batch 3 was finite, and told before batch 4 was read";
    // What was told of a step that is left out has no part in the next one.
    ASSERT_GE(result.history.steps.size(), 2u);
    EXPECT_DOUBLE_EQ(result.history.steps[0].loss, (job.losses[0] + job.losses[1]) / 2);
    EXPECT_DOUBLE_EQ(result.history.steps[1].loss, (job.losses[3] + job.losses[4]) / 2);
}

TEST(NonFinite, RunningStatisticsCountAsWell) {
    // A number whose square is infinite: loss and weights stay finite, the running variance would never recover.
    Job job;
    job.train.huge_batches = {{0, 2}};
    job.run();
    ASSERT_EQ(job.warnings.size(), 1u);
    expect_parts(job.warnings[0], {"step 3 (epoch 1, batch 3 of 6)", "left out"});
    for (const auto& [name, tensor] : job.end)
        for (const double v : tensor.to_vector<double>()) EXPECT_TRUE(std::isfinite(v)) << name;
}

TEST(NonFinite, AnEpochOfNothingElseHasNoLoss) {
    Job job;
    job.options.max_nonfinite = 10;
    for (int64_t i = 0; i < kSteps; ++i) job.train.nan_batches.insert({1, i});
    const TrainResult result = job.run();
    EXPECT_TRUE(std::isnan(result.train_loss));
    EXPECT_FALSE(std::signbit(result.train_loss)) << "it prints as nan";
}

TEST(NonFinite, TheLayerIsNamed) {
    const auto message = [](nn::Sequential model, const Loss& loss = nn::cross_entropy) {
        optim::SGD optimizer(model.parameters(), {.lr = 0.1});
        Clusters train(4, 1);
        try {
            Trainer(model, optimizer, loss, {.max_nonfinite = 1, .progress = false}).fit(train);
        } catch (const Error& error) { return std::string(error.what()); }
        return std::string("no error");
    };
    manual_seed(1);
    expect_parts(message(nn::Sequential{nn::Linear(4, 8), Burst(), nn::ReLU(), nn::Linear(8, 2)}),
                 {"step 1 (epoch 1, batch 1 of 4)", "the output of layer '1' (Burst)", "lower learning rate"});
    nn::Sequential inner{nn::Linear(8, 8), Burst()}, outer;
    outer.add("first", nn::Linear(4, 8)).add("block", inner).add("last", nn::Linear(8, 2));
    expect_parts(message(outer), {"the output of layer 'block.1' (Burst)"});
    expect_parts(message(nn::Sequential{nn::Linear(4, 2)},
                         [](const Tensor& o, const Tensor& y) { return log(nn::cross_entropy(o, y) * 0 - 1); }),
                 {"the loss"});
    // The loss of the step is finite, its gradient is not: the weights after it are no numbers, and it is the step that is named.
    expect_parts(message(nn::Sequential{nn::Linear(4, 8), Edge(), nn::Linear(8, 2)}),
                 {"step 1", "the gradient of '0.", "lower learning rate"});
}

TEST(NonFinite, TheLastStepOfAllIsLookedAt) {
    // No loss follows it that could tell.
    nn::Sequential model{nn::Linear(4, 2)};
    optim::SGD optimizer(model.parameters(), {.lr = std::numeric_limits<double>::infinity()});
    Clusters train(1, 1);
    try {
        Trainer(model, optimizer, nn::cross_entropy, {.max_nonfinite = 1, .progress = false}).fit(train);
        FAIL() << "no error";
    } catch (const Error& error) {
        expect_parts(error.what(), {"step 1", "the weights or running statistics after it"});
    }
    EXPECT_TRUE(all_finite(model.parameters())) << "the state before it is back";
}

TEST(NonFinite, DataThatAreNotTheSameTwice) {
    class Moody : public Clusters {
    public:
        using Clusters::Clusters;
        bool next(Tensor& x, Tensor& y) override {
            if (!Clusters::next(x, y)) return false;
            if (++count_ == 3) x = x + Tensor::scalar(std::nan(""));
            return true;
        }
        int count_ = 0;
    } moody(4, 1);
    nn::Sequential model = small_net();
    optim::SGD optimizer(model.parameters(), {});
    try {
        Trainer(model, optimizer, nn::cross_entropy, {.progress = false}).fit(moody);
        FAIL() << "no error";
    } catch (const Error& error) { expect_parts(error.what(), {"do not give the same twice"}); }
}

TEST(ForwardWatch, SeesInnerModulesFirst) {
    nn::Sequential inner{nn::Linear(3, 3), nn::ReLU()}, model;
    model.add("block", inner).add("head", nn::Linear(3, 1));
    std::vector<std::string> seen;
    {
        const nn::ForwardWatch watch([&](const nn::Module& module, const Tensor& output) {
            seen.push_back(*model.key_of(module));
            EXPECT_EQ(output.size(0), 2);
        });
        model(ones({2, 3}));
    }
    EXPECT_EQ(seen, (std::vector<std::string>{"block.0", "block.1", "block", "head", ""}));
    model(ones({2, 3}));
    EXPECT_EQ(seen.size(), 5u) << "nobody listens any more";
    EXPECT_FALSE(model.key_of(nn::Linear(1, 1)));
}

} // namespace ingot::train
