// SPDX-License-Identifier: MIT
#include "autodiff/backward.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <ingot/grad.h>
#include <ingot/ops/creation.h>
#include <ingot/ops/elementwise.h>

#include "base/check.h"
#include "ops/elementwise.h"

namespace ingot::autodiff {

using graph::Node;
using graph::Recorder;
using graph::Value;

namespace {

class GradMode {
public:
    explicit GradMode(bool on) : before_(Recorder::current().grad_mode) { Recorder::current().grad_mode = on; }
    ~GradMode() { Recorder::current().grad_mode = before_; }
    GradMode(const GradMode&) = delete;
    GradMode& operator=(const GradMode&) = delete;

private:
    bool before_;
};

/// One walk from the seeds towards the wanted nodes: given values, or (none given) all leaves.
class Walk {
public:
    Walk(const std::vector<Seed>& seeds, const std::vector<Value>& wanted) {
        for (const Value& v : wanted) wanted_.insert(v.node.get());
        collect(seeds, wanted.empty());
        for (const Seed& s : seeds) add(s.output, s.gradient);
    }

    struct Entry {
        Ref<Node> node;
        std::vector<Tensor> grads;
        bool wanted = false; ///< its gradient is a result
        bool ends = false;   ///< nothing wanted lies behind it
    };

    /// f(entry) for every node that has a gradient and something wanted behind it, latest first.
    template <class F> void run(const F& f) {
        for (Entry& e : entries_) {
            const bool any = std::any_of(e.grads.begin(), e.grads.end(), [](const Tensor& t) { return t.defined(); });
            if (any && !e.ends) f(e);
            if (!e.wanted) e.grads.clear();
        }
    }
    void add(const Value& v, const Tensor& gradient) {
        const auto it = index_.find(v.node.get());
        if (it == index_.end()) return;
        Tensor& slot = entries_[it->second].grads[v.index];
        slot = slot.defined() ? ingot::add(slot, gradient) : gradient;
    }
    bool wants(const Value& v) const { return index_.contains(v.node.get()); }
    const Tensor& gradient(const Value& v) const {
        static const Tensor none;
        const auto it = index_.find(v.node.get());
        return it == index_.end() ? none : entries_[it->second].grads[v.index];
    }
    const std::vector<Entry>& entries() const { return entries_; }

private:
    void collect(const std::vector<Seed>& seeds, bool leaves) {
        std::vector<Entry> found;
        std::unordered_set<Node*> seen;
        std::vector<Node*> stack;
        for (const Seed& s : seeds) stack.push_back(s.output.node.get());
        while (!stack.empty()) {
            Node* n = stack.back();
            stack.pop_back();
            const bool wanted = leaves ? n->leaf && n->requires_grad : wanted_.contains(n);
            if (!(n->requires_grad || wanted) || !seen.insert(n).second) continue;
            found.push_back({Ref<Node>(n), {}, wanted, n->leaf});
            if (n->leaf) continue;
            for (const Value& v : n->inputs) stack.push_back(v.node.get());
        }
        std::sort(found.begin(), found.end(),
                  [](const Entry& a, const Entry& b) { return a.node->sequence < b.node->sequence; });
        // A cell's tracer is made when an operator first reads it, so it can be younger than that operator.
        for (const Entry& e : found) {
            if (e.wanted) index_.emplace(e.node.get(), 0);
        }
        // Earliest first: does anything wanted lie behind?
        for (Entry& e : found) {
            const bool behind =
                !e.node->leaf && std::any_of(e.node->inputs.begin(), e.node->inputs.end(),
                                             [&](const Value& v) { return index_.contains(v.node.get()); });
            // A freed tape may have lost its inputs, so nobody knows what lay behind.
            if (e.node->tape_freed && !e.node->leaf && !e.wanted && (behind || e.node->inputs.empty())) {
                throw Error(std::string("backward: the tape behind '") + e.node->op->name +
                            "' was freed by an earlier backward(); pass retain_graph = true to that one");
            }
            e.ends = !behind || e.node->tape_freed;
            if (behind || e.wanted) index_.emplace(e.node.get(), 0);
        }
        for (size_t i = found.size(); i-- > 0;) {
            if (const auto it = index_.find(found[i].node.get()); it != index_.end()) {
                it->second = entries_.size();
                found[i].grads.resize(found[i].node->num_outputs);
                entries_.push_back(std::move(found[i]));
            }
        }
    }

