// SPDX-License-Identifier: MIT
#include "backend/cpu/cpu_backend.h"

#include <ingot/error.h>

#include "backend/cpu/program_executor.h"

namespace ingot::cpu {

namespace {

class ProgramKernel final : public backend::Kernel {
public:
    ProgramKernel(const ir::Graph& g, const ir::Node& n)
        : executor_(std::static_pointer_cast<const program::Program>(n.payload)) {
        const auto& p = *static_cast<const program::Program*>(n.payload.get());
        name = "fused:" + p.name;
        // As many words as operators: reports count them.
        for (int64_t i = 0; i < n.attrs[0]; ++i) ops += i == 0 ? p.name : " +";
        for (const ir::ValueId v : n.inputs) bytes += traffic(g, v);
        for (const ir::ValueId v : n.outputs) bytes += traffic(g, v);
        double points = 1;
        for (const int64_t e : p.axes) points *= static_cast<double>(e);
        for (const auto& inst : p.code) {
            if (inst.code == program::Code::Apply && inst.level == program::Level::Point) flops += points;
        }
        workspace_bytes = executor_.workspace_bytes();
    }
    void run(void* const* args, void* workspace, program::ErrorWord* error) const override {
        executor_.run(args, workspace, error);
    }

private:
    static double traffic(const ir::Graph& g, ir::ValueId v) {
        return static_cast<double>(g.type(v).shape.numel()) * static_cast<double>(size_of(g.type(v).dtype));
    }
    ProgramExecutor executor_;
};

#ifdef INGOT_HAS_ONEDNN
constexpr bool kHasOnednn = true;
#else
constexpr bool kHasOnednn = false;
#endif

class CpuBackend final : public backend::Backend {
public:
    CpuBackend() : target_(target::cpu(kHasOnednn)) {}
    const target::Target& target() const override { return target_; }
    base::profile::Limits measure_limits() const override { return cpu::measure_limits(); }

    backend::KernelPtr lower(const ir::Graph& g, const ir::Node& n) const override {
        if (n.prim() == graph::Prim::fused) return std::make_unique<ProgramKernel>(g, n);
        backend::KernelPtr kernel = lower_contraction(g, n);
        if (!kernel) kernel = lower_move(g, n);
        if (!kernel) kernel = lower_custom(g, n);
        if (kernel) {
            kernel->ops = n.op->name;
            if (n.op->kind == graph::Kind::contraction) {
                if (n.inputs.size() == 3) kernel->ops += " add";
                const size_t act = n.prim() == graph::Prim::matmul ? 2 : 7;
                const bool has_act = n.prim() == graph::Prim::matmul || n.prim() == graph::Prim::conv2d;
                if (has_act && n.attrs[act] != 0)
                    kernel->ops += std::string(" ") + info(static_cast<Scalar>(n.attrs[act] - 1)).name;
            }
            return kernel;
        }
        std::string text = std::string(n.op->name) + " is not supported on device cpu for";
        for (const ir::ValueId v : n.inputs) text += " " + g.type(v).str();
        throw Error(text);
    }

private:
    target::Target target_;
};

} // namespace

const backend::Backend& cpu_backend() {
    static const auto* backend = new CpuBackend;
    return *backend;
}

} // namespace ingot::cpu
