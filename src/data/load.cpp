// SPDX-License-Identifier: MIT
#include <charconv>
#include <string_view>

#include <ingot/error.h>

#include "base/check.h"
#include "base/env.h"
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

FolderOptions folder_options(const DataSpec& spec, const LoadOptions& load) {
    FolderOptions options;
    options.load = load;
    if (const auto cache = spec.options.find("cache"); cache != spec.options.end())
        options.cache = base::parse_bytes(cache->second, "the data's option cache");
    const auto it = spec.options.find("size");
    if (it == spec.options.end()) return options;
    const std::string_view text = it->second;
    const size_t x = text.find('x');
    options.height = number<int64_t>(spec, text.substr(0, x), "size");
    options.width = x == std::string_view::npos ? options.height : number<int64_t>(spec, text.substr(x + 1), "size");
    if (options.height < 1 || options.width < 1 || options.height > kMaxImageSide || options.width > kMaxImageSide)
        throw Error("data '" + spec.text + "': size must lie between 1 and 4096");
    return options;
}

uint64_t glyphs_seed(const DataSpec& spec) {
    const auto seed = spec.options.find("seed");
    return seed == spec.options.end() ? 0 : number<uint64_t>(spec, seed->second, "seed");
}

} // namespace

void check_options(const DataSpec& spec) {
    if (spec.scheme == "folder") folder_options(spec, {});
    if (spec.scheme == "glyphs") glyphs_seed(spec);
    if (spec.scheme == "text") text_length(spec);
}

int64_t text_length(const DataSpec& spec) {
    constexpr int64_t kDefault = 128, kMost = 1 << 20;
    const auto it = spec.options.find("length");
    if (it == spec.options.end()) return kDefault;
    const auto length = number<int64_t>(spec, it->second, "length");
    if (length < 1 || length > kMost)
        throw Error("data '" + spec.text + "': length must lie between 1 and " + std::to_string(kMost));
    return length;
}

ImageData load_images(const DataSpec& spec, const LoadOptions& options) {
    if (spec.scheme == "mnist") return in_memory(load_mnist(spec.path));
    if (spec.scheme == "cifar10") return load_cifar10(spec.path, options);
    if (spec.scheme == "folder") return load_folder(spec.path, folder_options(spec, options));
    INGOT_ASSERT(spec.scheme == "glyphs", "no scheme of pictures");
    return in_memory(make_glyphs(glyphs_seed(spec)));
}

} // namespace ingot::data
