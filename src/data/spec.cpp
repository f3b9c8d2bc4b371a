// SPDX-License-Identifier: MIT
#include "data/spec.h"

#include <algorithm>
#include <vector>

#include <ingot/error.h>

namespace ingot::data {

namespace {

struct Scheme {
    const char* name;
    bool has_path;
    std::vector<std::string> options;
};

const std::vector<Scheme>& schemes() {
    static const std::vector<Scheme> all = {
        {"mnist", true, {}},
        {"cifar10", true, {}},
        {"folder", true, {"size", "cache"}},
        {"glyphs", false, {"seed"}},
        {"csv", true, {"label", "task"}},
        {"text", true, {"length"}},
    };
    return all;
}

std::string list_of(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& n : names) text += (text.empty() ? "" : ", ") + n;
    return text;
}

/// Where the last `,key=value` of `text` begins, or npos.
size_t last_option(const std::string& text) {
    const size_t comma = text.rfind(',');
    if (comma == std::string::npos) return comma;
    const size_t equals = text.find('=', comma);
    if (equals == std::string::npos || equals == comma + 1) return std::string::npos;
    const bool plain = std::all_of(text.begin() + static_cast<std::ptrdiff_t>(comma) + 1,
                                   text.begin() + static_cast<std::ptrdiff_t>(equals),
                                   [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
    return plain ? comma : std::string::npos;
}

} // namespace

DataSpec parse_data_spec(const std::string& text) {
    DataSpec spec;
    spec.text = text;
    const std::string who = "data '" + text + "': ";
    const size_t end = text.find_first_of(":,");
    spec.scheme = text.substr(0, end);
    const auto scheme =
        std::find_if(schemes().begin(), schemes().end(), [&](const Scheme& s) { return s.name == spec.scheme; });
    if (scheme == schemes().end()) {
        std::vector<std::string> names;
        for (const Scheme& s : schemes()) names.emplace_back(s.name + std::string(s.has_path ? ":PATH" : ""));
        throw Error(who + "unknown kind of data '" + spec.scheme + "'; there are " + list_of(names));
    }

    std::string rest = end == std::string::npos ? "" : text.substr(end);
    for (size_t comma; (comma = last_option(rest)) != std::string::npos; rest.resize(comma)) {
        const size_t equals = rest.find('=', comma);
        const std::string key = rest.substr(comma + 1, equals - comma - 1);
        if (std::find(scheme->options.begin(), scheme->options.end(), key) == scheme->options.end())
            throw Error(who + "unknown option '" + key + "'; " + spec.scheme + " takes " +
                        (scheme->options.empty() ? "none" : list_of(scheme->options)));
        if (!spec.options.emplace(key, rest.substr(equals + 1)).second)
            throw Error(who + "the option '" + key + "' is given twice");
    }
    if (scheme->has_path) {
        if (rest.size() < 2 || rest[0] != ':') throw Error(who + "a path is missing; write " + spec.scheme + ":PATH");
        spec.path = rest.substr(1);
    } else if (!rest.empty()) {
        throw Error(who + spec.scheme + " takes no path; unexpected '" + rest + "'");
    }
    if (const auto task = spec.options.find("task");
        task != spec.options.end() && task->second != "regression" && task->second != "classification")
        throw Error(who + "unknown task '" + task->second + "'; there are classification and regression");
    check_options(spec);
    return spec;
}

} // namespace ingot::data
