// SPDX-License-Identifier: MIT
#include <charconv>
#include <string_view>

#include <ingot/error.h>

#include "base/check.h"
#include "data/dataset.h"
#include "data/sources.h"
#include "data/spec.h"

namespace ingot::data {

namespace {

/// The whole of `text` as a number.
template <class T> T number(const DataSpec& spec, std::string_view text, const char* what) {
    T value{};
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc{} || end != text.data() + text.size())
        throw Error("data '" + spec.text + "': " + what + " '" + std::string(text) + "' is not a number in range");
    return value;
}

FolderOptions folder_options(const DataSpec& spec) {
    FolderOptions options;
    const auto it = spec.options.find("size");
    if (it == spec.options.end()) return options;
    const std::string_view text = it->second;
    const size_t x = text.find('x');
    options.height = number<int64_t>(spec, text.substr(0, x), "size");
    options.width = x == std::string_view::npos ? options.height : number<int64_t>(spec, text.substr(x + 1), "size");
    if (options.height < 1 || options.width < 1 || options.height > 4096 || options.width > 4096)
        throw Error("data '" + spec.text + "': size must lie between 1 and 4096");
    return options;
}

} // namespace

DataSplits load_data(const std::string& text) {
    const DataSpec spec = parse_data_spec(text);
    if (spec.scheme == "mnist") return load_mnist(spec.path);
    if (spec.scheme == "cifar10") return load_cifar10(spec.path);
    if (spec.scheme == "folder") return load_folder(spec.path, folder_options(spec));
    INGOT_ASSERT(spec.scheme == "glyphs", "a scheme without a loader");
    const auto seed = spec.options.find("seed");
    return make_glyphs(seed == spec.options.end() ? 0 : number<uint64_t>(spec, seed->second, "seed"));
}

} // namespace ingot::data
