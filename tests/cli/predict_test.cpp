// SPDX-License-Identifier: MIT
// ingot eval, predict and inspect on a model that has learned something.
#include "cli/cli_testing.h"
#include "io/image.h"

namespace ingot::cli_testing {

class Predict : public CliTest {
protected:
    void SetUp() override {
        data_ = make_images("data");
        make_spec();
        const Result result = ingot({"train", "--model", path("net.json"), "--data", data_, "--out", path("run"),
                                     "--epochs", "6", "--batch", "8", "--lr", "0.01", "--quiet"});
        ASSERT_EQ(result.status, 0) << result.err;
        ASSERT_NE(result.out.find("test_accuracy"), std::string::npos) << result.out;
    }
    std::string data_, checkpoint_ = path("run/best.safetensors");
};

TEST_F(Predict, Eval) {
    const Result result = ingot({"eval", checkpoint_, "--data", data_, "--json"});
    ASSERT_EQ(result.status, 0) << result.err;
    const Json json = result.json();
    EXPECT_EQ(json.size(), 7u);
    for (const char* key : {"test_precision", "test_recall", "test_f1", "test_roc_auc"}) // averages over the classes
        EXPECT_GT(json.at(key).get<double>(), 0.85) << key;
    EXPECT_EQ(json.at("samples"), 16);
    EXPECT_GT(json.at("test_accuracy").get<double>(), 0.9);
    EXPECT_GT(json.at("test_loss").get<double>(), 0);
    EXPECT_NE(ingot({"eval", checkpoint_, "--data", data_}).out.find("samples 16"), std::string::npos);
}

TEST_F(Predict, AFolderOfARunIsItsBestCheckpoint) {
    for (const std::vector<std::string>& rest : std::vector<std::vector<std::string>>{
             {"eval", "", "--data", data_}, {"predict", "", path("data/test/dark/1.png")}, {"inspect", ""}}) {
        std::vector<std::string> file = rest, folder = rest;
        file[1] = checkpoint_;
        folder[1] = path("run");
        const Result expected = ingot(file), seen = ingot(folder);
        EXPECT_EQ(seen.status, 0) << rest[0] << seen.err;
        EXPECT_EQ(seen.out, expected.out) << rest[0];
    }
    expect_error(ingot({"eval", path("data"), "--data", data_}), 1, {"is not a regular file"});
}

TEST_F(Predict, EvalReadsEverythingWithoutATestSplit) {
    const Json json = ingot({"eval", checkpoint_, "--data", "folder:" + path("data/train"), "--json"}).json();
    EXPECT_EQ(json.at("samples"), 48);
}

TEST_F(Predict, OrderLabelsAndSizes) {
    // A large colour picture, bright: resized and greyed.
    io::Image image{50, 40, 3, io::Pixels(50 * 40 * 3, 200)};
    const std::vector<uint8_t> png = io::encode_png(image);
    write("big.png", std::string(png.begin(), png.end()));
    std::vector<std::string> words{
        "predict", checkpoint_, path("data/test/dark/1.png"), path("big.png"), path("data/test/dark/0.png"), "--json"};
    const Result result = ingot(words);
    ASSERT_EQ(result.status, 0) << result.err;
    const Json list = result.json().at("predictions");
    ASSERT_EQ(list.size(), 3u);
    const std::vector<std::pair<std::string, int>> expected = {{"dark", 1}, {"bright", 0}, {"dark", 1}};
    for (size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(list[i].size(), 4u);
        EXPECT_EQ(list[i].at("file"), words[2 + i]);
        EXPECT_EQ(list[i].at("label"), expected[i].first);
        EXPECT_EQ(list[i].at("index"), expected[i].second);
        EXPECT_GT(list[i].at("probability").get<double>(), 0.5);
        EXPECT_LE(list[i].at("probability").get<double>(), 1.0);
    }
    EXPECT_NE(ingot({"predict", checkpoint_, path("big.png")}).out.find("big.png: bright ("), std::string::npos);
}

TEST_F(Predict, MoreFilesThanOneBatch) {
    std::vector<std::string> words{"predict", checkpoint_, "--json"};
    for (int i = 0; i < 70; ++i)
        words.push_back(path("data/test/" + std::string(i % 2 ? "dark/" : "bright/") + std::to_string(i % 8) + ".png"));
    const Json list = ingot(words).json().at("predictions");
    ASSERT_EQ(list.size(), 70u);
    for (size_t i = 0; i < 54; ++i) // the same picture comes again 16 places later
        EXPECT_EQ(list[i].at("label"), list[i + 16].at("label")) << i;
}

TEST_F(Predict, AFileThatCannotBeReadDoesNotCostTheOthers) {
    write("bad.png", "no picture");
    const std::string good = path("data/test/dark/0.png"), bad = path("bad.png"), none = path("none.png");
    const Result alone = ingot({"predict", checkpoint_, good, "--json"});
    const Result result = ingot({"predict", checkpoint_, bad, good, none, good, "--json"});
    EXPECT_EQ(result.status, 1);
    EXPECT_NE(result.err.find("ingot: warning: " + bad), std::string::npos) << result.err;
    EXPECT_NE(result.err.find("ingot: warning: " + none), std::string::npos) << result.err;
    const Json list = result.json().at("predictions");
    ASSERT_EQ(list.size(), 2u);
    for (const Json& p : list) EXPECT_EQ(p, alone.json().at("predictions")[0]);
    EXPECT_EQ(ingot({"predict", checkpoint_, bad, good}).status, 1);
    expect_error(ingot({"predict", checkpoint_, bad}), 1, {"bad.png"});
    const Result nothing = ingot({"predict", checkpoint_, bad, none});
    EXPECT_EQ(nothing.status, 1);
    EXPECT_EQ(nothing.out, "");
    EXPECT_NE(nothing.err.find("ingot: error: " + none), std::string::npos) << nothing.err;
}

TEST_F(Predict, InspectTable) {
    const Result result = ingot({"inspect", checkpoint_});
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_NE(result.out.find("conv.weight"), std::string::npos);
    EXPECT_NE(result.out.find("[4, 1, 3, 3]"), std::string::npos);
}

TEST_F(CliTest, PredictReadsRowsOfTables) {
    std::string text = "size,colour,kind,price\n";
    for (int i = 0; i < 80; ++i)
        text += std::to_string(i % 20) + "," + (i % 3 ? "red" : "blue") + "," + (i % 20 < 10 ? "small" : "large") +
                "," + std::to_string(100 + 5 * (i % 20)) + "\n";
    write("t.csv", text);
    const auto train = [&](const std::string& spec, const std::string& out) {
        return ingot({"train", "--model", "mlp", "--data", "csv:" + path("t.csv") + spec, "--out", path(out),
                      "--epochs", "30", "--batch", "8", "--quiet", "--json"});
    };
    const Result classes = train(",label=kind", "classes"), prices = train(",task=regression", "prices");
    ASSERT_EQ(classes.status, 0) << classes.err;
    ASSERT_EQ(prices.status, 0) << prices.err;
    EXPECT_GT(classes.json().at("test_accuracy").get<double>(), 0.9);
    EXPECT_LT(prices.json().at("test_mae").get<double>(), 10); // of 100 to 195

    write("new.csv", "colour,size,kind,price\nred,2,?,110\n\nblue,18,?,190\n"); // columns go by their names
    const Json list =
        ingot({"predict", path("classes/best.safetensors"), path("new.csv"), "--json"}).json().at("predictions");
    ASSERT_EQ(list.size(), 2u);
    EXPECT_EQ(list[0].at("label"), "small");
    EXPECT_EQ(list[0].at("line"), 2);
    EXPECT_EQ(list[0].at("file"), path("new.csv"));
    EXPECT_EQ(list[1].at("label"), "large");
    EXPECT_EQ(list[1].at("line"), 4);
    write("other.csv", "a,b\n1,2\n"); // without the columns that the model knows
    const Result some =
        ingot({"predict", path("classes/best.safetensors"), path("other.csv"), path("new.csv"), "--json"});
    EXPECT_EQ(some.status, 1);
    EXPECT_NE(some.err.find("ingot: warning: " + path("other.csv")), std::string::npos) << some.err;
    EXPECT_EQ(some.json().at("predictions"), list);
    const std::string lines = ingot({"predict", path("classes/best.safetensors"), path("new.csv")}).out;
    EXPECT_NE(lines.find("new.csv:4: large ("), std::string::npos) << lines;
    const Json values =
        ingot({"predict", path("prices/best.safetensors"), path("new.csv"), "--json"}).json().at("predictions");
    EXPECT_NEAR(values[0].at("value").get<double>(), 110, 20);
    EXPECT_NEAR(values[1].at("value").get<double>(), 190, 20);
    write("bad.csv", "colour,size,kind\nred,two,?\n");
    expect_error(ingot({"predict", path("classes/best.safetensors"), path("bad.csv")}), 1,
                 {"bad.csv", "line 2", "size", "two"});
    write("short.csv", "colour,kind\nred,?\n");
    expect_error(ingot({"predict", path("classes/best.safetensors"), path("short.csv")}), 1,
                 {"short.csv", "no column 'size'"});
}

} // namespace ingot::cli_testing
