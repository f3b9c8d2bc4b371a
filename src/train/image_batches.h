// SPDX-License-Identifier: MIT
// Labelled images as the trainer wants them: batches of normalized f32 images and i64 labels on a device, prepared ahead
// by the loader's thread. The data set must outlive the batches.
#pragma once

#include <cstdint>
#include <memory>

#include <ingot/train.h>

#include "data/dataset.h"
#include "train/model_info.h"
#include "train/recipe.h"

namespace ingot::train {

/// Shuffled and augmented as the recipe says; the last partial batch of a pass is dropped. `info`: mean and std.
std::unique_ptr<data::Batches> training_batches(const data::ImageDataset& dataset, const ModelInfo& info,
                                                const Recipe& recipe, uint64_t seed, Device device);

/// In order, unchanged, nothing dropped.
std::unique_ptr<data::Batches> evaluation_batches(const data::ImageDataset& dataset, const ModelInfo& info,
                                                  Device device);

} // namespace ingot::train
