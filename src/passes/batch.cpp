// SPDX-License-Identifier: MIT
// One small program over many tensors becomes one launch: elementwise programs with the same code that do not depend on each
// other are joined into one program with segments (an optimizer's update of all parameters).
#include <algorithm>
#include <unordered_map>

#include "passes/fused_op.h"
#include "passes/pass.h"

namespace ingot::passes {

namespace {

using program::Program;

/// A map whose operands all walk memory alike: one axis, every address either the element's own index or one place.
std::shared_ptr<Program> flattened(const Program& p) {
    if (!p.reduces.empty() || p.stages != 1 || p.num_a != 0 || !p.affines.empty()) return nullptr;
    int64_t count = 1;
    for (const int64_t e : p.axes) count *= e;
    auto flat = std::make_shared<Program>(p);
    flat->axes = {count};
    flat->num_p = 0;
    flat->num_r = 1;
    for (auto& o : flat->operands) {
        if (!o.guards.empty() || o.index != program::kNone || o.at.base != 0) return nullptr;
        bool fixed = true, dense = true;
        int64_t stride = 1;
        for (size_t a = p.axes.size(); a-- > 0;) {
            if (p.axes[a] == 1) continue;
            fixed = fixed && o.at.coef[a] == 0;
            dense = dense && o.at.coef[a] == stride;
            stride *= p.axes[a];
        }
        if (count == 1) dense = fixed = true; // one element: any role fits; it is decided by the level below
        if (!fixed && !dense) return nullptr;
        o.at.coef = {dense && !fixed ? 1 : 0};
    }
    for (const auto& inst : flat->code) {
        if (inst.level != program::Level::Point && inst.level != program::Level::Once) return nullptr;
        if (count == 1 && inst.slot >= 0) {
            flat->operands[static_cast<size_t>(inst.slot)].at.coef = {inst.level == program::Level::Point ? 1 : 0};
        }
    }
    return flat;
}

/// Everything but extents and buffers.
bool same_code(const Program& a, const Program& b) {
    if (a.code != b.code || a.operands.size() != b.operands.size() || a.num_values != b.num_values) return false;
    for (size_t i = 0; i < a.operands.size(); ++i) {
        if (a.operands[i].dtype != b.operands[i].dtype || a.operands[i].at != b.operands[i].at) return false;
    }
    return true;
}

uint64_t code_hash(const Program& p) {
    uint64_t h = p.code.size() * 0x9E3779B97F4A7C15ull + p.operands.size();
    for (const auto& i : p.code) {
        h = (h ^ (static_cast<uint64_t>(i.code) | static_cast<uint64_t>(i.function) << 8 |
                  static_cast<uint64_t>(static_cast<uint32_t>(i.a)) << 16 |
                  static_cast<uint64_t>(static_cast<uint32_t>(i.b)) << 40)) *
            0xD6E8FEB86659FD93ull;
    }
    return h;
}

struct Group {
    std::shared_ptr<Program> code;
    std::vector<ir::NodeId> members;
};

/// For every node the longest distance from the inputs: nodes of one depth cannot depend on each other.
std::vector<int32_t> depths(const ir::Graph& g) {
    std::vector<int32_t> depth(g.nodes.size(), 0);
    for (size_t i = 0; i < g.nodes.size(); ++i) {
        for (const ir::ValueId v : g.nodes[i].inputs) {
            const ir::NodeId p = g.values[static_cast<size_t>(v)].node;
            if (p >= 0) depth[i] = std::max(depth[i], depth[static_cast<size_t>(p)] + 1);
        }
    }
    return depth;
}

/// Nodes whose results only leave the graph: they may run at any time after their inputs exist, hence all together at the end.
bool is_terminal(const ir::Graph& g, const ir::Node& n, const std::vector<char>& read) {
    (void)g;
    return std::none_of(n.outputs.begin(), n.outputs.end(),
                        [&](ir::ValueId v) { return read[static_cast<size_t>(v)]; });
}

} // namespace

ir::Graph batch(const ir::Graph& g) {
    std::vector<char> read(g.values.size(), 0);
    for (const ir::Node& n : g.nodes) {
        for (const ir::ValueId v : n.inputs) read[static_cast<size_t>(v)] = 1;
    }
    const std::vector<int32_t> depth = depths(g);
    std::vector<Group> groups;
    std::unordered_multimap<uint64_t, size_t> index;
    std::vector<int32_t> group_of(g.nodes.size(), -1);
    std::vector<std::shared_ptr<Program>> flat(g.nodes.size());
    for (size_t i = 0; i < g.nodes.size(); ++i) {
        const ir::Node& n = g.nodes[i];
        if (n.prim() != graph::Prim::fused) continue;
        flat[i] = flattened(program_of(n));
        if (!flat[i]) continue;
        // Terminal nodes meet whatever their depth; others only at the same depth, so that no cycle arises.
        const bool terminal = is_terminal(g, n, read);
        const uint64_t h = code_hash(*flat[i]) + (terminal ? 0 : static_cast<uint64_t>(depth[i]) + 1);
        size_t k = groups.size();
        for (auto [it, end] = index.equal_range(h); it != end; ++it) {
            const Group& candidate = groups[it->second];
            const auto first = static_cast<size_t>(candidate.members[0]);
            const bool fits =
                is_terminal(g, g.nodes[first], read) == terminal && (terminal || depth[first] == depth[i]);
            if (fits && same_code(*candidate.code, *flat[i])) k = it->second;
        }
        if (k == groups.size()) {
            groups.push_back({flat[i], {}});
            index.emplace(h, k);
        }
        groups[k].members.push_back(static_cast<ir::NodeId>(i));
        group_of[i] = static_cast<int32_t>(k);
    }

    // A joined node stands where its last member stood; members are nodes that nobody in between reads (terminal), or nodes of
    // one depth, whose readers are deeper: those are moved behind it by walking in order of depth.
    std::vector<ir::NodeId> order(g.nodes.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<ir::NodeId>(i);
    const bool any = std::any_of(groups.begin(), groups.end(), [](const Group& k) { return k.members.size() > 1; });
    if (!any) return g;
    std::stable_sort(order.begin(), order.end(), [&](ir::NodeId a, ir::NodeId b) {
        auto key = [&](ir::NodeId n) {
            return is_terminal(g, g.nodes[static_cast<size_t>(n)], read) ? INT32_MAX : depth[static_cast<size_t>(n)];
        };
        return key(a) < key(b);
    });
    ir::Rewriter rw(g);
    std::vector<size_t> seen(groups.size(), 0);
    for (const ir::NodeId id : order) {
        const ir::Node& n = g.nodes[static_cast<size_t>(id)];
        const int32_t k = group_of[static_cast<size_t>(id)];
        if (k < 0 || groups[static_cast<size_t>(k)].members.size() == 1) {
            rw.copy(n);
            continue;
        }
        Group& group = groups[static_cast<size_t>(k)];
        if (++seen[static_cast<size_t>(k)] < group.members.size()) continue;

        auto joined = std::make_shared<Program>(*group.code);
        joined->name = group.code->name + " x" + std::to_string(group.members.size());
        ir::Ids inputs;
        std::vector<graph::Type> types;
        std::vector<Format> formats;
        std::vector<ir::ValueId> outputs;
        std::unordered_map<ir::ValueId, int32_t> number;
        int64_t operators = 0;
        rw.out.phase = profiler::Phase::other;
        for (const ir::NodeId m : group.members) {
            const ir::Node& member = g.nodes[static_cast<size_t>(m)];
            rw.out.phase = std::max(rw.out.phase, member.phase);
            operators += member.attrs[0];
            for (const ir::ValueId v : member.inputs) {
                if (number.emplace(v, static_cast<int32_t>(inputs.size())).second) inputs.push_back(rw.map(v));
            }
        }
        const auto num_inputs = static_cast<int32_t>(inputs.size());
        joined->axes = {0};
        for (const ir::NodeId m : group.members) {
            const ir::Node& member = g.nodes[static_cast<size_t>(m)];
            const Program& own = *flat[static_cast<size_t>(m)];
            program::Segment segment;
            segment.extent = own.axes[0];
            joined->axes[0] = std::max(joined->axes[0], segment.extent);
            for (const auto& o : own.operands) {
                if (o.buffer < own.num_inputs) {
                    segment.buffers.push_back(number.at(member.inputs[static_cast<size_t>(o.buffer)]));
                } else {
                    segment.buffers.push_back(num_inputs + static_cast<int32_t>(outputs.size()) + o.buffer -
                                              own.num_inputs);
                }
            }
            joined->segments.push_back(std::move(segment));
            for (const ir::ValueId v : member.outputs) {
                outputs.push_back(v);
                types.push_back(g.type(v));
                formats.push_back(g.values[static_cast<size_t>(v)].format);
            }
        }
        joined->num_inputs = num_inputs;
        joined->num_outputs = static_cast<int32_t>(outputs.size());
        // Operands outside of segments do not exist; the first segment's buffers keep the program well formed.
        for (size_t o = 0; o < joined->operands.size(); ++o)
            joined->operands[o].buffer = joined->segments[0].buffers[o];
        program::verify(*joined);
        const ir::NodeId fresh = rw.out.add_node(kFused, {operators}, inputs, types, joined);
        for (size_t o = 0; o < outputs.size(); ++o) {
            const ir::ValueId v = rw.out.nodes[static_cast<size_t>(fresh)].outputs[o];
            rw.out.values[static_cast<size_t>(v)].format = formats[o];
            rw.set(outputs[o], v);
        }
    }
    return rw.finish();
}

} // namespace ingot::passes
