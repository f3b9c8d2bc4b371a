// SPDX-License-Identifier: MIT
// Gathers what the report shows from where it is: predictions of a pass, the run's metrics file, memory counters. Used by
// `ingot train` and programs. Free functions.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ingot/device.h>

#include "train/predictions.h"
#include "train/report/report.h"

namespace ingot::train::report {

/// The picture of sample i of the pass, where there is one.
using ImageOf = std::function<std::optional<io::Image>(int64_t i)>;

/// Everything about a pass: `name` is "test" or "validation". Labels that have no class name get their number.
EvaluatedSplit evaluated_split(const std::string& name, const EvalResult& result, const Predictions& predictions,
                               const std::vector<std::string>& class_names, const ImageOf& image = {});

/// The rows of metrics.jsonl in `folder`, also those from before a resume; empty when there is no such file. Errors:
/// FileError naming the file and the line.
std::vector<EpochMetrics> read_epochs(const std::string& folder);

/// Resident memory and the allocator's, in bytes.
std::vector<std::pair<std::string, double>> memory_figures(Device device);

} // namespace ingot::train::report
