// SPDX-License-Identifier: MIT
// Operators made from kernels (<ingot/kernel.h>) that users wrote: recorded, compiled and differentiated like Ingot's own,
// on the CPU and the reference device. Make an operator once and keep it: what describes it stays until the process ends.
// A CustomOp is a handle, may be copied, and is thread safe. docs/low_level.md has examples.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <ingot/kernel.h>
#include <ingot/ops/types.h>
#include <ingot/tensor.h>

namespace ingot {

namespace graph {
struct CustomOpDef;
}

/// What the gradient of a custom operator is made of.
struct CustomOpGradient {
    std::vector<Tensor> inputs, outputs;
    std::vector<Tensor> grads; ///< per output, of its shape; undefined for outputs that are no floats
    std::vector<double> numbers;
};

/// A kernel's std::span<const T> parameters are the operator's inputs, its values the numbers, its std::span<T> parameters the
/// outputs, each in their order. The kernel must write all of its outputs, which hold nothing to begin with, and depend on
/// nothing but its arguments: it may run again, or not at all when nobody needs the result.
struct CustomOpOptions {
    /// As in error messages and reports.
    std::string name;
    /// One kernel per combination of input dtypes, with the same numbers of inputs, outputs and values (see
    /// KernelLibrary::add_for).
    std::vector<Kernel> forward;
    /// The outputs' shapes. Default: all inputs have one shape, and so have the outputs.
    std::function<std::vector<Shape>(const std::vector<Shape>& inputs, const std::vector<double>& numbers)> shapes = {};
    /// Threads of the forward kernel. Default: the number of elements of the first output, along x.
    std::function<Dim3(const std::vector<Shape>& inputs, const std::vector<double>& numbers)> grid = {};
    /// Threads per call of the forward kernel. Default (zeros): some thousands.
    Dim3 group = {0, 0, 0};

    // The gradient, in one of two forms. With neither, differentiating the operator is an error.
    /// Gradients of the inputs, made of public operators (so that they can be differentiated again); an undefined tensor is zero.
    std::function<std::vector<Tensor>(const CustomOpGradient&)> backward = {};
    /// One kernel per combination of dtypes. Inputs: those of the operator, then (only if the kernel takes that many) its
    /// outputs, then the gradients of its floating-point outputs. Values: the numbers. Outputs: the gradients of the
    /// floating-point inputs. Differentiating it again is an error.
    std::vector<Kernel> backward_kernels = {};
    /// Threads of the backward kernel; `inputs` are the operator's. Default: the number of elements of the first gradient.
    std::function<Dim3(const std::vector<Shape>& inputs, const std::vector<double>& numbers)> backward_grid = {};
    Dim3 backward_group = {0, 0, 0};

    /// Floating-point operations of one run, for reports and profiles. Default: 0, unknown.
    std::function<double(const std::vector<Shape>& inputs, const std::vector<double>& numbers)> flops = {};
};

class CustomOp {
public:
    /// Errors: ingot::Error for kernels that do not fit together or have parameters that are no tensors or numbers.
    explicit CustomOp(CustomOpOptions options);

    /// Records the operator; it has one output. Numbers are part of the recorded structure: other values make other
    /// executables, so pass what changes from step to step as a tensor.
    /// Errors: ingot::Error for the wrong count of inputs or numbers, or several outputs; DTypeError when no kernel takes
    /// these dtypes; what `shapes` throws. What the kernel throws belongs to the results.
    Tensor operator()(const std::vector<Tensor>& inputs, const std::vector<Number>& numbers = {}) const;
    /// The same for any number of outputs.
    std::vector<Tensor> all(const std::vector<Tensor>& inputs, const std::vector<Number>& numbers = {}) const;
    const std::string& name() const;

private:
    const graph::CustomOpDef* def_;
};

} // namespace ingot
