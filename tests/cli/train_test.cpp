// SPDX-License-Identifier: MIT
// ingot train: results, files, determinism, refusals.
#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

#include "cli/cli_testing.h"

namespace ingot::cli_testing {

class Train : public CliTest {
protected:
    std::vector<std::string> words(const std::string& out, std::vector<std::string> more = {}) const {
        std::vector<std::string> all{"train",
                                     "--model",
                                     path("net.json"),
                                     "--data",
                                     "folder:" + path("data"),
                                     "--out",
                                     path(out),
                                     "--epochs",
                                     "3",
                                     "--batch",
                                     "8",
                                     "--threads",
                                     "2",
                                     "--seed",
                                     "5",
                                     "--json"};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    void SetUp() override {
        make_images("data");
        make_spec();
    }
};

std::set<std::string> keys(const Json& object) {
    std::set<std::string> out;
    for (const auto& item : object.items()) out.insert(item.key());
    return out;
}

std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> out;
    std::string line;
    for (std::istringstream in(text); std::getline(in, line);) out.push_back(line);
    return out;
}

TEST_F(Train, ResultAndFiles) {
    const Result result = ingot(words("run"));
    ASSERT_EQ(result.status, 0) << result.err;
    ASSERT_EQ(lines(result.out).size(), 1u) << result.out;
    const Json json = result.json();
    EXPECT_EQ(keys(json), (std::set<std::string>{"test_accuracy", "test_loss", "train_loss", "epochs", "steps",
                                                 "seconds", "samples_per_s", "params", "device"}));
    EXPECT_EQ(json.at("epochs"), 3);
    EXPECT_EQ(json.at("steps"), 18); // 48 images, 6 steps of 8 an epoch
    EXPECT_EQ(json.at("params"), 4 * 9 + 4 + 100 * 2 + 2);
    EXPECT_EQ(json.at("device"), "cpu");
    EXPECT_GT(json.at("test_accuracy").get<double>(), 0.9); // dark and bright: anything that learns gets this
    // The recipe and one line per epoch go to standard error.
    EXPECT_NE(result.err.find("adamw"), std::string::npos) << result.err;
    EXPECT_NE(result.err.find("epoch 3/3"), std::string::npos) << result.err;

    const auto rows = lines(read("run/metrics.csv"));
    ASSERT_EQ(rows.size(), 4u);
    EXPECT_EQ(rows[0], "epoch,step,train_loss,val_loss,val_accuracy,lr,seconds");
    EXPECT_EQ(rows[3].rfind("3,18,", 0), 0u) << rows[3];
    EXPECT_NE(rows[3].find(",,,"), std::string::npos) << "validation columns should be empty: " << rows[3];
    const auto objects = lines(read("run/metrics.jsonl"));
    ASSERT_EQ(objects.size(), 3u);
    const Json last = Json::parse(objects[2]);
    EXPECT_EQ(last.at("step"), 18);
    EXPECT_TRUE(last.at("val_loss").is_null());
    EXPECT_DOUBLE_EQ(last.at("train_loss").get<double>(), json.at("train_loss").get<double>());

    const Json model = Json::parse(read("run/model.json"));
    EXPECT_EQ(keys(model), (std::set<std::string>{"spec", "name", "class_names", "mean", "std"}));
    EXPECT_EQ(model.at("name"), "net");
    EXPECT_EQ(model.at("class_names"), Json({"bright", "dark"}));
    EXPECT_EQ(model.at("mean").size(), 1u);
    EXPECT_EQ(model.at("spec").at("layers").size(), 6u);
    EXPECT_EQ(read("run/last.safetensors"), read("run/best.safetensors")) << "without validation the last is the best";
}

TEST_F(Train, CheckpointContents) {
    ASSERT_EQ(ingot(words("run", {"--quiet"})).status, 0);
    const Result result = ingot({"inspect", path("run/last.safetensors"), "--json"});
    ASSERT_EQ(result.status, 0) << result.err;
    const Json json = result.json();
    EXPECT_EQ(keys(json), (std::set<std::string>{"tensors", "metadata"}));
    EXPECT_EQ(keys(json.at("metadata")), (std::set<std::string>{"ingot", "ingot_version", "metadata_crc32", "crc32"}));
    EXPECT_EQ(json.at("metadata").at("ingot_version"), INGOT_VERSION);
    EXPECT_EQ(json.at("metadata").at("ingot").get<std::string>(), read("run/model.json"));
    const Json sums = Json::parse(json.at("metadata").at("crc32").get<std::string>());
    std::set<std::string> weights;
    bool moments = false;
    for (const Json& tensor : json.at("tensors")) {
        const auto name = tensor.at("name").get<std::string>();
        EXPECT_TRUE(sums.contains(name)) << name;
        if (name.rfind("train.", 0) != 0) weights.insert(name);
        moments = moments || name == "train.optimizer.0.exp_avg";
        if (name != "conv.weight") continue;
        EXPECT_EQ(tensor.at("shape"), Json({4, 1, 3, 3}));
        EXPECT_EQ(tensor.at("dtype"), "f32");
    }
    EXPECT_EQ(weights, (std::set<std::string>{"conv.weight", "conv.bias", "head.weight", "head.bias"}));
    EXPECT_TRUE(moments);
    for (const char* name : {"train.step", "train.epoch", "train.random", "train.seed"})
        EXPECT_TRUE(sums.contains(name));
    const std::string bytes = read("run/last.safetensors");
    EXPECT_EQ(bytes.find(path("")), std::string::npos) << "a path is inside";
}

TEST_F(Train, SameSeedSameBytes) {
    // With validation, augmentation and dropout: everything that is random.
    const std::vector<std::string> more{"--val", "0.25", "--augment", "flip,shift", "--quiet"};
    ASSERT_EQ(ingot(words("a", more)).status, 0);
    ASSERT_EQ(ingot(words("b", more)).status, 0);
    for (const char* file : {"last.safetensors", "best.safetensors", "model.json"})
        EXPECT_EQ(read("a/" + std::string(file)), read("b/" + std::string(file))) << file;
    auto other = words("c", more);
    *(std::find(other.begin(), other.end(), "--seed") + 1) = "6";
    ASSERT_EQ(ingot(other).status, 0);
    EXPECT_NE(read("a/last.safetensors"), read("c/last.safetensors"));
}

TEST_F(Train, Validation) {
    const Result result = ingot(words("run", {"--val", "0.25"}));
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.json().at("steps"), 12); // 36 of 48 images remain: 4 full batches of 8 an epoch
    double best = 1e30;
    for (const std::string& line : lines(read("run/metrics.jsonl"))) {
        const Json row = Json::parse(line);
        EXPECT_TRUE(row.at("val_accuracy").is_number()) << line;
        best = std::min(best, row.at("val_loss").get<double>());
    }
    // The test figure belongs to best.safetensors, and eval agrees.
    const Result eval = ingot({"eval", path("run/best.safetensors"), "--data", "folder:" + path("data"), "--json"});
    ASSERT_EQ(eval.status, 0) << eval.err;
    EXPECT_EQ(eval.json().at("test_accuracy"), result.json().at("test_accuracy"));
    EXPECT_DOUBLE_EQ(eval.json().at("test_loss").get<double>(), result.json().at("test_loss").get<double>());
}

