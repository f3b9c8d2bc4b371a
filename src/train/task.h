// SPDX-License-Identifier: MIT
// What there is to learn: a data spec (data/spec.h) turned into batches for training, validation and test, with what a
// model must know about it. The commands train, eval and predict read data only through this. Batches share the data and
// may outlive the task. One thread.
//   images: x f32 [N, C, H, W] normalized, y i64 [N]
//   table:  x f32 [N, F], y i64 [N] or, for regression, f32 [N, 1] standardized
//   text:   x i64 [N, T] bytes, y i64 [N, T] the bytes after them
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ingot/data/batches.h>
#include <ingot/data/dataset.h>
#include <ingot/data/loader.h>
#include <ingot/device.h>
#include <ingot/shape.h>

#include "data/sources.h"
#include "data/spec.h"
#include "data/table.h"
#include "train/model_info.h"
#include "train/recipe.h"

namespace ingot::train {

struct TaskOptions {
    /// Part of the training data held out for validation (0: none; text then validates with its test part). Images and
    /// classes of tables are drawn by `seed` with equal parts of every class, texts give their end.
    double val = 0;
    uint64_t seed = 0;
    /// Bad files: strict makes them errors; else each is named once through `warn`, counted and left out.
    data::LoadOptions load = {};
    /// Reads the data as this model does (eval): its normalization, its table's columns and words.
    const ModelInfo* trained = nullptr;
    int64_t text_length = 0; ///< of windows; 0: what the spec says
};

class Task {
public:
    enum class Kind : uint8_t { images, table, text };

    /// Loads the data. Errors: Error for a bad spec or data that `trained` does not fit, FileError for missing or damaged
    /// files.
    explicit Task(const std::string& spec, const TaskOptions& options = {});

    Kind kind = Kind::images;
    Shape input;         ///< of one sample: [C, H, W], [F] or [T]
    int64_t outputs = 0; ///< classes, 1 for regression, 256 for text
    bool regression = false;
    bool resizable = false;               ///< the data's specification may say the images' size
    std::vector<std::string> class_names; ///< empty for regression and text
    /// What x was normalized with: per channel of byte / 255, per feature; empty for text.
    std::vector<float> mean, std;
    std::optional<data::TableFormat> table;
    int64_t train_samples = 0, validation_samples = 0, test_samples = 0;
    int64_t left_out = 0;    ///< bad files that loading met
    std::string fingerprint; ///< changes when the training data do

    /// What checkpoints say about model and data.
    ModelInfo describe(const std::string& name, const std::string& model_spec) const;
    /// "20000 training images [1, 32, 32], 10 classes".
    std::string str() const;

    /// Shuffled and augmented as the recipe says, by `seed`; the last partial batch of a pass is dropped.
    std::unique_ptr<data::DataLoader> training(const Recipe& recipe, Device device) const;
    /// In order, unchanged, nothing dropped. Null when there is no such part.
    std::unique_ptr<data::DataLoader> validation(Device device) const;
    std::unique_ptr<data::DataLoader> test(Device device) const;
    /// The test part, or everything when there is none.
    std::unique_ptr<data::DataLoader> evaluation(Device device) const;
    /// The samples of a part, for showing them: images are not normalized. Null when there is no such part.
    std::shared_ptr<const data::Dataset> validation_data() const { return validation_; }
    std::shared_ptr<const data::Dataset> test_data() const { return test_; }
    /// A distance between standardized targets of a regression, in the units of the label's column.
    double in_units(double distance) const { return table ? distance * table->target_std : distance; }

private:
    using DatasetPtr = std::shared_ptr<const data::Dataset>;
    void load_images(const data::DataSpec& spec, const TaskOptions& options);
    void load_table(const data::DataSpec& spec, const TaskOptions& options);
    void load_text(const data::DataSpec& spec, const TaskOptions& options);
    std::unique_ptr<data::DataLoader> in_order(const DatasetPtr& dataset, Device device) const;
    data::LoaderOptions loader_options(Device device) const;

    DatasetPtr train_, validation_, test_;
    uint64_t seed_ = 0;
    bool decodes_ = false; ///< samples are decoded when asked for: worth several workers
    data::LoadOptions load_;
};

/// What the samples of such a task are called: "images", "rows", "windows".
std::string samples_of(Task::Kind kind);

} // namespace ingot::train
