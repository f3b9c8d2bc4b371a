// SPDX-License-Identifier: MIT
// The data specification of the command line, `scheme[:path][,key=value]...`, as plain data:
//   mnist:DIR            IDX files, gzipped or not
//   cifar10:PATH         the official binary folder, or a folder or tar of train/<class>/*, test/<class>/* images
//   folder:DIR[,size=N|size=HxW][,cache=BYTES]   train/<class>/*, test/<class>/*, or <class>/* (then there is no test
//                        split); more than `cache` (1G) bytes of decoded images stay in their files
//   glyphs[,seed=N]      drawn digits, built in
//   csv:FILE[,label=NAME][,task=regression]   a table; the label is the last column by default
//   text:FILE[,length=N] bytes; windows of N (128) and the byte after each
// A path may contain commas: only trailing parts of the form key=value are options.
#pragma once

#include <map>
#include <string>

namespace ingot::data {

struct DataSpec {
    std::string text;   ///< as given, for error messages
    std::string scheme; ///< "mnist", ...
    std::string path;
    std::map<std::string, std::string> options;
};

/// Errors: Error naming the spec for an unknown scheme or option, a missing path, a repeated option, a value out of range.
DataSpec parse_data_spec(const std::string& text);

/// The last of these: sizes, lengths and seeds.
void check_options(const DataSpec& spec);

} // namespace ingot::data