TEST_F(Train, NoTestSplit) {
    fs::rename(path("data/train"), path("flat"));
    fs::remove_all(path("data"));
    fs::rename(path("flat"), path("data"));
    const Result result = ingot(words("run"));
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_TRUE(result.json().at("test_accuracy").is_null());
    EXPECT_TRUE(result.json().at("test_loss").is_null());
}

TEST_F(Train, RunIsNotOverwritten) {
    ASSERT_EQ(ingot(words("run", {"--quiet"})).status, 0);
    const std::string before = read("run/last.safetensors");
    expect_error(ingot(words("run")), 2, {path("run"), "--force"});
    EXPECT_EQ(read("run/last.safetensors"), before);
    auto again = words("run", {"--force", "--quiet"});
    *(std::find(again.begin(), again.end(), "--epochs") + 1) = "1";
    ASSERT_EQ(ingot(again).status, 0);
    EXPECT_NE(read("run/last.safetensors"), before);
    EXPECT_EQ(lines(read("run/metrics.csv")).size(), 2u);
}

TEST_F(Train, ARunThatFailsAtOnceDoesNotCostTheOneBefore) {
    ASSERT_EQ(ingot(words("run", {"--quiet"})).status, 0);
    const std::string before = read("run/best.safetensors");
    for (int i = 0; i < 2; ++i) {
        const Result failed = ingot(words("run", {"--force", "--quiet", "--strict", "--lr", "1e30"}));
        expect_error(failed, 1, {"not finite"});
        EXPECT_EQ(read("run/replaced-run/best.safetensors"), before) << i;
        EXPECT_TRUE(fs::exists(path("run/replaced-run/metrics.csv")));
    }
    // Only what a run left there goes with it.
    write("run/replaced-run/mine.txt", "precious");
    ASSERT_EQ(ingot(words("run", {"--force", "--quiet"})).status, 0);
    EXPECT_FALSE(fs::exists(path("run/replaced-run/best.safetensors")));
    EXPECT_EQ(read("run/replaced-run/mine.txt"), "precious");
    fs::remove(path("run/replaced-run/mine.txt"));
    ASSERT_EQ(ingot(words("run", {"--force", "--quiet"})).status, 0);
    EXPECT_FALSE(fs::exists(path("run/replaced-run")));
}

