// SPDX-License-Identifier: MIT
#include <ingot/custom_op.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include <ingot/error.h>
#include <ingot/ops/creation.h>

#include "graph/custom_op.h"
#include "ops/common.h"

namespace ingot {

using graph::CustomOpDef;
using ops::Vjp;

namespace {

/// How many parameters of each kind a kernel has.
struct Signature {
    size_t inputs = 0, numbers = 0, outputs = 0;
    bool operator==(const Signature&) const = default;
};

Signature signature_of(const std::string& op, const Kernel& kernel) {
    Signature s;
    for (const KernelParameter& p : kernel.parameters()) {
        using PKind = KernelParameter::Kind;
        if (p.kind != PKind::value && !p.dtype)
            throw Error(op + ": " + kernel.str() + " has spans of a type that is no dtype of tensors");
        if (p.kind == PKind::value && !p.arithmetic)
            throw Error(op + ": " + kernel.str() +
                        " has a value that is no number; operators take tensors and numbers");
        ++(p.kind == PKind::input ? s.inputs : p.kind == PKind::output ? s.outputs : s.numbers);
    }
    if (s.inputs == 0 || s.outputs == 0)
        throw Error(op + ": " + kernel.str() + " needs at least one input and one output");
    return s;
}

Signature common_signature(const std::string& op, const std::vector<Kernel>& kernels) {
    if (kernels.empty()) throw Error(op + ": a custom operator needs at least one forward kernel");
    for (const Kernel& k : kernels) {
        if (!k.valid()) throw Error(op + ": a kernel is empty; KernelLibrary::kernel() finds one by its name");
        if (signature_of(op, k) != signature_of(op, kernels[0]))
            throw Error(op + ": " + k.str() + " and " + kernels[0].str() +
                        " differ in the number of inputs, numbers or outputs");
    }
    return signature_of(op, kernels[0]);
}

/// dtypes of the parameters of one kind.
std::vector<DType> dtypes_of(const Kernel& kernel, KernelParameter::Kind kind) {
    std::vector<DType> result;
    for (const KernelParameter& p : kernel.parameters()) {
        if (p.kind == kind) result.push_back(*p.dtype);
    }
    return result;
}

size_t count_floats(const std::vector<DType>& dtypes) {
    size_t n = 0;
    for (const DType t : dtypes) n += is_float(t);
    return n;
}

std::vector<Shape> same_shapes(const std::string& op, size_t outputs, const std::vector<Shape>& inputs) {
    for (const Shape& s : inputs) {
        if (s != inputs[0])
            throw ShapeError(op + ": shapes " + inputs[0].str() + " and " + s.str() +
                             " differ; the operator has no rule of its own for shapes");
    }
    return std::vector<Shape>(outputs, inputs[0]);
}

void infer(graph::Call& call) {
    const auto& def = static_cast<const CustomOpDef&>(call.op);
    const Kernel& kernel = def.kernel_for(call.inputs);
    size_t number = 0;
    for (const KernelParameter& p : kernel.parameters()) {
        alignas(std::max_align_t) std::byte value[sizeof(long double)];
        if (p.kind != KernelParameter::Kind::value) continue;
        const double v = graph::unpack(call.attrs[number++]);
        if (!core::store_number(p, KernelArg(v), value))
            throw Error(def.label + ": number " + std::to_string(number - 1) + " is " + std::to_string(v) +
                        ", which does not fit " + p.str());
    }
    std::vector<Shape> inputs;
    for (const graph::Type* t : call.inputs) inputs.push_back(t->shape);
    const std::vector<Shape> shapes = def.shapes ? def.shapes(inputs, graph::custom_numbers(call.attrs))
                                                 : same_shapes(def.label, def.num_outputs, inputs);
    if (shapes.size() != def.num_outputs)
        throw Error(def.label + ": its rule gave " + std::to_string(shapes.size()) + " shapes for " +
                    std::to_string(def.num_outputs) + " outputs");
    const std::vector<DType> dtypes = dtypes_of(kernel, KernelParameter::Kind::output);
    for (size_t i = 0; i < shapes.size(); ++i) {
        if (std::any_of(shapes[i].begin(), shapes[i].end(), [](int64_t d) { return d < 0; }))
            throw ShapeError(def.label + ": its rule gave the shape " + shapes[i].str());
        call.outputs->push_back({dtypes[i], shapes[i]});
    }
}

/// The gradients by the user's function, checked: whatever is wrong is named here.
std::vector<Tensor> call_backward(const CustomOpDef& def, const CustomOpGradient& g) {
    std::vector<Tensor> result = def.backward(g);
    if (result.size() != g.inputs.size())
        throw Error(def.label + ": its backward gave " + std::to_string(result.size()) + " gradients for " +
                    std::to_string(g.inputs.size()) + " inputs; give undefined tensors for those that have none");
    for (size_t i = 0; i < result.size(); ++i) {
        const Tensor& t = result[i];
        if (!t.defined()) continue;
        if (t.shape() != g.inputs[i].shape() || t.dtype() != g.inputs[i].dtype())
            throw ShapeError(def.label + ": its backward gave " + t.str() + " as the gradient of input " +
                             std::to_string(i) + ", " + g.inputs[i].str());
    }
    return result;
}

std::vector<Tensor> vjp(const Vjp& v) {
    const auto& def = static_cast<const CustomOpDef&>(v.op);
    if (def.gradient_of)
        throw Error(def.gradient_of->label +
                    ": its gradient is a kernel and cannot be differentiated again; give `backward` as a function of "
                    "tensors for higher orders");
    if (!def.backward && !def.backward_def)
        throw Error(def.label + ": it has no gradient; give it a `backward`, or detach() its inputs");
    CustomOpGradient g{v.inputs, v.outputs, v.grads, graph::custom_numbers(v.attrs)};
    for (size_t i = 0; i < g.grads.size(); ++i) {
        const Tensor& y = g.outputs[i];
        if (!g.grads[i].defined() && is_float(y.dtype()))
            g.grads[i] = zeros(y.shape(), {.dtype = y.dtype(), .device = y.device()});
    }
    if (def.backward) return call_backward(def, g);
    std::vector<Tensor> inputs = g.inputs;
    if (def.backward_takes_outputs) inputs.insert(inputs.end(), g.outputs.begin(), g.outputs.end());
    for (const Tensor& t : g.grads) {
        if (t.defined()) inputs.push_back(t);
    }
    const std::vector<Tensor> found = graph::record_all(*def.backward_def, inputs, v.attrs);
    std::vector<Tensor> result(g.inputs.size());
    for (size_t i = 0, k = 0; i < result.size(); ++i) {
        if (is_float(g.inputs[i].dtype())) result[i] = found[k++];
    }
    return result;
}

/// Recorded nodes and cached executables name operators for as long as the process lives.
CustomOpDef* make_immortal() {
    static std::mutex mutex;
    static auto* all = new std::vector<std::unique_ptr<CustomOpDef>>;
    const std::lock_guard lock(mutex);
    all->push_back(std::make_unique<CustomOpDef>());
    return all->back().get();
}

CustomOpDef* make_def(const std::string& label, std::vector<Kernel> kernels) {
    const Signature s = common_signature(label, kernels);
    CustomOpDef* def = make_immortal();
    def->label = label;
    def->name = def->label.c_str();
    def->prim = graph::Prim::custom;
    def->kind = graph::Kind::opaque;
    def->infer = infer;
    def->vjp = vjp;
    def->kernels = std::move(kernels);
    def->num_inputs = s.inputs;
    def->num_numbers = s.numbers;
    def->num_outputs = s.outputs;
    return def;
}

/// The gradient kernels as an operator of their own.
const CustomOpDef* make_backward(const CustomOpDef& op, CustomOpOptions& o, bool& takes_outputs) {
    using PKind = KernelParameter::Kind;
    CustomOpDef* def = make_def(op.label + " backward", std::move(o.backward_kernels));
    // The kernel that serves the same dtypes decides; all have the same numbers of parameters.
    const size_t float_outputs = count_floats(dtypes_of(op.kernels[0], PKind::output));
    const size_t plain = op.num_inputs + float_outputs, with_outputs = plain + op.num_outputs;
    const size_t gradients = count_floats(dtypes_of(op.kernels[0], PKind::input));
    if (def->num_numbers != op.num_numbers || def->num_outputs != gradients ||
        (def->num_inputs != plain && def->num_inputs != with_outputs))
        throw Error(op.label + ": the backward kernel " + def->kernels[0].str() + " must take " +
                    std::to_string(plain) + " inputs (those of the operator and " + std::to_string(float_outputs) +
                    " gradients; or, with the operator's outputs between them, " + std::to_string(with_outputs) +
                    "), " + std::to_string(op.num_numbers) + " numbers and " + std::to_string(gradients) + " outputs");
    takes_outputs = def->num_inputs == with_outputs;
    def->gradient_of = &op;
    def->grid = std::move(o.backward_grid);
    if (def->grid) { // its rule sees the operator's inputs only
        def->grid = [rule = std::move(def->grid), n = op.num_inputs](const std::vector<Shape>& all,
                                                                     const std::vector<double>& numbers) {
            return rule({all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n)}, numbers);
        };
    }
    def->group = o.backward_group;
    // A gradient has its input's shape.
    const std::vector<DType> inputs = dtypes_of(op.kernels[0], PKind::input);
    def->shapes = [inputs](const std::vector<Shape>& all, const std::vector<double>&) {
        std::vector<Shape> shapes;
        for (size_t i = 0; i < inputs.size(); ++i) {
            if (is_float(inputs[i])) shapes.push_back(all[i]);
        }
        return shapes;
    };
    return def;
}

} // namespace

