// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <atomic>
#include <string_view>

#include <ingot/error.h>

#include "base/env.h"
#include "base/hash.h"
#include "passes/dump.h"
#include "passes/pass.h"

namespace ingot::passes {

namespace {

constexpr std::array<std::string_view, 7> kOptional = {"simplify", "fold", "cse",  "layout",
                                                       "epilogue", "fuse", "batch"};
constexpr uint64_t kAllOn = (uint64_t{1} << kOptional.size()) - 1;

uint64_t parse(const std::string& text) {
    uint64_t on = kAllOn;
    size_t at = 0;
    while (at < text.size()) {
        const size_t comma = std::min(text.find(',', at), text.size());
        const std::string item = text.substr(at, comma - at);
        at = comma + 1;
        if (item == "none") {
            on = 0;
            continue;
        }
        bool known = false;
        for (size_t i = 0; i < kOptional.size(); ++i) {
            if (item == "-" + std::string(kOptional[i])) {
                on &= ~(uint64_t{1} << i);
                known = true;
            }
        }
        if (!known) {
            throw Error("INGOT_PASSES: '" + item +
                        "' is not one of none, -simplify, -fold, -cse, -layout, -epilogue, -fuse, -batch");
        }
    }
    return on;
}

std::atomic<uint64_t>& switches() {
    static std::atomic<uint64_t> value{parse(base::env("INGOT_PASSES").value_or(""))};
    return value;
}

bool enabled(std::string_view name) {
    for (size_t i = 0; i < kOptional.size(); ++i) {
        if (kOptional[i] == name) return (switches().load() >> i & 1) != 0;
    }
    return true;
}

/// Of everything that passes may change: two equal ones in a row mean that nothing was.
base::Hash128 fingerprint(const ir::Graph& g) {
    base::Hash128 h;
    h.add(g.values.size());
    for (const ir::Node& n : g.nodes) {
        h.add(reinterpret_cast<uint64_t>(n.op));
        for (const int64_t w : n.attrs) h.add(static_cast<uint64_t>(w));
        for (const ir::ValueId v : n.inputs) h.add(static_cast<uint64_t>(v));
    }
    for (const ir::Result& r : g.results) h.add(static_cast<uint64_t>(r.value));
    return h;
}

/// Maps and reductions of row-major values alone: bias, activation and formats are no question.
bool without_contractions(const ir::Graph& g) {
    return std::all_of(g.inputs.begin(), g.inputs.end(),
                       [&](ir::ValueId v) { return g.values[static_cast<size_t>(v)].format.is_row_major(); }) &&
           std::none_of(g.nodes.begin(), g.nodes.end(),
                        [](const ir::Node& n) { return n.op->kind == graph::Kind::contraction; });
}

} // namespace

void set_passes(const std::string& text) { switches() = parse(text); }
uint64_t pass_switches() { return switches().load(); }

ir::Graph optimize(const ir::Graph& captured, const target::Target& target) {
    const bool dumps = dumping("graph");
    auto step = [&](const char* name, ir::Graph g) {
        ir::verify(g);
        if (dumps) dump(name, ir::print(g));
        return g;
    };
    ir::Graph g = step("captured", captured);
    g = step("expand", expand(g));
    g = step("widen", widen(dce(std::move(g)), target));
    // Twice, if the first time changed anything: what folding and common subexpressions uncover is simplified too.
    base::Hash128 before = fingerprint(g);
    for (int round = 0; round < 2; ++round) {
        if (round > 0 && fingerprint(g) == before) break;
        if (enabled("simplify")) g = step("simplify", simplify(g));
        if (enabled("fold")) g = step("fold", fold(g));
        if (enabled("cse")) g = step("cse", cse(g));
        g = step("dce", dce(std::move(g)));
    }
    if (!without_contractions(g)) {
        if (enabled("epilogue")) g = step("epilogue", dce(epilogue(g, target)));
        if (enabled("layout")) g = step("layout", layout(g, target));
    }
    g = step("fuse", dce(fuse(g, target, enabled("fuse"))));
    if (enabled("batch")) g = step("batch", batch(g));
    return g;
}

} // namespace ingot::passes
