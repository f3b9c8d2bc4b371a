// SPDX-License-Identifier: MIT
// The named models of the command line (--model lenet) and the benchmarks. Each is a model spec, so that there is one
// way of building models and a checkpoint can say what it holds; keys in state_dict are PyTorch's.
#pragma once

#include <string>
#include <vector>

#include <ingot/shape.h>

namespace ingot::train {

/// "cifar-cnn", "gpt-tiny", "gpt2", "lenet", "mlp", "resnet18", "tiny-cnn".
const std::vector<std::string>& model_names();

/// The spec of the model for samples of shape `input` (images [C, H, W]; gpt-tiny and gpt2: windows of [T] tokens; mlp:
/// anything) and `classes` outputs (gpt: the vocabulary), to be built by build_model(). Errors: Error for an unknown name
/// (with the known ones) or an input with other axes.
std::string model_spec(const std::string& name, const Shape& input, int64_t classes);

} // namespace ingot::train
