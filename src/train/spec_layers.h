// SPDX-License-Identifier: MIT
// The layers of model specs that hold no other layers: one entry per type, from JSON keys to the class of that name. Used by
// model_spec.cpp, which knows the others.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ingot/nn.h>

#include "train/json_keys.h"

namespace ingot::train {

using Layer = std::shared_ptr<nn::Module>;

/// Of a weight, or of a sample between layers. More than any real model has; larger numbers are mistakes or attacks, and
/// products of them could overflow.
constexpr int64_t kMaxElements = int64_t{1} << 36;

/// Shape of one sample: without the batch axis of the probe.
Shape sample_shape(const Tensor& probe);

/// The layer of a type for inputs like `probe` [2, sample..]; null for a type that is not here. Errors: Error for values that
/// make no sense.
Layer make_layer(const std::string& type, Keys& keys, const Tensor& probe);

/// All types that make_layer() knows.
std::vector<std::string> layer_types();

} // namespace ingot::train
