// SPDX-License-Identifier: MIT
#include "cli/run_folder.h"

#include <filesystem>

#include "cli/arguments.h"

namespace ingot::cli {

namespace {
namespace fs = std::filesystem;
constexpr const char* kFiles[] = {"last.safetensors", "best.safetensors", "model.json", "metrics.csv", "metrics.jsonl"};
} // namespace

void check_run_folder(const std::string& folder, bool force) {
    std::error_code code;
    if (fs::exists(folder, code) && !fs::is_directory(folder, code)) throw FileError(folder + ": is not a folder");
    if (force) return;
    for (const char* name : kFiles)
        if (fs::exists(fs::path(folder) / name, code))
            throw UsageError("'" + folder + "' holds a run (" + name +
                             "); give another --out, or --force to replace it");
}

void clear_run_folder(const std::string& folder) {
    std::error_code code;
    fs::create_directories(folder, code);
    if (code) throw FileError(folder + ": cannot create the folder: " + code.message());
    for (const char* name : kFiles) {
        const fs::path file = fs::path(folder) / name;
        fs::remove(file, code);
        if (code) throw FileError(file.string() + ": cannot be removed: " + code.message());
    }
}

} // namespace ingot::cli
