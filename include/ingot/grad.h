// SPDX-License-Identifier: MIT
// Gradients as functions: nothing is stored in leaves. Higher orders come from create_graph. See also Tensor::backward().
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <ingot/tensor.h>

namespace ingot {

/// Options of grad().
struct GradOptions {
    bool retain_graph = false;
    bool create_graph = false; ///< the results can be differentiated again (implies retain_graph)
    bool allow_unused =
        false; ///< an input that the outputs do not depend on gives an undefined tensor instead of an error
};

/// d(sum over outputs of <outputs[i], grad_outputs[i]>) / d(inputs). grad_outputs may be empty for outputs with one element.
/// Errors: Error when nothing requires grad, or an input is unused.
std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const std::vector<Tensor>& grad_outputs = {}, GradOptions options = {});

struct GradcheckOptions {
    double eps = 1e-5;
    double tolerance = 1e-6; ///< relative to the larger of 1 and the derivative's size
    int directions = 2;      ///< random directions per input set
    uint64_t seed = 0;
    bool second_order = false; ///< also checks the gradient of the gradient
};

/// Compares the gradient of f (any output shape; weighted by fixed random numbers) with central differences along random
/// directions. Inputs must be f64 leaves. Throws ingot::Error that names the direction's seed and both numbers when they differ.
void gradcheck(const std::function<Tensor(const std::vector<Tensor>&)>& f, const std::vector<Tensor>& inputs,
               GradcheckOptions options = {});

} // namespace ingot
