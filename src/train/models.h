// SPDX-License-Identifier: MIT
// The named models of the command line (--model lenet) and the benchmarks. Each is a model spec, so that there is one
// way of building models and a checkpoint can say what it holds; keys in state_dict are PyTorch's.
#pragma once

#include <string>
#include <vector>

#include <ingot/shape.h>

namespace ingot::train {

/// "cifar-cnn", "lenet", "mlp", "resnet18", "tiny-cnn".
const std::vector<std::string>& model_names();

/// The spec of the model for images of shape `input` [C, H, W] (mlp: any shape) and `classes` outputs, to be built by
/// build_model(). Errors: Error for an unknown name (with the known ones) or an input that has no three axes.
std::string model_spec(const std::string& name, const Shape& input, int64_t classes);

} // namespace ingot::train
