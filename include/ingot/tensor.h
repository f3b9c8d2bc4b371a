// SPDX-License-Identifier: MIT
// The tensor handle. Operations on tensors do not compute: they record nodes of a graph. Values are computed when the
// program reads one (item, to_vector), when an optimizer steps, or when eval() is called; see docs/architecture.md,
// "Rules of evaluation". A Tensor is a cheap handle (copying shares); its value never changes, except that a handle made by
// parameter() or buffer() names a cell, whose present value it stands for. Recording is per thread.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <ingot/device.h>
#include <ingot/dtype.h>
#include <ingot/error.h>
#include <ingot/shape.h>

namespace ingot {

namespace graph {
class Node;
class Cell;
struct Value;
} // namespace graph

/// Options of creation functions, as designated initializers: zeros({2, 3}, {.dtype = f64}).
struct TensorOptions {
    std::optional<DType> dtype = {};   ///< default: f32, or what the data has
    std::optional<Device> device = {}; ///< default: the CPU
    bool requires_grad = false;
};

class Tensor {
public:
    /// An undefined tensor; defined() is false and everything else throws.
    Tensor() noexcept {}
    Tensor(const Tensor& o);
    Tensor(Tensor&& o) noexcept;
    Tensor& operator=(const Tensor& o);
    Tensor& operator=(Tensor&& o) noexcept;
    ~Tensor();

    /// Copies `data` (row-major) into a new tensor. Errors: ShapeError unless shape.numel() == data.size().
    template <class T> static Tensor from(const std::vector<T>& data, Shape shape, TensorOptions options = {}) {
        if constexpr (std::is_same_v<T, bool>) {
            std::vector<uint8_t> bytes(data.begin(), data.end());
            return from_data(bytes.data(), bytes.size(), DType::boolean, shape, options);
        } else {
            return from_data(data.data(), data.size(), dtype_of<T>(), shape, options);
        }
    }
    /// Tensor::from({1.f, 2.f}, {2}).
    template <class T> static Tensor from(std::initializer_list<T> data, Shape shape, TensorOptions options = {}) {
        return from(std::vector<T>(data), std::move(shape), options);
    }
    /// A scalar (shape []) of dtype f32 unless options say otherwise.
    static Tensor scalar(double value, TensorOptions options = {});
    /// Copies count elements of type `dtype` at `data`; converts when options.dtype differs.
    static Tensor from_data(const void* data, size_t count, DType dtype, const Shape& shape,
                            TensorOptions options = {});
    /// A new cell that starts with the value of `init`: trainable weights. Copies of the handle alias the cell.
    static Tensor parameter(const Tensor& init, bool requires_grad = true);
    /// A new cell that is not trained: running statistics, optimizer state.
    static Tensor buffer(const Tensor& init) { return parameter(init, false); }

    bool defined() const { return node_ != nullptr; }
    const Shape& shape() const;
    int64_t rank() const { return static_cast<int64_t>(shape().rank()); }
    int64_t size(int64_t axis) const;
    int64_t numel() const { return shape().numel(); }
    DType dtype() const;
    Device device() const;

    /// Reads all elements, row-major, converted to T; waits. Errors: Error inside compile(), OutOfMemoryError; whatever the
    /// computation failed with.
    template <class T> std::vector<T> to_vector() const {
        eval(); // before the memory for the copy is taken
        std::vector<T> out;
        try {
            out.resize(static_cast<size_t>(numel()));
        } catch (const std::exception&) { throw_too_large(sizeof(T)); }
        if constexpr (std::is_same_v<T, bool>) {
            std::vector<uint8_t> bytes(out.size());
            read(bytes.data(), DType::boolean);
            out.assign(bytes.begin(), bytes.end());
        } else {
            read(out.data(), dtype_of<T>());
        }
        return out;
    }
    /// The only element of a tensor with one element; waits.
    template <class T = double> T item() const {
        if (numel() != 1) throw ShapeError("item: the tensor has shape " + shape().str() + ", not one element");
        T value{};
        read(&value, dtype_of<T>());
        return value;
    }
    /// Computes the value now and waits. Returns *this.
    const Tensor& eval() const;

    /// Gradients (PyTorch's semantics): leaves with requires_grad accumulate into grad().
    bool requires_grad() const;
    Tensor& set_requires_grad(bool on = true);
    /// The accumulated gradient; undefined when there is none. Errors: Error when compile() elided it.
    Tensor grad() const;
    /// Clears the gradient (grad() is undefined afterwards).
    void zero_grad() const;
    /// Accumulates d(this)/d(leaf) into every leaf that requires grad. `gradient` (of this shape) may be omitted for one
    /// element. Frees the tape unless retain_graph; with create_graph gradients can be differentiated again.
    void backward(const Tensor& gradient = {}, bool retain_graph = false, bool create_graph = false) const;
    /// The same value, cut off from the tape.
    Tensor detach() const;

    /// The value converted or moved; *this when nothing changes.
    Tensor to(DType dtype) const;
    Tensor to(Device device) const;

    /// For cells: makes `value` (same shape and dtype, any float dtype is converted) the cell's value. Handles recorded before keep the old one.
    void assign(const Tensor& value) const;
    /// For cells: replaces the region [start, stop) per axis by `value` (broadcast to the region).
    void assign_slice(const Ints& start, const Ints& stop, const Tensor& value) const;
    bool is_cell() const;

    /// "Tensor f32 [2, 3] cpu": never computes.
    std::string str() const;

    /// For Ingot's own code: the recorded node; cells are resolved to their present value by graph::resolve().
    explicit Tensor(const graph::Value& value);
    graph::Node* node() const { return node_; }
    uint32_t output_index() const { return output_; }

private:
    void read(void* out, DType dtype) const;
    [[noreturn]] void throw_too_large(size_t element_bytes) const;
    graph::Node* node_ = nullptr;
    uint32_t output_ = 0;
};

/// No gradients are recorded on this thread while it lives.
class NoGrad {
public:
    NoGrad();
    ~NoGrad();
    NoGrad(const NoGrad&) = delete;
    NoGrad& operator=(const NoGrad&) = delete;

private:
    bool before_;
};

/// Runs f without recording gradients.
template <class F> auto no_grad(F&& f) {
    NoGrad guard;
    return f();
}

bool grad_enabled();

} // namespace ingot
