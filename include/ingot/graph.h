// SPDX-License-Identifier: MIT
// Explicit graphs: build once from placeholders, compile for a device, run with other data. The same nodes and passes as
// everything else; any free function of ingot works on placeholders too, these members are for those who like to see the graph.
// A Graph belongs to one thread; a GraphExecutable may be moved between threads.
#pragma once

#include <memory>
#include <vector>

#include <ingot/ops.h>
#include <ingot/report.h>
#include <ingot/tensor.h>

namespace ingot {

class GraphExecutable {
public:
    /// inputs: one per placeholder given to compile(), of its shape, dtype and device. Returns one tensor per output.
    std::vector<Tensor> run(const std::vector<Tensor>& inputs) const;
    Report report() const;

private:
    friend class Graph;
    struct Impl;
    std::shared_ptr<const Impl> impl_;
};

class Graph {
public:
    /// A value to be given at run time. Reading it throws.
    Tensor placeholder(const Shape& shape, DType dtype = f32, Device device = Device::cpu());
    /// All elements `value`.
    Tensor constant(double value, const Shape& shape, DType dtype = f32) {
        return full(shape, value, {.dtype = dtype});
    }

    Tensor add(const Tensor& a, const Tensor& b) { return ingot::add(a, b); }
    Tensor sub(const Tensor& a, const Tensor& b) { return ingot::sub(a, b); }
    Tensor mul(const Tensor& a, const Tensor& b) { return ingot::mul(a, b); }
    Tensor div(const Tensor& a, const Tensor& b) { return ingot::div(a, b); }
    Tensor matmul(const Tensor& a, const Tensor& b) { return ingot::matmul(a, b); }
    Tensor relu(const Tensor& x) { return ingot::relu(x); }
    Tensor sigmoid(const Tensor& x) { return ingot::sigmoid(x); }
    Tensor tanh(const Tensor& x) { return ingot::tanh(x); }
    Tensor softmax(const Tensor& x, int64_t axis) { return ingot::softmax(x, axis); }
    Tensor transpose(const Tensor& x, int64_t a, int64_t b) { return ingot::transpose(x, a, b); }
    Tensor reshape(const Tensor& x, const Shape& shape) { return ingot::reshape(x, shape); }
    Tensor sum(const Tensor& x, const Axes& axes, bool keepdim = false) { return ingot::sum(x, axes, keepdim); }
    Tensor conv2d(const Tensor& x, const Tensor& w, const Tensor& bias = {}, const Conv2dOptions& options = {}) {
        return ingot::conv2d(x, w, bias, options);
    }
    Tensor max_pool2d(const Tensor& x, Int2 kernel) { return ingot::max_pool2d(x, kernel); }
    Tensor avg_pool2d(const Tensor& x, Int2 kernel) { return ingot::avg_pool2d(x, kernel); }

    /// Runs all passes for the device. Tensors with values that the outputs use are bound as they are; placeholders must be among
    /// `inputs`. Errors: Error for a placeholder that is missing, or what the device cannot do.
    GraphExecutable compile(Device device, const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs);
};

} // namespace ingot
