// SPDX-License-Identifier: MIT
// ingot inspect: checkpoints, any safetensors file, models, as tables and as JSON.
#include <regex>
#include <sstream>

#include "cli/cli_testing.h"
#include "cli/table.h"

namespace ingot::cli_testing {

class Inspect : public CliTest {
protected:
    void make_checkpoint() {
        make_spec();
        const Result result = ingot({"train", "--model", path("net.json"), "--data", make_images("data", 4, 2), "--out",
                                     path("run"), "--epochs", "1", "--batch", "4", "--quiet"});
        ASSERT_EQ(result.status, 0) << result.err;
    }
    /// A safetensors file of one tensor [2, 2] f32 of zeros.
    void make_safetensors(const std::string& name, const std::string& metadata = "", const std::string& tensor = "w") {
        std::string header = "{" + (metadata.empty() ? "" : R"("__metadata__":)" + metadata + ",") + "\"" + tensor +
                             R"(":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}})";
        std::string length(8, '\0');
        length[0] = static_cast<char>(header.size() & 0xFF);
        length[1] = static_cast<char>(header.size() >> 8);
        write(name, length + header + std::string(16, '\0'));
    }
    /// The line that begins with `start`, without it and the blanks around; columns stand two blanks apart.
    static std::string line(const std::string& text, const std::string& start) {
        std::string found;
        for (std::istringstream lines(text); std::getline(lines, found);) {
            if (found.rfind(start, 0) != 0) continue;
            const size_t rest = found.find_first_not_of(' ', start.size());
            return rest == std::string::npos ? "" : std::regex_replace(found.substr(rest), std::regex(" {2,}"), "  ");
        }
        return "no line begins with '" + start + "' in\n" + text;
    }
};

TEST_F(Inspect, Checkpoint) {
    make_checkpoint();
    const Result result = ingot({"inspect", path("run/last.safetensors")});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(line(result.out, "model net"), ", 2 classes: bright, dark");
    EXPECT_EQ(line(result.out, "conv "), "conv2d (out 4, kernel 3)  [4, 10, 10]  40");
    EXPECT_EQ(line(result.out, "head "), "linear (out 2)  [2]  202");
    EXPECT_EQ(line(result.out, "242"), "parameters");
    EXPECT_EQ(line(result.out, "conv.weight"), "f32  [4, 1, 3, 3]  144");
    EXPECT_EQ(line(result.out, "4 tensors,"), "242 elements, 968 B");
    EXPECT_EQ(line(result.out, "train.step"), "i64  []  8  2") << "values of the training's state";
    EXPECT_EQ(result.out.find(" \n"), std::string::npos) << "blanks at an end of a line";
}

TEST_F(Inspect, AnySafetensors) {
    make_safetensors("plain.safetensors", R"({"format":"pt"})");
    const Result result = ingot({"inspect", path("plain.safetensors")});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.out,
              "name  dtype  shape   bytes\nw     f32    [2, 2]     16\n1 tensor, 4 elements, 16 B\nformat: pt\n");
    const Json json = ingot({"inspect", path("plain.safetensors"), "--json"}).json();
    EXPECT_EQ(json,
              Json::parse(R"({"tensors":[{"name":"w","dtype":"f32","shape":[2,2]}],"metadata":{"format":"pt"}})"));
}

TEST_F(Inspect, NamesCannotMoveTheCursor) {
    make_safetensors("odd.safetensors", R"({"a":"x\u001b[2Jy"})", R"(w\u001b[1A\tb)");
    const Result result = ingot({"inspect", path("odd.safetensors")});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.out.find('\033'), std::string::npos);
    EXPECT_NE(result.out.find("w?[1A?b"), std::string::npos) << result.out;
}

TEST_F(Inspect, DamagedDescriptionIsAnErrorAfterTheTable) {
    make_safetensors("bad.safetensors", R"({"ingot":"{}","ingot_version":"9"})");
    const Result result = ingot({"inspect", path("bad.safetensors")});
    EXPECT_EQ(result.status, 1);
    EXPECT_NE(result.out.find("w     f32"), std::string::npos) << result.out;
    EXPECT_NE(result.err.find("the description of the model is damaged"), std::string::npos) << result.err;
}

TEST_F(Inspect, Models) {
    make_spec();
    const Result result = ingot({"inspect", path("net.json")});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(line(result.out, "input "), "[1, 12, 12]");
    EXPECT_EQ(line(result.out, "4 "), "dropout (p 0.1)  [100]");
    const Json json = ingot({"inspect", path("net.json"), "--json"}).json();
    EXPECT_EQ(json.at("parameters"), 242);
    ASSERT_EQ(json.at("layers").size(), 6u);
    EXPECT_EQ(json.at("layers")[0],
              Json::parse(R"({"path":"0","name":"conv","type":"conv2d","output":[4,10,10],"parameters":40})"));
    EXPECT_EQ(json.at("tensors")[0], Json::parse(R"({"name":"conv.weight","dtype":"f32","shape":[4,1,3,3]})"));
    make_checkpoint();
    EXPECT_EQ(ingot({"inspect", path("run/model.json"), "--json"}).json(), json) << "model.json of a run";
    write("list.json", "[1, 2]");
    expect_error(ingot({"inspect", path("list.json")}), 1, {"list.json"});
    write("cut.json", "{\"input\": [1");
    expect_error(ingot({"inspect", path("cut.json")}), 1, {"cut.json"});
}

TEST_F(Inspect, ResidualLayersAreIndented) {
    write("res.json", R"({"input": [1, 8, 8], "layers": [{"type": "residual", "name": "block",
        "layers": [{"type": "conv2d", "out": 1, "kernel": 3, "padding": 1}], "after": [{"type": "relu"}]}]})");
    const Result result = ingot({"inspect", path("res.json")});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(line(result.out, "block"), "residual  [1, 8, 8]  10");
    EXPECT_EQ(line(result.out, "  0 "), "conv2d (out 1, kernel 3, padding 1)  [1, 8, 8]  10");
    EXPECT_EQ(line(result.out, "10 parameters"), "") << "nothing counts twice";
}

TEST(TextTable, Alignment) {
    cli::TextTable table({"name", ">n", "last"});
    EXPECT_EQ(table.str(), "");
    table.add({"a", "1", "x"});
    table.add({"äöü", "1000", ""});
    EXPECT_EQ(table.str(), "name     n  last\na        1  x\näöü   1000\n");
}

} // namespace ingot::cli_testing
