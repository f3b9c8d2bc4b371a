// SPDX-License-Identifier: MIT
// Model specs: the example of the contract, types and keys, and mistakes that are named.
#include "contract/contract_testing.h"

namespace ingot::contract {
namespace {

using Shapes = std::map<std::string, std::vector<int64_t>>;

class Spec : public ContractTest {
protected:
    Result train_spec(const std::string& layers, const std::string& input = "[3, 32, 32]") const {
        const int size = input == "[3, 32, 32]" ? 32 : 12, channels = size == 32 ? 3 : 1;
        if (!exists("images")) make_images("images", {.train = 4, .test = 2, .size = size, .channels = channels});
        write("net.json", "{\"input\": " + input + ", \"layers\": [" + layers + "]}");
        return run({"train", "--model", "net.json", "--data", "folder:images", "--out", "run", "--force", "--epochs",
                    "1", "--batch", "4"});
    }
    Shapes shapes(const std::string& layers, const std::string& input = "[3, 32, 32]") const {
        const Result result = train_spec(layers, input);
        EXPECT_EQ(result.status, 0) << result.err;
        Shapes found = checkpoint("run/last.safetensors").weight_shapes();
        std::erase_if(found, [](const auto& entry) { return entry.first.ends_with("num_batches_tracked"); });
        return found;
    }
};

TEST_F(Spec, TheContractsExample) {
    const Shapes found = shapes(R"({"type": "conv2d", "out": 32, "kernel": 3, "padding": 1, "name": "conv1"},
        {"type": "batch_norm2d"}, {"type": "relu"},
        {"type": "residual", "layers": [{"type": "conv2d", "out": 16, "kernel": 3, "padding": 1}],
         "shortcut": [{"type": "conv2d", "out": 16, "kernel": 1}]},
        {"type": "flatten"}, {"type": "linear", "out": 2})");
    EXPECT_EQ(found.at("conv1.weight"), (std::vector<int64_t>{32, 3, 3, 3}));
    EXPECT_EQ(found.at("1.running_mean"), (std::vector<int64_t>{32}));
    EXPECT_EQ(found.at("5.weight"), (std::vector<int64_t>{2, 16 * 32 * 32}));
    // Both branches of the residual layer were trained.
    int of_residual = 0;
    for (const auto& [name, shape] : found) of_residual += name.starts_with("3.") && name.ends_with(".weight");
    EXPECT_EQ(of_residual, 2);
}

TEST_F(Spec, NoShortcutMeansIdentity) {
    const Shapes found =
        shapes(R"({"type": "residual", "layers": [{"type": "conv2d", "out": 1, "kernel": 3, "padding": 1}]},
        {"type": "flatten"}, {"type": "linear", "out": 2})",
               "[1, 12, 12]");
    EXPECT_EQ(found.size(), 4u);
    expect_error(
        train_spec(
            R"({"type": "residual", "layers": [{"type": "conv2d", "out": 4, "kernel": 3, "padding": 1}], "name": "skip"},
        {"type": "flatten"}, {"type": "linear", "out": 2})",
            "[1, 12, 12]"),
        1, {"net.json", "skip"});
}

