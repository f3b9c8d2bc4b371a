// SPDX-License-Identifier: MIT
// Damaged and unfitting input: one clear line each, naming the thing.
#include <fstream>

#include "cli/cli_testing.h"

namespace ingot::cli_testing {

class BadInput : public CliTest {
protected:
    Result train(const std::string& model, const std::string& data) const {
        return ingot({"train", "--model", model, "--data", data, "--out", path("run"), "--epochs", "1", "--batch", "4",
                      "--quiet"});
    }
};

TEST_F(BadInput, MissingAndEmptyFolders) {
    expect_error(train("lenet", "mnist:" + path("nowhere")), 1, {"nowhere"});
    expect_error(train("lenet", "folder:" + path("nowhere")), 1, {"nowhere"});
    expect_error(train("lenet", "cifar10:" + path("nowhere.tar.xz")), 1, {"nowhere.tar.xz"});
    fs::create_directories(path("empty"));
    expect_error(train("lenet", "folder:" + path("empty")), 1, {"empty"});
    expect_error(train("lenet", "mnist:" + path("empty")), 1, {"empty"});
}

TEST_F(BadInput, TruncatedIdx) {
    const auto header = [](std::vector<int> words) {
        std::string text;
        for (const int word : words)
            for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(word >> shift & 0xFF);
        return text;
    };
    write("m/train-images-idx3-ubyte", header({0x803, 10, 28, 28}) + std::string(10 * 784 - 5, 'x'));
    write("m/train-labels-idx1-ubyte", header({0x801, 10}) + std::string(10, '\1'));
    write("m/t10k-images-idx3-ubyte", header({0x803, 1, 28, 28}) + std::string(784, 'x'));
    write("m/t10k-labels-idx1-ubyte", header({0x801, 1}) + std::string(1, '\1'));
    expect_error(train("lenet", "mnist:" + path("m")), 1, {"train-images-idx3-ubyte"});
    write("m/train-images-idx3-ubyte", header({0x803, 10, 28, 28}) + std::string(10 * 784, 'x'));
    write("m/train-labels-idx1-ubyte", header({0x801, 10}) + std::string(9, '\1') + "\x0b");
    expect_error(train("lenet", "mnist:" + path("m")), 1, {"train-labels-idx1-ubyte", "11", "9"});
}

TEST_F(BadInput, TruncatedImagesAreLeftOutAndNamedOnce) {
    const std::string data = make_images("data", 4, 2);
    const std::string whole = read("data/train/dark/2.png");
    write("data/train/dark/2.png", whole.substr(0, whole.size() / 2));
    write("data/train/bright/1.png", "");
    make_spec();
    for (const char* cache : {"", ",cache=0"}) { // read before training, or while it goes on
        fs::remove_all(path("run"));
        const Result result = train(path("net.json"), data + cache);
        EXPECT_EQ(result.status, 0) << result.err;
        for (const char* file : {"dark/2.png: bad PNG", "bright/1.png: is empty"}) {
            const size_t at = result.err.find(file);
            ASSERT_NE(at, std::string::npos) << result.err;
            EXPECT_EQ(result.err.find(file, at + 1), std::string::npos) << result.err;
        }
    }
}

TEST_F(BadInput, Specs) {
    const std::string data = make_images("data", 4, 2);
    write("a.json", R"({"input": [1, 12, 12], "layers": [{"type": "conv2d", "out": 4, "kernal": 3}]})");
    expect_error(train(path("a.json"), data), 1, {"a.json", "kernal", "conv2d"});
    write("b.json", R"({"input": [1, 12, 12], "layers": [{"type": "conv2d", "out": 4, "kernel": 13}]})");
    expect_error(train(path("b.json"), data), 1, {"b.json", "conv2d", "12"});
    write("c.json", R"({"input": [1, 12, 12], "layers": [)");
    expect_error(train(path("c.json"), data), 1, {"c.json"});
    write("d.json", R"({"input": [3, 32, 32], "layers": [{"type": "flatten"}, {"type": "linear", "out": 2}]})");
    expect_error(train(path("d.json"), data), 1, {"[3, 32, 32]", "[1, 12, 12]\n"}); // no size gives them more channels
    write("f.json", R"({"input": [1, 20, 20], "layers": [{"type": "flatten"}, {"type": "linear", "out": 2}]})");
    expect_error(train(path("f.json"), data), 1,
                 {"[1, 20, 20], the images are [1, 12, 12]; ',size=20' after --data folder:", "makes them fit"});
    write("g.json", R"({"input": [1, 20, 10], "layers": [{"type": "flatten"}, {"type": "linear", "out": 2}]})");
    expect_error(train(path("g.json"), data), 1, {"[1, 20, 10], the images are [1, 12, 12]\n"});
    write("t.txt", std::string(5000, 'x'));
    write("h.json", R"({"input": 16, "layers": [{"type": "embedding", "num_embeddings": 256, "embedding_dim": 4},
                        {"type": "linear", "out": 256}]})");
    expect_error(train(path("h.json"), "text:" + path("t.txt")), 1,
                 {"',length=16' after --data text:", "makes them fit"});
    write("e.json", R"({"input": [1, 12, 12], "layers": [{"type": "flatten"}, {"type": "linear", "out": 3}]})");
    expect_error(train(path("e.json"), data), 1, {"[3]", "2 classes"});
    expect_error(train(path("none.json"), data), 1, {"none.json"});
    expect_error(train("tiny-cnn", "folder:" + path("data") + ",size=2"), 1, {"tiny-cnn", "kernel is larger"});
}

