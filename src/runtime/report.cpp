// SPDX-License-Identifier: MIT
#include <ingot/report.h>

#include <cstdio>

#include "passes/dump.h"
#include "runtime/dump.h"

namespace ingot {

int64_t Report::launches() const {
    int64_t n = 0;
    for (const Kernel& k : kernels) n += k.launches;
    return n;
}

std::string Report::str() const {
    std::string text;
    char line[256];
    std::snprintf(line, sizeof line, "%zu kernels, %lld launches, arena %.2f MiB, %lld operators fused\n",
                  kernels.size(), static_cast<long long>(launches()), static_cast<double>(arena_bytes) / (1 << 20),
                  static_cast<long long>(fused));
    text += line;
    for (const Kernel& k : kernels) {
        std::snprintf(line, sizeof line, "%-36.36s %12.0f bytes %14.0f flops  ", k.name.c_str(), k.bytes, k.flops);
        text += line + k.ops + "\n";
    }
    return text;
}

namespace runtime {

namespace {
std::string place(const Place& p) {
    switch (p.in) {
    case Place::In::input: return "in" + std::to_string(p.index);
    case Place::In::result: return "out" + std::to_string(p.index);
    case Place::In::arena: return "@" + std::to_string(p.offset);
    case Place::In::none: break;
    }
    return "?";
}
} // namespace

void dump_plan(const ir::Graph& g, const Plan& plan, const std::vector<backend::KernelPtr>& kernels,
               const Report& report) {
    if (!passes::dumping("plan")) return;
    std::string text = report.str();
    for (const Step& s : plan.steps) {
        const ir::Node& n = g.nodes[static_cast<size_t>(s.node)];
        text += kernels[static_cast<size_t>(s.node)]->name + " (";
        for (size_t i = 0; i < s.args.size(); ++i) {
            if (i == n.inputs.size()) text += " ->";
            text += " " + place(s.args[i]);
        }
        text += " )\n";
        if (n.prim() == graph::Prim::fused)
            text += program::print(*static_cast<const program::Program*>(n.payload.get()));
    }
    passes::dump("plan", text);
}

} // namespace runtime
} // namespace ingot
