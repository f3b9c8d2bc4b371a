// SPDX-License-Identifier: MIT
#include "passes/dump.h"

#include <atomic>
#include <cstdio>

#include "base/env.h"

namespace ingot::passes {

bool dumping(const char* what) {
    const auto text = base::env("INGOT_DUMP");
    return text && ("," + *text + ",").find("," + std::string(what) + ",") != std::string::npos;
}

void dump(const std::string& stage, const std::string& text) {
    static std::atomic<int> counter{0};
    const int number = counter.fetch_add(1);
    char name[64];
    std::snprintf(name, sizeof name, "%03d-%s.txt", number, stage.c_str());
    if (const auto dir = base::env("INGOT_DUMP_DIR")) {
        const std::string path = *dir + "/" + name;
        if (std::FILE* f = std::fopen(path.c_str(), "w")) {
            std::fwrite(text.data(), 1, text.size(), f);
            std::fclose(f);
            return;
        }
        std::fprintf(stderr, "ingot: cannot write %s\n", path.c_str());
    }
    std::fprintf(stderr, "---- %s\n%s", name, text.c_str());
}

} // namespace ingot::passes
