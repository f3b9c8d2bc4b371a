// SPDX-License-Identifier: MIT
// report.html as the command writes it: its figures are those of metrics.csv and of the result, it needs nothing from
// outside, and it is there after Ctrl-C and after a resume.
#include <chrono>
#include <cmath>
#include <csignal>
#include <regex>
#include <sstream>
#include <thread>

#include "cli/cli_testing.h"

namespace ingot::cli_testing {

namespace {

/// The text between the tags, blanks and line ends made one blank.
std::string plain(const std::string& html) {
    const std::string text = std::regex_replace(html, std::regex("<[^>]*>"), " ");
    return std::regex_replace(text, std::regex("\\s+"), " ");
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// As the page rounds: `digits` significant digits.
std::string rounded(double value, int digits) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*g", digits, value);
    return text;
}

size_t count_of(const std::string& text, const std::string& part) {
    size_t n = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
    return n;
}

} // namespace

class ReportFile : public CliTest {
protected:
    void SetUp() override {
        data_ = make_images("data", 24, 8);
        make_spec();
    }
    Result train(const std::vector<std::string>& more) const {
        std::vector<std::string> words{"train",   "--model", path("net.json"), "--data", data_,   "--out", path("run"),
                                       "--batch", "8",       "--threads",      "2",      "--json"};
        words.insert(words.end(), more.begin(), more.end());
        return ingot(words);
    }
    std::string data_;
};

TEST_F(ReportFile, FiguresAreThoseOfTheRun) {
    const Result result = train({"--epochs", "3", "--val", "0.25"});
    ASSERT_EQ(result.status, 0) << result.err;
    const std::string html = read("run/report.html"), text = plain(html);
    char accuracy[32];
    std::snprintf(accuracy, sizeof accuracy, "%.2f %%", 100 * result.json().at("test_accuracy").get<double>());
    EXPECT_TRUE(has(text, accuracy + std::string(" of 16 test images are classified right after 3 epochs")))
        << text.substr(0, 300);
    EXPECT_TRUE(has(text, rounded(result.json().at("test_loss").get<double>(), 4) + " Test loss"));
    EXPECT_TRUE(has(text, "242 Parameters"));
    // Every row of metrics.csv stands in the table of the epochs.
    std::istringstream rows(read("run/metrics.csv"));
    std::string line;
    std::getline(rows, line);
    int epochs = 0;
    for (; std::getline(rows, line); ++epochs) {
        std::istringstream cells(line);
        std::vector<double> v;
        for (std::string cell; std::getline(cells, cell, ',');) v.push_back(std::stod(cell));
        char percent[32], seconds[32];
        std::snprintf(percent, sizeof percent, "%.2f %%", 100 * v[4]);
        std::snprintf(seconds, sizeof seconds, "%.1f", v[6]);
        const std::string row = rounded(v[0], 9) + " " + rounded(v[1], 9) + " " + rounded(v[2], 5) + " " +
                                rounded(v[3], 5) + " " + percent + " " + rounded(v[5], 4) + " " + seconds;
        EXPECT_TRUE(has(text, row)) << row;
    }
    EXPECT_EQ(epochs, 3);
    for (const char* part : {"Confusion matrix", "Scores by class", "ROC curves", "Precision and recall",
                             "Learning rate", "Right answers", "conv2d", "Total 242", "Weights and gradients",
                             "Size of the gradients", "waiting for data", "validation", "Most resident memory"})
        EXPECT_TRUE(has(text, part)) << part;
    // The matrix counts every test image once.
    const size_t from = html.find("class=\"matrix"), to = html.find("</table>", from);
    const std::string matrix = html.substr(from, to - from);
    static const std::regex cell("<td[^>]*>([0-9]+)");
    int total = 0;
    for (std::sregex_iterator at(matrix.begin(), matrix.end(), cell), end; at != end; ++at)
        total += std::stoi((*at)[1]);
    EXPECT_EQ(total, 16);
}

TEST_F(ReportFile, NeedsNothingFromOutside) {
    ASSERT_EQ(train({"--epochs", "1", "--quiet"}).status, 0);
    const std::string html = read("run/report.html");
    EXPECT_FALSE(has(html, "http"));
    EXPECT_FALSE(has(html, "url("));
    EXPECT_FALSE(has(html, "<script"));
    EXPECT_FALSE(has(html, "<link"));
    EXPECT_EQ(count_of(html, "src="), count_of(html, "src=\"data:image/png;base64,"));
    EXPECT_FALSE(has(html, path("run"))) << "a path of this machine is inside";
    EXPECT_FALSE(has(html, path("data"))) << "a path of this machine is inside";
    EXPECT_TRUE(has(plain(html), "on data finished")) << "the name is said";
    EXPECT_LT(html.size(), 200'000u);
}

TEST_F(ReportFile, AfterCtrlC) {
    Running run({"train", "--model", path("net.json"), "--data", data_, "--out", path("run"), "--epochs", "1000000",
                 "--batch", "8", "--val", "0.25"});
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!fs::exists(path("run/metrics.csv")) && run.alive() && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ASSERT_TRUE(run.alive()) << run.wait().err;
    run.signal(SIGINT);
    const Result result = run.wait();
    ASSERT_EQ(result.status, 130) << result.err;
    const std::string text = plain(read("run/report.html"));
    EXPECT_TRUE(has(text, "stopped Stopped at step ")) << text.substr(0, 300);
    EXPECT_TRUE(has(text, "of 1,000,000 finished."));
    EXPECT_TRUE(has(text, "Training loss, last epoch"));
    EXPECT_FALSE(has(text, "test images are classified")) << "the test data were not read";
}

TEST_F(ReportFile, AfterAResumeItHasAllEpochs) {
    ASSERT_EQ(train({"--epochs", "2", "--schedule", "none", "--quiet"}).status, 0);
    const Result result = train({"--epochs", "4", "--resume"});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_TRUE(has(result.err, "going on after step 12 (2 epochs done)")) << result.err;
    const std::string text = plain(read("run/report.html"));
    EXPECT_TRUE(has(text, "after 4 epochs"));
    EXPECT_TRUE(has(text, "finished"));
    EXPECT_TRUE(has(text, " 1 6 ") && has(text, " 4 24 ")) << "rows of before and after the resume";
}

TEST_F(ReportFile, GoingOnWithAFinishedRunLeavesItsReport) {
    const Result first = ingot({"train", "--model", path("net.json"), "--data", data_, "--out", path("run"), "--batch",
                                "8", "--epochs", "2", "--schedule", "none"});
    ASSERT_EQ(first.status, 0) << first.err;
    EXPECT_TRUE(has(first.out, "\nreport: " + path("run") + "/report.html\n")) << first.out;
    const std::string report = read("run/report.html");
    const Result again = train({"--epochs", "2", "--resume"});
    ASSERT_EQ(again.status, 0) << again.err;
    EXPECT_EQ(read("run/report.html"), report);
    EXPECT_TRUE(has(again.err, "is finished (2 epochs done): its report stays as it is")) << again.err;
    // One of an earlier moment, or none, is no report of its end.
    std::string earlier = report;
    earlier.replace(earlier.find("data-steps=12"), 13, "data-steps=11");
    write("run/report.html", earlier);
    ASSERT_EQ(train({"--epochs", "2", "--resume", "--quiet"}).status, 0);
    EXPECT_TRUE(has(read("run/report.html"), "data-steps=12 data-ended"));
    fs::remove(path("run/report.html"));
    ASSERT_EQ(train({"--epochs", "2", "--resume", "--quiet"}).status, 0);
    EXPECT_TRUE(fs::exists(path("run/report.html")));
}

TEST_F(ReportFile, TheTestedWeightsAreNamedWhenTheyAreNotTheLast) {
    // A rate at which every step makes the loss greater.
    std::vector<std::string> words{
        "train", "--model", path("net.json"), "--data", data_,  "--out", path("run"),  "--batch", "8", "--epochs", "2",
        "--val", "0.25",    "--optimizer",    "sgd",    "--lr", "20",    "--schedule", "none"};
    const Result result = ingot(words);
    ASSERT_EQ(result.status, 0) << result.err;
    std::istringstream log(read("run/metrics.jsonl"));
    int64_t best = 0, last = 0;
    double least = INFINITY;
    for (std::string line; std::getline(log, line);) {
        const Json row = Json::parse(line);
        last = row.at("epoch");
        if (row.at("val_loss").is_null() || row.at("val_loss").get<double>() >= least) continue;
        least = row.at("val_loss");
        best = last;
    }
    const std::string epoch = std::to_string(best);
    EXPECT_EQ(has(result.err, "tested: the weights of epoch " + epoch + ","), best != last) << result.err;
    EXPECT_EQ(has(plain(read("run/report.html")), "with the weights of epoch " + epoch + "."), best != last);
    EXPECT_NE(best, last) << "a run that shows nothing";
}

TEST_F(ReportFile, ATimeLimitEndsARunEarly) {
    const Result result = train({"--epochs", "1000000", "--time-limit", "0.2s", "--quiet"});
    ASSERT_EQ(result.status, 0) << result.err;
    const std::string text = plain(read("run/report.html"));
    EXPECT_TRUE(has(text, "ended early Ended early: 1,000,000 epochs were planned. ")) << text.substr(0, 300);
}

TEST_F(ReportFile, Regression) {
    std::string csv = "a,b,price\n";
    for (int i = 0; i < 300; ++i) {
        const double a = (i * 37 % 100) / 10.0, b = (i * 61 % 100) / 10.0;
        csv += std::to_string(a) + "," + std::to_string(b) + "," + std::to_string(1000 + 30 * a - 20 * b) + "\n";
    }
    write("houses.csv", csv);
    write("line.json", R"({"input": [2], "layers": [{"type": "linear", "out": 1}]})");
    const std::string data = "csv:" + path("houses.csv") + ",task=regression";
    const Result result =
        ingot({"train", "--model", path("line.json"), "--data", data, "--out", path("run"), "--epochs", "40", "--batch",
               "16", "--lr", "0.05", "--val", "0.2", "--optimizer", "adam", "--quiet", "--json"});
    ASSERT_EQ(result.status, 0) << result.err;
    const Json json = result.json();
    EXPECT_TRUE(json.at("test_accuracy").is_null());
    EXPECT_GT(json.at("test_r2").get<double>(), 0.95) << "the price is a linear function";
    const double mae = json.at("test_mae").get<double>();
    EXPECT_LT(mae, 30) << "in the units of the column";
    const std::string text = plain(read("run/report.html"));
    EXPECT_TRUE(has(text, "are off by " + rounded(mae, 4) + " on average (R\u00B2 "))
        << mae << ": " << text.substr(0, 300);
    for (const char* part : {"Prediction against target", "Residuals", "90 % are off by less than", "Learning rate"})
        EXPECT_TRUE(has(text, part)) << part;
    EXPECT_TRUE(has(text, "1,000") || has(text, "1,100") || has(text, "1,200")) << "axes in the units of the column";
    EXPECT_FALSE(has(text, "Confusion matrix"));
    EXPECT_FALSE(has(text, "Accuracy"));
    EXPECT_TRUE(has(text, "csv:houses.csv,task=regression"));
    EXPECT_FALSE(has(text, "shift")) << "rows are not moved";
    expect_error(
        ingot({"train", "--model", path("line.json"), "--data", data, "--out", path("other"), "--augment", "flip"}), 2,
        {"--augment changes images"});
    const Json eval = ingot({"eval", path("run/best.safetensors"), "--data", data, "--json"}).json();
    EXPECT_TRUE(eval.at("test_accuracy").is_null());
    EXPECT_TRUE(eval.at("test_mae").is_number());
}

TEST_F(ReportFile, Text) {
    std::string content;
    for (int i = 0; i < 400; ++i) content += "abcdefgh ";
    write("letters.txt", content);
    write("bytes.json", R"({"input": [16], "layers": [{"type": "embedding", "num_embeddings": 256, "embedding_dim": 8},
        {"type": "linear", "out": 256}]})");
    const std::string data = "text:" + path("letters.txt") + ",length=16";
    const Result result = ingot({"train", "--model", path("bytes.json"), "--data", data, "--out", path("run"),
                                 "--epochs", "2", "--batch", "8", "--lr", "0.05", "--quiet", "--json"});
    ASSERT_EQ(result.status, 0) << result.err;
    const double loss = result.json().at("test_loss").get<double>();
    const std::string text = plain(read("run/report.html"));
    EXPECT_TRUE(has(text, "Perplexity " + rounded(std::exp(loss), 4))) << text.substr(0, 300);
    EXPECT_TRUE(has(text, "Test perplexity"));
    EXPECT_TRUE(has(text, "Text written by the model") && has(text, "abc")) << "a sample of what it has learned";
    const Json eval = ingot({"eval", path("run/best.safetensors"), "--data", data, "--json"}).json();
    EXPECT_NEAR(eval.at("test_perplexity").get<double>(), std::exp(eval.at("test_loss").get<double>()), 1e-3);
}

} // namespace ingot::cli_testing
