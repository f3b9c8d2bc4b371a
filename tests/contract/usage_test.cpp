// SPDX-License-Identifier: MIT
// What holds for every command: help, version, exit statuses, one line per error, refused flags.
#include <regex>

#include "contract/contract_testing.h"

namespace ingot::contract {
namespace {

using Usage = ContractTest;

const std::map<std::string, Words>& commands() {
    static const std::map<std::string, Words> flags = {
        {"train", {"--model",    "--data",         "--device",   "--epochs", "--batch",  "--optimizer", "--lr",
                   "--momentum", "--weight-decay", "--schedule", "--loss",   "--amp",    "--precision", "--threads",
                   "--val",      "--seed",         "--strict",   "--out",    "--resume", "--force",     "--json"}},
        {"eval", {"--data", "--json"}},
        {"predict", {"--json"}},
        {"inspect", {"--json"}},
        {"devices", {"--json"}},
        {"bench", {"--device", "--dtype", "--threads", "--batch", "--infer", "--seconds", "--steps-per-launch"}},
        {"generate", {"--prompt", "--json"}}};
    return flags;
}

TEST_F(Usage, HelpOfEveryCommandListsItsFlags) {
    const Result all = run({"--help"});
    EXPECT_EQ(all.status, 0);
    EXPECT_EQ(all.err, "");
    for (const auto& [command, flags] : commands()) {
        EXPECT_TRUE(contains(all.out, command)) << command;
        const Result help = run({command, "--help"});
        EXPECT_EQ(help.status, 0) << command;
        EXPECT_EQ(help.err, "") << command;
        for (const std::string& flag : flags)
            EXPECT_TRUE(std::regex_search(help.out, std::regex("(^|[ ,\n])" + flag + "($|[ ,=\n])")))
                << command << ' ' << flag;
    }
}

TEST_F(Usage, UnknownFlagsAreRefusedByEveryCommand) {
    for (const auto& [command, flags] : commands()) {
        SCOPED_TRACE(command);
        Words words = {command, "--no-such-flag"};
        if (command == "train") words.insert(words.end(), {"--model", "mlp", "--data", "glyphs"});
        if (command == "eval") words.insert(words.end(), {"x", "--data", "glyphs"});
        if (command == "predict") words.insert(words.end(), {"x", "y"});
        if (command == "inspect") words.push_back("x");
        if (command == "bench") words.push_back("mlp");
        if (command == "generate") words.insert(words.end(), {"x", "--prompt", "y"});
        expect_error(run(words), 2, {"--no-such-flag"});
    }
}

TEST_F(Usage, MistakesInTheCommandLineExitWith2) {
    expect_error(run({}), 2, {});
    expect_error(run({"no-such-command"}), 2, {"no-such-command"});
    expect_error(run({"train", "--model", "mlp"}), 2, {"--data"});
    expect_error(run({"train", "--data", "glyphs"}), 2, {"--model"});
    expect_error(run({"eval", "x"}), 2, {"--data"});
    expect_error(run({"inspect"}), 2, {});
    expect_error(run({"bench"}), 2, {});
    expect_error(run({"predict", "x"}), 2, {});
}

TEST_F(Usage, ValuesThatCannotBeExitWith2) {
    const std::vector<Words> wrong = {
        {"--device", "toaster"},
        {"--epochs", "0"},
        {"--epochs", "many"},
        {"--batch", "0"},
        {"--batch", "-3"},
        {"--lr", "nan"},
        {"--lr", "fast"},
        {"--momentum", "-1"},
        {"--weight-decay", "-1"},
        {"--val", "1"},
        {"--val", "-0.1"},
        {"--seed", "x"},
        {"--threads", "0"},
        {"--amp", "fp8"},
        {"--precision", "loose"},
        {"--optimizer", "guess"},
        {"--schedule", "whenever"},
        {"--loss", "regret"},
        {"--epochs"},
    };
    for (const Words& words : wrong) {
        SCOPED_TRACE(words[0] + (words.size() > 1 ? " " + words[1] : ""));
        Words line = {"train", "--model", "mlp", "--data", "glyphs", "--out", "run"};
        line.insert(line.end(), words.begin(), words.end());
        expect_error(run(line), 2, {words[0]});
        EXPECT_FALSE(exists("run"));
    }
}

TEST_F(Usage, FailuresExitWith1) {
    expect_error(run({"eval", "absent.safetensors", "--data", "glyphs"}), 1, {"absent.safetensors"});
    expect_error(run({"predict", "absent.safetensors", "x.png"}), 1, {"absent.safetensors"});
    expect_error(run({"inspect", "absent.safetensors"}), 1, {"absent.safetensors"});
    expect_error(run({"train", "--model", "mlp", "--data", "folder:absent"}), 1, {"absent"});
    expect_error(run({"train", "--model", "absent.json", "--data", "glyphs"}), 1, {"absent.json"});
    expect_error(run({"train", "--model", "no-such-model", "--data", "glyphs"}), 2, {"no-such-model"});
}

} // namespace
} // namespace ingot::contract
