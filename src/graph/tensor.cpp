// SPDX-License-Identifier: MIT
#include <ingot/tensor.h>

#include <cstring>

#include "base/check.h"
#include "core/buffer.h"
#include "core/half.h"
#include "graph/convert.h"
#include "graph/evaluator.h"
#include "graph/node.h"

namespace ingot {

using graph::Cell;
using graph::Node;
using graph::Recorder;
using graph::Value;

namespace {

void hold(Node* node, uint32_t output) {
    if (!node) return;
    node->retain();
    node->outputs[output].handles.fetch_add(1, std::memory_order_relaxed);
}

void drop(Node* node, uint32_t output) {
    if (!node) return;
    node->outputs[output].handles.fetch_sub(1, std::memory_order_release);
    Ref<Node>::adopt(node).reset();
}

Node& defined_node(Node* node, const char* what) {
    if (!node) throw Error(std::string(what) + ": the tensor is undefined");
    return *node;
}

} // namespace

Tensor::Tensor(const Value& value) : node_(value.node.get()), output_(value.index) { hold(node_, output_); }
Tensor::Tensor(const Tensor& o) : node_(o.node_), output_(o.output_) { hold(node_, output_); }
Tensor::Tensor(Tensor&& o) noexcept : node_(std::exchange(o.node_, nullptr)), output_(o.output_) {}
Tensor& Tensor::operator=(const Tensor& o) {
    hold(o.node_, o.output_);
    drop(std::exchange(node_, o.node_), std::exchange(output_, o.output_));
    return *this;
}
Tensor& Tensor::operator=(Tensor&& o) noexcept {
    std::swap(node_, o.node_);
    std::swap(output_, o.output_);
    return *this;
}
Tensor::~Tensor() { drop(node_, output_); }

Tensor Tensor::from_data(const void* data, size_t count, DType dtype, const Shape& shape, TensorOptions options) {
    for (const int64_t d : shape) {
        if (d < 0) throw ShapeError("from: shape " + shape.str() + " has a negative size");
    }
    if (static_cast<int64_t>(count) != shape.numel()) {
        throw ShapeError("from: " + std::to_string(count) + " elements do not fill shape " + shape.str());
    }
    const DType to = options.dtype.value_or(dtype);
    const Device device = options.device.value_or(Device::cpu());
    auto storage = core::Storage::allocate(Device::cpu(), count * size_of(to), "tensor");
    graph::convert_elements(storage->data(), to, data, dtype, static_cast<int64_t>(count));
    Value value = graph::make_ready({to, shape}, Device::cpu(), std::move(storage));
    if (device != Device::cpu()) value = graph::evaluator().transfer(value, device);
    Tensor t(value);
    if (options.requires_grad) t.set_requires_grad();
    return t;
}

Tensor Tensor::scalar(double value, TensorOptions options) {
    options.dtype = options.dtype.value_or(f32);
    return from_data(&value, 1, f64, {}, options);
}

Tensor Tensor::parameter(const Tensor& init, bool requires_grad) {
    const Value value = graph::resolve(init, "parameter");
    if (requires_grad && !is_float(value.type().dtype)) {
        throw DTypeError(std::string("parameter: only floating-point tensors can require gradients, not ") +
                         name(value.type().dtype));
    }
    auto cell = make_ref<Cell>(value.type(), value.node->device);
    cell->requires_grad = requires_grad;
    if (value.node->ready() && !value.node->failure && (value.node->link || value.node->outputs[value.index].data) &&
        !Recorder::current().trace) {
        // Data that is there already is copied; no submission is needed. (The value of a cell may be overwritten meanwhile.)
        const Value source = value.node->link ? graph::evaluator().transfer(value, cell->device) : value;
        const auto& data = source.node->outputs[source.index].data;
        cell->storage = core::Storage::allocate(cell->device, data->bytes(), "parameter or state");
        if (data->bytes() > 0) std::memcpy(cell->storage->data(), data->data(), data->bytes());
        cell->current = cell->stored = Value{cell->make_value_node(), 0};
    } else {
        cell->assign(value);
        if (!Recorder::current().trace) Recorder::current().initial.emplace_back(cell, cell->current);
    }
    auto handle = make_ref<Node>(graph::kCellHandle, value.node->device);
    handle->set_outputs({cell->type});
    handle->handle_of = std::move(cell);
    return Tensor(Value{std::move(handle), 0});
}

const Shape& Tensor::shape() const { return defined_node(node_, "shape").outputs[output_].type.shape; }
int64_t Tensor::size(int64_t axis) const { return shape()[static_cast<size_t>(shape().axis(axis, "size"))]; }
DType Tensor::dtype() const { return defined_node(node_, "dtype").outputs[output_].type.dtype; }
Device Tensor::device() const { return defined_node(node_, "device").device; }
bool Tensor::is_cell() const { return node_ && node_->handle_of; }

void Tensor::read(void* out, DType dtype) const {
    const Value value = graph::resolve(*this, "read");
    const graph::Evaluator& e = graph::evaluator();
    e.check_readable(value);
    e.evaluate({value});
    if (value.node->failure) std::rethrow_exception(value.node->failure);
    e.read(value, out, dtype);
}

void Tensor::throw_too_large(size_t element_bytes) const {
    throw OutOfMemoryError("to_vector: no memory for a vector of " + std::to_string(numel()) + " elements of " +
                           std::to_string(element_bytes) + " bytes (" + str() + ")");
}

const Tensor& Tensor::eval() const {
    const Value value = graph::resolve(*this, "eval");
    graph::evaluator().check_readable(value);
    graph::evaluator().evaluate({value});
    if (value.node->failure) std::rethrow_exception(value.node->failure);
    return *this;
}

bool Tensor::requires_grad() const {
    Node& node = defined_node(node_, "requires_grad");
    return node.handle_of ? node.handle_of->requires_grad : node.requires_grad;
}

Tensor& Tensor::set_requires_grad(bool on) {
    Node& node = defined_node(node_, "set_requires_grad");
    if (on && !is_float(dtype())) {
        throw DTypeError(std::string("set_requires_grad: only floating-point tensors can require gradients, not ") +
                         name(dtype()));
    }
    if (node.handle_of) {
        Cell& cell = *node.handle_of;
        if (cell.requires_grad == on) return *this;
        cell.requires_grad = on;
        // The present value was made with the old setting; a new one is recorded instead.
        cell.assign(cell.current);
        return *this;
    }
    if (node.requires_grad && !node.leaf) {
        if (!on) throw Error("set_requires_grad: only leaves can be switched off; use detach()");
        return *this;
    }
    node.requires_grad = on;
    node.leaf = on;
    return *this;
}

Tensor Tensor::grad() const {
    graph::GradSlot* slot = graph::slot_of(*this, false);
    if (!slot) return {};
    if (slot->elided) {
        throw Error(
            "grad: the compiled step consumed this gradient without storing it; read or return it inside the step");
    }
    if (const auto hook = Recorder::current().slot_hook) hook(*slot, graph::SlotEvent::read);
    return graph::gradient_for_update(*this);
}

void Tensor::zero_grad() const {
    graph::GradSlot* slot = graph::slot_of(*this, false);
    if (!slot) return;
    if (const auto hook = Recorder::current().slot_hook) hook(*slot, graph::SlotEvent::clear);
    // The memory stays with the slot for the next gradient; a write that is still pending is forgotten.
    if (slot->cell) slot->cell->drop_write();
    slot->present = false;
    slot->elided = false;
}

void Tensor::backward(const Tensor& gradient, bool retain_graph, bool create_graph) const {
    const Value root = graph::resolve(*this, "backward");
    const Value seed = gradient.defined() ? graph::resolve(gradient, "backward") : Value{};
    graph::evaluator().backward(root, seed, retain_graph || create_graph, create_graph);
}

Tensor Tensor::detach() const {
    const Value value = graph::resolve(*this, "detach");
    // Always a node of its own: set_requires_grad() on it must not concern this tensor. Memory that nobody writes is shared.
    const graph::Output& output = value.node->outputs[value.index];
    if (value.node->ready() && !value.node->failure && !value.node->link && !value.node->trace && output.data) {
        return Tensor(graph::make_ready(output.type, value.node->device, output.data));
    }
    const NoGrad guard;
    return graph::record(graph::kIdentity, {Tensor(value)});
}

void Tensor::assign(const Tensor& value) const {
    Node& node = defined_node(node_, "assign");
    if (!node.handle_of)
        throw Error("assign: only cells (parameters and buffers) can be assigned; make one with Tensor::buffer()");
    Cell& cell = *node.handle_of;
    const NoGrad guard;
    Tensor v = is_float(cell.type.dtype) && is_float(value.dtype()) ? value.to(cell.type.dtype) : value;
    const Value resolved = graph::resolve(v, "assign");
    if (resolved.type() != cell.type) {
        throw ShapeError("assign: a cell of " + cell.type.str() + " cannot take a value of " + resolved.type().str());
    }
    if (resolved.node->device != cell.device) {
        throw DeviceError("assign: the cell is on " + cell.device.str() + ", the value on " +
                          resolved.node->device.str());
    }
    cell.assign(resolved);
}

std::string Tensor::str() const {
    if (!node_) return "Tensor undefined";
    return std::string("Tensor ") + name(dtype()) + " " + shape().str() + " " + device().str();
}

NoGrad::NoGrad() : before_(Recorder::current().grad_mode) { Recorder::current().grad_mode = false; }
NoGrad::~NoGrad() { Recorder::current().grad_mode = before_; }
bool grad_enabled() { return Recorder::current().grad_mode; }

Tensor Tensor::to(Device device) const {
    const Value value = graph::resolve(*this, "to");
    if (value.node->device == device) return *this;
    return Tensor(graph::evaluator().transfer(value, device));
}

} // namespace ingot
