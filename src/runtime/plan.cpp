// SPDX-License-Identifier: MIT
#include "runtime/plan.h"

#include <algorithm>
#include <map>

#include "base/check.h"

namespace ingot::runtime {

namespace {

/// Offsets in the arena: best fit among freed ranges, which merge with their neighbours.
class Arena {
public:
    int64_t take(int64_t bytes) {
        bytes = round_up(bytes);
        auto best = free_.end();
        for (auto it = free_.begin(); it != free_.end(); ++it) {
            if (it->second >= bytes && (best == free_.end() || it->second < best->second)) best = it;
        }
        if (best == free_.end()) {
            // Grow; a free range at the end is extended.
            int64_t at = size_;
            if (!free_.empty() && std::prev(free_.end())->first + std::prev(free_.end())->second == size_) {
                at = std::prev(free_.end())->first;
                free_.erase(std::prev(free_.end()));
            }
            size_ = at + bytes;
            return at;
        }
        const int64_t at = best->first;
        const int64_t rest = best->second - bytes;
        free_.erase(best);
        if (rest > 0) free_.emplace(at + bytes, rest);
        return at;
    }
    void give(int64_t at, int64_t bytes) {
        bytes = round_up(bytes);
        if (bytes == 0) return;
        auto it = free_.emplace(at, bytes).first;
        if (const auto next = std::next(it); next != free_.end() && it->first + it->second == next->first) {
            it->second += next->second;
            free_.erase(next);
        }
        if (it != free_.begin()) {
            const auto before = std::prev(it);
            if (before->first + before->second == it->first) {
                before->second += it->second;
                free_.erase(it);
            }
        }
    }
    int64_t size() const { return size_; }

private:
    static int64_t round_up(int64_t bytes) { return (bytes + 63) & ~int64_t{63}; }
    std::map<int64_t, int64_t> free_;
    int64_t size_ = 0;
};

int64_t bytes_of(const ir::Graph& g, ir::ValueId v) {
    return g.type(v).shape.numel() * static_cast<int64_t>(size_of(g.type(v).dtype));
}

} // namespace

bool may_overwrite(const ir::Node& node, size_t in, size_t out) {
    if (node.prim() != graph::Prim::fused) return false;
    const auto& p = *static_cast<const program::Program*>(node.payload.get());
    if (!p.segments.empty()) {
        // Multi-tensor maps: which operand goes with the buffers, and in every segment that has either, both at once.
        int32_t load = -1, store = -1;
        for (const auto& s : p.segments) {
            for (size_t o = 0; o < s.buffers.size(); ++o) {
                const bool is_in = s.buffers[o] == static_cast<int32_t>(in);
                const bool is_out = s.buffers[o] == p.num_inputs + static_cast<int32_t>(out);
                if (!is_in && !is_out) continue;
                int32_t& which = is_in ? load : store;
                if (which >= 0 && which != static_cast<int32_t>(o)) return false;
                which = static_cast<int32_t>(o);
                if (is_in && std::find(s.buffers.begin(), s.buffers.end(), p.num_inputs + static_cast<int32_t>(out)) ==
                                 s.buffers.end()) {
                    return false;
                }
            }
        }
        return load >= 0 && store >= 0 &&
               p.operands[static_cast<size_t>(load)].at == p.operands[static_cast<size_t>(store)].at &&
               p.operands[static_cast<size_t>(load)].dtype == p.operands[static_cast<size_t>(store)].dtype;
    }
    int64_t points = 1;
    for (const int64_t e : p.axes) points *= e;
    if (points == 1 && p.stages == 1 && p.reduces.empty())
        return true; // everything is loaded before anything is stored
    const program::Operand* store = nullptr;
    program::Level level{};
    for (const auto& inst : p.code) {
        if (inst.code != program::Code::Store) continue;
        const auto& o = p.operands[static_cast<size_t>(inst.slot)];
        if (o.buffer != p.num_inputs + static_cast<int32_t>(out)) continue;
        if (store) return false;
        store = &o;
        level = inst.level;
    }
    if (!store || !store->guards.empty()) return false;
    if (level == program::Level::Point && p.stages > 1) return false;
    if (level == program::Level::Row && p.stages > 1) return false;
    bool loaded = false;
    for (const auto& inst : p.code) {
        if (inst.code != program::Code::Load && inst.code != program::Code::Random) continue;
        const auto& o = p.operands[static_cast<size_t>(inst.slot)];
        if (o.buffer != static_cast<int32_t>(in)) continue;
        if (inst.level != level || inst.code == program::Code::Random || o.index != program::kNone ||
            !o.guards.empty() || o.at != store->at || o.dtype != store->dtype) {
            return false;
        }
        loaded = true;
    }
    // Every element is written once, so every axis of more than one step must move the address.
    for (size_t a = 0; a < p.axes.size(); ++a) {
        const bool column = level == program::Level::Column && a >= static_cast<size_t>(p.num_p) &&
                            a < static_cast<size_t>(p.num_p + p.num_a);
        const bool coarse = (level == program::Level::Final || column) && a >= static_cast<size_t>(p.num_p);
        if (p.axes[a] > 1 && store->at.coef[a] == 0 && !column && !coarse && level != program::Level::Row) return false;
    }
    return loaded;
}

Plan plan(const ir::Graph& g, const std::vector<int32_t>& order, const std::vector<backend::KernelPtr>& kernels) {
    Plan result;
    std::vector<Place> place(g.values.size());
    std::vector<ir::ValueId> root(g.values.size()); ///< the value whose memory it shares (views)
    for (size_t v = 0; v < root.size(); ++v) root[v] = static_cast<ir::ValueId>(v);
    for (const int32_t i : order) {
        const ir::Node& n = g.nodes[static_cast<size_t>(i)];
        if (!kernels[static_cast<size_t>(i)]) {
            root[static_cast<size_t>(n.outputs[0])] = root[static_cast<size_t>(n.inputs[0])];
        }
    }
    auto root_of = [&](ir::ValueId v) { return static_cast<size_t>(root[static_cast<size_t>(v)]); };

    std::vector<int32_t> position(g.nodes.size());
    for (size_t k = 0; k < order.size(); ++k) position[static_cast<size_t>(order[k])] = static_cast<int32_t>(k);
    // Last step that reads each root value (results read at the end).
    const auto end = static_cast<int32_t>(order.size());
    std::vector<int32_t> last(g.values.size(), -1);
    for (size_t i = 0; i < g.nodes.size(); ++i) {
        if (!kernels[i]) continue;
        for (const ir::ValueId v : g.nodes[i].inputs) last[root_of(v)] = std::max(last[root_of(v)], position[i]);
    }
    for (size_t i = 0; i < g.inputs.size(); ++i)
        place[static_cast<size_t>(g.inputs[i])] = {Place::In::input, static_cast<int32_t>(i), 0};

    // Results are made in place where nobody else still needs what lies there.
    std::vector<char> overwritten(g.inputs.size(), 0);
    for (size_t r = 0; r < g.results.size(); ++r) {
        const ir::Result& res = g.results[r];
        if (res.overwrites >= 0) overwritten[static_cast<size_t>(res.overwrites)] = 1;
        const size_t v = root_of(res.value);
        const ir::NodeId maker = g.values[v].node;
        bool direct = maker >= 0 && place[v].in == Place::In::none;
        if (direct && res.overwrites >= 0) {
            const size_t old = static_cast<size_t>(g.inputs[static_cast<size_t>(res.overwrites)]);
            const int32_t at = position[static_cast<size_t>(maker)];
            if (last[old] > at) direct = false;
            if (direct && last[old] == at) {
                const ir::Node& n = g.nodes[static_cast<size_t>(maker)];
                for (size_t in = 0; in < n.inputs.size(); ++in) {
                    if (root_of(n.inputs[in]) != old) continue;
                    direct = direct && may_overwrite(n, in, static_cast<size_t>(g.values[v].output));
                }
            }
        }
        if (direct) {
            place[v] = {Place::In::result, static_cast<int32_t>(r), 0};
        } else {
            last[v] = end;
            result.copies.push_back({{}, static_cast<int32_t>(r), bytes_of(g, res.value)});
        }
    }

    Arena arena;
    // A copy whose source is an input that some result overwrites is saved before the first step, for the whole run.
    for (Copy& c : result.copies) {
        const size_t v = root_of(g.results[static_cast<size_t>(c.result)].value);
        if (place[v].in == Place::In::input && overwritten[static_cast<size_t>(place[v].index)])
            c.saved = arena.take(c.bytes);
    }
    std::vector<std::vector<size_t>> dying(order.size() + 1);
    for (size_t k = 0; k < order.size(); ++k) {
        const auto i = static_cast<size_t>(order[k]);
        const ir::Node& n = g.nodes[i];
        if (!kernels[i]) continue;
        std::vector<size_t> reused;
        for (size_t o = 0; o < n.outputs.size(); ++o) {
            const auto v = static_cast<size_t>(n.outputs[o]);
            if (place[v].in != Place::In::none) continue;
            const int64_t bytes = bytes_of(g, n.outputs[o]);
            // In place over an input that dies here.
            for (size_t in = 0; in < n.inputs.size() && place[v].in == Place::In::none; ++in) {
                const size_t u = root_of(n.inputs[in]);
                if (place[u].in != Place::In::arena || last[u] != static_cast<int32_t>(k)) continue;
                if (bytes_of(g, static_cast<ir::ValueId>(u)) != bytes) continue;
                if (std::find(reused.begin(), reused.end(), u) != reused.end()) continue;
                bool fine = true;
                for (size_t other = 0; other < n.inputs.size(); ++other) {
                    if (root_of(n.inputs[other]) == u) fine = fine && may_overwrite(n, other, o);
                }
                if (!fine) continue;
                place[v] = place[u];
                reused.push_back(u);
            }
            if (place[v].in == Place::In::none) place[v] = {Place::In::arena, -1, arena.take(bytes)};
            if (last[v] < static_cast<int32_t>(k)) last[v] = static_cast<int32_t>(k); // never read
            dying[static_cast<size_t>(last[v])].push_back(v);
        }
        Step step;
        step.node = static_cast<int32_t>(i);
        for (const ir::ValueId v : n.inputs) step.args.push_back(place[root_of(v)]);
        for (const ir::ValueId v : n.outputs) step.args.push_back(place[static_cast<size_t>(v)]);
        const auto workspace = static_cast<int64_t>(kernels[i]->workspace_bytes);
        if (workspace > 0) {
            step.workspace = arena.take(workspace);
            arena.give(step.workspace, workspace);
        }
        for (const size_t v : dying[k]) {
            if (std::find(reused.begin(), reused.end(), v) == reused.end())
                arena.give(place[v].offset, bytes_of(g, static_cast<ir::ValueId>(v)));
        }
        result.steps.push_back(std::move(step));
    }
    for (Copy& c : result.copies) c.from = place[root_of(g.results[static_cast<size_t>(c.result)].value)];
    result.arena_bytes = arena.size();
    return result;
}

} // namespace ingot::runtime
