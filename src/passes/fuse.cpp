// SPDX-License-Identifier: MIT
// Fusion: every operator that programs can express starts as a cluster of its own; a producer joins its consumer when the union has
// the loop structure of a program and no path leaves and re-enters it; then clusters that read the same large value join
// (reductions over the same data). Nothing is computed twice: values that others need are stored. What remains becomes one Program
// per cluster. See docs/decisions/0002-programs.md.
#include <algorithm>
#include <numeric>
#include <queue>
#include <span>

#include "base/check.h"
#include "passes/cluster.h"
#include "passes/fused_op.h"
#include "passes/pass.h"

namespace ingot::passes {

using graph::Prim;

const graph::OpDef kFused{.name = "fused", .prim = Prim::fused, .kind = graph::Kind::opaque};

namespace {

constexpr size_t kMaxItems = 64;
constexpr int kMaxEdges = 1024; ///< looked at when searching for a path

/// Scalar functions that cost more than a load: not worth repeating along axes that they do not depend on.
bool is_expensive(const ir::Node& n) {
    if (n.prim() == Prim::uniform) return true;
    return n.prim() == Prim::elementwise && info(n.op->scalar).cost > 1;
}

class Fuser {
public:
    Fuser(const ir::Graph& g, const target::Target& target, bool merge)
        : g_(g), target_(target), merge_(merge && target.fusion), group_(g.nodes.size(), -1) {}

    ir::Graph run() {
        find_needed();
        build_consumers();
        if (merge_) {
            order_units();
            merge_producers();
            merge_siblings();
        }
        return rebuild();
    }

private:
    // ------------------------------------------------------------------------------------ what must be in memory

    void find_needed() {
        in_memory_.assign(g_.values.size(), 0);
        for (const ir::Result& r : g_.results) need(r.value);
        for (size_t i = g_.nodes.size(); i-- > 0;) {
            const ir::Node& n = g_.nodes[i];
            const bool wanted = std::any_of(n.outputs.begin(), n.outputs.end(),
                                            [&](ir::ValueId v) { return in_memory_[static_cast<size_t>(v)]; });
            if (!wanted) continue;
            const auto id = static_cast<ir::NodeId>(i);
            if (is_fusible(n)) {
                add_cluster(make_cluster(g_, id));
            } else if (n.prim() == Prim::reshape) {
                need(n.inputs[0]); // the same memory
            } else if (is_view(g_, n) || n.prim() == Prim::constant || n.prim() == Prim::iota) {
                add_cluster(make_copy(g_, id));
            } else {
                for (const ir::ValueId v : n.inputs) need(v);
            }
        }
        // Ascending node order, which is a valid order of execution.
        std::reverse(clusters_.begin(), clusters_.end());
        for (size_t k = 0; k < clusters_.size(); ++k)
            group_[static_cast<size_t>(clusters_[k].items[0].node)] = static_cast<int32_t>(k);
    }

    void need(ir::ValueId v) { in_memory_[static_cast<size_t>(v)] = 1; }

    void add_cluster(Cluster c) {
        const Item& item = c.items[0];
        for (const Access& a : item.operands) {
            const ir::Node* p = g_.producer(a.base);
            const bool inlined = p && (p->prim() == Prim::constant || p->prim() == Prim::iota) && a.guards.empty() &&
                                 item.index_operand < 0;
            const bool own = p && g_.values[static_cast<size_t>(a.base)].node == item.node;
            if (!inlined && !own) need(a.base);
        }
        clusters_.push_back(std::move(c));
    }

