// SPDX-License-Identifier: MIT
#include <ingot/eval.h>
#include <ingot/graph.h>

#include <algorithm>
#include <unordered_map>

#include "graph/evaluator.h"
#include "runtime/cache.h"
#include "runtime/capture.h"
#include "runtime/evaluate.h"
#include "runtime/submit.h"
#include "runtime/trace.h"

namespace ingot {

using graph::Node;
using graph::Value;

struct GraphExecutable::Impl {
    std::vector<Value> placeholders;
    std::vector<std::pair<int32_t, Value>>
        sources;                  ///< per executable input: placeholder number, or -1 and a bound value
    std::vector<int32_t> results; ///< per output: its result
    std::shared_ptr<const runtime::Executable> executable;
};

Tensor Graph::placeholder(const Shape& shape, DType dtype, Device device) {
    const Value v = graph::make_placeholder({dtype, shape}, device);
    v.node->trace = this; // never flushed, and reading it is an error
    return Tensor(v);
}

GraphExecutable Graph::compile(Device device, const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs) {
    auto impl = std::make_shared<GraphExecutable::Impl>();
    for (const Tensor& t : inputs) impl->placeholders.push_back(graph::resolve(t, "compile"));
    std::vector<runtime::Root> roots;
    for (const Tensor& t : outputs) {
        Value v = graph::resolve(t, "compile");
        if (v.node->device != device) {
            throw DeviceError("compile: an output is on " + v.node->device.str() + ", the graph is compiled for " +
                              device.str());
        }
        // A copy: outputs may be placeholders, and their own nodes stay unevaluated.
        if (!v.node->pending || v.node->op->prim == graph::Prim::placeholder) {
            const NoGrad guard;
            v = graph::resolve(graph::record(graph::kIdentity, {t}), "compile");
        }
        roots.push_back({v, nullptr});
    }
    // Pending values that do not depend on a placeholder are evaluated now and bound.
    {
        std::unordered_map<Node*, bool> depends;
        std::vector<Node*> found, stack;
        for (const auto& r : roots) stack.push_back(r.value.node.get());
        while (!stack.empty()) {
            Node* n = stack.back();
            stack.pop_back();
            if (!n->pending || !depends.emplace(n, false).second) continue;
            found.push_back(n);
            for (const Value& v : n->inputs) stack.push_back(v.node.get());
        }
        std::sort(found.begin(), found.end(), [](Node* a, Node* b) { return a->sequence < b->sequence; });
        std::vector<Value> outside;
        for (Node* n : found) {
            bool d = n->op->prim == graph::Prim::placeholder && n->trace;
            for (const Value& v : n->inputs) d = d || (depends.contains(v.node.get()) && depends[v.node.get()]);
            depends[n] = d;
        }
        for (Node* n : found) {
            if (!depends[n]) continue;
            for (const Value& v : n->inputs) {
                if (v.node->pending && !depends[v.node.get()]) outside.push_back(v);
            }
        }
        if (!outside.empty()) runtime::flush(outside);
    }
    const std::lock_guard lock(runtime::evaluation_mutex());
    const runtime::ReadyTracers ready(impl->placeholders);
    std::vector<runtime::Root> unique = roots;
    std::stable_sort(unique.begin(), unique.end(), [](const auto& a, const auto& b) {
        return std::pair(a.value.node->sequence, a.value.index) < std::pair(b.value.node->sequence, b.value.index);
    });
    unique.erase(
        std::unique(unique.begin(), unique.end(), [](const auto& a, const auto& b) { return a.value == b.value; }),
        unique.end());
    runtime::Capture c = runtime::capture(device, unique);
    for (Node* n : c.nodes) {
        if (n->op->prim == graph::Prim::placeholder)
            throw Error("compile: the outputs use a placeholder that is not among the inputs");
    }
    const ir::Graph g = runtime::to_graph(c);
    impl->executable = std::make_shared<runtime::Executable>(g, device);
    for (const Value& v : c.inputs) {
        const auto at = std::find(impl->placeholders.begin(), impl->placeholders.end(), v);
        const bool given = at != impl->placeholders.end();
        impl->sources.emplace_back(given ? static_cast<int32_t>(at - impl->placeholders.begin()) : -1,
                                   given ? Value{} : v);
    }
    for (const auto& r : roots) {
        const auto at = std::find_if(c.roots.begin(), c.roots.end(), [&](const auto& k) { return k.value == r.value; });
        impl->results.push_back(static_cast<int32_t>(at - c.roots.begin()));
    }
    GraphExecutable exe;
    exe.impl_ = std::move(impl);
    return exe;
}

std::vector<Tensor> GraphExecutable::run(const std::vector<Tensor>& inputs) const {
    const Impl& e = *impl_;
    if (inputs.size() != e.placeholders.size()) {
        throw Error("run: the graph has " + std::to_string(e.placeholders.size()) + " inputs, " +
                    std::to_string(inputs.size()) + " were given");
    }
    std::vector<Value> values;
    for (size_t i = 0; i < inputs.size(); ++i) {
        values.push_back(graph::resolve(inputs[i], "run"));
        const Value& p = e.placeholders[i];
        if (values[i].type() != p.type() || values[i].node->device != p.node->device) {
            throw ShapeError("run: input " + std::to_string(i) + " is " + values[i].type().str() + " on " +
                             values[i].node->device.str() + ", the placeholder " + p.type().str() + " on " +
                             p.node->device.str());
        }
    }
    eval(inputs);
    const std::lock_guard lock(runtime::evaluation_mutex());
    std::vector<void*> in, out;
    for (const auto& [number, bound] : e.sources) {
        in.push_back(runtime::address_of(number >= 0 ? values[static_cast<size_t>(number)] : bound));
    }
    std::vector<Value> made;
    const Ref<core::Storage> arena = e.executable->reserve();
    for (size_t i = 0; i < e.executable->result_types().size(); ++i) {
        auto storage = e.executable->result_storage(i);
        out.push_back(storage->data());
        made.push_back(graph::make_ready(e.executable->result_types()[i], e.executable->device(), std::move(storage)));
    }
    runtime::note_submission(e.executable);
    const std::exception_ptr failure = e.executable->run(in.data(), out.data(), arena);
    for (const Value& v : made) v.node->failure = failure;
    std::vector<Tensor> results;
    for (const int32_t r : e.results) results.emplace_back(made[static_cast<size_t>(r)]);
    return results;
}

Report GraphExecutable::report() const { return impl_->executable->report(); }

} // namespace ingot