TEST_F(Train, ASpecInTheRunFolderIsNotOverwritten) {
    fs::create_directories(path("own"));
    fs::copy_file(make_spec(), path("own/model.json"));
    const std::string spec = read("own/model.json");
    for (const char* flag : {"--resume", "--force", "--quiet"}) {
        std::vector<std::string> all = words("own", {flag});
        *(std::find(all.begin(), all.end(), "--model") + 1) = path("own/model.json");
        expect_error(ingot(all), 2, {"own/model.json", "the run writes a file of that name"});
        EXPECT_EQ(read("own/model.json"), spec);
    }
}

TEST_F(Train, OptimizersLossesSchedules) {
    for (const std::vector<std::string>& more : std::vector<std::vector<std::string>>{
             {"--optimizer", "sgd", "--lr", "0.05", "--momentum", "0.9", "--weight-decay", "0"},
             {"--optimizer", "adam", "--lr", "0.01", "--schedule", "none"},
             {"--optimizer", "adamw", "--lr", "0.01", "--loss", "bce_with_logits"},
             {"--lr", "0.01", "--loss", "mse"},
             {"--lr", "0.01", "--loss", "l1"},
             {"--lr", "0.01", "--loss", "smooth_l1"},
             {"--lr", "0.01", "--loss", "huber"}}) {
        auto all = more;
        all.insert(all.end(), {"--force", "--quiet"});
        auto command = words("run", all);
        *(std::find(command.begin(), command.end(), "--epochs") + 1) = "8";
        const Result result = ingot(command);
        ASSERT_EQ(result.status, 0) << result.err;
        EXPECT_EQ(result.err, "");
        EXPECT_GT(result.json().at("test_accuracy").get<double>(), 0.9) << more[1];
    }
    // --schedule none keeps the rate, cosine ends near 0.
    ASSERT_EQ(ingot(words("none", {"--schedule", "none", "--lr", "0.01"})).status, 0);
    EXPECT_DOUBLE_EQ(Json::parse(lines(read("none/metrics.jsonl"))[2]).at("lr").get<double>(), 0.01);
    ASSERT_EQ(ingot(words("cosine", {"--schedule", "cosine", "--lr", "0.01"})).status, 0);
    EXPECT_LT(Json::parse(lines(read("cosine/metrics.jsonl"))[2]).at("lr").get<double>(), 0.001);
}

