// SPDX-License-Identifier: MIT
// The named models: their keys and shapes are PyTorch's; channels, size and classes come from the data.
#include "contract/contract_testing.h"

namespace ingot::contract {
namespace {

using Shapes = std::map<std::string, std::vector<int64_t>>;

class Models : public ContractTest {
protected:
    /// Shapes of the weights of a model trained for a moment; counters of batches, which PyTorch keeps too, left out.
    Shapes shapes(const std::string& model, const std::string& data) const {
        json({"train", "--model", model, "--data", data, "--out", "run", "--force", "--epochs", "1", "--batch", "4"});
        Shapes found = checkpoint("run/last.safetensors").weight_shapes();
        std::erase_if(found, [](const auto& entry) { return entry.first.ends_with("num_batches_tracked"); });
        return found;
    }
};

Shapes layers(const std::map<std::string, std::vector<int64_t>>& weights) {
    Shapes found;
    for (const auto& [name, shape] : weights) {
        found[name + ".weight"] = shape;
        found[name + ".bias"] = {shape[0]};
    }
    return found;
}

void add_norm(Shapes& shapes, const std::string& name, int64_t channels) {
    for (const std::string part : {".weight", ".bias", ".running_mean", ".running_var"})
        shapes[name + part] = {channels};
}

TEST_F(Models, Lenet) {
    make_images("grey", {.classes = {"a", "b", "c"}, .train = 4, .test = 2, .size = 28});
    EXPECT_EQ(
        shapes("lenet", "folder:grey"),
        layers({{"0", {6, 1, 5, 5}}, {"3", {16, 6, 5, 5}}, {"7", {120, 400}}, {"9", {84, 120}}, {"11", {3, 84}}}));
    make_images("colour", {.train = 4, .test = 2, .size = 20, .channels = 3});
    EXPECT_EQ(
        shapes("lenet", "folder:colour"),
        layers({{"0", {6, 3, 5, 5}}, {"3", {16, 6, 5, 5}}, {"7", {120, 144}}, {"9", {84, 120}}, {"11", {2, 84}}}));
}

TEST_F(Models, Mlp) {
    make_images("grey", {.train = 4, .test = 2, .size = 28});
    EXPECT_EQ(shapes("mlp", "folder:grey"), layers({{"0", {512, 784}}, {"2", {256, 512}}, {"4", {2, 256}}}));
}

TEST_F(Models, TinyCnn) {
    make_images("colour", {.train = 4, .test = 2, .channels = 3});
    EXPECT_EQ(shapes("tiny-cnn", "folder:colour"), layers({{"0", {8, 3, 3, 3}}, {"4", {2, 8}}}));
}

TEST_F(Models, CifarCnn) {
    make_images("colour", {.train = 4, .test = 2, .size = 32, .channels = 3});
    Shapes expected = layers({{"0", {32, 3, 3, 3}},
                              {"3", {32, 32, 3, 3}},
                              {"5", {64, 32, 3, 3}},
                              {"7", {64, 64, 3, 3}},
                              {"10", {128, 4096}},
                              {"13", {2, 128}}});
    add_norm(expected, "1", 32);
    EXPECT_EQ(shapes("cifar-cnn", "folder:colour"), expected);
}

TEST_F(Models, Resnet18) {
    make_images("colour", {.train = 4, .test = 2, .size = 16, .channels = 3});
    Shapes expected = layers({{"13", {2, 512}}});
    expected["0.weight"] = {64, 3, 3, 3};
    add_norm(expected, "1", 64);
    int64_t in = 64;
    for (int block = 0; block < 8; ++block) {
        const int64_t out = int64_t{64} << (block / 2);
        const std::string name = std::to_string(block + 3);
        expected[name + ".conv1.weight"] = {out, in, 3, 3};
        expected[name + ".conv2.weight"] = {out, out, 3, 3};
        add_norm(expected, name + ".bn1", out);
        add_norm(expected, name + ".bn2", out);
        if (in != out) {
            expected[name + ".short.0.weight"] = {out, in, 1, 1};
            add_norm(expected, name + ".short.1", out);
        }
        in = out;
    }
    EXPECT_EQ(shapes("resnet18", "folder:colour"), expected);
}

TEST_F(Models, GptTiny) {
    std::string text;
    for (int i = 0; i < 120; ++i) text += "the cat sat on the mat. ";
    write("story.txt", text);
    Shapes expected = {{"tok.weight", {256, 256}},
                       {"pos.weight", {128, 256}},
                       {"norm.weight", {256}},
                       {"norm.bias", {256}},
                       {"head.weight", {256, 256}}};
    for (int i = 0; i < 4; ++i) {
        const std::string name = "layers." + std::to_string(i);
        for (const auto& [key, shape] :
             layers({{"qkv", {768, 256}}, {"proj", {256, 256}}, {"up", {1024, 256}}, {"down", {256, 1024}}}))
            expected[name + "." + key] = shape;
        for (const std::string norm : {".ln1", ".ln2"})
            expected[name + norm + ".weight"] = expected[name + norm + ".bias"] = {256};
    }
    EXPECT_EQ(shapes("gpt-tiny", "text:story.txt"), expected);
}

} // namespace
} // namespace ingot::contract
