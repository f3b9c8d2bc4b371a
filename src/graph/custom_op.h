// SPDX-License-Identifier: MIT
// The operator definition behind ingot::CustomOp, and how backends that compute in host memory run its kernels. Made by
// ops/custom_op.cpp; immortal and immutable, as all OpDefs are.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include <ingot/tensor.h>

#include "core/kernel.h"
#include "graph/op_def.h"

namespace ingot {
struct CustomOpGradient;
}

namespace ingot::graph {

/// Prim::custom: (inputs...) {pack(number)...} -> outputs.
struct CustomOpDef : OpDef {
    using Rule = std::function<Dim3(const std::vector<Shape>& inputs, const std::vector<double>& numbers)>;
    std::string label;           ///< OpDef::name points here
    std::vector<Kernel> kernels; ///< one per combination of input dtypes
    size_t num_inputs = 0, num_numbers = 0, num_outputs = 0;
    std::function<std::vector<Shape>(const std::vector<Shape>&, const std::vector<double>&)> shapes;
    Rule grid; ///< null: the elements of the first output
    Dim3 group;
    std::function<double(const std::vector<Shape>&, const std::vector<double>&)> flops;
    std::function<std::vector<Tensor>(const CustomOpGradient&)> backward;
    const CustomOpDef* backward_def = nullptr; ///< the gradient as a kernel
    bool backward_takes_outputs = false;
    const CustomOpDef* gradient_of = nullptr; ///< for backward kernels: whose

    /// The kernel for these inputs. Errors: DTypeError naming the operator, the dtypes and what there is.
    const Kernel& kernel_for(std::span<const Type* const> inputs) const;
};

inline std::vector<double> custom_numbers(const Attrs& attrs) {
    std::vector<double> numbers;
    for (const int64_t w : attrs) numbers.push_back(unpack(w));
    return numbers;
}

/// One node made ready to run any number of times without allocating, by one thread at a time.
class CustomLaunch {
public:
    /// Errors: ingot::Error for a bad grid.
    CustomLaunch(const CustomOpDef& def, const Attrs& attrs, std::span<const Type* const> inputs,
                 std::span<const Type* const> outputs);
    /// args: the inputs, then the outputs, row-major.
    void run(void* const* args) const;

    double bytes = 0; ///< all inputs and outputs once
    double flops = 0;

private:
    Kernel kernel_;
    Dim3 grid_, group_;
    std::vector<std::unique_ptr<std::byte[]>> values_;
    std::vector<int32_t> arg_of_;           ///< per parameter: its argument, -1 for values
    mutable std::vector<KernelSlot> slots_; ///< scratch of run(); counts and values are set once
};

} // namespace ingot::graph