TEST_F(Train, Schedules) {
    // The rate of each epoch's last step (6 steps an epoch, 6 epochs), as parts of --lr.
    const auto rates = [&](const std::string& schedule, const std::vector<std::string>& more = {}) {
        std::vector<std::string> all{"--force", "--quiet", "--lr", "0.01", "--schedule", schedule};
        all.insert(all.end(), more.begin(), more.end());
        auto command = words("run", all);
        *(std::find(command.begin(), command.end(), "--epochs") + 1) = "6";
        const Result result = ingot(command);
        EXPECT_EQ(result.status, 0) << schedule << ": " << result.err;
        std::vector<double> out;
        for (const std::string& line : lines(read("run/metrics.jsonl")))
            out.push_back(Json::parse(line).at("lr").get<double>() / 0.01);
        return out;
    };
    const auto expect = [](const std::vector<double>& actual, const std::vector<double>& expected) {
        ASSERT_EQ(actual.size(), expected.size());
        for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-9) << i;
    };
    expect(rates("step"), {1, 1, 0.1, 0.1, 0.01, 0.01});
    expect(rates("step,every=3,gamma=0.5"), {1, 1, 1, 0.5, 0.5, 0.5});
    expect(rates("multi-step,at=1:4,gamma=0.5"), {1, 0.5, 0.5, 0.5, 0.25, 0.25});
    expect(rates("exponential,gamma=0.5"), {1, 0.5, 0.25, 0.125, 0.0625, 0.03125});
    expect(rates("warmup,steps=20"), {0.05 + 0.95 * 5 / 20, 0.05 + 0.95 * 11 / 20, 0.05 + 0.95 * 17 / 20, 1, 1, 1});
    expect(rates("linear"), {31 / 36., 25 / 36., 19 / 36., 13 / 36., 7 / 36., 1 / 36.});
    expect(rates("linear,warmup=6"), {1 / 6. + 5 / 6. * 5 / 6, 25 / 30., 19 / 30., 13 / 30., 7 / 30., 1 / 30.});
    expect(rates("polynomial,power=2"), {961 / 1296., 625 / 1296., 361 / 1296., 169 / 1296., 49 / 1296., 1 / 1296.});
    const double down = (1 + std::cos(std::acos(-1) * 11 / 12)) / 2, half = (1 + std::cos(std::acos(-1) * 5 / 12)) / 2;
    expect(rates("restarts,period=2"), {half, down, half, down, half, down});
    EXPECT_LT(rates("one-cycle")[5], 1e-4);
    EXPECT_GT(rates("one-cycle")[1], 0.9);
    EXPECT_LT(rates("cosine")[5], 0.01);
    // A validation loss cannot improve by a factor of 3 in an epoch for long.
    const std::vector<double> plateau = rates("plateau,patience=0,factor=0.5", {"--val", "0.25"});
    EXPECT_EQ(plateau[0], 1);
    for (size_t i = 1; i < plateau.size(); ++i)
        EXPECT_TRUE(plateau[i] == plateau[i - 1] || plateau[i] == plateau[i - 1] / 2) << i;
}

TEST_F(Train, SchedulesThatMakeNoSenseAreNamedOnce) {
    const auto error = [&](const std::string& schedule) {
        const Result result = ingot(words("none", {"--schedule", schedule}));
        EXPECT_EQ(result.status, 2) << schedule;
        EXPECT_FALSE(fs::exists(path("none"))) << schedule;
        return result.err;
    };
    EXPECT_NE(error("step,every=0").find("--schedule: every=0 must be"), std::string::npos) << error("step,every=0");
    EXPECT_NE(error("zigzag").find("--schedule 'zigzag' is not available"), std::string::npos) << error("zigzag");
    // 18 steps
    EXPECT_NE(error("cosine,warmup=99999").find("--schedule 'cosine,warmup=99999': a warm-up of 99999 steps is longer"),
              std::string::npos)
        << error("cosine,warmup=99999");
}

TEST_F(Train, DefaultsOfWhatIsToCome) {
    EXPECT_EQ(ingot(words("run", {"--quiet", "--amp", "off", "--precision", "strict"})).status, 0);
}

