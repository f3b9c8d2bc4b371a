// SPDX-License-Identifier: MIT
// Tables and texts as datasets.
#include "data/table.h"

#include <cmath>
#include <numeric>
#include <set>

#include "data/data_testing.h"
#include "data/text.h"

namespace ingot::data {
namespace {

using testing::ScratchFolder;
using testing::write_text;

std::vector<int64_t> rows_of(const Table& table) {
    std::vector<int64_t> rows(static_cast<size_t>(table.rows()));
    std::iota(rows.begin(), rows.end(), 0);
    return rows;
}

std::vector<float> x_of(const TensorDataset& set, int64_t i) {
    return std::get<Array>(set.get(i).x).to_vector<float>();
}

class Tables : public ::testing::Test {
protected:
    Table load(const std::string& text, TableOptions options = {}) {
        write_text(folder_ / "t.csv", text);
        return Table(folder_ / "t.csv", options);
    }
    ScratchFolder folder_;
};

TEST_F(Tables, NumbersWordsAndClasses) {
    const Table table = load("size,colour,kind\n1,red,b\n3,blue,a\n5,red,b\n7,green,c\n");
    EXPECT_EQ(table.class_names(), (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(table.labels(), (std::vector<int64_t>{1, 0, 1, 2}));
    // Means, deviations and words of the first three rows only.
    const TableFormat format = table.fit({0, 1, 2});
    ASSERT_EQ(format.columns.size(), 2u);
    EXPECT_EQ(format.label, "kind");
    EXPECT_DOUBLE_EQ(format.columns[0].mean, 3);
    EXPECT_DOUBLE_EQ(format.columns[0].std, std::sqrt(8 / 3.0));
    EXPECT_EQ(format.columns[1].words, (std::vector<std::string>{"blue", "red"}));
    EXPECT_EQ(format.features(), 3);
    std::vector<std::string> warned;
    const Table quiet(folder_ / "t.csv", {.load = {.warn = [&](const std::string& what) { warned.push_back(what); }}});
    const TensorDataset set = quiet.encode(format, {3, 0});
    const auto one = static_cast<float>(2 / std::sqrt(8 / 3.0));
    EXPECT_EQ(x_of(set, 0), (std::vector<float>{2 * one, 0, 0})); // green was not known
    EXPECT_EQ(x_of(set, 1), (std::vector<float>{-one, 0, 1}));
    EXPECT_EQ(set.label(0), 2);
    EXPECT_EQ(set.label(1), 1);
    EXPECT_EQ(warned, std::vector<std::string>{folder_ / "t.csv" +
                                               ": column 'colour': 1 cells hold words that training did not know"});
}

TEST_F(Tables, LabelsMayBeAnyColumnAndNumbers) {
    const Table table = load("y,x\n10,1\n9,2\n10.0,3\n-1,4\n", {.label = "y"});
    EXPECT_EQ(table.class_names(), (std::vector<std::string>{"-1", "9", "10"})); // by value
    EXPECT_EQ(table.labels(), (std::vector<int64_t>{2, 1, 2, 0}));
    EXPECT_EQ(table.fit(rows_of(table)).columns[0].name, "x");
    EXPECT_ERROR(load("y,x\n1,2\n", {.label = "z"}), "has no column 'z'; there are 'y', 'x'");
    EXPECT_ERROR(load("x,y\n1,2\n2,2\n"), "column 'y' holds only '2'; at least two classes");
    EXPECT_ERROR(load("x,y\n1,2\n2,2.5\n"),
                 "line 3, column 'y': '2.5' is no class; for numbers like this add ,task=regression");
    EXPECT_ERROR(load("x\n1\n"), "has the column 'x' only");
}

TEST_F(Tables, Regression) {
    const Table table = load("x,y\n1,10\n2,30\n3,20\n", {.regression = true});
    const TableFormat format = table.fit({0, 1, 2});
    EXPECT_TRUE(format.regression);
    EXPECT_TRUE(format.class_names.empty());
    EXPECT_DOUBLE_EQ(format.target_mean, 20);
    EXPECT_DOUBLE_EQ(format.target_std, std::sqrt(200 / 3.0));
    const TensorDataset set = table.encode(format, {1});
    EXPECT_EQ(set.get(0).y.shape(), Shape{1});
    EXPECT_EQ(set.get(0).y.to_vector<float>()[0], static_cast<float>(10 / std::sqrt(200 / 3.0)));
    EXPECT_ERROR(load("x,y\n1,a\n", {.regression = true}),
                 "line 2, column 'y': 'a' is no number; regression needs numbers");
}

TEST_F(Tables, BadCellsNameLineAndColumn) {
    const auto use = [&](const std::string& text, TableOptions options = {}) {
        const Table table = load(text, options);
        table.encode(table.fit(rows_of(table)), rows_of(table));
    };
    EXPECT_ERROR(use("a,b,y\n1,2,u\n\n3,oops,v\n"), "t.csv: line 4, column 'b': 'oops' is no finite number");
    EXPECT_ERROR(use("a,y\n1,u\ninf,v\n"), "line 3, column 'a': 'inf' is no finite number");
    EXPECT_ERROR(use("a,y\n1,u\n1e999,v\n"), "line 3, column 'a'");
    EXPECT_ERROR(use("a,y\n1,u\n2 3,v\n"), "line 3, column 'a'");
    EXPECT_ERROR(use("a,y\n1,\n2,v\n"), "line 2, column 'y': the label is missing");
    EXPECT_ERROR(use("a,y\n1,3\n2,v\n"), "line 3, column 'y': 'v' is no finite number");
    EXPECT_ERROR(use("a,b,y\n1,,u\n2,,v\n"), "column 'b' is empty");
    EXPECT_ERROR(use("a,y\n1,u\n,v\n", {.load = {.strict = true}}), "line 3, column 'a': is empty");
    std::string ids = "id,y\n";
    for (int i = 0; i < 1100; ++i) ids += "n" + std::to_string(i) + (i % 2 ? ",u\n" : ",v\n");
    EXPECT_ERROR(use(ids), "line 1002, column 'id': has more than 1000 different words");
    // Numbers may look in many ways; a constant column does no harm.
    use("a,b,y\n+1.5,7,u\n-2e3,7,v\n .5 ,7,u\n");
}

TEST_F(Tables, NumbersThatOverflowTheirSpreadAreRefused) {
    const Table table = load("x,y\n1e200,1\n-1e200,2\n");
    EXPECT_ERROR(table.fit(rows_of(table)), "column 'x': its numbers are too large to be standardized");
}

TEST_F(Tables, ManyDifferentNumbersAreDoubtfulClasses) {
    const auto warnings = [&](int values, int rows, bool regression = false) {
        std::string text = "x,price\n";
        for (int i = 0; i < rows; ++i) text += std::to_string(i) + "," + std::to_string(1000 + 7 * (i % values)) + "\n";
        std::vector<std::string> warned;
        load(text,
             {.regression = regression, .load = {.warn = [&](const std::string& what) { warned.push_back(what); }}});
        return warned;
    };
    EXPECT_EQ(warnings(40, 100),
              std::vector<std::string>{folder_ / "t.csv" + ": column 'price': its 40 different numbers are taken for "
                                                           "classes; to predict the number, add ,task=regression"});
    EXPECT_TRUE(warnings(40, 100, true).empty());
    EXPECT_TRUE(warnings(40, 400).empty()) << "ten rows of each";
    EXPECT_TRUE(warnings(10, 12).empty()) << "few";
}

TEST_F(Tables, EmptyNumbersCountAsTheMean) {
    std::vector<std::string> warned;
    const Table table =
        load("a,y\n,u\n2,v\n4,u\n,v\n", {.load = {.warn = [&](const std::string& what) { warned.push_back(what); }}});
    const TensorDataset set = table.encode(table.fit(rows_of(table)), rows_of(table));
    EXPECT_EQ(x_of(set, 0), std::vector<float>{0});
    EXPECT_EQ(x_of(set, 1), std::vector<float>{-1});
    EXPECT_EQ(warned, std::vector<std::string>{folder_ / "t.csv" + ": column 'a': 2 empty cells count as the mean"});
    table.encode(table.fit(rows_of(table)), {0, 1}, "test");
    EXPECT_EQ(warned.back(), folder_ / "t.csv" + ": column 'a': 1 empty cells of the test part count as the mean");
}

TEST_F(Tables, AnotherTableIsReadAsTheModelKnowsIt) {
    const Table first = load("a,b,y\n1,x,u\n3,z,v\n");
    const TableFormat format = first.fit(rows_of(first));
    // Columns are found by name; others do not matter; one class is enough.
    const Table other = load("y,b,extra,a\nv,z,0,5\nv,x,1,\n", {.label = "y", .trained = true});
    const TensorDataset set = other.encode(format, rows_of(other));
    EXPECT_EQ(x_of(set, 0), (std::vector<float>{3, 0, 1}));
    EXPECT_EQ(x_of(set, 1), (std::vector<float>{0, 1, 0}));
    EXPECT_EQ(set.label(0), 1);
    const Table missing = load("y,a\nv,5\n", {.label = "y", .trained = true});
    EXPECT_ERROR(missing.encode(format, {0}), "has no column 'b'");
    const Table unknown = load("a,b,y\n1,x,u\n1,x,w\n", {.trained = true});
    EXPECT_ERROR(unknown.encode(format, {0, 1}), "line 3, column 'y': the model does not know the class 'w'");
}

TEST(Text, Windows) {
    const ScratchFolder folder;
    std::string text;
    for (int i = 0; i < 200; ++i) text += static_cast<char>(i);
    write_text(folder / "t.txt", text);
    const TextData data = load_text(folder / "t.txt", 5);
    EXPECT_EQ(data.train.size(), 180);
    EXPECT_EQ(data.test.size(), 20);
    const TextWindows test(data.test, 5);
    ASSERT_EQ(test.size(), 3); // 19 bytes have one behind them: 3 windows of 5
    EXPECT_EQ(std::get<Array>(test.get(1).x).to_vector<int64_t>(), (std::vector<int64_t>{185, 186, 187, 188, 189}));
    EXPECT_EQ(test.get(1).y.to_vector<int64_t>(), (std::vector<int64_t>{186, 187, 188, 189, 190}));
    EXPECT_EQ(TextWindows({data.test.text, 180, 196}, 5).size(), 3); // the last byte of 196 is only predicted

    const RandomTextWindows train(data.train, 5);
    EXPECT_EQ(train.size(), 35);
    std::set<int64_t> seen;
    for (uint64_t seed = 0; seed < 5000; ++seed) {
        Random random(seed);
        const Sample sample = train.draw(3, random);
        const auto x = std::get<Array>(sample.x).to_vector<int64_t>(), y = sample.y.to_vector<int64_t>();
        for (size_t i = 0; i < 5; ++i) ASSERT_EQ(y[i], x[i] + 1);
        seen.insert(x[0]);
    }
    EXPECT_EQ(seen.size(), 175u); // 0 to 174: the last window ends with byte 179
    EXPECT_EQ(*seen.rbegin(), 174);
    DataLoader loader(train, {.batch = 8, .workers = 2, .seed = 1});
    std::vector<int64_t> passes[2];
    for (auto& pass : passes)
        for (auto [x, y] : loader)
            for (const int64_t v : x.to_vector<int64_t>()) pass.push_back(v);
    EXPECT_NE(passes[0], passes[1]);
    EXPECT_EQ(passes[0].size(), 175u);
    EXPECT_ERROR(load_text(folder / "t.txt", 20), "has 200 bytes; windows of 20 need at least 210");
    EXPECT_ERROR(load_text(folder / "none", 5), "none: cannot open");
}

} // namespace
} // namespace ingot::data
