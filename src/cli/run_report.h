// SPDX-License-Identifier: MIT
// report.html of a run of `ingot train`: what the command knows about it, put together for src/train/report.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <ingot/train.h>

#include "cli/run_settings.h"
#include "train/model_info.h"
#include "train/model_spec.h"
#include "train/predictions.h"
#include "train/task.h"

namespace ingot::cli {

/// References to what the run used; nothing is kept.
struct RunReport {
    const std::string& out;
    const RunSettings& settings;
    const std::string& data_spec; ///< as given: settings have no path
    train::Model& model;          ///< with the weights that were tested; text models write a sample
    const train::ModelInfo& info;
    const train::TrainResult& result;
    const train::Predictions& predictions; ///< of the last pass over the test data, else over the validation data
    const train::Task& task;
    const data::DataLoader* validation; ///< of the passes; null where there is no such part
    const data::DataLoader* test;
    Device device;
};

/// Writes out + "/report.html". Errors: FileError.
void write_run_report(const RunReport& run);

} // namespace ingot::cli
