// SPDX-License-Identifier: MIT
#include "cli/run_folder.h"

#include <filesystem>

#include "cli/arguments.h"
#include "train/run_folder.h"

namespace ingot::cli {

void check_run_folder(const std::string& folder) {
    if (const auto name = train::run_in(folder))
        throw UsageError("'" + folder + "' holds a run (" + *name +
                         "); give another --out, --resume to go on with it, or --force to replace it" +
                         (std::filesystem::exists(std::filesystem::path(folder) / train::kReplacedFolder)
                              ? "; the run before it is in '" + folder + "/" + train::kReplacedFolder + "'"
                              : ""));
}

} // namespace ingot::cli
