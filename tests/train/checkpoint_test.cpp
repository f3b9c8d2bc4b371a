// SPDX-License-Identifier: MIT
// Checkpoints: everything is inside, equal states give equal bytes, damage is found; model.json; metrics files.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <ingot/nn.h>
#include <ingot/ops.h>
#include <ingot/optim.h>

#include "support/scratch_folder.h"
#include "train/checkpoint.h"
#include "train/metrics_log.h"
#include "train/model_info.h"
#include "train/progress.h"
#include "train/recipe.h"

namespace ingot::train {

namespace {

namespace fs = std::filesystem;

class CheckpointTest : public ::testing::Test {
protected:
    std::string path(const std::string& name) const { return folder_ / name; }
    std::string read(const std::string& name) const { return folder_.read(name); }
    const ModelInfo info_{"net", R"({"input":[1,2,2],"layers":[]})", {"cat", "dog"}, {0.1307f}, {0.3081f}};

private:
    testing_support::ScratchFolder folder_;
};

} // namespace

TEST_F(CheckpointTest, RoundTrip) {
    manual_seed(11);
    nn::Sequential model{nn::Conv2d(1, 2, {.kernel = 1}), nn::BatchNorm2d(2), nn::Flatten(), nn::Linear(8, 2)};
    optim::Adam optimizer(model.parameters(), {});
    const Position position{.epoch = 2, .step = 17, .seed = 9, .epoch_loss = 0.25, .best_val_loss = 0.125};
    const Checkpoint checkpoint({model, optimizer}, position, {.model_json = to_json(info_)});
    checkpoint.write(path("a.safetensors"));
    checkpoint.write(path("b.safetensors"));
    EXPECT_EQ(read("a.safetensors"), read("b.safetensors"));

    const LoadedCheckpoint loaded = read_checkpoint(path("a.safetensors"));
    const ModelInfo info = model_info_from_json(loaded.model_json, "a");
    EXPECT_EQ(info.name, "net");
    EXPECT_EQ(info.class_names, info_.class_names);
    EXPECT_EQ(info.mean, info_.mean);
    EXPECT_EQ(info.std, info_.std);
    EXPECT_EQ(loaded.weights.names(), model.state_dict().names());
    for (const auto& [name, tensor] : model.state_dict())
        EXPECT_EQ(loaded.weights.at(name).to_vector<float>(), tensor.to_vector<float>()) << name;
    EXPECT_EQ(loaded.train.at("epoch").item<int64_t>(), 2);
    EXPECT_EQ(loaded.train.at("step").item<int64_t>(), 17);
    EXPECT_EQ(loaded.train.at("seed").item<int64_t>(), 9);
    EXPECT_EQ(loaded.train.at("epoch_loss").item<double>(), 0.25);
    EXPECT_EQ(loaded.train.at("best_val_loss").item<double>(), 0.125);
    EXPECT_EQ(loaded.train.at("random").to_vector<int64_t>()[0], 11);
    for (const auto& [name, tensor] : optimizer.state_dict())
        EXPECT_TRUE(loaded.train.contains("optimizer." + name)) << name;
}

TEST_F(CheckpointTest, StaysAsItWasWhenTrainingGoesOn) {
    nn::Sequential model{nn::Linear(2, 2)};
    optim::SGD optimizer(model.parameters(), {});
    const std::vector<float> before = model.state_dict().at("0.weight").to_vector<float>();
    const Checkpoint checkpoint({model, optimizer}, {}, {.model_json = to_json(info_)});
    no_grad([&] { model.state_dict().at("0.weight").assign(zeros({2, 2})); });
    EXPECT_NE(model.state_dict().at("0.weight").to_vector<float>(), before);
    checkpoint.loaded().restore({model, optimizer});
    EXPECT_EQ(model.state_dict().at("0.weight").to_vector<float>(), before);
}

TEST_F(CheckpointTest, ReservedNames) {
    nn::Sequential model;
    model.add("train", nn::Linear(2, 2));
    optim::SGD optimizer(model.parameters(), {});
    EXPECT_THROW(Checkpoint({model, optimizer}, {}, {.model_json = to_json(info_)}), Error);
}

TEST_F(CheckpointTest, EveryDamagedByteOfATensorIsFound) {
    nn::Sequential model{nn::Linear(2, 2)};
    optim::SGD optimizer(model.parameters(), {});
    Checkpoint({model, optimizer}, {}, {.model_json = to_json(info_)}).write(path("a.safetensors"));
    const std::string good = read("a.safetensors");
    size_t header = 0;
    for (size_t i = 0; i < 8; ++i) header |= static_cast<size_t>(static_cast<unsigned char>(good[i])) << 8 * i;
    for (size_t at = 8 + header; at < good.size(); ++at) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 1);
        std::ofstream(path("bad.safetensors"), std::ios::binary) << bad;
        EXPECT_THROW(read_checkpoint(path("bad.safetensors")), FileError) << at;
    }
}

