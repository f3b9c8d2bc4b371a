// SPDX-License-Identifier: MIT
// What is done with a checkpoint: `ingot eval`, `predict`, `inspect`.
#include "contract/contract_testing.h"

namespace ingot::contract {
namespace {

using Eval = ContractTest;
using Predict = ContractTest;
using Inspect = ContractTest;

TEST_F(Eval, AccuracyIsThePartOfRightPredictions) {
    train("run", {"--epochs", "6", "--lr", "0.01"});
    ASSERT_EQ(json({"eval", "run/best.safetensors", "--data", "folder:images"}).at("test_accuracy"), 1.0);
    // A quarter of the pictures now lies in the wrong folder.
    make_images("mixed", {.train = 8, .test = 0});
    for (int i = 0; i < 4; ++i)
        std::filesystem::rename(path("mixed/dark/" + std::to_string(i) + ".png"),
                                path("mixed/bright/x" + std::to_string(i) + ".png"));
    const Json result = json({"eval", "run/best.safetensors", "--data", "folder:mixed"});
    EXPECT_EQ(result.at("samples"), 16);
    EXPECT_EQ(result.at("test_accuracy"), 0.75);
}

TEST_F(Eval, Regression) {
    make_regression_csv("houses.csv", 120);
    json({"train", "--model", "mlp", "--data", "csv:houses.csv,label=price,task=regression", "--out", "run", "--epochs",
          "3"});
    const Json result = json({"eval", "run/best.safetensors", "--data", "csv:houses.csv,label=price,task=regression"});
    EXPECT_TRUE(result.at("test_accuracy").is_null());
    EXPECT_GT(result.at("test_loss").get<double>(), 0);
    EXPECT_GT(result.at("samples").get<int>(), 0);
}

TEST_F(Predict, LabelsAreStringsWhereClassesAreNumbers) {
    make_images("images", {.classes = {"0", "1"}});
    train("run", {"--epochs", "1"});
    const Json result = json({"predict", "run/best.safetensors", "images/test/1/0.png"});
    const Json& prediction = result.at("predictions").at(0);
    EXPECT_EQ(prediction.at("label").get<std::string>(), std::to_string(prediction.at("index").get<int>()));
}

TEST_F(Predict, AFileThatIsNoImageIsNamed) {
    train("run", {"--epochs", "1"});
    write("note.png", "not a picture");
    expect_error(run({"predict", "run/best.safetensors", "note.png"}), 1, {"note.png"});
    expect_error(run({"predict", "run/best.safetensors", "absent.png"}), 1, {"absent.png"});
}

TEST_F(Inspect, ListsTensorsAndMetadata) {
    train("run", {"--epochs", "1"});
    const Json result = json({"inspect", "run/last.safetensors"});
    const Checkpoint file = checkpoint("run/last.safetensors");
    ASSERT_EQ(result.at("tensors").size(), file.tensors.size());
    for (const Json& tensor : result.at("tensors")) {
        const auto& entry = file.tensors.at(tensor.at("name"));
        EXPECT_EQ(tensor.at("shape").get<std::vector<int64_t>>(), entry.shape);
        EXPECT_TRUE(tensor.at("dtype").is_string());
    }
    EXPECT_EQ(result.at("metadata").at("ingot"), file.metadata.at("ingot"));
    EXPECT_TRUE(result.at("metadata").contains("crc32"));
}

} // namespace
} // namespace ingot::contract
