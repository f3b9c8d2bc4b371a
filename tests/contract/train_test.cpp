// SPDX-License-Identifier: MIT
// `ingot train`: its JSON, and the files of a run but for the checkpoints (checkpoint_test.cpp).
#include <cmath>
#include <fstream>
#include <sstream>

#include "contract/contract_testing.h"

namespace ingot::contract {
namespace {

using Train = ContractTest;

TEST_F(Train, LearnsAndLessTrainingLearnsLess) {
    const Json much = train("much", {"--epochs", "8", "--lr", "0.01"});
    const Json little = train("little", {"--epochs", "1", "--lr", "0.00001"});
    EXPECT_EQ(much.at("test_accuracy"), 1.0);
    EXPECT_LT(much.at("test_loss").get<double>(), little.at("test_loss").get<double>() / 2);
}

TEST_F(Train, TrainLossIsTheMeanOfTheLastEpoch) {
    const Json result = train("run", {"--epochs", "3"});
    const Table metrics = table("run/metrics.csv");
    ASSERT_EQ(metrics.rows.size(), 3u);
    EXPECT_NEAR(result.at("train_loss").get<double>(), metrics.number(2, "train_loss"), 1e-5);
    EXPECT_GT(std::abs(metrics.number(2, "train_loss") - metrics.number(1, "train_loss")), 1e-4);
}

TEST_F(Train, DefaultsAreShownAtTheStart) {
    make_spec();
    make_images("images");
    const Result result = run(
        {"train", "--model", "net.json", "--data", "folder:images", "--out", "run", "--epochs", "2", "--lr", "0.0375"});
    ASSERT_EQ(result.status, 0) << result.err;
    const std::string shown = result.out + result.err;
    const std::string start = shown.substr(0, shown.find("epoch 1"));
    for (const std::string word : {"batch", "lr", "0.0375", "seed", "adam", "schedule"}) {
        EXPECT_TRUE(contains(start, word)) << word << " in " << start;
    }
}

TEST_F(Train, FilesOfARun) {
    train("run", {"--epochs", "2"});
    for (const std::string file :
         {"last.safetensors", "best.safetensors", "model.json", "metrics.csv", "metrics.jsonl", "report.html"}) {
        EXPECT_FALSE(read("run/" + file).empty()) << file;
    }
    const Json model = Json::parse(read("run/model.json"));
    std::string text = model.dump();
    for (const std::string word : {"conv2d", "max_pool2d", "head", "bright", "dark", "mean", "std"})
        EXPECT_TRUE(contains(text, word)) << word << " in " << text;
    std::istringstream lines(read("run/metrics.jsonl"));
    std::string line;
    int count = 0;
    while (std::getline(lines, line)) {
        EXPECT_TRUE(Json::parse(line).is_object());
        ++count;
    }
    EXPECT_GE(count, 2);
    const std::string report = read("run/report.html");
    EXPECT_TRUE(contains(report, "<html") && contains(report, "</html>"));
    EXPECT_TRUE(contains(report, "<svg"));
    // One self-contained file: nothing is fetched.
    EXPECT_FALSE(contains(report, "src=\"http") || contains(report, "href=\"http") || contains(report, "@import"));
}

TEST_F(Train, ModelJsonHasNameClassesMeanAndStd) {
    make_images("images", {.classes = {"cat", "dog", "emu"}, .channels = 3});
    json({"train", "--model", "tiny-cnn", "--data", "folder:images", "--out", "run", "--epochs", "1", "--batch", "8"});
    const Json model = Json::parse(read("run/model.json"));
    EXPECT_EQ(model.at("name"), "tiny-cnn");
    EXPECT_TRUE(model.at("spec").at("layers").is_array());
    const std::string text = model.dump();
    EXPECT_TRUE(contains(text, R"(["cat","dog","emu"])")) << text;
    EXPECT_EQ(model.at("mean").size(), 3u);
    EXPECT_EQ(model.at("std").size(), 3u);
    for (const Json& value : model.at("std")) EXPECT_GT(value.get<double>(), 0);
}

// Labels that follow from nothing: the validation loss rises when the model learns them by heart.
TEST_F(Train, BestIsByValidationLossAndTheTestUsesIt) {
    make_classes_csv("noise.csv", 200, true);
    Words words = {"train",      "--model", "mlp",  "--data", "csv:noise.csv", "--val", "0.4",      "--out", "run",
                   "--schedule", "none",    "--lr", "0.01",   "--seed",        "3",     "--epochs", "6"};
    const Json result = json(words);
    const Table metrics = table("run/metrics.csv");
    ASSERT_EQ(metrics.rows.size(), 6u);
    size_t best = 0;
    for (size_t row = 0; row < 6; ++row) {
        EXPECT_GE(metrics.number(row, "val_accuracy"), 0);
        EXPECT_LE(metrics.number(row, "val_accuracy"), 1);
        if (metrics.number(row, "val_loss") < metrics.number(best, "val_loss")) best = row;
    }
    ASSERT_LT(best, 5u) << "this data must overfit for the test to say anything";
    EXPECT_NE(checkpoint("run/best.safetensors").weights(), checkpoint("run/last.safetensors").weights());

    // With a constant rate, a run that ends there has the same weights at its end.
    words[8] = "short", words.back() = std::to_string(best + 1);
    json(words);
    EXPECT_EQ(checkpoint("run/best.safetensors").weights(), checkpoint("short/last.safetensors").weights());
}

TEST_F(Train, ValidationComesFromTheTrainingDataBySeed) {
    make_images("images", {.train = 40, .test = 4});
    const Json none = train("none", {"--epochs", "1"}), some = train("some", {"--epochs", "1", "--val", "0.5"});
    EXPECT_EQ(none.at("steps"), 10);
    EXPECT_EQ(some.at("steps"), 5);
    train("again", {"--epochs", "1", "--val", "0.5"});
    train("other", {"--epochs", "1", "--val", "0.5", "--seed", "2"});
    EXPECT_EQ(table("some/metrics.csv").rows[0].at("val_loss"), table("again/metrics.csv").rows[0].at("val_loss"));
    EXPECT_NE(table("some/metrics.csv").rows[0].at("val_loss"), table("other/metrics.csv").rows[0].at("val_loss"));
}

TEST_F(Train, RegressionHasNoAccuracyButMaeAndR2) {
    make_regression_csv("houses.csv", 200);
    const Json result = json({"train", "--model", "mlp", "--data", "csv:houses.csv,label=price,task=regression",
                              "--out", "run", "--epochs", "20", "--lr", "0.01", "--seed", "1"});
    EXPECT_TRUE(result.at("test_accuracy").is_null());
    EXPECT_GT(result.at("test_mae").get<double>(), 0);
    EXPECT_LT(result.at("test_mae").get<double>(), 0.5);
    EXPECT_GT(result.at("test_r2").get<double>(), 0.8);
    EXPECT_LE(result.at("test_r2").get<double>(), 1);
    EXPECT_GT(result.at("test_loss").get<double>(), 0);
}

TEST_F(Train, TheDefaultFolderIsRunsModel) {
    make_images("images", {.channels = 3});
    json({"train", "--model", "tiny-cnn", "--data", "folder:images", "--epochs", "1"});
    EXPECT_TRUE(exists("runs/tiny-cnn/last.safetensors"));
}

TEST_F(Train, ConflictingFlagsAreRefused) {
    make_spec();
    make_images("images");
    expect_error(run(train_words("run", {"--resume", "--force"})), 2, {"--resume", "--force"});
    // Going on with something else than what began is no resuming.
    train("run", {"--epochs", "1"});
    const std::string before = read("run/last.safetensors");
    Result other = run(train_words("run", {"--epochs", "1", "--resume", "--batch", "4"}));
    EXPECT_NE(other.status, 0) << other.out;
    EXPECT_TRUE(contains(other.err, "ingot: error: ")) << other.err;
    EXPECT_TRUE(contains(other.err, "batch")) << other.err;
    EXPECT_EQ(read("run/last.safetensors"), before);
}

} // namespace
} // namespace ingot::contract