TEST_F(BadInput, ValidationThatLeavesNothing) {
    const std::string data = make_images("data", 4, 2);
    make_spec();
    const auto val = [&](const std::string& spec, const std::string& model) {
        return ingot({"train", "--model", model, "--data", spec, "--out", path("run"), "--val", "0.999"});
    };
    expect_error(val(data, path("net.json")), 1, {"--val 0.999: cannot hold out 8 of 8 samples"});
    write("t.csv", "a,b\n1,x\n2,y\n3,x\n4,y\n5,x\n6,y\n7,x\n8,y\n");
    expect_error(val("csv:" + path("t.csv"), "mlp"), 1, {"--val 0.999: cannot hold out"});
    write("t.txt", std::string(5000, 'x'));
    expect_error(val("text:" + path("t.txt"), "gpt-tiny"), 1, {"--val 0.999: cannot hold out"});
}

TEST_F(BadInput, BatchLargerThanTheData) {
    make_images("data", 1, 1);
    make_spec();
    expect_error(train(path("net.json"), "folder:" + path("data")), 1, {"batch"});
}

TEST_F(BadInput, CorruptedCheckpoint) {
    const std::string data = make_images("data", 4, 2);
    make_spec();
    ASSERT_EQ(train(path("net.json"), data).status, 0);
    const std::string good = read("run/last.safetensors");
    const Json list = ingot({"inspect", path("run/last.safetensors"), "--json"}).json();

    // Flip one bit of head.weight: its offset follows from the header.
    uint64_t length = 0;
    for (int i = 0; i < 8; ++i)
        length |= static_cast<uint64_t>(static_cast<unsigned char>(good[static_cast<size_t>(i)])) << 8 * i;
    const Json header = Json::parse(good.substr(8, length));
    const size_t offset = 8 + length + header.at("head.weight").at("data_offsets").at(0).get<size_t>();
    std::string bad = good;
    bad[offset + 17] = static_cast<char>(bad[offset + 17] ^ 4);
    write("bad.safetensors", bad);
    const std::vector<std::string> parts{"bad.safetensors", "head.weight", std::to_string(offset)};
    expect_error(ingot({"eval", path("bad.safetensors"), "--data", data}), 1, parts);
    expect_error(ingot({"predict", path("bad.safetensors"), path("data/test/dark/0.png")}), 1, parts);
    EXPECT_EQ(ingot({"inspect", path("bad.safetensors")}).status, 1);

    write("short.safetensors", good.substr(0, good.size() - 100));
    expect_error(ingot({"eval", path("short.safetensors"), "--data", data}), 1, {"short.safetensors"});
    write("text.safetensors", "hello");
    expect_error(ingot({"inspect", path("text.safetensors")}), 1, {"text.safetensors"});
    expect_error(ingot({"eval", path("none.safetensors"), "--data", data}), 1, {"none.safetensors"});
    // A safetensors file that is no checkpoint.
    const std::string plain_header = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
    std::string plain(8, '\0');
    plain[0] = static_cast<char>(plain_header.size());
    write("plain.safetensors", plain + plain_header + std::string(4, '\0'));
    expect_error(ingot({"eval", path("plain.safetensors"), "--data", data}), 1,
                 {"plain.safetensors", "not a checkpoint"});
    EXPECT_EQ(ingot({"inspect", path("plain.safetensors")}).status, 0);
}

TEST_F(BadInput, CheckpointAndDataDoNotFit) {
    const std::string data = make_images("data", 4, 2);
    make_spec();
    ASSERT_EQ(train(path("net.json"), data).status, 0);
    expect_error(ingot({"eval", path("run/last.safetensors"), "--data", data + ",size=20"}), 1,
                 {"[1, 12, 12]", "[1, 20, 20]"});
    fs::rename(path("data/test/dark"), path("data/test/gloomy"));
    fs::rename(path("data/train/dark"), path("data/train/gloomy"));
    expect_error(ingot({"eval", path("run/last.safetensors"), "--data", data}), 1, {"dark", "gloomy"});
    write("notes.txt", "not a picture");
    expect_error(ingot({"predict", path("run/last.safetensors"), path("notes.txt")}), 1, {"notes.txt"});
}

TEST_F(BadInput, OutIsAFile) {
    make_images("data", 4, 2);
    make_spec();
    write("run", "a file");
    expect_error(train(path("net.json"), "folder:" + path("data")), 1, {path("run")});
}

} // namespace ingot::cli_testing