CustomOp::CustomOp(CustomOpOptions o) {
    if (o.name.empty()) throw Error("CustomOp: the name is empty");
    const bool two = o.backward && !o.backward_kernels.empty();
    if (two) throw Error(o.name + ": give the gradient as a function or as kernels, not both");
    CustomOpDef* def = make_def(o.name, std::move(o.forward));
    def->shapes = std::move(o.shapes);
    def->grid = std::move(o.grid);
    def->group = o.group;
    def->flops = std::move(o.flops);
    using PKind = KernelParameter::Kind;
    for (const Kernel& k : def->kernels) {
        const auto outputs = dtypes_of(k, PKind::output), first = dtypes_of(def->kernels[0], PKind::input);
        const auto inputs = dtypes_of(k, PKind::input);
        // Gradients flow through a node whose first result is a float.
        if (!is_float(outputs[0]) && count_floats(outputs) > 0)
            throw Error(o.name + ": " + k.str() + ": the first output must be a float when another one is");
        for (size_t i = 0; i < inputs.size(); ++i) {
            if (is_float(inputs[i]) != is_float(first[i]))
                throw Error(o.name + ": input " + std::to_string(i) + " is a float for one kernel and not for another");
        }
        if (count_floats(outputs) != count_floats(dtypes_of(def->kernels[0], PKind::output)))
            throw Error(o.name + ": the kernels differ in which outputs are floats");
    }
    def->backward = std::move(o.backward);
    if (!o.backward_kernels.empty()) def->backward_def = make_backward(*def, o, def->backward_takes_outputs);
    def_ = def;
}

std::vector<Tensor> CustomOp::all(const std::vector<Tensor>& inputs, const std::vector<Number>& numbers) const {
    if (inputs.size() != def_->num_inputs || numbers.size() != def_->num_numbers)
        throw Error(def_->label + ": " + std::to_string(inputs.size()) + " tensors and " +
                    std::to_string(numbers.size()) + " numbers were given, it takes " +
                    std::to_string(def_->num_inputs) + " and " + std::to_string(def_->num_numbers));
    graph::Attrs attrs;
    for (const Number& n : numbers) attrs.push_back(graph::pack(n.value));
    return graph::record_all(*def_, inputs, std::move(attrs));
}

Tensor CustomOp::operator()(const std::vector<Tensor>& inputs, const std::vector<Number>& numbers) const {
    if (def_->num_outputs != 1)
        throw Error(def_->label + ": it has " + std::to_string(def_->num_outputs) + " outputs; all() gives them");
    return all(inputs, numbers)[0];
}

const std::string& CustomOp::name() const { return def_->label; }

} // namespace ingot
