// SPDX-License-Identifier: MIT
// Where infinities and NaN begin: a step is run once more in plain style, and everything that its layers hand on is looked at.
// Used by the trainer when a loss or the weights stop being finite. One thread.
#pragma once

#include <string>
#include <vector>

#include <ingot/nn/module.h>
#include <ingot/train/evaluate.h>

namespace ingot::train {

/// Whether every element of all (float) tensors is finite. Waits.
bool all_finite(const std::vector<Tensor>& tensors);

/// The first place, in the order of computation, whose values are not finite, as words for a message: "the input (sample 3)",
/// "the output of layer '3' (Linear)", "the loss", "the gradient of '0.weight'"; empty when everything is finite. The model
/// computes as in training: its running statistics and the random numbers move on, gradients stay as they are.
std::string find_nonfinite(nn::Module& model, const Loss& loss, const Tensor& x, const Tensor& y);

} // namespace ingot::train
