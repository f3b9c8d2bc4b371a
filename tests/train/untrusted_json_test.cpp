// SPDX-License-Identifier: MIT
// The JSON that a run leaves behind, read back from anybody: one FileError line that names the file, whatever it says.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include <ingot/error.h>

#include "support/scratch_folder.h"
#include "train/metrics_log.h"
#include "train/model_info.h"
#include "train/report/collect.h"

namespace ingot::train {
namespace {

/// What f throws as FileError; other errors go on.
template <class F> std::string file_error(F&& f) {
    try {
        f();
    } catch (const FileError& e) { return e.what(); }
    return "no error";
}

/// `text` with the first `from` replaced.
std::string with(std::string text, const std::string& from, const std::string& to) {
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

const std::string kDeep = std::string(100'000, '[') + std::string(100'000, ']');

const std::string kModel = R"({"name": "m", "spec": {"input": [2]}, "class_names": ["a"], "mean": [0.5], "std": [2.5],
    "table": {"columns": [{"name": "c", "mean": 3, "std": 4}], "label": "l", "target": {"mean": 5, "std": 6}}})";

TEST(UntrustedJson, ModelDescription) {
    const auto error = [](const std::string& from, const std::string& to) {
        const std::string text = with(kModel, from, to);
        const std::string e = file_error([&] { model_info_from_json(text, "d/m.json"); });
        EXPECT_EQ(e.rfind("d/m.json: the description of the model is damaged: ", 0), 0u) << e;
        EXPECT_EQ(e.find('\n'), std::string::npos) << e;
        EXPECT_EQ(e.find("json.exception"), std::string::npos) << e;
        return e;
    };
    EXPECT_EQ(model_info_from_json(kModel, "m").table->target_std, 6);
    const std::string damaged = "d/m.json: the description of the model is damaged: ";
    EXPECT_EQ(error("0.5", "1e400"), damaged + "not JSON: a number is too large for any computer");
    EXPECT_EQ(error("0.5", "1e300"), damaged + "\"mean\" must be a list of numbers in [-1e+30, 1e+30], not [1e+300]");
    EXPECT_EQ(error("2.5", "0"), damaged + "\"std\" must be a list of numbers in (0, 1e+30], not [0]");
    EXPECT_EQ(error("\"m\"", "3"), damaged + "\"name\" must be a text, not 3");
    EXPECT_EQ(error("\"name\": \"m\",", "").rfind(damaged + "\"name\" is missing", 0), 0u);
    EXPECT_EQ(error("[\"a\"]", "[\"a\", 7]"), damaged + "\"class_names\" must be a list of texts, not [\"a\",7]");
    EXPECT_EQ(error("[\"a\"]", "\"a\""), damaged + "\"class_names\" must be a list of texts, not \"a\"");
    error("\"c\"", std::string("\"\0\"", 3));
    error("{\"input\": [2]}", kDeep);
    error("\"label\": \"l\"", "\"label\": [1]");
    error("\"mean\": 3", "\"mean\": true");
    error("\"std\": 4", "\"std\": -4");
    error("\"std\": 6", "\"std\": \"6\"");
    error("[{\"name\": \"c\", \"mean\": 3, \"std\": 4}]", "7");
    error("{\"name\": \"c\", \"mean\": 3, \"std\": 4}", "null");
    error("{\"mean\": 5, \"std\": 6}", "5");
    for (const std::string& text : {std::string(), std::string("7"), std::string("null"), kDeep})
        EXPECT_EQ(file_error([&] { model_info_from_json(text, "d/m.json"); }).rfind(damaged, 0), 0u);
}

class MetricsJson : public ::testing::Test {
protected:
    void write(const std::string& line) const {
        std::ofstream(folder_ / "metrics.jsonl", std::ios::binary) << kRow << "\n" << line << "\n";
    }
    const std::string kRow =
        R"({"epoch":1,"step":10,"train_loss":0.5,"val_loss":null,"val_accuracy":null,"lr":0.1,"seconds":2})";
    const testing_support::ScratchFolder folder_;
};

TEST_F(MetricsJson, DamagedLinesAreNamed) {
    write(with(kRow, "\"epoch\":1", "\"epoch\":2"));
    EXPECT_EQ(report::read_epochs(folder_.path()).size(), 2u);
    EXPECT_EQ(MetricsLog(folder_.path(), 2).seconds(), 0); // of metrics.csv, which is not there
    const std::pair<std::string, std::string> bad[] = {
        {with(kRow, "\"epoch\":1", "\"epoch\":\"x\""), "\"epoch\" must be a whole number from 1 to "},
        {with(kRow, "\"epoch\":1", "\"epoch\":1e300"), "\"epoch\" must be a whole number from 1 to "},
        {with(kRow, "\"epoch\":1,", ""), "\"epoch\" is missing"},
        {with(kRow, "10", "-1"), "\"step\" must be a whole number from 0 to "},
        {with(kRow, "0.5", "1e400"), "not JSON: a number is too large"},
        {with(kRow, "0.5", "\"low\""), "\"train_loss\" must be a number"},
        {with(kRow, "\"val_loss\":null", "\"val_loss\":[1]"), "\"val_loss\" must be a number"},
        {with(kRow, "0.1", std::string("0.1\0", 4)), "not JSON: a NUL byte"},
        {with(kRow, "0.5", kDeep), "nested deeper than"},
        {"7", "must be an object, not 7"},
        {"{\"epoch\": 3", "not JSON: syntax error"},
    };
    for (const auto& [line, what] : bad) {
        write(line);
        const std::string expected = folder_ / "metrics.jsonl: line 2: " + what;
        EXPECT_EQ(file_error([&] { report::read_epochs(folder_.path()); }).rfind(expected, 0), 0u)
            << file_error([&] { report::read_epochs(folder_.path()); });
        EXPECT_EQ(file_error([&] { MetricsLog(folder_.path(), 5); }).rfind(expected, 0), 0u)
            << file_error([&] { MetricsLog(folder_.path(), 5); });
    }
}

} // namespace
} // namespace ingot::train
