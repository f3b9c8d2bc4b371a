// SPDX-License-Identifier: MIT
#include "passes/dump.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <ingot/error.h>

#include "base/env.h"

namespace ingot::passes {

bool dumping(const char* what) {
    const std::string text = base::env("INGOT_DUMP").value_or("");
    bool asked = false;
    for (size_t at = 0; at < text.size();) {
        const size_t comma = std::min(text.find(',', at), text.size());
        const std::string item = text.substr(at, comma - at);
        at = comma + 1;
        if (item != "graph" && item != "plan") throw Error("INGOT_DUMP: '" + item + "' is not one of graph, plan");
        asked = asked || item == what;
    }
    return asked;
}

void dump(const std::string& stage, const std::string& text) {
    static std::atomic<int> counter{0};
    const int number = counter.fetch_add(1);
    char name[64];
    std::snprintf(name, sizeof name, "%03d-%s.txt", number, stage.c_str());
    const auto dir = base::env("INGOT_DUMP_DIR");
    if (!dir) {
        std::fprintf(stderr, "---- %s\n%s", name, text.c_str());
        return;
    }
    std::error_code failed; // also when something else has this name: the file cannot be made then
    std::filesystem::create_directories(*dir, failed);
    std::ofstream file(*dir + "/" + name);
    file << text << std::flush;
    if (!file) throw FileError("INGOT_DUMP_DIR: cannot write '" + *dir + "/" + name + "'");
}

} // namespace ingot::passes
