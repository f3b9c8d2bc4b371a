// SPDX-License-Identifier: MIT
#include "base/check.h"
#include "graph/evaluator.h"
#include "graph/node.h"
#include "graph/op_def.h"

namespace ingot::graph {

std::string Call::str() const {
    std::string text = std::string(op.name) + ": ";
    text += inputs.size() == 1 ? "operand " : "operands ";
    for (size_t i = 0; i < inputs.size(); ++i) text += (i ? ", " : "") + inputs[i]->str();
    return text;
}

namespace {

Ref<Node> make_node(const OpDef& op, std::span<const Tensor> inputs, Attrs&& attrs, Device device) {
    Recorder& recorder = Recorder::current();
    auto node = make_ref<Node>(op, device);
    node->attrs = std::move(attrs);
    node->inputs.reserve(inputs.size());
    const Type* types[64];
    std::vector<const Type*> many;
    const Type** list = types;
    if (inputs.size() > 64) {
        many.resize(inputs.size());
        list = many.data();
    }
    bool tape = false;
    void* traced = recorder.trace;
    for (size_t i = 0; i < inputs.size(); ++i) {
        Value v = resolve(inputs[i], op.name);
        if (i == 0) {
            node->device = v.node->device;
        } else if (v.node->device != node->device) {
            // Host scalars belong to no device; the node moves to where the others are.
            const bool mine = inputs[i - 1].node() && node->inputs.back().node->op == &kHostScalar;
            if (v.node->op == &kHostScalar) {
            } else if (mine && i == 1) {
                node->device = v.node->device;
            } else {
                throw DeviceError(std::string(op.name) + ": operands on " + node->device.str() + " and " +
                                  v.node->device.str() + "; move one with to()");
            }
        }
        tape = tape || v.node->requires_grad;
        if (v.node->trace && v.node->pending)
            traced = v.node->trace; // placeholders: what depends on them has no value either
        node->inputs.push_back(std::move(v));
        list[i] = &node->inputs.back().type();
    }
    std::vector<Type> outputs;
    Call call{op, {list, inputs.size()}, node->attrs, &outputs};
    op.infer(call);
    node->set_outputs(std::move(outputs));
    node->requires_grad =
        tape && recorder.grad_mode && (op.vjp || op.decompose) && is_float(node->outputs[0].type.dtype);
    node->trace = traced;
    recorder.add(*node);
    return node;
}

void flush_if_long() {
    Recorder& recorder = Recorder::current();
    if (recorder.since_flush < kMaxPending || recorder.internal > 0 || recorder.trace) return;
    evaluator().flush();
}

} // namespace

Tensor record(const OpDef& op, std::span<const Tensor> inputs, Attrs attrs) {
    Tensor result(Value{make_node(op, inputs, std::move(attrs), Device::cpu()), 0});
    flush_if_long();
    return result;
}

std::vector<Tensor> record_all(const OpDef& op, std::span<const Tensor> inputs, Attrs attrs) {
    const auto node = make_node(op, inputs, std::move(attrs), Device::cpu());
    std::vector<Tensor> results;
    results.reserve(node->num_outputs);
    for (uint32_t i = 0; i < node->num_outputs; ++i) results.emplace_back(Value{node, i});
    flush_if_long();
    return results;
}

Tensor record_source(const OpDef& op, Attrs attrs, Device device) {
    Tensor result(Value{make_node(op, {}, std::move(attrs), device), 0});
    flush_if_long();
    return result;
}

} // namespace ingot::graph
