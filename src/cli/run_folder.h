// SPDX-License-Identifier: MIT
// The folder that a training run writes to.
#pragma once

#include <string>

namespace ingot::cli {

/// Errors: UsageError when the folder holds a run; FileError when it is not a folder.
void check_run_folder(const std::string& folder);

} // namespace ingot::cli
