// SPDX-License-Identifier: MIT
// The report: figures stand where they should, texts cannot break out, pictures are the samples', nothing comes from outside,
// sections without data are left out.
#include <cmath>
#include <fstream>
#include <regex>
#include <set>

#include <gtest/gtest.h>

#include <ingot/error.h>

#include "support/scratch_folder.h"
#include "train/models.h"
#include "train/predictions.h"
#include "train/report/chart.h"
#include "train/report/collect.h"
#include "train/report/report.h"
#include "train/report/text.h"

namespace ingot::train::report {

namespace {

size_t occurrences(const std::string& text, const std::string& part) {
    size_t n = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++n;
    return n;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// The text between the tags of `html`, blanks and line ends made one blank.
std::string plain(const std::string& html) {
    const std::string text = std::regex_replace(html, std::regex("<[^>]*>"), " ");
    return std::regex_replace(text, std::regex("\\s+"), " ");
}

/// Elements that must be closed are, in the order of their nesting.
void expect_balanced(const std::string& html) {
    static const std::regex tag(
        "<(/?)(html|head|body|main|header|footer|div|table|svg|g|text|title|figure|figcaption|dl|"
        "details|summary|p|h1|h2|h3|span|style|i)\\b([^>]*)>");
    std::vector<std::string> open;
    for (std::sregex_iterator at(html.begin(), html.end(), tag), end; at != end; ++at) {
        const std::string name = (*at)[2], rest = (*at)[3];
        if ((*at)[1].length() == 0) {
            if (!rest.ends_with("/")) open.push_back(name);
            continue;
        }
        ASSERT_FALSE(open.empty()) << "</" << name << "> at " << at->position();
        ASSERT_EQ(open.back(), name) << "at " << at->position() << ": "
                                     << html.substr(static_cast<size_t>(at->position()), 80);
        open.pop_back();
    }
    EXPECT_TRUE(open.empty()) << open.back() << " is not closed";
}

io::Image picture(int shade) { return {4, 3, 1, io::Pixels(12, static_cast<uint8_t>(shade))}; }

/// Five samples of two classes; the last two are wrong, sample 4 by far.
void add_two_classes(Predictions& p) {
    p.add({1, 3, 0, 0.9, 0.1, 1, 0.2, 0.8, 1, 0.3, 0.7, 0, 0.4, 0.6, 1, 0.95, 0.05});
}

ReportData classification() {
    ReportData d;
    d.title = "net";
    d.data = "folder:photos";
    d.epochs = d.planned_epochs = 2;
    d.steps = 20;
    d.parameters = 1234567;
    d.train_loss = 0.125;
    d.seconds = 65;
    d.rows = {{.epoch = 1,
               .step = 10,
               .train_loss = 0.75,
               .val_loss = 0.5,
               .val_accuracy = 0.8125,
               .lr = 1e-3,
               .seconds = 30},
              {.epoch = 2,
               .step = 20,
               .train_loss = 0.125,
               .val_loss = 0.625,
               .val_accuracy = 0.875,
               .lr = 5e-4,
               .seconds = 65}};
    d.class_names = {"cat", "<b>dog"};
    Predictions p;
    add_two_classes(p);
    d.evaluated = evaluated_split("test", {.loss = 0.75, .accuracy = 0.6, .samples = 5}, p, d.class_names,
                                  [](int64_t i) { return picture(static_cast<int>(50 * i)); });
    return d;
}

} // namespace

TEST(ReportText, EscapesWhatCouldBreakOut) {
    EXPECT_EQ(escape("a<b>&\"c\"'d'"), "a&lt;b&gt;&amp;&quot;c&quot;&#39;d&#39;");
    EXPECT_EQ(escape("gr\u00FC\u00DFe \u4F60 \U0001F600\n"), "gr\u00FC\u00DFe \u4F60 \U0001F600\n");
    const std::string bad = "\uFFFD";
    EXPECT_EQ(escape("a\xFFz"), "a" + bad + "z");
    EXPECT_EQ(escape("\xC3"), bad) << "cut off";
    EXPECT_EQ(escape("\xC0\xAF"), bad + bad) << "overlong";
    EXPECT_EQ(escape("\xED\xA0\x80"), bad + bad + bad) << "surrogate";
    EXPECT_EQ(escape(std::string("\0\x1B[2J\x7F", 6)), bad + bad + "[2J" + bad);
}

TEST(ReportText, Numbers) {
    EXPECT_EQ(number(0.00123456), "0.001235");
    EXPECT_EQ(number(12.5), "12.5");
    EXPECT_EQ(number(12441.6), "12,442");
    EXPECT_EQ(number(-2224.4), "-2,224");
    EXPECT_EQ(number(123456.78, 3), "123,457");
    EXPECT_EQ(number(1234.5, 6), "1234.5") << "no digit that was asked for is lost";
    EXPECT_EQ(number(2e9), "2e+09");
    EXPECT_EQ(number(-0.0), "0");
    EXPECT_EQ(number(NAN), "\u2013");
    EXPECT_EQ(number(-INFINITY), "-\u221E");
    EXPECT_EQ(fixed(2.0 / 3, 2), "0.67");
    EXPECT_EQ(fixed(-0.001, 2), "0.00");
    EXPECT_EQ(percent(0.98765), "98.8 %");
    EXPECT_EQ(percent(NAN), "\u2013");
    EXPECT_EQ(count(0), "0");
    EXPECT_EQ(count(-1234567), "-1,234,567");
    EXPECT_EQ(count(999), "999");
    EXPECT_EQ(duration(0.0042), "4.2 ms");
    EXPECT_EQ(duration(0.82), "820 ms");
    EXPECT_EQ(duration(59.94), "59.9 s");
    EXPECT_EQ(duration(59.96), "1 min 00 s");
    EXPECT_EQ(duration(3599.6), "1 h 00 min");
    EXPECT_EQ(duration(7380), "2 h 03 min");
    EXPECT_EQ(bytes(512), "512 B");
    EXPECT_EQ(bytes(1536 * 1024.0), "1.5 MiB");
    EXPECT_EQ(bytes(1023.9 * 1024), "1.0 MiB");
}

TEST(ReportChart, Ticks) {
    EXPECT_EQ(ticks(0, 1, 5), (std::vector<double>{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1}));
    EXPECT_EQ(ticks(-3, 12, 5), (std::vector<double>{0, 5, 10})) << "inside the range only";
    EXPECT_EQ(ticks(1, 1, 5).size(), 0u);
    EXPECT_EQ(ticks(0, INFINITY, 5).size(), 0u);
    for (const double high : {0.003, 0.7, 1.1, 19.0, 460.0, 12345.0, 1e9}) {
        const size_t n = ticks(0, high, 5).size();
        EXPECT_GE(n, 3u) << high;
        EXPECT_LE(n, 9u) << high;
    }
}

namespace {

/// Texts of the ticks of an axis, "xt" or "yt", and their distances from the left.
std::vector<std::pair<std::string, double>> ticks_of(const std::string& html, const std::string& axis) {
    const std::regex tick("<text class=\"" + axis + "\" x=([0-9.]+) y=[0-9.]+>([^<]*)</text>");
    std::vector<std::pair<std::string, double>> out;
    for (std::sregex_iterator it(html.begin(), html.end(), tick), end; it != end; ++it)
        out.emplace_back((*it)[2], std::stod((*it)[1]));
    return out;
}

} // namespace

TEST(ReportChart, TicksOfTheHorizontalAxisDoNotMeet) {
    for (const double high : {7.0, 700.0, 712345.0, 8.1e6, 3e-6}) {
        Chart chart;
        chart.square = true;
        chart.series = {{.name = "", .points = {{high / 20, 1}, {high, 2}}, .dots = true}};
        const auto ticks = ticks_of(chart.html(), "xt");
        ASSERT_GE(ticks.size(), 2u) << high;
        for (size_t i = 0; i < ticks.size(); ++i) {
            const double half = 3.6 * static_cast<double>(ticks[i].first.size());
            EXPECT_LE(ticks[i].second + half, 340 + 1e-9) << ticks[i].first << " is cut off";
            if (i == 0) continue;
            const double half_before = 3.6 * static_cast<double>(ticks[i - 1].first.size());
            EXPECT_GT(ticks[i].second - half, ticks[i - 1].second + half_before) << ticks[i].first;
        }
    }
}

TEST(ReportChart, EqualValuesHaveAnAxisToo) {
    const auto check = [](Chart chart, const std::vector<double>& values) {
        for (const double value : values) {
            chart.series = {{.name = "", .points = {{1, value}, {2, value}}}};
            const auto ticks = ticks_of(chart.html(), "yt");
            std::set<std::string> texts;
            for (const auto& [text, place] : ticks) texts.insert(text);
            EXPECT_GE(texts.size(), 2u) << value;
            EXPECT_EQ(texts.size(), ticks.size()) << value << ": a text stands there twice";
        }
    };
    Chart plain, percent, log;
    percent.percent_y = true;
    log.log_y = true;
    check(plain, {0, 0.01, 3, 123456, -2});
    check(percent, {0, 0.01, 0.5, 1});
    check(log, {0.01, 0.7, 3, 123456});
}

TEST(ReportChart, TicksTellSmallDifferences) {
    Chart chart;
    chart.series = {{.name = "", .points = {{1, 1234.56}, {2, 1234.58}}}};
    std::string all;
    for (const auto& [text, place] : ticks_of(chart.html(), "yt")) all += text + " ";
    EXPECT_EQ(all, "1234.56 1234.565 1234.57 1234.575 1234.58 ");
}

TEST(ReportChart, EpochsAreWholeWhereThereAreTwo) {
    const auto texts = [](double low, double high) {
        Chart chart;
        chart.whole_x = true;
        chart.series = {{.name = "", .points = {{low, 1}, {high, 2}}}};
        std::string all;
        for (const auto& [text, place] : ticks_of(chart.html(), "xt")) all += text + " ";
        return all;
    };
    EXPECT_EQ(texts(0, 1.77), "0 1 ");
    EXPECT_EQ(texts(0, 3), "0 1 2 3 ");
    EXPECT_EQ(texts(0.4, 1.6), "0.4 0.6 0.8 1 1.2 1.4 1.6 ");
    EXPECT_EQ(texts(0, 60), "0 10 20 30 40 50 60 ");
}

TEST(ReportChart, LinesAreInterruptedWhereValuesAreNotFinite) {
    Chart chart;
    chart.series = {{.name = "loss", .points = {{0, 1}, {1, NAN}, {2, 3}, {3, 2}}}};
    const std::string html = chart.html();
    const size_t at = html.find("class=\"line");
    const std::string path = html.substr(html.find("d=\"", at), html.find("/>", at) - html.find("d=\"", at));
    EXPECT_EQ(occurrences(path, "M"), 2u) << path;
    EXPECT_EQ(occurrences(path, "L"), 1u) << path;
    EXPECT_EQ(occurrences(html, "<circle"), 3u);
    expect_balanced(html);
    chart.series = {{.name = "loss", .points = {{0, NAN}}}};
    EXPECT_TRUE(has(chart.html(), "no finite values"));
}

TEST(ReportChart, PlacesOfPoints) {
    Chart chart; // square, both axes 0..1: the middle of the data is the middle of the axes
    chart.square = true;
    chart.x_min = chart.y_min = 0;
    chart.x_max = chart.y_max = 1;
    chart.series = {{.name = "", .points = {{0, 0}, {0.5, 0.5}, {1, 1}}, .dots = true}};
    const std::string html = chart.html();
    std::vector<double> x, y;
    static const std::regex circle("<circle cx=([0-9.]+) cy=([0-9.]+)");
    for (std::sregex_iterator at(html.begin(), html.end(), circle), end; at != end; ++at) {
        x.push_back(std::stod((*at)[1]));
        y.push_back(std::stod((*at)[2]));
    }
    ASSERT_EQ(x.size(), 3u);
    EXPECT_NEAR(x[1], (x[0] + x[2]) / 2, 0.1);
    EXPECT_NEAR(y[1], (y[0] + y[2]) / 2, 0.1);
    EXPECT_LT(x[0], x[2]);
    EXPECT_GT(y[0], y[2]) << "up is up";
    chart.log_y = true;
    chart.y_min = 0.01;
    chart.series[0].points = {{0, 0.01}, {0.5, 0.1}, {1, 1}, {1, 0}};
    const std::string log = chart.html();
    EXPECT_EQ(occurrences(log, "<circle"), 3u) << "0 has no place on a logarithmic axis";
}

TEST(ReportChart, ThinKeepsTheMean) {
    std::vector<Point> points;
    for (int i = 0; i < 1000; ++i) points.push_back({static_cast<double>(i), static_cast<double>(i % 10)});
    const std::vector<Point> few = thin(points, 100);
    ASSERT_EQ(few.size(), 100u);
    EXPECT_DOUBLE_EQ(few[7].x, 74.5);
    EXPECT_DOUBLE_EQ(few[7].y, 4.5);
    EXPECT_EQ(thin(points, 2000).size(), 1000u);
}

TEST(Predictions, KeepsWhatTheModelSaid) {
    Predictions p;
    add_two_classes(p);
    EXPECT_EQ(p.kind(), Predictions::Kind::classes);
    EXPECT_EQ(p.size(), 5);
    EXPECT_EQ(p.predicted(), (std::vector<int32_t>{0, 1, 1, 1, 0}));
    EXPECT_FLOAT_EQ(p.probability()[4], 0.05f);
    EXPECT_FLOAT_EQ(p.confidence()[4], 0.95f);
}

TEST(ReportCollect, WorstMistakesFirst) {
    const EvaluatedSplit split = *classification().evaluated;
    ASSERT_TRUE(split.confusion);
    EXPECT_EQ(split.confusion->counts, (std::vector<int64_t>{1, 1, 1, 2}));
    EXPECT_EQ(split.wrong, 2);
    ASSERT_EQ(split.errors.size(), 2u);
    EXPECT_EQ(split.errors[0].index, 4) << "5 % for the true class before 40 %";
    EXPECT_EQ(split.errors[0].label, "<b>dog");
    EXPECT_EQ(split.errors[0].prediction, "cat");
    EXPECT_EQ(split.errors[0].image.pixels[0], 200) << "the picture of sample 4";
    ASSERT_EQ(split.right.size(), 3u);
    ASSERT_EQ(split.curves.size(), 2u);
    EXPECT_DOUBLE_EQ(split.curves[1].roc_auc, 4.0 / 6) << "scores 0.8 0.7 0.05 against 0.1 0.6";
    EXPECT_NEAR(split.curves[0].roc_auc, split.curves[1].roc_auc, 1e-12);
}

TEST(ReportCollect, ReadsTheMetricsLog) {
    const testing_support::ScratchFolder folder;
    EXPECT_TRUE(read_epochs(folder.path()).empty());
    MetricsLog log(folder.path());
    const std::vector<EpochMetrics> rows = classification().rows;
    log.append(rows[0]);
    log.append({.epoch = 2, .step = 20, .train_loss = INFINITY, .lr = 0.1, .seconds = 2});
    const std::vector<EpochMetrics> back = read_epochs(folder.path());
    ASSERT_EQ(back.size(), 2u);
    EXPECT_EQ(back[0].step, 10);
    EXPECT_EQ(back[0].val_accuracy, rows[0].val_accuracy);
    EXPECT_FALSE(back[1].val_loss);
    EXPECT_FALSE(std::isfinite(back[1].train_loss));
    std::ofstream(folder / "metrics.jsonl", std::ios::app) << "{\"epoch\": 3\n";
    try {
        read_epochs(folder.path());
        FAIL() << "a damaged line passed";
    } catch (const FileError& error) { EXPECT_TRUE(has(error.what(), "metrics.jsonl: line 3")) << error.what(); }
}

TEST(Report, ClassificationHasAllItsFigures) {
    const std::string html = report_html(classification());
    expect_balanced(html);
    const std::string text = plain(html);
    EXPECT_TRUE(has(text,
                    "60.00 % of 5 test samples are classified right after 2 epochs (1 min 05 s), with the weights of "
                    "epoch 1."))
        << text.substr(0, 400);
    EXPECT_TRUE(has(text, "1,234,567 Parameters"));
    EXPECT_FALSE(has(text, "per second")) << "nothing is known";
    ReportData measured = classification();
    measured.samples_per_s = 1234;
    EXPECT_TRUE(has(plain(report_html(measured)), "1,234 Samples per second"));
    EXPECT_TRUE(has(text, "0.5 Best validation loss, epoch 1"));
    EXPECT_TRUE(has(text, "best 87.50 %"));
    EXPECT_TRUE(has(text, "2 20 0.125 0.625 87.50 % 0.0005 65.0")) << "the table of the epochs";
    EXPECT_TRUE(has(text, "Most frequent mistakes: cat taken for &lt;b&gt;dog (1), &lt;b&gt;dog taken for cat (1)."));
    EXPECT_TRUE(has(text, "&lt;b&gt;dog 3 66.7 % 66.7 % 66.7 % 0.6667")) << "precision, recall, F1, area";
    EXPECT_TRUE(has(text, "Mean 5 58.3 % 58.3 % 58.3 % 0.6667"));
    EXPECT_TRUE(has(text, "of 2 mistakes"));
    EXPECT_EQ(occurrences(html, "<img"), 5u);
    EXPECT_FALSE(has(html, "<b>dog")) << "a class name became markup";
    for (const char* none : {"<h2>Predictions", "<h2>A sample", "<h2>Weights", "<h2>Performance", "<h2>Model"})
        EXPECT_FALSE(has(html, none)) << none;
}

TEST(Report, NeedsNothingFromOutside) {
    ReportData d = classification();
    const std::string html = report_html(d);
    EXPECT_FALSE(has(html, "http"));
    EXPECT_FALSE(has(html, "@import"));
    EXPECT_FALSE(has(html, "url("));
    EXPECT_FALSE(has(html, "<script"));
    static const std::regex reference("(src|href)=\"([^\"]{0,11})");
    for (std::sregex_iterator at(html.begin(), html.end(), reference), end; at != end; ++at)
        EXPECT_EQ((*at)[2], "data:image/") << at->str();
    EXPECT_LT(html.size(), 40'000u);
}

TEST(Report, PicturesAreTheSamples) {
    const std::string html = report_html(classification());
    const std::string mark = "src=\"data:image/png;base64,";
    const size_t at = html.find(mark) + mark.size();
    const std::string code = html.substr(at, html.find('"', at) - at);
    std::vector<uint8_t> bytes;
    uint32_t bits = 0;
    int have = 0;
    for (const char c : code) {
        static const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        if (c == '=') break;
        bits = bits << 6 | static_cast<uint32_t>(digits.find(c));
        have += 6;
        if (have < 8) continue;
        have -= 8;
        bytes.push_back(static_cast<uint8_t>(bits >> have));
    }
    const io::Image image = io::decode_image(bytes, "the first picture");
    EXPECT_EQ(image.width, 4);
    EXPECT_EQ(image.height, 3);
    EXPECT_EQ(image.pixels, picture(200).pixels) << "the worst mistake is sample 4";
}

TEST(Report, LargePicturesAreReduced) {
    ReportData d = classification();
    d.evaluated->errors.resize(1);
    d.evaluated->right.clear();
    d.evaluated->errors[0].image = {400, 200, 3, io::Pixels(400 * 200 * 3, 9)};
    EXPECT_TRUE(has(report_html(d), "width=128 height=64 src="));
}

TEST(Report, Regression) {
    ReportData d;
    d.title = "prices";
    Predictions p;
    p.add({2, 2, 1, 1.5, 2, 2.5, 3, 2, 4, 4});
    EXPECT_EQ(p.kind(), Predictions::Kind::numbers);
    d.evaluated = evaluated_split("test", {.loss = 0.1, .samples = 4, .mae = 0.5, .r2 = 0.85}, p, {});
    const std::string html = report_html(d), text = plain(html);
    expect_balanced(html);
    EXPECT_TRUE(has(text, "Predictions for 4 test samples are off by 0.5 on average (R\u00B2 0.850)"));
    EXPECT_TRUE(has(text, "Half of the predictions are off by less than 0.5"));
    EXPECT_TRUE(has(text, "Largest error 1"));
    EXPECT_EQ(occurrences(html, "<circle"), 8u) << "four points in each of two charts";
    EXPECT_FALSE(has(html, "Confusion"));
}

TEST(Report, AnEndBeforeThePlannedOneIsNamed) {
    ReportData d = classification();
    d.planned_epochs = d.epochs;
    EXPECT_TRUE(has(report_html(d), ">finished<"));
    d.planned_epochs = 5;
    ReportData short_one = d;
    short_one.epochs = 0;
    short_one.rows.clear();
    EXPECT_TRUE(has(plain(report_html(short_one)), "classified right after 20 steps (")) << "no epoch was finished";
    const std::string html = report_html(d);
    EXPECT_TRUE(has(html, ">ended early<") && !has(html, ">finished<"));
    EXPECT_TRUE(has(plain(html), "Ended early: 5 epochs were planned. 60.00 %")) << plain(html).substr(0, 300);
}

TEST(Report, TheRateOfBeforeAResumeIsDrawn) {
    ReportData d = classification();
    const std::string html = report_html(d);
    d.steps_seen.clear();
    d.steps_seen.push_back({.step = 15, .epoch = 1.5, .loss = 0.2, .lr = 0.25});
    d.steps_seen.push_back({.step = 20, .epoch = 2, .loss = 0.1, .lr = 0.125});
    const std::string resumed = report_html(d);
    const size_t at = resumed.find("Learning rate over the epochs");
    ASSERT_NE(at, std::string::npos);
    const std::string line = resumed.substr(resumed.find("<path class=\"line", at));
    EXPECT_EQ(occurrences(line.substr(0, line.find('>')), "L"), 2u) << "epoch 1, and two points of steps";
}

TEST(Report, TextAndInterrupted) {
    ReportData d;
    d.title = "gpt";
    d.text = true;
    d.interrupted = true;
    d.epochs = 1;
    d.planned_epochs = 3;
    d.steps = 17;
    d.text_sample = "</pre><script>alert(1)</script>";
    d.evaluated = EvaluatedSplit{.name = "validation", .result = {.loss = 2, .accuracy = 0.4, .samples = 9}};
    const std::string html = report_html(d);
    expect_balanced(html);
    EXPECT_TRUE(
        has(plain(html), "Stopped at step 17, with 1 epoch of 3 finished. Perplexity 7.389 (2 nats per token)"));
    EXPECT_FALSE(has(html, "<script"));
    ReportData nothing;
    nothing.title = "empty";
    expect_balanced(report_html(nothing));
    EXPECT_TRUE(has(plain(report_html(nothing)), "There was no test data"));
}

TEST(Report, ModelAndItsPicture) {
    ReportData d;
    d.title = "resnet18";
    const Model model = build_model(model_spec("resnet18", {3, 32, 32}, 10));
    d.layers = model.layers;
    d.input = model.input;
    const std::string html = report_html(d), text = plain(html);
    expect_balanced(html);
    EXPECT_TRUE(has(text, "Total 11,173,962"));
    EXPECT_TRUE(has(text, "conv2d out 64, kernel 3, padding 1, bias false [64, 32, 32] 1,728"));
    EXPECT_TRUE(has(text, "2 \u00D7 residual")) << "the two equal blocks at the start are drawn once";
    EXPECT_EQ(occurrences(text, "\u00D7 residual"), 1u) << "the others change sizes, so they differ from each other";
    // input + 6 layers outside + 7 drawn blocks of 6 layers, and 7 frames.
    EXPECT_EQ(occurrences(html, "<rect"), static_cast<size_t>(1 + 6 + 7 * 6 + 7));
}

TEST(Report, WeightsAndTimes) {
    ReportData d;
    d.title = "net";
    const TensorStatistics w{
        .name = "0.weight", .finite = 10, .min = -1, .max = 1, .mean = 0, .std = 0.5, .counts = {2, 6, 2}};
    TensorStatistics g = w;
    g.std = 0.25;
    g.not_finite = 3;
    d.statistics = {{.step = 5, .epoch = 1, .weights = {w}, .gradients = {g}},
                    {.step = 10, .epoch = 2, .weights = {w}, .gradients = {g}}};
    d.phase_seconds = 10;
    d.phases = {{"steps", 6}, {"data", 2}};
    d.step_shares = {{"forward", 1}, {"backward", 3}};
    d.memory = {{"resident", 3 << 20}};
    const std::string html = report_html(d), text = plain(html);
    expect_balanced(html);
    EXPECT_TRUE(has(text, "steps 6.0 s 60.0 %"));
    EXPECT_TRUE(has(text, "other 2.0 s 20.0 %")) << "what nobody measured is not hidden";
    EXPECT_TRUE(has(text, "backward 3.0 s 75.0 %"));
    EXPECT_TRUE(has(text, "resident 3.0 MiB"));
    EXPECT_TRUE(has(text, "0.weight 13 0 0.25 -1 1 3") || has(text, "0.weight 10 0 0.5 -1 1 0 0.25 -1 1 3")) << text;
    EXPECT_EQ(occurrences(html, "class=\"histogram"), 2u);
}

TEST(Report, SizesHaveTheEpochsOfTheOtherCurves) {
    ReportData d;
    d.title = "net";
    TensorStatistics w{.name = "0.bias", .finite = 1, .min = 0.25, .max = 0.25, .mean = 0.25, .counts = {1, 0, 0}};
    d.steps_seen = {{.step = 10, .epoch = 0.8, .loss = 1, .lr = 0.1},
                    {.step = 20, .epoch = 1.6, .loss = 0.5, .lr = 0.1}};
    d.statistics = {{.step = 10, .epoch = 0.8, .weights = {w}}, {.step = 20, .epoch = 1.6, .weights = {w}}};
    const std::string html = report_html(d);
    expect_balanced(html);
    const auto chart = html.find("Size of the weights over training");
    ASSERT_NE(chart, std::string::npos);
    const auto ticks = ticks_of(html.substr(chart, html.find("</svg></", chart) - chart), "xt");
    ASSERT_EQ(ticks.size(), 2u);
    EXPECT_EQ(ticks[0].first + ticks[1].first, "01");
    EXPECT_TRUE(has(html, "class=bars d=\"M66.7 ")) << "the one value stands in the middle of three places";
}

} // namespace ingot::train::report
