// SPDX-License-Identifier: MIT
#include "data/spec.h"

#include "data/dataset.h"
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
    EXPECT_ERROR(parse_data_spec("csv:a.csv,label=x"), "csv: data is not available in this release");
    EXPECT_ERROR(parse_data_spec("text:a.txt"), "text: data is not available in this release");
    EXPECT_ERROR(load_data("glyphs,seed=x"), "seed 'x' is not a number in range");
    EXPECT_ERROR(load_data("glyphs,seed=-1"), "seed '-1' is not a number");
    EXPECT_ERROR(load_data("glyphs,seed="), "seed '' is not a number");
    EXPECT_ERROR(load_data("folder:x,size=3y"), "size '3y' is not a number");
    EXPECT_ERROR(load_data("folder:x,size=0"), "size must lie between 1 and 4096");
    EXPECT_ERROR(load_data("folder:x,size=8x5000"), "size must lie between 1 and 4096");
}

} // namespace
} // namespace ingot::data
