// SPDX-License-Identifier: MIT
// Files from strangers, handed to the commands: every one ends with exit status 1 and one line that names the file. The rules
// and where else they are tested: tests/io/hostile_test.cpp.
#include <algorithm>

#include "cli/cli_testing.h"

namespace ingot::cli_testing {

class HostileFiles : public CliTest {
protected:
    /// Contents that are nothing of the kind: nothing, one byte, a web page, zeros, a pickle.
    static std::vector<std::string> strangers() {
        return {"",
                "\x93",
                "{",
                "<!DOCTYPE html>\n<html><body>404 Not found</body></html>\n",
                std::string(5000, '\0'),
                std::string("\x80\x02}q\0.", 6)};
    }
    Result train(const std::string& model, const std::string& data) const {
        return ingot({"train", "--model", model, "--data", data, "--out", path("run"), "--epochs", "1", "--batch", "4",
                      "--force", "--quiet"});
    }
};

TEST_F(HostileFiles, AsCheckpoints) {
    make_images("data", 4, 2);
    for (const std::string& content : strangers()) {
        write("x.safetensors", content);
        expect_error(ingot({"inspect", path("x.safetensors")}), 1, {"x.safetensors: "});
        expect_error(ingot({"eval", path("x.safetensors"), "--data", "folder:" + path("data")}), 1,
                     {"x.safetensors: "});
    }
}

TEST_F(HostileFiles, CutCheckpoints) {
    const std::string data = make_images("data", 4, 2);
    make_spec();
    ASSERT_EQ(train(path("net.json"), data).status, 0);
    const std::string good = read("run/last.safetensors");
    for (size_t i = 0; i < 12; ++i) {
        write("cut.safetensors", good.substr(0, good.size() * i / 12));
        expect_error(ingot({"predict", path("cut.safetensors"), path("data/test/dark/0.png")}), 1,
                     {"cut.safetensors: "});
    }
}

TEST_F(HostileFiles, CheckpointsOfAnotherModel) {
    const std::string data = make_images("data", 4, 2);
    make_spec();
    ASSERT_EQ(train(path("net.json"), data).status, 0);
    // The same names with another size in model.json: what the file says about itself must agree.
    std::string swapped = read("run/last.safetensors");
    const size_t at = swapped.find("conv2d");
    ASSERT_NE(at, std::string::npos);
    const size_t out = swapped.find("out", at), digit = swapped.find_first_of("0123456789", out);
    ASSERT_NE(digit, std::string::npos);
    swapped[digit] = swapped[digit] == '3' ? '5' : '3';
    write("swapped.safetensors", swapped);
    expect_error(ingot({"eval", path("swapped.safetensors"), "--data", data}), 1, {"swapped.safetensors: "});
}

TEST_F(HostileFiles, AsModelSpecs) {
    const std::string data = make_images("data", 4, 2);
    for (const std::string& content : strangers()) {
        write("x.json", content);
        expect_error(train(path("x.json"), data), 1, {"x.json: "});
    }
    write("x.json", std::string(200'000, '['));
    expect_error(train(path("x.json"), data), 1, {"x.json: "});
    write("x.json", R"({"input": [1, 12, 12], "layers": [{"type": "flatten"}, {"type": "linear", "out": 16777216}, )"
                    R"({"type": "linear", "out": 16777216}]})");
    expect_error(train(path("x.json"), data), 1, {"x.json: layer 2", "its weight would have more than"});
}

TEST_F(HostileFiles, AsData) {
    make_images("data", 4, 2);
    make_spec();
    for (const std::string& content : strangers()) {
        for (const char* name :
             {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"})
            write(std::string("m/") + name, content);
        expect_error(train("lenet", "mnist:" + path("m")), 1, {"train-images-idx3-ubyte: "});
        write("c/data_batch_1.bin", content);
        write("c/test_batch.bin", content);
        expect_error(train("cifar-cnn", "cifar10:" + path("c")), 1, {".bin: "});
        write("a.tar.gz", content);
        expect_error(train("cifar-cnn", "cifar10:" + path("a.tar.gz")), 1, {"a.tar.gz: "});
        write("data/train/dark/1.png", content);
        const Result result = train(path("net.json"), "folder:" + path("data"));
        EXPECT_EQ(result.status, 0) << result.err; // one bad picture of many is named and left out
        EXPECT_NE(result.err.find("dark/1.png: "), std::string::npos) << result.err;
    }
}

TEST_F(HostileFiles, ThreePercentOfThePictures) {
    const std::string data = make_images("data", 100, 17), net = make_spec(); // 234 files
    const std::string good = read("data/train/dark/0.png");
    const std::pair<const char*, std::string> bad[] = {{"train/dark/1.png", good.substr(0, good.size() / 2)},
                                                       {"train/dark/40.png", ""},
                                                       {"train/dark/99.png", strangers()[3]},
                                                       {"train/bright/3.png", strangers()[4]},
                                                       {"train/bright/4.png", good.substr(0, good.size() - 1)},
                                                       {"train/bright/70.png", strangers()[1]},
                                                       {"test/dark/16.png", good.substr(0, 40)}};
    for (const auto& [name, content] : bad) write(std::string("data/") + name, content);
    // Decoded once, and whenever they are needed.
    for (const std::string cache : {"", ",cache=0"}) {
        const Result result = ingot({"train", "--model", net, "--data", data + cache, "--out", path("run"), "--epochs",
                                     "6", "--val", "0.2", "--batch", "8", "--force", "--quiet", "--json"});
        ASSERT_EQ(result.status, 0) << result.err;
        const Json json = result.json();
        EXPECT_EQ(json.at("files_left_out"), std::size(bad));
        EXPECT_EQ(json.at("epochs"), 6);
        EXPECT_NE(result.err.find("7 files could not be read and were left out\n"), std::string::npos) << result.err;
        EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 8) << result.err;
        for (const auto& [name, content] : bad) {
            const size_t at = result.err.find(std::string(name) + ": ");
            ASSERT_NE(at, std::string::npos) << name << "\n" << result.err;
            EXPECT_EQ(result.err.find(name, at + 1), std::string::npos) << name << " twice\n" << result.err;
        }
        // What is right cannot suffer: all other test pictures were looked at.
        const Json evaluated = ingot({"eval", path("run/best.safetensors"), "--data", data + cache, "--json"}).json();
        EXPECT_EQ(evaluated.at("samples"), 33);
        EXPECT_EQ(evaluated.at("test_loss"), json.at("test_loss"));
        expect_error(ingot({"train", "--model", net, "--data", data + cache, "--out", path("strict"), "--epochs", "1",
                            "--batch", "8", "--strict", "--force", "--quiet"}),
                     1, {".png: "});
    }
}

} // namespace ingot::cli_testing