TEST_F(Spec, TypesAndKeysAreTheClassesInSnakeCase) {
    // Each row: layers whose output shape the last linear layer's weight shows.
    struct Row {
        std::string layers;
        int64_t features;
    };
    for (const Row& row : {
             Row{R"({"type": "conv2d", "out": 4, "kernel": 3, "stride": 2, "padding": 1, "bias": false})", 4 * 6 * 6},
             Row{R"({"type": "conv2d", "out": 4, "kernel": 3, "dilation": 2})", 4 * 8 * 8},
             Row{R"({"type": "conv2d", "out": 4, "kernel": 1}, {"type": "conv2d", "out": 6, "kernel": 3, "groups": 2})",
                 6 * 10 * 10},
             Row{R"({"type": "conv_transpose2d", "out": 2, "kernel": 2, "stride": 2})", 2 * 24 * 24},
             Row{R"({"type": "max_pool2d", "kernel": 3, "stride": 2, "padding": 1})", 36},
             Row{R"({"type": "avg_pool2d", "kernel": 4})", 9},
             Row{R"({"type": "adaptive_avg_pool2d", "output_size": 3})", 9},
             Row{R"({"type": "batch_norm2d", "momentum": 0.2, "eps": 0.001})", 144},
             Row{R"({"type": "flatten"}, {"type": "linear", "out": 7, "bias": false}, {"type": "layer_norm"})", 7},
             Row{R"({"type": "flatten"}, {"type": "linear", "out": 7}, {"type": "batch_norm1d"})", 7},
             Row{R"({"type": "relu"}, {"type": "leaky_relu", "slope": 0.1}, {"type": "gelu"}, {"type": "silu"})", 144},
             Row{R"({"type": "sigmoid"}, {"type": "tanh"}, {"type": "elu"}, {"type": "dropout", "p": 0.2})", 144},
             Row{R"({"type": "sequential", "layers": [{"type": "conv2d", "out": 2, "kernel": 5}]})", 2 * 8 * 8},
         }) {
        SCOPED_TRACE(row.layers);
        const Shapes found = shapes(
            row.layers + R"(, {"type": "flatten"}, {"type": "linear", "out": 2, "name": "last"})", "[1, 12, 12]");
        ASSERT_TRUE(found.contains("last.weight"));
        EXPECT_EQ(found.at("last.weight"), (std::vector<int64_t>{2, row.features}));
    }
}

TEST_F(Spec, MistakesNameTheLayer) {
    const std::string end = R"(, {"type": "flatten"}, {"type": "linear", "out": 2})", input = "[1, 12, 12]";
    struct Row {
        std::string layers;
        std::vector<std::string> parts;
    };
    for (
        const Row& row : {
            Row{R"({"type": "conv2d", "out": 4, "kernal": 3, "name": "first"})", {"kernal", "first"}},
            Row{R"({"type": "relu"}, {"type": "conv2d", "out": 4, "kernel": 99, "name": "wide"})", {"wide", "99"}},
            Row{R"({"type": "conv3d", "out": 4, "name": "deep"})", {"conv3d"}},
            Row{R"({"type": "conv2d", "kernel": 3, "name": "blind"})", {"blind", "out"}},
            Row{R"({"type": "conv2d", "out": "four", "kernel": 3, "name": "word"})", {"word", "out"}},
            Row{R"({"out": 4, "name": "typeless"})", {"type"}},
            Row{R"({"type": "residual", "layers": [{"type": "conv2d", "out": 4, "kernel": 3, "stridee": 1, "name": "inner"}]})",
                {"stridee", "inner"}},
        }) {
        SCOPED_TRACE(row.layers);
        std::vector<std::string> parts = row.parts;
        parts.push_back("net.json");
        expect_error(train_spec(row.layers + end, input), 1, parts);
        EXPECT_FALSE(exists("run"));
    }
}

TEST_F(Spec, MistakesOutsideTheLayers) {
    make_images("images");
    const auto train_text = [&](const std::string& text) {
        write("net.json", text);
        return run({"train", "--model", "net.json", "--data", "folder:images", "--out", "run"});
    };
    expect_error(train_text("{\"input\": [1, 12, 12], \"layers\": ["), 1, {"net.json"});
    expect_error(train_text(R"({"input": [1, 12, 12]})"), 1, {"net.json", "layers"});
    expect_error(
        train_text(
            R"({"input": [1, 12, 12], "layer": [], "layers": [{"type": "flatten"}, {"type": "linear", "out": 2}]})"),
        1, {"net.json", "layer"});
    // A model that does not fit the data.
    expect_error(train_text(R"({"input": [3, 8, 8], "layers": [{"type": "flatten"}, {"type": "linear", "out": 2}]})"),
                 1, {"[3, 8, 8]"});
    expect_error(train_text(R"({"input": [1, 12, 12], "layers": [{"type": "flatten"}, {"type": "linear", "out": 5}]})"),
                 1, {"5", "2"});
}

} // namespace
} // namespace ingot::contract