    /// Who reads each value from memory or inside its cluster: by node. Only nodes that will run count.
    void build_consumers() {
        std::vector<std::pair<ir::ValueId, ir::NodeId>> all;
        auto reads = [&](ir::ValueId v, ir::NodeId reader) { all.emplace_back(v, reader); };
        for (size_t i = 0; i < g_.nodes.size(); ++i) {
            const ir::Node& n = g_.nodes[i];
            const auto id = static_cast<ir::NodeId>(i);
            if (group_[i] >= 0) {
                for (const Access& a : clusters_[static_cast<size_t>(group_[i])].items[0].operands) {
                    if (g_.values[static_cast<size_t>(a.base)].node != id) reads(a.base, id);
                }
            } else if (!is_view(g_, n) || n.prim() == Prim::reshape) {
                for (const ir::ValueId v : n.inputs) reads(v, id);
            }
        }
        first_reader_.assign(g_.values.size() + 1, 0);
        for (const auto& [v, reader] : all) ++first_reader_[static_cast<size_t>(v) + 1];
        std::partial_sum(first_reader_.begin(), first_reader_.end(), first_reader_.begin());
        readers_.resize(all.size());
        std::vector<size_t> at(first_reader_.begin(), first_reader_.end() - 1);
        for (const auto& [v, reader] : all) readers_[at[static_cast<size_t>(v)]++] = reader;
        // Results and inputs of operators that are not fused must be stored whatever happens.
        pinned_.assign(g_.values.size(), 0);
        for (const ir::Result& r : g_.results) pinned_[static_cast<size_t>(r.value)] = 1;
        for (size_t v = 0; v < g_.values.size(); ++v) {
            for (const ir::NodeId reader : consumers(static_cast<ir::ValueId>(v))) {
                if (group_[static_cast<size_t>(reader)] < 0) pinned_[v] = 1;
            }
        }
    }

    std::span<const ir::NodeId> consumers(ir::ValueId v) const {
        const size_t first = first_reader_[static_cast<size_t>(v)];
        return {readers_.data() + first, first_reader_[static_cast<size_t>(v) + 1] - first};
    }

    /// Must `v` be stored when the nodes for which `inside` is true form one program?
    template <class Inside> bool is_stored(ir::ValueId v, const Inside& inside) const {
        if (pinned_[static_cast<size_t>(v)]) return true;
        const auto readers = consumers(v);
        return !std::all_of(readers.begin(), readers.end(), inside);
    }
    bool is_stored_by(const Cluster& c, ir::ValueId v) const {
        return is_stored(v, [&](ir::NodeId reader) { return c.find(reader) >= 0; });
    }
    std::optional<Structure> structure(const Cluster& c) const {
        return structure_of(g_, c, [&](ir::ValueId v, const Cluster& cl) { return is_stored_by(cl, v); });
    }

    // ------------------------------------------------------------------------------------ merging

    // What becomes one kernel is a unit: a cluster (its number) or another node (clusters_.size() + its number). order_ always is a
    // valid order of execution of the units, so a search for a path may leave out what stands behind its end.

    int32_t unit_of(ir::NodeId node) const {
        const int32_t k = group_[static_cast<size_t>(node)];
        return k >= 0 ? k : static_cast<int32_t>(clusters_.size()) + node;
    }

    void order_units() {
        place_.assign(clusters_.size() + g_.nodes.size(), 0);
        mark_.assign(place_.size(), 0);
        for (size_t i = 0; i < g_.nodes.size(); ++i) {
            const int32_t u = unit_of(static_cast<ir::NodeId>(i));
            place_[static_cast<size_t>(u)] = static_cast<int32_t>(i);
            order_.push_back(u);
        }
    }
    int32_t place(int32_t unit) const { return place_[static_cast<size_t>(unit)]; }

    template <class F> void for_each_reader(int32_t unit, const F& f) const {
        const auto outputs_of = [&](ir::NodeId node) {
            for (const ir::ValueId v : g_.nodes[static_cast<size_t>(node)].outputs) {
                for (const ir::NodeId reader : consumers(v)) f(unit_of(reader));
            }
        };
        const auto clusters = static_cast<int32_t>(clusters_.size());
        if (unit >= clusters) return outputs_of(unit - clusters);
        // The members of a cluster run together: arriving at one means leaving from all.
        for (const Item& item : clusters_[static_cast<size_t>(unit)].items) outputs_of(item.node);
    }

