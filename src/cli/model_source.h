// SPDX-License-Identifier: MIT
// Where a command's model comes from: a name or a spec file (train), a checkpoint (eval, predict).
#pragma once

#include <string>

#include "train/checkpoint.h"
#include "train/model_info.h"
#include "train/model_spec.h"
#include "train/task.h"

namespace ingot::cli {

/// Errors: UsageError for a data spec that cannot be understood. That a path is missing shows when it is read.
void check_data_spec(const std::string& spec);

/// "lenet" for "lenet", "net" for "dir/net.json".
std::string model_name(const std::string& argument);

/// Builds the model named `argument` (or of the spec file when it ends in .json) for the data. Errors: UsageError for an
/// unknown name, FileError, Error when spec and data do not fit.
train::Model make_model(const std::string& argument, const train::Task& task);

/// The model of a checkpoint with its weights, on `device`, in evaluation mode.
struct Trained {
    train::Model model;
    train::ModelInfo info;
    std::string loss; ///< that it was trained with
};
/// `given` may be a run's folder, as in checkpoint_path().
Trained load_trained(const std::string& given, Device device);

/// best.safetensors of a folder that has one; everything else as it is.
std::string checkpoint_path(const std::string& given);

/// How to read data for the model.
train::TaskOptions task_options(const Trained& trained);

/// A line for a person: "test_accuracy 0.9926  test_loss 0.0236".
std::string evaluation_line(const train::EvalResult& result, const train::Task& task);

/// Errors: Error unless inputs and class names of the task are those that the model was trained on.
void check_fits(const Trained& trained, const train::Task& task, const std::string& data);

} // namespace ingot::cli
