// SPDX-License-Identifier: MIT
// What the command says about itself, and about command lines that make no sense.
#include "cli/cli_testing.h"

namespace ingot::cli_testing {

class Usage : public CliTest {};

TEST_F(Usage, HelpForEveryCommand) {
    const Result help = ingot({"--help"});
    EXPECT_EQ(help.status, 0);
    for (const char* command : {"train", "eval", "predict", "generate", "inspect", "devices", "bench"}) {
        EXPECT_NE(help.out.find(command), std::string::npos) << command;
        const Result result = ingot({command, "--help"});
        EXPECT_EQ(result.status, 0) << command;
        EXPECT_EQ(result.err, "");
        EXPECT_NE(result.out.find("Example"), std::string::npos) << command;
        EXPECT_NE(result.out.find("ingot " + std::string(command)), std::string::npos) << command;
    }
}

TEST_F(Usage, Version) {
    const Result result = ingot({"--version"});
    EXPECT_EQ(result.status, 0);
    EXPECT_EQ(result.out, "ingot " INGOT_VERSION "\n");
}

TEST_F(Usage, MissingAndUnknownCommands) {
    expect_error(ingot({}), 2, {"command"});
    for (const char* command : {"export", "tune", "onnx", "trian"})
        expect_error(ingot({command, "--x"}), 2, {"unknown command", command});
}

TEST_F(Usage, MisspeltWordsGetTheNearestName) {
    expect_error(ingot({"trian"}), 2, {"unknown command 'trian'; did you mean 'train'?"});
    const Result far = ingot({"tune"});
    EXPECT_EQ(far.err.find("did you mean"), std::string::npos) << far.err;
    expect_error(ingot({"train", "--model", "lenet", "--data", "glyphs", "--epoch", "3"}), 2,
                 {"not expected: --epoch 3; did you mean '--epochs'?"});
    expect_error(ingot({"train", "--model", "lenet", "--data", "glyphs", "--lrr=3"}), 2,
                 {"not expected: --lrr=3; did you mean '--lr'?"});
    expect_error(ingot({"train", "--model", "cifar_cnn", "--data", "glyphs"}), 2, {"did you mean 'cifar-cnn'?"});
}

TEST_F(Usage, UnknownFlag) {
    expect_error(ingot({"train", "--model", "lenet", "--data", "glyphs", "--bogus", "1"}), 2, {"--bogus"});
    expect_error(ingot({"--bogus"}), 2, {"--bogus"});
    expect_error(ingot({"devices", "--bogus"}), 2, {"--bogus"});
    // Before what is missing because of it.
    expect_error(ingot({"train", "--mod", "mlp", "--data", "glyphs"}), 2, {"--mod"});
    expect_error(ingot({"train", "mlp", "--data", "glyphs"}), 2, {"not expected", "mlp"});
    expect_error(ingot({"eval", "--dat", "glyphs"}), 2, {"--dat"});
}

TEST_F(Usage, WhatIsNotThereYetIsRefused) {
    const std::vector<std::vector<std::string>> flags = {{"--amp", "bf16"}, {"--amp=fp16"}, {"--precision", "tf32"}};
    for (const auto& flag : flags) {
        std::vector<std::string> words{"train", "--model", "lenet", "--data", "glyphs", "--out", path("run")};
        words.insert(words.end(), flag.begin(), flag.end());
        expect_error(ingot(words), 2, {flag[0].substr(0, flag[0].find('=')), "not available yet"});
    }
    const auto train = [&](const std::string& flag, const std::string& value, const std::string& data = "glyphs") {
        return ingot({"train", "--model", "lenet", "--data", data, "--out", path("run"), flag, value});
    };
    expect_error(train("--schedule", "zigzag"), 2, {"zigzag", "not available", "cosine"});
    expect_error(train("--optimizer", "lamb"), 2, {"lamb", "not available", "adamw"});
    expect_error(train("--loss", "hinge"), 2, {"hinge", "not available"});
    expect_error(train("--device", "cuda"), 2, {"cuda", "not available"});
    expect_error(train("--device", "metal"), 2, {"metal", "not available"});
    expect_error(train("--device", "abacus"), 2, {"abacus"});
    expect_error(train("--seed", "1", "csv:a.csv,task=guess"), 2, {"guess", "regression"});
    expect_error(ingot({"bench", "vgg"}), 2, {"vgg", "not available"});
    expect_error(ingot({"bench", "mlp", "op:fft"}), 2, {"op:fft", "not available"});
    expect_error(ingot({"bench", "mlp", "--dtype", "bf16"}), 2, {"bf16", "not available"});
    expect_error(ingot({"bench", "mlp", "--steps-per-launch", "4"}), 2, {"steps-per-launch"});
    EXPECT_FALSE(fs::exists(path("run"))) << "a refused command leaves nothing behind";
}

TEST_F(Usage, ValuesOutOfRange) {
    const auto train = [&](const std::string& flag, const std::string& value) {
        return ingot({"train", "--model", "lenet", "--data", "glyphs", "--out", path("run"), flag, value});
    };
    for (const auto& [flag, value] : std::vector<std::pair<std::string, std::string>>{{"--epochs", "0"},
                                                                                      {"--epochs", "many"},
                                                                                      {"--batch", "-3"},
                                                                                      {"--lr", "0"},
                                                                                      {"--lr", "-1"},
                                                                                      {"--lr", "nan"},
                                                                                      {"--val", "1"},
                                                                                      {"--val", "1.5"},
                                                                                      {"--momentum", "1"},
                                                                                      {"--weight-decay", "-1"},
                                                                                      {"--threads", "0"},
                                                                                      {"--schedule", "step,evry=3"},
                                                                                      {"--schedule", "step,every=0"},
                                                                                      {"--schedule", "step,gamma=2"},
                                                                                      {"--schedule", "step,gamma"},
                                                                                      {"--schedule", "cosine,min=x"},
                                                                                      {"--seed", "-1"},
                                                                                      {"--seed", "x"}})
        expect_error(train(flag, value), 2, {flag});
    expect_error(train("--amp", "int4"), 2, {"--amp", "int4"});
    expect_error(train("--precision", "loose"), 2, {"--precision", "loose"});
    expect_error(ingot({"train", "--data", "glyphs"}), 2, {"--model"});
    expect_error(ingot({"train", "--model", "lenet"}), 2, {"--data"});
    expect_error(ingot({"train", "--model", "lenet", "--data", "glyphs", "--optimizer", "adam", "--momentum", "0.9"}),
                 2, {"--momentum"});
    expect_error(ingot({"train", "--model", "vgg", "--data", "glyphs"}), 2, {"vgg", "lenet"});
    expect_error(ingot({"train", "--model", "lenet", "--data", "mnist"}), 2, {"mnist", "path"});
    for (const char* data : {"glyphs,sead=1", "glyphs,seed=-1", "folder:x,size=abc", "text:x,length=0"})
        expect_error(ingot({"train", "--model", "lenet", "--data", data}), 2, {data});
}

TEST_F(Usage, Devices) {
    const Result result = ingot({"devices", "--json"});
    ASSERT_EQ(result.status, 0) << result.err;
    bool cpu = false;
    const Json json = result.json();
    for (const Json& device : json.at("devices")) {
        EXPECT_EQ(device.size(), 5u) << device;
        EXPECT_TRUE(device.at("name").is_string());
        EXPECT_TRUE(device.at("memory_bytes").is_number_integer());
        EXPECT_EQ(device.at("available").get<bool>(), device.at("reason").get<std::string>().empty()) << device;
        cpu = cpu || (device.at("kind") == "cpu" && device.at("available") == true);
    }
    EXPECT_TRUE(cpu);
    EXPECT_NE(ingot({"devices"}).out.find("cpu: "), std::string::npos);
}

} // namespace ingot::cli_testing