    std::vector<Entry> entries_; ///< latest first
    std::unordered_map<Node*, size_t> index_;
    std::unordered_set<Node*> wanted_;
};

/// Gradients of a composite without a rule of its own: those of its decomposition, on stand-ins for its inputs.
std::vector<Tensor> decomposed_vjp(const graph::Vjp& v) {
    const bool create_graph = Recorder::current().grad_mode;
    const GradMode on(true);
    std::vector<Tensor> stand_ins;
    std::vector<Value> stops;
    for (size_t i = 0; i < v.inputs.size(); ++i) {
        Tensor t = v.inputs[i];
        if (v.needs[i]) {
            t = graph::record(graph::kIdentity, {v.inputs[i]});
            t.node()->requires_grad = true;
            t.node()->leaf = true; // the walk through the decomposition ends here
            stops.push_back(graph::resolve(t, v.op.name));
        }
        stand_ins.push_back(std::move(t));
    }
    const std::vector<Tensor> outputs = v.op.decompose(stand_ins, v.attrs);
    std::vector<Seed> seeds;
    for (size_t i = 0; i < outputs.size(); ++i) {
        if (v.grads[i].defined() && outputs[i].requires_grad()) {
            seeds.push_back({graph::resolve(outputs[i], v.op.name), v.grads[i]});
        }
    }
    const std::vector<Tensor> found = gradients(seeds, stops, true, create_graph);
    for (const Value& stop : stops) stop.node->leaf = false; // later walks, of higher orders, go on to the inputs
    std::vector<Tensor> result(v.inputs.size());
    for (size_t i = 0, k = 0; i < v.inputs.size(); ++i) {
        if (v.needs[i]) result[i] = found[k++];
    }
    return result;
}

/// A tape longer than the bound on pending nodes is differentiated as one piece: flushing half-way would compute the
/// forward part once per flush.
class NoFlush {
public:
    NoFlush() { ++Recorder::current().internal; }
    ~NoFlush() { --Recorder::current().internal; }
    NoFlush(const NoFlush&) = delete;
    NoFlush& operator=(const NoFlush&) = delete;
};

void differentiate(Walk& walk, bool create_graph) {
    const NoFlush no_flush;
    const GradMode mode(create_graph);
    walk.run([&](Walk::Entry& e) {
        Node& n = *e.node;
        graph::Vjp v{*n.op, n.attrs, {}, {}, e.grads, {}};
        bool any = false;
        for (const Value& in : n.inputs) {
            v.inputs.emplace_back(in);
            v.needs.push_back(walk.wants(in));
            any = any || v.needs.back();
        }
        if (!any) return;
        for (uint32_t i = 0; i < n.num_outputs; ++i) v.outputs.emplace_back(Value{e.node, i});
        const std::vector<Tensor> grads = n.op->vjp         ? n.op->vjp(v)
                                          : n.op->decompose ? decomposed_vjp(v)
                                                            : std::vector<Tensor>{};
        for (size_t i = 0; i < grads.size() && i < n.inputs.size(); ++i) {
            if (!v.needs[i] || !grads[i].defined()) continue;
            INGOT_ASSERT(grads[i].shape() == n.inputs[i].type().shape, n.op->name);
            walk.add(n.inputs[i], grads[i]);
        }
    });
}

void free_tape(const Walk& walk) {
    for (const Walk::Entry& e : walk.entries()) {
        if (e.node->leaf) continue;
        e.node->tape_freed = true;
        if (e.node->ready()) e.node->inputs.clear();
    }
}

} // namespace

Seed make_seed(const Value& root, const Tensor& gradient) {
    if (!root.node->requires_grad)
        throw Error("backward: the tensor does not require grad and has no gradient function");
    const graph::Type& type = root.type();
    if (!gradient.defined()) {
        if (type.shape.numel() != 1) {
            throw ShapeError("backward: a gradient must be given for a tensor of shape " + type.shape.str() +
                             "; only one-element tensors imply it");
        }
        return {root, full(type.shape, 1.0, {.dtype = type.dtype, .device = root.node->device})};
    }
    if (gradient.shape() != type.shape) {
        throw ShapeError("backward: the gradient has shape " + gradient.shape().str() + ", the tensor " +
                         type.shape.str());
    }
    return {root, gradient.to(type.dtype)};
}

void backward(const std::vector<Seed>& seeds, bool retain, bool create_graph) {
    const graph::RecordPhase phase(profiler::Phase::backward);
    Walk walk(seeds, {});
    differentiate(walk, create_graph);
    const GradMode mode(create_graph);
    for (const Walk::Entry& e : walk.entries()) {
        if (!e.node->leaf || !e.grads[0].defined()) continue;
        graph::accumulate(*graph::slot_of(*e.node, true), e.grads[0], ops::elementwise(Scalar::add));
    }
    if (!retain) free_tape(walk);
}

std::vector<Tensor> gradients(const std::vector<Seed>& seeds, const std::vector<Value>& inputs, bool retain,
                              bool create_graph) {
    const graph::RecordPhase phase(profiler::Phase::backward);
    Walk walk(seeds, inputs);
    differentiate(walk, create_graph);
    std::vector<Tensor> result;
    for (const Value& v : inputs) result.push_back(walk.gradient(v));
    if (!retain) free_tape(walk);
    return result;
}

} // namespace ingot::autodiff

namespace ingot {

std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const std::vector<Tensor>& grad_outputs, GradOptions options) {
    std::vector<autodiff::Seed> seeds;
    for (size_t i = 0; i < outputs.size(); ++i) {
        seeds.push_back(autodiff::make_seed(graph::resolve(outputs[i], "grad"),
                                            i < grad_outputs.size() ? grad_outputs[i] : Tensor{}));
    }
    std::vector<graph::Value> values;
    for (const Tensor& t : inputs) {
        if (!t.requires_grad()) throw Error("grad: an input does not require grad");
        values.push_back(graph::resolve(t, "grad"));
    }
    auto result =
        autodiff::gradients(seeds, values, options.retain_graph || options.create_graph, options.create_graph);
    for (size_t i = 0; i < result.size(); ++i) {
        if (!result[i].defined() && !options.allow_unused) {
            throw Error("grad: the outputs do not depend on input " + std::to_string(i) +
                        "; set allow_unused to get an undefined tensor");
        }
    }
    return result;
}

} // namespace ingot
