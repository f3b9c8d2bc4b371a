// SPDX-License-Identifier: MIT
// What a training run was started with, as its checkpoints carry it (the tensor `train.settings`): flags that are not given
// when it goes on are taken from there, flags that contradict it are refused. A value.
#pragma once

#include <optional>
#include <string>

#include "cli/arguments.h"
#include "train/recipe.h"

namespace ingot::cli {

struct RunSettings {
    std::string model, data; ///< names without paths: a run's files tell nothing about the machine
    train::Recipe recipe;
    double val = 0;
    uint64_t seed = 0;
    std::string data_sum; ///< of what was read: data of the same name need not be the same
    std::string device;
    int threads = 0;
    std::string kernels = "rules"; ///< how kernels were chosen
};

std::string to_json(const RunSettings& settings);
/// Errors: FileError naming `source`.
RunSettings settings_from_json(const std::string& text, const std::string& source);

/// What is wrong with a schedule, as what is wrong with the flag.
UsageError schedule_error(const Error& error);

/// The recipe that the flags ask for, `base` where they say nothing. Errors: UsageError for flags that contradict each other.
train::Recipe apply_flags(train::Recipe base, const TrainArguments& a);

/// Errors: UsageError naming the flag and both values where going on with `ours` would not be the run `theirs` in `folder`.
void check_same_run(const RunSettings& ours, const RunSettings& theirs, const std::string& folder);

/// The --data argument without its path: "mnist", "folder,size=64".
std::string data_name(const std::string& spec);

/// The command line `words` with --resume, quoted for a shell.
std::string resume_command(const std::vector<std::string>& words);

} // namespace ingot::cli
