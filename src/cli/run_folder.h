// SPDX-License-Identifier: MIT
// The folder that a training run writes to.
#pragma once

#include <string>

namespace ingot::cli {

/// Errors: UsageError when the folder holds a run and `force` is off; FileError when it is not a folder.
void check_run_folder(const std::string& folder, bool force);

/// Makes the folder and removes the files of the run that it holds: to be called as late as possible.
void clear_run_folder(const std::string& folder);

} // namespace ingot::cli