TEST_F(CheckpointTest, NoDamagedByteOfTheTextsPassesForAnotherModel) {
    nn::Sequential model{nn::Linear(2, 2)};
    optim::SGD optimizer(model.parameters(), {});
    Checkpoint({model, optimizer}, {}, {.model_json = to_json(info_)}).write(path("a.safetensors"));
    const std::string good = read("a.safetensors");
    const auto data = [](const StateDict& tensors) {
        std::vector<std::pair<std::string, std::vector<double>>> out;
        for (const auto& [name, tensor] : tensors) out.emplace_back(name, tensor.to_vector<double>());
        return out;
    };
    const LoadedCheckpoint whole = read_checkpoint(path("a.safetensors"));
    int found = 0;
    // From the first text to the first tensor.
    const size_t begin = good.find("\"ingot\":"), end = good.find("\"0.weight\":", begin);
    ASSERT_LT(end, good.size());
    for (size_t at = begin; at < end; at += 3) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 1);
        std::ofstream(path("bad.safetensors"), std::ios::binary) << bad;
        try {
            const LoadedCheckpoint loaded = read_checkpoint(path("bad.safetensors"));
            EXPECT_EQ(loaded.model_json, whole.model_json) << at;
            EXPECT_EQ(data(loaded.weights), data(whole.weights)) << at;
            EXPECT_EQ(data(loaded.train), data(whole.train)) << at;
        } catch (const FileError&) { ++found; }
    }
    EXPECT_GT(found, 50);
}

TEST_F(CheckpointTest, ModelJson) {
    const ModelInfo back = model_info_from_json(to_json(info_), "x");
    EXPECT_EQ(back.mean, info_.mean);
    EXPECT_EQ(nlohmann::json::parse(back.spec), nlohmann::json::parse(info_.spec));
    for (const char* text : {"", "[]", "{}", R"({"name":1,"spec":{},"class_names":[],"mean":[],"std":[]})",
                             R"({"name":"a","spec":{},"class_names":[],"mean":[1],"std":[]})",
                             R"({"name":"a","spec":{},"class_names":[],"mean":[1],"std":[0]})"})
        EXPECT_THROW(model_info_from_json(text, "x"), FileError) << text;
}

TEST_F(CheckpointTest, MetricsFiles) {
    fs::create_directories(path("run"));
    MetricsLog log(path("run"));
    log.append({.epoch = 1, .step = 10, .train_loss = 0.5, .lr = 0.001, .seconds = 1.23456});
    log.append(
        {.epoch = 2, .step = 20, .train_loss = 0.25, .val_loss = 0.75, .val_accuracy = 0.9, .lr = 1e-05, .seconds = 2});
    EXPECT_EQ(read("run/metrics.csv"), "epoch,step,train_loss,val_loss,val_accuracy,lr,seconds\n"
                                       "1,10,0.5,,,0.001,1.235\n"
                                       "2,20,0.25,0.75,0.9,1e-05,2\n");
    EXPECT_EQ(read("run/metrics.jsonl"), "{\"epoch\":1,\"step\":10,\"train_loss\":0.5,\"val_loss\":null,\"val_"
                                         "accuracy\":null,\"lr\":0.001,\"seconds\":1.235}\n"
                                         "{\"epoch\":2,\"step\":20,\"train_loss\":0.25,\"val_loss\":0.75,\"val_"
                                         "accuracy\":0.9,\"lr\":1e-05,\"seconds\":2}\n");
}

TEST_F(CheckpointTest, DamagedMetricsFilesAreNamed) {
    fs::create_directories(path("run"));
    MetricsLog(path("run")).append({.epoch = 1, .step = 10, .train_loss = 0.5, .lr = 0.001, .seconds = 1});
    const std::string csv = read("run/metrics.csv"), lines = read("run/metrics.jsonl");
    const auto error_with = [&](const std::string& name, const std::string& text) {
        std::ofstream(path("run/metrics.csv")) << (name == "metrics.csv" ? text : csv);
        std::ofstream(path("run/metrics.jsonl")) << (name == "metrics.jsonl" ? text : lines);
        try {
            const MetricsLog log(path("run"), 5);
        } catch (const FileError& error) { return std::string(error.what()); }
        return std::string("no error");
    };
    const auto expect_line = [&](const std::string& name, const std::string& text, int line) {
        const std::string error = error_with(name, text);
        EXPECT_EQ(error.find(path("run/" + name) + ": line " + std::to_string(line) +
                             (name == "metrics.csv" ? " is damaged" : ": ")),
                  0u)
            << error;
    };
    for (const char* bad : {"{\"epoch\":\"x\"}\n", "{}\n", "7\n", "{\"epoch\":\n", "\n", "\xff\n"})
        expect_line("metrics.jsonl", lines + bad, 2);
    for (const char* bad :
         {"two,3,4\n", "\n", "1\t2\n", "2,garbage\n", "2,20,0.5,,,0.001,2 s\n", "1,10,0.5,,,0.001,1\n"})
        expect_line("metrics.csv", csv + bad, 3);
    expect_line("metrics.csv", "1,10,0.5,,,0.001,1\n", 1);
    EXPECT_EQ(error_with("metrics.jsonl", lines + "{\"epoch\":2"), "no error") << "it was being written";
}

TEST(ProgressText, Durations) {
    EXPECT_EQ(duration_text(0), "0:00");
    EXPECT_EQ(duration_text(-3), "0:00");
    EXPECT_EQ(duration_text(7.4), "0:07");
    EXPECT_EQ(duration_text(750), "12:30");
    EXPECT_EQ(duration_text(3723), "1:02:03");
}

TEST(RecipeDefaults, EveryNamedModelAndOptimizer) {
    EXPECT_TRUE(default_recipe("cifar-cnn", true).flip);
    EXPECT_FALSE(default_recipe("cifar-cnn", false).flip) << "mirrored digits are other digits";
    for (const char* optimizer : {"sgd", "adam", "adamw"}) {
        Recipe recipe = default_recipe("lenet", false);
        use_optimizer(recipe, optimizer);
        EXPECT_NE(make_optimizer(recipe, {Tensor::parameter(zeros({2}))}), nullptr);
        EXPECT_NE(recipe.str().find(optimizer), std::string::npos) << recipe.str();
    }
    EXPECT_THROW(make_loss("hinge"), Error);
}

} // namespace ingot::train
