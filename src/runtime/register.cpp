// SPDX-License-Identifier: MIT
// The only file that names backends, and where the graph's upward hook is filled in.
#include "autodiff/backward.h"
#include "backend/api/backend.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/reference/reference_backend.h"
#include "graph/evaluator.h"
#include "runtime/evaluate.h"
#include "runtime/trace.h"

namespace ingot::graph {

void install_runtime(Evaluator& e) {
    backend::register_backend(Device::Kind::cpu, &cpu::cpu_backend());
    backend::register_backend(Device::Kind::reference, &reference::reference_backend());
    runtime::install_evaluation(e);
    base::profile::set_limits_source([] { return cpu::cpu_backend().measure_limits(); });
    e.check_readable = runtime::check_readable;
    e.backward = [](const Value& root, const Value& gradient, bool retain, bool create_graph) {
        const Tensor g = gradient ? Tensor(gradient) : Tensor{};
        autodiff::backward({autodiff::make_seed(root, g)}, retain, create_graph);
    };
}

} // namespace ingot::graph
