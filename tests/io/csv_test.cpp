// SPDX-License-Identifier: MIT
#include "io/csv.h"

#include "io/io_testing.h"

namespace ingot::io {
namespace {

using testing::Bytes;

Csv parse(const std::string& text) { return Csv(Bytes(text.begin(), text.end()), "t.csv"); }

std::vector<std::string> cells(const Csv& csv) {
    std::vector<std::string> out;
    for (int64_t r = 0; r < csv.rows(); ++r)
        for (int64_t c = 0; c < csv.columns(); ++c) out.emplace_back(csv.cell(r, c));
    return out;
}

TEST(Csv, PlainAndQuoted) {
    const Csv csv = parse("a,b b,c\n1,2,3\r\n \"x, \"\"y\"\"\" ,\t4 ,\"two\nlines\"\n\n,,\"\"\n5,6,7");
    EXPECT_EQ(csv.header(), (std::vector<std::string>{"a", "b b", "c"}));
    EXPECT_EQ(csv.rows(), 4);
    EXPECT_EQ(cells(csv),
              (std::vector<std::string>{"1", "2", "3", "x, \"y\"", "4", "two\nlines", "", "", "", "5", "6", "7"}));
    EXPECT_EQ(csv.line(0), 2);
    EXPECT_EQ(csv.line(1), 3);
    EXPECT_EQ(csv.line(2), 6); // behind the cell with two lines and a blank line
    EXPECT_EQ(csv.line(3), 7);
    EXPECT_EQ(csv.where(3, 1), "t.csv: line 7, column 'b b': ");
    EXPECT_EQ(cells(parse("\xEF\xBB\xBF\"a\"\n1")), std::vector<std::string>{"1"}); // a byte order mark
    EXPECT_EQ(parse("a\r\n1\r\n\r\n2\r\n").rows(), 2);
}

TEST(Csv, RefusesWithLineAndColumn) {
    EXPECT_ERROR(parse(""), "t.csv: is empty");
    EXPECT_ERROR(parse("\n\n"), "t.csv: is empty");
    EXPECT_ERROR(parse("a,b\n"), "t.csv: has a header but no rows");
    EXPECT_ERROR(parse("a,,c\n1,2,3"), "line 1, column 2: has no name");
    EXPECT_ERROR(parse("a,b,a\n1,2,3"), "line 1, column 3: the name 'a' occurs twice");
    EXPECT_ERROR(parse("a,b,c\n1,2,3\n1,2\n"), "line 3: has 2 cells, the header has 3; column 'c' and what follows");
    EXPECT_ERROR(parse("a,b\n1,2,3\n"), "line 2: has 3 cells, the header has 2; column 3 has no name");
    EXPECT_ERROR(parse("a,b\n1,\"2\n3\n"), "line 4, column 2: the quote that opens on line 2 is not closed");
    EXPECT_ERROR(parse("a,b\n\"1\"x,2\n"), "line 2, column 1: text behind a closed quote");
    EXPECT_ERROR(parse("a,b\n1,2\"3\"\n"), "line 2, column 2: a quote inside an unquoted cell");
    EXPECT_ERROR(parse(std::string("a,b\n1,") + '\0' + "2\n"), "line 2, column 2: a NUL byte");
    EXPECT_ERROR(parse(std::string("a,b\n1,\"") + '\0' + "\"\n"), "line 2, column 2: a NUL byte");
    EXPECT_ERROR(read_csv("none.csv"), "none.csv: cannot open");
}

TEST(Csv, CutAnywhereItNeverCrashes) {
    const std::string whole = "name,\"v\"\"w\",z\r\n\"a\nb\", 1 ,2\n\"\",\"x\",3\n";
    for (size_t n = 0; n <= whole.size(); ++n) {
        try {
            const Csv csv = parse(whole.substr(0, n));
            EXPECT_EQ(csv.columns(), n < 11 ? 2 : 3);
        } catch (const FileError& error) { EXPECT_TRUE(testing::contains(error.what(), "t.csv: ")) << error.what(); }
    }
}

} // namespace
} // namespace ingot::io