TEST_F(Train, Divergence) {
    const std::vector<std::string> flags{"--quiet", "--optimizer", "sgd", "--lr", "1e30", "--loss", "mse"};
    auto strict = flags;
    strict.push_back("--strict");
    expect_error(ingot(words("strict", strict)), 1, {"diverged", "step 2", "layer", "lower learning rate"});
    // Without it two steps are left out before.
    const Result result = ingot(words("run", flags));
    EXPECT_EQ(result.status, 1);
    const auto said = lines(result.err);
    ASSERT_EQ(said.size(), 3u) << result.err;
    EXPECT_EQ(said[0].rfind("warning: step 2 (epoch 1, batch 2 of 6) is not finite", 0), 0u) << said[0];
    EXPECT_EQ(said[2].rfind("ingot: error: training diverged: step 4", 0), 0u) << said[2];
    // What there is of the run is whole.
    EXPECT_EQ(ingot({"eval", path("run/last.safetensors"), "--data", "folder:" + path("data")}).status, 0);
}

TEST_F(Train, WhatElseAStepDoes) {
    const Result result = ingot(words("run", {"--accumulate", "4", "--clip-norm", "0.5", "--clip-value", "0.1", "--ema",
                                              "0.9", "--lr", "0.02", "--strict"}));
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.json().at("steps"), 6); // 6 batches an epoch make 2 updates
    for (const char* part : {"batch 8 x 4", "clip_norm 0.5", "clip_value 0.1", "ema 0.9"})
        EXPECT_NE(result.err.find(part), std::string::npos) << part << " in " << result.err;
    bool averages = false;
    const Json inspected = ingot({"inspect", path("run/last.safetensors"), "--json"}).json();
    for (const Json& t : inspected.at("tensors")) averages = averages || t.at("name") == "train.weights.conv.weight";
    EXPECT_TRUE(averages);
}

TEST_F(Train, Patience) {
    auto all = words("run", {"--val", "0.25", "--patience", "2", "--min-delta", "100"});
    *(std::find(all.begin(), all.end(), "--epochs") + 1) = "50";
    const Result result = ingot(all);
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.json().at("epochs"), 3); // nothing improves by 100
    EXPECT_NE(result.err.find("stopped after epoch 3"), std::string::npos) << result.err;
    all.push_back("--resume");
    const Result again = ingot(all);
    EXPECT_EQ(again.json().at("epochs"), 3) << again.err;
    expect_error(ingot(words("none", {"--patience", "2"})), 2, {"--patience", "--val"});
    expect_error(ingot(words("none", {"--val", "0.25", "--min-delta", "2"})), 2, {"--min-delta", "--patience"});
}

TEST_F(Train, TimeLimit) {
    auto all = words("run", {"--time-limit", "0.2", "--schedule", "none"});
    *(std::find(all.begin(), all.end(), "--epochs") + 1) = "100000";
    const Result result = ingot(all);
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_LT(result.json().at("epochs"), 100000);
    EXPECT_TRUE(result.json().at("test_accuracy").is_number());
    EXPECT_NE(result.err.find("time limit reached"), std::string::npos) << result.err;
    EXPECT_NE(result.err.find("--resume"), std::string::npos) << result.err;
    for (const char* bad : {"0", "-1", "5x", "m", "nan"})
        expect_error(ingot(words("no", {"--time-limit", bad})), 2, {"--time-limit", bad});
}

TEST_F(Train, NamedModels) {
    // The smallest images that lenet takes.
    const Result result = ingot({"train", "--model", "lenet", "--data", "folder:" + path("data") + ",size=16", "--out",
                                 path("run"), "--epochs", "1", "--batch", "8", "--json"});
    ASSERT_EQ(result.status, 0) << result.err;
    const Json tensors = ingot({"inspect", path("run/last.safetensors"), "--json"}).json().at("tensors");
    std::set<std::string> names;
    for (const Json& t : tensors) names.insert(t.at("name").get<std::string>());
    for (const char* name : {"0.weight", "3.bias", "7.weight", "9.weight", "11.bias"})
        EXPECT_TRUE(names.contains(name)) << name;
}

} // namespace ingot::cli_testing
