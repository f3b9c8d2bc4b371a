// SPDX-License-Identifier: MIT
#include "data/spec.h"

#include "data/sources.h"
#include "io/io_testing.h"

namespace ingot::data {
namespace {

TEST(DataSpec, Parses) {
    const DataSpec mnist = parse_data_spec("mnist:/a/b c");
    EXPECT_EQ(mnist.scheme, "mnist");
    EXPECT_EQ(mnist.path, "/a/b c");
    EXPECT_TRUE(mnist.options.empty());
    const DataSpec folder = parse_data_spec("folder:C:/x,y/w,size=12x34");
    EXPECT_EQ(folder.path, "C:/x,y/w");
    EXPECT_EQ(folder.options.at("size"), "12x34");
    EXPECT_EQ(parse_data_spec("cifar10:a,b.tar.xz").path, "a,b.tar.xz");
    EXPECT_EQ(parse_data_spec("glyphs").path, "");
    EXPECT_EQ(parse_data_spec("glyphs,seed=7").options.at("seed"), "7");
    const DataSpec csv = parse_data_spec("csv:a,b.csv,label=price in EUR,task=regression");
    EXPECT_EQ(csv.path, "a,b.csv");
    EXPECT_EQ(csv.options.at("label"), "price in EUR");
    EXPECT_EQ(csv.options.at("task"), "regression");
    EXPECT_EQ(text_length(parse_data_spec("text:a.txt")), 128);
    EXPECT_EQ(text_length(parse_data_spec("text:a.txt,length=64")), 64);
}

TEST(DataSpec, RefusesWithTheReason) {
    EXPECT_ERROR(parse_data_spec(""), "unknown kind of data ''");
    EXPECT_ERROR(
        parse_data_spec("imagenet:x"),
        "data 'imagenet:x': unknown kind of data 'imagenet'; there are mnist:PATH, cifar10:PATH, folder:PATH, glyphs");
    EXPECT_ERROR(parse_data_spec("/some/folder"), "unknown kind of data '/some/folder'");
    EXPECT_ERROR(parse_data_spec("mnist"), "a path is missing; write mnist:PATH");
    EXPECT_ERROR(parse_data_spec("mnist:"), "a path is missing");
    EXPECT_ERROR(parse_data_spec("mnist:x,seed=1"), "unknown option 'seed'; mnist takes none");
    EXPECT_ERROR(parse_data_spec("folder:x,sise=1"), "unknown option 'sise'; folder takes size");
    EXPECT_ERROR(parse_data_spec("glyphs:x"), "glyphs takes no path");
    EXPECT_ERROR(parse_data_spec("glyphs,"), "takes no path; unexpected ','");
    EXPECT_ERROR(parse_data_spec("glyphs,seed=1,seed=2"), "the option 'seed' is given twice");
    EXPECT_ERROR(parse_data_spec("csv:a.csv,task=guess"), "unknown task 'guess'; there are classification");
    EXPECT_ERROR(parse_data_spec("csv:"), "a path is missing; write csv:PATH");
    EXPECT_ERROR(parse_data_spec("text:a,size=3"), "unknown option 'size'; text takes length");
    EXPECT_ERROR(parse_data_spec("text:a,length=0"), "length must lie between 1 and");
    EXPECT_ERROR(parse_data_spec("glyphs,seed=x"), "seed 'x' is not a number in range");
    EXPECT_ERROR(parse_data_spec("glyphs,seed=-1"), "seed '-1' is not a number");
    EXPECT_ERROR(parse_data_spec("glyphs,seed="), "seed '' is not a number");
    EXPECT_ERROR(parse_data_spec("folder:x,size=3y"), "size '3y' is not a number");
    EXPECT_ERROR(parse_data_spec("folder:x,size=0"), "size must lie between 1 and 4096");
    EXPECT_ERROR(parse_data_spec("folder:x,size=8x5000"), "size must lie between 1 and 4096");
}

} // namespace
} // namespace ingot::data