    /// A path from `from` to `to` through somebody else would become a cycle. Looks at a bounded number of edges; beyond it a path is
    /// assumed. Otherwise between_ is what depends on `from` and stands before `to`.
    bool path_between(int32_t from, int32_t to) {
        ++epoch_;
        between_.clear();
        int edges = 0;
        bool found = false;
        const auto leave = [&](int32_t unit, bool direct) {
            for_each_reader(unit, [&](int32_t u) {
                ++edges;
                if (u == to) found = found || !direct;
                if (u == from || place(u) >= place(to) || mark_[static_cast<size_t>(u)] == epoch_) return;
                mark_[static_cast<size_t>(u)] = epoch_;
                between_.push_back(u);
            });
        };
        leave(from, true);
        for (size_t i = 0; i < between_.size() && !found; ++i) {
            if (edges >= kMaxEdges) return true;
            leave(between_[i], false);
        }
        return found;
    }

    /// `from` now runs at the place of `to`: what depends on it (between_) moves behind that.
    void move_behind(int32_t from, int32_t to) {
        if (between_.empty()) return;
        const auto first = order_.begin() + place(from), last = order_.begin() + place(to) + 1;
        std::stable_partition(first, last, [&](int32_t u) { return mark_[static_cast<size_t>(u)] != epoch_; });
        for (auto it = first; it != last; ++it)
            place_[static_cast<size_t>(*it)] = static_cast<int32_t>(it - order_.begin());
    }

    /// Distinct buffers that the program of both would touch.
    size_t buffers(const Cluster& x, const Cluster& y) const {
        const auto inside = [&](ir::NodeId node) { return x.find(node) >= 0 || y.find(node) >= 0; };
        std::vector<ir::ValueId> values;
        for (const Cluster* c : {&x, &y}) {
            for (const Item& item : c->items) {
                for (const Access& a : item.operands) {
                    if (!inside(g_.values[static_cast<size_t>(a.base)].node)) values.push_back(a.base);
                }
                for (const ir::ValueId v : g_.nodes[static_cast<size_t>(item.node)].outputs) {
                    if (is_stored(v, inside)) values.push_back(v);
                }
            }
        }
        std::sort(values.begin(), values.end());
        return static_cast<size_t>(std::unique(values.begin(), values.end()) - values.begin());
    }

    /// Costly functions of few values would be repeated for every element of a larger program.
    bool wasteful(const Cluster& united) const {
        const uint64_t all = united.all();
        for (const Item& item : united.items) {
            if (item.out_mask == all || item.out_mask == 0 || item.reduces) continue;
            if (!is_expensive(g_.nodes[static_cast<size_t>(item.node)])) continue;
            if (united.count(all & ~item.out_mask) < 16) continue;
            // After a reduction in the same program it runs once per row or column anyway.
            if (!depends_on_reduction(united, item)) return true;
        }
        return false;
    }
    bool depends_on_reduction(const Cluster& c, const Item& item) const {
        for (const Access& a : item.operands) {
            const int32_t m = c.find(g_.values[static_cast<size_t>(a.base)].node);
            if (m < 0 || c.items[static_cast<size_t>(m)].node == item.node) continue;
            const Item& maker = c.items[static_cast<size_t>(m)];
            if (maker.reduces || depends_on_reduction(c, maker)) return true;
        }
        return false;
    }

    /// The producer stands before the consumer in order_.
    bool try_merge(int32_t producer, int32_t consumer) {
        Cluster& p = clusters_[static_cast<size_t>(producer)];
        Cluster& c = clusters_[static_cast<size_t>(consumer)];
        if (p.items.size() + c.items.size() > kMaxItems) return false;
        if (path_between(producer, consumer)) return false;
        const std::optional<Union> axes = match_axes(g_, p, c);
        if (!axes) return false;
        const auto limit = static_cast<size_t>(target_.max_fused_operands);
        size_t most = p.most_buffers + c.most_buffers;
        if (most > limit) most = buffers(p, c); // counted only when it may matter
        if (most > limit) return false;
        Cluster united;
        if (!is_plain_union(*axes, p, c)) {
            united = unite(*axes, p, c);
            if (wasteful(united) || !structure(united)) return false;
        }
        move_behind(producer, consumer);
        for (const Item& item : p.items) group_[static_cast<size_t>(item.node)] = consumer;
        // Maps joining maps are most of the work in long chains: theirs is certain, so nothing needs to be copied.
        if (united.items.empty()) united = unite(*axes, std::move(p), std::move(c));
        c = std::move(united);
        c.most_buffers = most;
        p = {};
        return true;
    }

