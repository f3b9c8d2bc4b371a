// SPDX-License-Identifier: MIT
// The flags of `ingot train`: each one changes what it says, seen in the files of the run.
#include <cmath>
#include <set>

#include "contract/contract_testing.h"

namespace ingot::contract {
namespace {

class TrainFlags : public ContractTest {
protected:
    /// The bytes of last.safetensors after two epochs.
    std::string bytes_with(const Words& more) {
        const std::string out = "run" + std::to_string(++runs_);
        Words words = {"--epochs", "2"};
        words.insert(words.end(), more.begin(), more.end());
        train(out, words);
        return read(out + "/last.safetensors");
    }

private:
    int runs_ = 0;
};

TEST_F(TrainFlags, OptimizerRateMomentumAndDecayChangeTheRun) {
    const std::string sgd = bytes_with({"--optimizer", "sgd", "--lr", "0.01"});
    EXPECT_NE(bytes_with({"--optimizer", "sgd", "--lr", "0.02"}), sgd);
    EXPECT_NE(bytes_with({"--optimizer", "sgd", "--lr", "0.01", "--momentum", "0.5"}), sgd);
    EXPECT_NE(bytes_with({"--optimizer", "sgd", "--lr", "0.01", "--weight-decay", "0.1"}), sgd);
    EXPECT_NE(bytes_with({"--optimizer", "adam", "--lr", "0.01"}), sgd);
    EXPECT_NE(bytes_with({"--optimizer", "adamw", "--lr", "0.01", "--weight-decay", "0.1"}),
              bytes_with({"--optimizer", "adam", "--lr", "0.01", "--weight-decay", "0.1"}));
}

TEST_F(TrainFlags, OptimizersByName) {
    std::set<std::string> ends;
    for (const std::string name :
         {"sgd", "adam", "adamw", "nadam", "adamax", "radam", "rmsprop", "adagrad", "adadelta", "lion", "muon"}) {
        SCOPED_TRACE(name);
        const Json result = train(name, {"--epochs", "1", "--optimizer", name});
        EXPECT_TRUE(std::isfinite(result.at("train_loss").get<double>()));
        ends.insert(read(name + "/last.safetensors"));
    }
    EXPECT_EQ(ends.size(), 11u) << "two of them did the same";
}

TEST_F(TrainFlags, LearningRateAndScheduleAreInMetricsCsv) {
    train("constant", {"--epochs", "3", "--lr", "0.004", "--schedule", "none"});
    train("cosine", {"--epochs", "3", "--lr", "0.004", "--schedule", "cosine"});
    const Table constant = table("constant/metrics.csv"), cosine = table("cosine/metrics.csv");
    for (size_t row = 0; row < 3; ++row) EXPECT_NEAR(constant.number(row, "lr"), 0.004, 1e-9);
    EXPECT_GT(cosine.number(0, "lr"), cosine.number(1, "lr"));
    EXPECT_GT(cosine.number(1, "lr"), cosine.number(2, "lr"));
    EXPECT_LT(cosine.number(2, "lr"), 0.001);
}

TEST_F(TrainFlags, LossChangesWhatIsMeasured) {
    const Json entropy = train("a", {"--epochs", "1", "--lr", "0.00001", "--loss", "cross_entropy"});
    const Json squares = train("b", {"--epochs", "1", "--lr", "0.00001", "--loss", "mse"});
    EXPECT_GT(std::abs(entropy.at("test_loss").get<double>() - squares.at("test_loss").get<double>()), 0.01);
}

TEST_F(TrainFlags, PrecisionStrictAndAmpOffAreTheDefault) {
    EXPECT_EQ(bytes_with({"--precision", "strict", "--amp", "off"}), bytes_with({}));
}

TEST_F(TrainFlags, MixedPrecisionTrainsOrIsRefused) {
    make_spec();
    make_images("images");
    for (const Words& flag : {Words{"--amp", "bf16"}, Words{"--amp", "fp16"}, Words{"--precision", "tf32"}}) {
        SCOPED_TRACE(flag[1]);
        const std::string out = "run_" + flag[1];
        const Result result = run(train_words(out, {flag[0], flag[1], "--epochs", "1", "--json"}));
        if (result.status == 0) {
            EXPECT_TRUE(std::isfinite(result.json().at("train_loss").get<double>()));
            EXPECT_TRUE(exists(out + "/last.safetensors"));
        } else {
            expect_error(result, 2, {flag[0], flag[1]});
            EXPECT_FALSE(exists(out));
        }
    }
}

TEST_F(TrainFlags, ThreadsDoNotChangeTheOutcome) {
    // Same number of threads, same bits; another number may sum in another order, no more.
    const std::string one = bytes_with({"--threads", "1"});
    EXPECT_EQ(bytes_with({"--threads", "1"}), one);
    EXPECT_EQ(bytes_with({"--threads", "2"}), bytes_with({"--threads", "2"}));
    const double loss_one = train("one", {"--epochs", "2", "--threads", "1"}).at("test_loss");
    const double loss_two = train("two", {"--epochs", "2", "--threads", "2"}).at("test_loss");
    EXPECT_NEAR(loss_one, loss_two, 1e-4);
}

TEST_F(TrainFlags, StrictTurnsABadFileIntoAnError) {
    make_spec();
    make_images("images");
    write("images/train/dark/broken.png", read("images/train/dark/0.png").substr(0, 60));
    const Result loose = run(train_words("loose", {"--epochs", "1", "--json"}));
    EXPECT_EQ(loose.status, 0) << loose.err;
    EXPECT_TRUE(contains(loose.err, "broken.png")) << loose.err;
    const Result strict = run(train_words("strict", {"--epochs", "1", "--json", "--strict"}));
    expect_error(strict, 1, {"broken.png"});
}

TEST_F(TrainFlags, StrictStopsAtTheFirstLossThatIsNotFinite) {
    make_classes_csv("data.csv", 64);
    const Words words = {"train",    "--model", "mlp",         "--data", "csv:data.csv", "--batch", "8",
                         "--epochs", "3",       "--optimizer", "sgd",    "--schedule",   "none",    "--lr",
                         "1e30",     "--seed",  "1",           "--out"};
    Words strict = words;
    strict.insert(strict.end(), {"strict", "--strict"});
    const Result result = run(strict);
    EXPECT_EQ(result.status, 1) << result.err;
    EXPECT_TRUE(contains(result.err, "ingot: error: ")) << result.err;
    EXPECT_TRUE(contains(result.err, "step")) << result.err;
}

// The flags of the trainer's comforts, which the command's help documents.
TEST_F(TrainFlags, AccumulationAveragesBatches) {
    const Json result = train("run", {"--epochs", "2", "--accumulate", "2"});
    EXPECT_EQ(result.at("epochs"), 2);
    // Twice the batch, the same gradients: without dropout and batch statistics the weights agree.
    write("net.json", R"({"input": [1, 12, 12], "layers": [{"type": "flatten"}, {"type": "linear", "out": 2}]})");
    const Words common = {"--epochs", "2", "--optimizer", "sgd", "--lr", "0.01", "--schedule", "none"};
    Words two = common, one = common;
    two.insert(two.end(), {"--accumulate", "2", "--batch", "8"});
    one.insert(one.end(), {"--batch", "16"});
    EXPECT_NEAR(train("two", two).at("test_loss").get<double>(), train("one", one).at("test_loss").get<double>(), 1e-4);
}

TEST_F(TrainFlags, ClippingChangesTheRunOnlyWhereItCuts) {
    const Words sgd = {"--optimizer", "sgd", "--lr", "0.01"};
    const std::string plain = bytes_with(sgd);
    for (const std::string flag : {"--clip-norm", "--clip-value"}) {
        Words tight = sgd, loose = sgd;
        tight.insert(tight.end(), {flag, "0.0001"});
        loose.insert(loose.end(), {flag, "1000000"});
        train("tight" + flag, tight), train("loose" + flag, loose);
        EXPECT_NE(checkpoint("tight" + flag + "/last.safetensors").weights(),
                  checkpoint("loose" + flag + "/last.safetensors").weights())
            << flag;
    }
    EXPECT_EQ(bytes_with(sgd), plain);
}

TEST_F(TrainFlags, EmaKeepsAverages) {
    train("plain", {"--epochs", "2"});
    train("ema", {"--epochs", "2", "--ema", "0.9"});
    EXPECT_NE(checkpoint("ema/best.safetensors").weights(), checkpoint("plain/best.safetensors").weights());
}

TEST_F(TrainFlags, PatienceEndsTheTraining) {
    make_classes_csv("noise.csv", 200, true);
    const Json result = json({"train", "--model", "mlp", "--data", "csv:noise.csv", "--val", "0.4", "--out", "run",
                              "--lr", "0.01", "--epochs", "200", "--patience", "2", "--seed", "3"});
    const auto epochs = result.at("epochs").get<size_t>();
    EXPECT_LT(epochs, 200u);
    const Table metrics = table("run/metrics.csv");
    ASSERT_EQ(metrics.rows.size(), epochs);
    size_t best = 0;
    for (size_t row = 0; row < epochs; ++row)
        if (metrics.number(row, "val_loss") < metrics.number(best, "val_loss")) best = row;
    EXPECT_EQ(epochs - 1 - best, 2u);
}

TEST_F(TrainFlags, KeepKeepsOlderCheckpoints) {
    train("run", {"--epochs", "4", "--keep", "2"});
    int kept = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path("run")))
        kept += entry.path().filename().string().starts_with("step-");
    EXPECT_EQ(kept, 2);
}

} // namespace
} // namespace ingot::contract
