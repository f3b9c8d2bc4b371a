// SPDX-License-Identifier: MIT
// What is done with a checkpoint: `ingot eval`, `predict`, `inspect`, `generate`.
#include <cmath>

#include "contract/contract_testing.h"

namespace ingot::contract {
namespace {

using Eval = ContractTest;
using Predict = ContractTest;
using Inspect = ContractTest;
using Generate = ContractTest;

TEST_F(Eval, ReadsTheTestSplit) {
    make_images("images", {.train = 24, .test = 9});
    const Json trained = train("run", {"--epochs", "2"});
    const Json result = json({"eval", "run/best.safetensors", "--data", "folder:images"});
    EXPECT_EQ(result.at("samples"), 18);
    EXPECT_NEAR(result.at("test_loss").get<double>(), trained.at("test_loss").get<double>(), 1e-5);
    EXPECT_EQ(result.at("test_accuracy"), trained.at("test_accuracy"));
}

TEST_F(Eval, ReadsEverythingWhereThereIsNoTestSplit) {
    train("run", {"--epochs", "2"});
    make_images("more", {.train = 7, .test = 0});
    EXPECT_EQ(json({"eval", "run/best.safetensors", "--data", "folder:more"}).at("samples"), 14);
}

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

TEST_F(Predict, ListsFilesInArgumentOrder) {
    train("run", {"--epochs", "6", "--lr", "0.01"});
    const Words files = {"images/test/dark/3.png", "images/test/bright/1.png", "images/test/dark/0.png"};
    Words words = {"predict", "run/best.safetensors"};
    words.insert(words.end(), files.begin(), files.end());
    const Json predictions = json(words).at("predictions");
    ASSERT_EQ(predictions.size(), 3u);
    const Words labels = {"dark", "bright", "dark"};
    for (size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(predictions[i].at("file"), files[i]);
        EXPECT_EQ(predictions[i].at("label"), labels[i]);
        EXPECT_EQ(predictions[i].at("index"), labels[i] == "bright" ? 0 : 1);
        EXPECT_GT(predictions[i].at("probability").get<double>(), 0.5);
        EXPECT_LE(predictions[i].at("probability").get<double>(), 1);
    }
    const Result plain = run(words);
    EXPECT_EQ(plain.status, 0);
    for (const std::string& file : files) EXPECT_TRUE(contains(plain.out, file)) << plain.out;
}

TEST_F(Predict, ResizesAndGreysToTheModelsInput) {
    train("run", {"--epochs", "6", "--lr", "0.01"});
    const auto write_png = [&](const std::string& name, int width, int height, uint8_t level) {
        const auto file = png(width, height, 3, std::vector<uint8_t>(static_cast<size_t>(width * height * 3), level));
        write(name, std::string(file.begin(), file.end()));
    };
    write_png("big.png", 50, 31, 40);
    write_png("small.png", 5, 7, 215);
    const Json predictions = json({"predict", "run/best.safetensors", "big.png", "small.png"}).at("predictions");
    EXPECT_EQ(predictions.at(0).at("label"), "dark");
    EXPECT_EQ(predictions.at(1).at("label"), "bright");
}

TEST_F(Predict, LabelsAreStringsWhereClassesAreNumbers) {
    make_images("images", {.classes = {"0", "1"}});
    train("run", {"--epochs", "1"});
    const Json result = json({"predict", "run/best.safetensors", "images/test/1/0.png"});
    EXPECT_TRUE(result.at("predictions").at(0).at("label").is_string());
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

TEST_F(Inspect, ReadsAnySafetensorsFile) {
    // Two tensors and no metadata, written by hand.
    const std::string header =
        R"({"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"b":{"dtype":"I64","shape":[],"data_offsets":[8,16]}})";
    std::string file(8, '\0');
    file[0] = static_cast<char>(header.size());
    write("any.safetensors", file + header + std::string(16, '\0'));
    const Json tensors = json({"inspect", "any.safetensors"}).at("tensors");
    ASSERT_EQ(tensors.size(), 2u);
    EXPECT_EQ(tensors[0].at("name"), "a");
    EXPECT_EQ(tensors[0].at("shape"), Json({2, 1}));
    EXPECT_EQ(tensors[1].at("shape"), Json::array());
    EXPECT_NE(tensors[0].at("dtype"), tensors[1].at("dtype"));
    const Result plain = run({"inspect", "any.safetensors"});
    EXPECT_EQ(plain.status, 0);
    EXPECT_TRUE(contains(plain.out, "a") && contains(plain.out, "b"));
}

TEST_F(Generate, ContinuesAText) {
    std::string text;
    for (int i = 0; i < 400; ++i) text += "the cat sat on the mat. ";
    write("story.txt", text);
    write(
        "net.json",
        R"({"input": [16], "layers": [{"type": "embedding", "num_embeddings": 256, "embedding_dim": 16}, {"type": "linear", "out": 256}]})");
    const Result trained =
        run({"train", "--model", "net.json", "--data", "text:story.txt", "--epochs", "1", "--out", "run"});
    ASSERT_EQ(trained.status, 0) << trained.err;
    const Words words = {"generate", "run/best.safetensors", "--prompt", "the "};
    const Result plain = run(words);
    EXPECT_EQ(plain.status, 0) << plain.err;
    EXPECT_TRUE(plain.out.starts_with("the ")) << plain.out;
    EXPECT_EQ(run(words).out, plain.out);
}

} // namespace
} // namespace ingot::contract