    void merge_producers() {
        for (size_t i = 0; i < g_.nodes.size(); ++i) {
            if (group_[i] < 0) continue;
            const int32_t first = group_[i];
            // The operands as they were before any merge: merging only renames axes.
            std::vector<ir::ValueId> bases;
            const Cluster& own = clusters_[static_cast<size_t>(first)];
            for (const Access& a : own.items[static_cast<size_t>(own.find(static_cast<ir::NodeId>(i)))].operands)
                bases.push_back(a.base);
            for (const ir::ValueId base : bases) {
                const ir::NodeId maker = g_.values[static_cast<size_t>(base)].node;
                if (maker < 0 || maker == static_cast<ir::NodeId>(i)) continue;
                const int32_t from = group_[static_cast<size_t>(maker)];
                const int32_t to = group_[i];
                if (from >= 0 && from != to) try_merge(from, to);
            }
        }
    }

    /// Clusters that walk over the same large value do it together.
    void merge_siblings() {
        for (size_t v = 0; v < g_.values.size(); ++v) {
            if (g_.type(static_cast<ir::ValueId>(v)).shape.numel() < 1024) continue;
            std::vector<int32_t> readers;
            for (const ir::NodeId reader : consumers(static_cast<ir::ValueId>(v))) {
                const int32_t k = group_[static_cast<size_t>(reader)];
                if (k >= 0 && std::find(readers.begin(), readers.end(), k) == readers.end()) readers.push_back(k);
            }
            if (readers.size() > 16) continue;
            for (size_t i = 0; i + 1 < readers.size(); ++i) {
                for (size_t j = i + 1; j < readers.size() && readers[i] >= 0; ++j) {
                    if (readers[j] < 0 || !same_extents(readers[i], readers[j])) continue;
                    const bool ordered = place(readers[i]) < place(readers[j]);
                    int32_t& first = readers[ordered ? i : j];
                    if (try_merge(first, readers[ordered ? j : i])) first = -1;
                }
            }
        }
    }
    bool same_extents(int32_t a, int32_t b) const {
        auto x = clusters_[static_cast<size_t>(a)].extents, y = clusters_[static_cast<size_t>(b)].extents;
        std::sort(x.begin(), x.end());
        std::sort(y.begin(), y.end());
        return x == y;
    }
    // ------------------------------------------------------------------------------------ the new graph

