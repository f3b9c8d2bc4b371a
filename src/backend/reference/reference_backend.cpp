// SPDX-License-Identifier: MIT
#include "backend/reference/reference_backend.h"

#include "backend/reference/reference_eval.h"
#include "base/check.h"
#include "graph/convert.h"

namespace ingot::reference {

namespace {

HostArray load(const graph::Type& type, const void* data) {
    HostArray a(type);
    if (a.floating())
        graph::convert_elements(a.f.data(), DType::f64, data, type.dtype, a.numel());
    else
        graph::convert_elements(a.i.data(), DType::i64, data, type.dtype, a.numel());
    return a;
}

void store(const HostArray& a, void* data) {
    if (a.floating())
        graph::convert_elements(data, a.type.dtype, a.f.data(), DType::f64, a.numel());
    else
        graph::convert_elements(data, a.type.dtype, a.i.data(), DType::i64, a.numel());
}

/// Values live in float64 from the first node to the last; rounding to the dtype happens where results are stored.
class GraphKernel : public backend::Kernel {
public:
    explicit GraphKernel(const ir::Graph& g) : graph_(g), uses_(g.use_counts()) { name = "reference"; }

    void run(void* const* args, void*, program::ErrorWord* error) const override {
        std::vector<HostArray> values(graph_.values.size());
        std::vector<int32_t> left = uses_;
        for (size_t i = 0; i < graph_.inputs.size(); ++i)
            value(values, graph_.inputs[i]) = load(graph_.type(graph_.inputs[i]), args[i]);
        for (const ir::Node& n : graph_.nodes) {
            std::vector<HostArray> inputs, outputs;
            for (const ir::ValueId v : n.inputs) {
                // The last use takes the array, so that memory follows what is alive.
                if (--left[static_cast<size_t>(v)] == 0)
                    inputs.push_back(std::move(value(values, v)));
                else
                    inputs.push_back(value(values, v));
            }
            evaluate(*n.op, n.attrs, inputs, outputs, *error);
            INGOT_ASSERT(outputs.size() == n.outputs.size(), n.op->name);
            for (size_t k = 0; k < outputs.size(); ++k)
                if (left[static_cast<size_t>(n.outputs[k])] > 0) value(values, n.outputs[k]) = std::move(outputs[k]);
        }
        for (size_t i = 0; i < graph_.results.size(); ++i)
            store(value(values, graph_.results[i].value), args[graph_.inputs.size() + i]);
    }

private:
    static HostArray& value(std::vector<HostArray>& values, ir::ValueId v) { return values[static_cast<size_t>(v)]; }

    ir::Graph graph_;
    std::vector<int32_t> uses_; ///< by node inputs and results
};

class ReferenceBackend : public backend::Backend {
public:
    const target::Target& target() const override { return target_; }
    backend::KernelPtr lower(const ir::Graph&, const ir::Node& node) const override {
        INGOT_ASSERT(false, node.op->name); // takes_whole_graphs()
        return nullptr;
    }
    bool takes_whole_graphs() const override { return true; }
    backend::KernelPtr lower_whole(const ir::Graph& g) const override { return std::make_unique<GraphKernel>(g); }

private:
    target::Target target_ = target::reference();
};

} // namespace

const backend::Backend& reference_backend() {
    static const ReferenceBackend backend;
    return backend;
}

} // namespace ingot::reference
