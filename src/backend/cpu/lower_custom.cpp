// SPDX-License-Identifier: MIT
// Operators that users made from registered C++ functions: one launch each, row-major values.
#include "backend/cpu/cpu_backend.h"
#include "graph/custom_op.h"

namespace ingot::cpu {

namespace {

class Custom final : public backend::Kernel {
public:
    Custom(const graph::CustomOpDef& def, const graph::Attrs& attrs, const std::vector<const graph::Type*>& inputs,
           const std::vector<const graph::Type*>& outputs)
        : launch_(def, attrs, inputs, outputs) {
        name = "custom:" + def.label;
        bytes = launch_.bytes;
        flops = launch_.flops;
    }
    void run(void* const* args, void*, program::ErrorWord*) const override { launch_.run(args); }

private:
    graph::CustomLaunch launch_;
};

} // namespace

backend::KernelPtr lower_custom(const ir::Graph& g, const ir::Node& n) {
    if (n.prim() != graph::Prim::custom) return nullptr;
    std::vector<const graph::Type*> inputs, outputs;
    for (const ir::ValueId v : n.inputs) inputs.push_back(&g.type(v));
    for (const ir::ValueId v : n.outputs) outputs.push_back(&g.type(v));
    return std::make_unique<Custom>(static_cast<const graph::CustomOpDef&>(*n.op), n.attrs, inputs, outputs);
}

} // namespace ingot::cpu
