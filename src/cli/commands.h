// SPDX-License-Identifier: MIT
// The commands, one file each. Each returns the exit status; errors are exceptions that run() turns into one line.
#pragma once

#include "cli/arguments.h"

namespace ingot::cli {

int train_command(const TrainArguments& arguments);
int eval_command(const EvalArguments& arguments);
int predict_command(const PredictArguments& arguments);
int generate_command(const GenerateArguments& arguments);
int inspect_command(const InspectArguments& arguments);
int devices_command(const DevicesArguments& arguments);
int bench_command(const BenchArguments& arguments);

/// The whole program: argv as main() gets it.
int run(int argc, const char* const* argv);

} // namespace ingot::cli
