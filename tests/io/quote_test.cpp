// SPDX-License-Identifier: MIT
// Messages about hostile names stay one readable line (EXPECT_ERROR checks that there is no line break).
#include "io/quote.h"

#include "io/archive.h"
#include "io/archive_testing.h"
#include "io/csv.h"

namespace ingot::io {
namespace {

using testing::Bytes;
using testing::ScratchFolder;

TEST(Quote, OneLineWhateverItIs) {
    EXPECT_EQ(quote_name("age"), "'age'");
    EXPECT_EQ(quote_name(""), "''");
    EXPECT_EQ(quote_name("gr\xC3\xB6\xC3\x9F"
                         "e"),
              "'gr\xC3\xB6\xC3\x9F"
              "e'");
    EXPECT_EQ(quote_name(std::string_view("a\nb\0\x1b[1m", 8)), "'a\\nb\\u0000\\u001b[1m'");
    EXPECT_EQ(quote_name("\xFF"), "'\xEF\xBF\xBD'"); // U+FFFD
    EXPECT_EQ(quote_name(std::string(100, 'x')), "'" + std::string(100, 'x') + "'");
    EXPECT_EQ(quote_name(std::string(101, 'x')), "'" + std::string(100, 'x') + "...'");
}

TEST(Quote, NamesInTables) {
    const auto parse = [](const std::string& text) { return Csv(Bytes(text.begin(), text.end()), "t.csv"); };
    EXPECT_ERROR(parse("\"a\nb\",\"a\nb\"\n1,2\n"), "line 1, column 2: the name 'a\\nb' occurs twice");
    EXPECT_ERROR(parse("x,\"a\nb\"\n1\n"), "column 'a\\nb' and what follows are missing");
    EXPECT_EQ(parse("\"a\nb\"\n1\n").where(0, 0), "t.csv: line 3, column 'a\\nb': ");
}

TEST(Quote, NamesInArchives) {
    const ScratchFolder folder;
    testing::write_archive(folder / "t.tar", {{"a\nb", {}, testing::Entry::Kind::symlink}});
    EXPECT_ERROR(for_each_entry(folder / "t.tar", [](const std::string&, const Bytes&) { return true; }),
                 "entry 'a\\nb': is a link or a device");
}

} // namespace
} // namespace ingot::io