    ir::Graph rebuild() {
        ir::Rewriter rw(g_);
        // Units (clusters and other nodes) in an order that keeps dependencies, earliest node first.
        const size_t n = g_.nodes.size();
        std::vector<Emitted> emitted(clusters_.size());
        auto unit = [&](ir::NodeId node) { // the unit's representative node
            const int32_t k = group_[static_cast<size_t>(node)];
            return k < 0 ? node : clusters_[static_cast<size_t>(k)].items[0].node;
        };
        for (size_t k = 0; k < clusters_.size(); ++k) {
            const Cluster& c = clusters_[k];
            if (c.items.empty()) continue;
            std::vector<ir::ValueId> outputs;
            for (const Item& item : c.items) {
                for (const ir::ValueId v : g_.nodes[static_cast<size_t>(item.node)].outputs) {
                    if (in_memory_[static_cast<size_t>(v)] && is_stored_by(c, v)) outputs.push_back(v);
                }
            }
            const auto s = structure(c);
            INGOT_ASSERT(s, "a cluster has no loop structure");
            emitted[k] = emit(g_, c, *s, outputs);
        }
        std::vector<char> runs(n, 0);
        std::vector<int32_t> blocked(n, 0);
        std::vector<std::vector<ir::NodeId>> next(n);
        for (size_t i = 0; i < n; ++i) {
            const auto id = static_cast<ir::NodeId>(i);
            const ir::Node& node = g_.nodes[i];
            const bool clustered = group_[i] >= 0;
            if (clustered ? unit(id) != id : !stays(node)) continue;
            runs[i] = 1;
            auto depend = [&](ir::ValueId v) {
                const ir::NodeId maker = g_.values[static_cast<size_t>(v)].node;
                if (maker < 0) return;
                next[static_cast<size_t>(unit(maker))].push_back(id);
                ++blocked[i];
            };
            if (clustered) {
                for (const ir::ValueId v : emitted[static_cast<size_t>(group_[i])].inputs) depend(v);
            } else {
                for (const ir::ValueId v : node.inputs) depend(v);
            }
        }
        std::priority_queue<ir::NodeId, std::vector<ir::NodeId>, std::greater<>> ready;
        for (size_t i = 0; i < n; ++i) {
            if (runs[i] && blocked[i] == 0) ready.push(static_cast<ir::NodeId>(i));
        }
        size_t done = 0;
        while (!ready.empty()) {
            const ir::NodeId id = ready.top();
            ready.pop();
            ++done;
            const int32_t k = group_[static_cast<size_t>(id)];
            if (k < 0) {
                rw.copy(g_.nodes[static_cast<size_t>(id)]);
            } else {
                rw.out.phase = last_phase(clusters_[static_cast<size_t>(k)]);
                add_program(rw, emitted[static_cast<size_t>(k)]);
            }
            for (const ir::NodeId u : next[static_cast<size_t>(id)]) {
                if (--blocked[static_cast<size_t>(u)] == 0) ready.push(u);
            }
        }
        INGOT_ASSERT(done == static_cast<size_t>(std::count(runs.begin(), runs.end(), 1)), "fusion made a cycle");
        return rw.finish();
    }

    /// Nodes outside clusters that remain: operators with kernels, and reshapes of values in memory.
    bool stays(const ir::Node& n) const {
        return std::any_of(n.outputs.begin(), n.outputs.end(),
                           [&](ir::ValueId v) { return in_memory_[static_cast<size_t>(v)]; });
    }

    /// A program counts for the last of the phases that it mixes.
    profiler::Phase last_phase(const Cluster& c) const {
        profiler::Phase last = profiler::Phase::other;
        for (const Item& item : c.items) last = std::max(last, g_.nodes[static_cast<size_t>(item.node)].phase);
        return last;
    }

    void add_program(ir::Rewriter& rw, const Emitted& e) {
        std::vector<graph::Type> types;
        for (const ir::ValueId v : e.outputs) types.push_back(g_.type(v));
        const ir::NodeId id =
            rw.out.add_node(kFused, {static_cast<int64_t>(e.ops.size())}, rw.mapped(e.inputs), types, e.program);
        for (size_t i = 0; i < e.outputs.size(); ++i) {
            const ir::ValueId fresh = rw.out.nodes[static_cast<size_t>(id)].outputs[i];
            rw.out.values[static_cast<size_t>(fresh)].format = g_.values[static_cast<size_t>(e.outputs[i])].format;
            rw.set(e.outputs[i], fresh);
        }
    }

    const ir::Graph& g_;
    const target::Target& target_;
    bool merge_;
    std::vector<int32_t> group_; ///< node -> cluster, -1: not fused
    std::vector<Cluster> clusters_;
    std::vector<size_t> first_reader_; ///< per value: where its readers begin
    std::vector<ir::NodeId> readers_;
    std::vector<char> in_memory_; ///< somebody reads it as a whole
    std::vector<char> pinned_;
    std::vector<int32_t> order_;   ///< units, those that were joined into others included
    std::vector<int32_t> place_;   ///< per unit: where it stands in order_
    std::vector<int32_t> between_; ///< what the last search has seen ...
    std::vector<uint32_t> mark_;   ///< ... and the last search that has seen the unit
    uint32_t epoch_ = 0;
};

} // namespace

ir::Graph fuse(const ir::Graph& g, const target::Target& target, bool merge) { return Fuser(g, target, merge).run(); }

} // namespace ingot::passes
