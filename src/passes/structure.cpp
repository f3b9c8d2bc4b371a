// SPDX-License-Identifier: MIT
// Does a cluster have the loop structure of a program? Tries assignments of its axes to the groups P, A and R and finds the level
// and stage of every operator; see program/program.h for what the groups mean.
#include <algorithm>
#include <bit>
#include <cstdlib>

#include "base/check.h"
#include "passes/cluster.h"

namespace ingot::passes {

using graph::Prim;
using program::Level;

namespace {

/// What one operator takes from others in the cluster, and for reductions what becomes of the result.
struct Facts {
    std::vector<int32_t> makers; ///< items that make its operands
    uint64_t over = 0;           ///< reductions: the axes that vanish
    bool consumed = false;       ///< reductions: the result is used again along those axes
    uint64_t depends = 0;        ///< on which reductions (bit per reduction)
    int32_t reduction = -1;      ///< its own bit
};

/// Strides of the largest operand in memory, per axis; they say which axis should be the lane and which are outer.
std::vector<int64_t> reference_strides(const ir::Graph& g, const Cluster& c, const std::vector<char>& stored) {
    std::vector<int64_t> best(c.extents.size(), 0);
    int64_t best_count = -1;
    auto consider = [&](ir::ValueId v, const DimMaps& dims, bool result) {
        const ir::Value& value = g.values[static_cast<size_t>(v)];
        if (value.type.shape.rank() != dims.size()) return;
        uint64_t mask = 0;
        for (const DimMap& d : dims) {
            if (d.axis >= 0) mask |= uint64_t{1} << d.axis;
        }
        const int64_t count = c.count(mask) * 2 + (result ? 1 : 0);
        if (count <= best_count) return;
        best_count = count;
        std::fill(best.begin(), best.end(), 0);
        const Ints physical = strides_of(value.type.shape, value.format);
        for (size_t d = 0; d < dims.size(); ++d) {
            if (dims[d].axis >= 0) best[static_cast<size_t>(dims[d].axis)] += std::abs(dims[d].step * physical[d]);
        }
    };
    for (size_t i = 0; i < c.items.size(); ++i) {
        const Item& item = c.items[i];
        for (const Access& a : item.operands) {
            const ir::Node* p = g.producer(a.base);
            if (p && (p->prim() == Prim::constant || p->prim() == Prim::iota)) continue;
            if (p && c.find(g.values[static_cast<size_t>(a.base)].node) >= 0) continue;
            consider(a.base, a.dims, false);
        }
        if (stored[i]) {
            for (const ir::ValueId v : g.nodes[static_cast<size_t>(item.node)].outputs) consider(v, item.out, true);
        }
    }
    return best;
}

class Solver {
public:
    Solver(const ir::Graph& g, const Cluster& c, const std::vector<char>& stored)
        : g_(g), c_(c), stored_(stored), strides_(reference_strides(g, c, stored)), facts_(c.items.size()) {}

    std::optional<Structure> solve() {
        if (!gather_facts()) return std::nullopt;
        find_lane();
        const uint64_t all = c_.all();
        if (reductions_.empty()) {
            const uint64_t r = lane_ >= 0 ? uint64_t{1} << lane_ : 0;
            return attempt(r, 0, false);
        }
        for (const auto& [r, a, final_rows] : candidates()) {
            if ((r & a) != 0 || ((r | a) & ~all) != 0) continue;
            if (auto s = attempt(r, a, final_rows)) return s;
        }
        return std::nullopt;
    }

private:
    struct Candidate {
        uint64_t r, a;
        bool final_rows; ///< a reduction over all of R (A empty) goes to Final: few rows, to be cut into chunks
    };

    bool gather_facts() {
        for (size_t i = 0; i < c_.items.size(); ++i) {
            const Item& item = c_.items[i];
            Facts& f = facts_[i];
            for (size_t o = 0; o < item.operands.size(); ++o) {
                const Access& a = item.operands[o];
                const ir::NodeId maker = g_.values[static_cast<size_t>(a.base)].node;
                // A copy of a view names itself; nothing else can.
                const int32_t m = maker < 0 || maker == item.node ? -1 : c_.find(maker);
                if (m < 0) continue;
                if (item.index_operand >= 0 && o == 0) return false; // gathers read memory
                if (!a.pure(g_, c_.extents) || a.dims != c_.items[static_cast<size_t>(m)].out) return false;
                f.makers.push_back(m);
                f.depends |= facts_[static_cast<size_t>(m)].depends;
            }
            if (item.reduces) {
                f.over = item.in_mask & ~item.out_mask;
                if (reductions_.size() >= 60) return false;
                f.reduction = static_cast<int32_t>(reductions_.size());
                reductions_.push_back(static_cast<int32_t>(i));
                // Linear indices over several axes need the logical order of the axes.
                const Prim p = g_.nodes[static_cast<size_t>(item.node)].prim();
                if ((p == Prim::argmax || p == Prim::argmin) && std::popcount(f.over) > 1) {
                    if (c_.items.size() > 1) return false;
                    logical_order_ = true;
                }
            }
            for (const int32_t r : reductions_) {
                const Facts& rf = facts_[static_cast<size_t>(r)];
                if ((f.depends >> rf.reduction & 1) && (item.in_mask & rf.over))
                    facts_[static_cast<size_t>(r)].consumed = true;
            }
            if (f.reduction >= 0) f.depends |= uint64_t{1} << f.reduction;
        }
        return true;
    }

    void find_lane() {
        for (size_t a = 0; a < strides_.size(); ++a) {
            if (strides_[a] == 0) continue;
            if (lane_ < 0 || strides_[a] < strides_[static_cast<size_t>(lane_)]) lane_ = static_cast<int32_t>(a);
        }
        if (lane_ < 0 && !c_.extents.empty()) lane_ = static_cast<int32_t>(c_.extents.size()) - 1;
    }

    std::vector<Candidate> candidates() const {
        std::vector<Candidate> list;
        uint64_t row = 0;
        for (const int32_t i : reductions_) {
            if (facts_[static_cast<size_t>(i)].consumed) row = facts_[static_cast<size_t>(i)].over;
        }
        std::vector<uint64_t> sets;
        for (const int32_t i : reductions_) {
            const uint64_t o = facts_[static_cast<size_t>(i)].over;
            if (std::find(sets.begin(), sets.end(), o) == sets.end()) sets.push_back(o);
        }
        if (row != 0) {
            // Rows that are not contiguous are slower than a second pass over memory.
            const bool lane_inside = lane_ < 0 || (row >> lane_ & 1) || c_.count(c_.all()) <= 4096;
            if (!lane_inside) return {};
            for (const uint64_t o : sets) {
                if (o != row) list.push_back({row, o & ~row, false});
            }
            if (sets.size() == 1) list.push_back({row, 0, false});
            return list;
        }
        const uint64_t all = c_.all();
        for (const uint64_t o : sets) {
            if (lane_ >= 0 && (o >> lane_ & 1)) {
                const uint64_t lane = uint64_t{1} << lane_;
                if (c_.count(all & ~o) >= 32 || c_.count(o) <= 2048) list.push_back({o, 0, false});
                list.push_back({lane, o & ~lane, o == lane});
                list.push_back({o, 0, false});
            } else {
                // Kept axes inside of all reduced ones are the row.
                int64_t inner = INT64_MAX;
                for (size_t a = 0; a < strides_.size(); ++a) {
                    if (o >> a & 1) inner = std::min(inner, strides_[a]);
                }
                uint64_t r = 0;
                for (size_t a = 0; a < strides_.size(); ++a) {
                    if (!(o >> a & 1) && strides_[a] > 0 && strides_[a] < inner) r |= uint64_t{1} << a;
                }
                if (r != 0) list.push_back({r, o, false});
                list.push_back({o, 0, false});
            }
        }
        for (const uint64_t ri : sets) {
            for (const uint64_t aj : sets) {
                if (ri != aj && (ri & aj) == 0) list.push_back({ri, aj, false});
                if (ri != aj && (ri & aj) == ri) list.push_back({ri, aj & ~ri, false});
            }
        }
        return list;
    }

    std::optional<Structure> attempt(uint64_t r, uint64_t a, bool final_rows) const {
        Structure s;
        s.r = r;
        s.a = a;
        s.p = c_.all() & ~(r | a);
        s.lane = lane_;
        s.homes.resize(c_.items.size());
        for (size_t i = 0; i < c_.items.size(); ++i) {
            if (!place(s, i, final_rows)) return std::nullopt;
        }
        for (const Home& h : s.homes) {
            if (h.level == Level::Point) s.stages = std::max(s.stages, h.stage + 1);
        }
        s.order = ordered(s);
        return s;
    }

    /// Finds the home of item i; false when it does not fit.
    bool place(Structure& s, size_t i, bool final_rows) const {
        const Item& item = c_.items[i];
        const Facts& f = facts_[i];
        Home& h = s.homes[i];
        bool outer = false, inner = false, column = false;
        int32_t point_stage = 0, row_stage = 0;
        for (const int32_t m : f.makers) {
            const Home& from = s.homes[static_cast<size_t>(m)];
            if (from.free) continue;
            switch (from.level) {
            case Level::Point:
                inner = true;
                point_stage = std::max(point_stage, from.stage);
                break;
            case Level::Row:
                inner = true;
                point_stage = std::max(point_stage, from.stage + 1);
                row_stage = std::max(row_stage, from.stage);
                break;
            case Level::Column: column = true; [[fallthrough]];
            default: outer = true;
            }
        }
        if (outer && inner) return false;
        const uint64_t full[] = {0, s.p | s.a | s.r, s.p | s.a, s.p, s.p | s.r}; // by Level
        if (item.reduces) {
            if (outer) return false;
            h.free = false;
            const bool to_rows = f.over == s.r && !(final_rows && s.a == 0);
            if (to_rows) {
                h = {Level::Row, point_stage, false};
            } else if (f.consumed) {
                return false;
            } else if (f.over == s.a) {
                // Of points: one per column; of row values: one per p.
                const bool of_points = (item.in_mask & s.r) != 0;
                h = {of_points ? Level::Column : Level::Final, of_points ? point_stage : row_stage, false};
            } else if (f.over == (s.a | s.r)) {
                h = {Level::Final, point_stage, false};
            } else {
                return false;
            }
        } else if (outer) {
            if (item.out_mask & s.a) return false;
            h = {column || (item.out_mask & s.r) ? Level::Column : Level::Final, 0, false};
            // Its other operands are evaluated there too.
            for (const int32_t m : f.makers) {
                if (s.homes[static_cast<size_t>(m)].free && (c_.items[static_cast<size_t>(m)].out_mask & s.a))
                    return false;
            }
        } else if (inner) {
            const bool point = (item.out_mask & s.r) != 0;
            h = {point ? Level::Point : Level::Row, point ? point_stage : row_stage, false};
        } else {
            h = {Level::Point, 0, true};
            if (!stored_[i]) return true;
            for (const Level level : {Level::Point, Level::Row, Level::Column, Level::Final}) {
                if (item.out_mask == full[static_cast<int>(level)]) {
                    h.level = level;
                    return true;
                }
            }
            return false;
        }
        return !stored_[i] || item.out_mask == full[static_cast<int>(h.level)];
    }

    std::vector<int32_t> ordered(const Structure& s) const {
        std::vector<int32_t> order;
        for (const uint64_t group : {s.p, s.a, s.r}) {
            const auto first = static_cast<std::ptrdiff_t>(order.size());
            for (size_t a = 0; a < c_.extents.size(); ++a) {
                if (group >> a & 1) order.push_back(static_cast<int32_t>(a));
            }
            if (logical_order_) continue;
            std::stable_sort(order.begin() + first, order.end(), [&](int32_t x, int32_t y) {
                auto key = [&](int32_t a) {
                    const int64_t stride = strides_[static_cast<size_t>(a)];
                    return stride == 0 ? INT64_MAX : stride;
                };
                return key(x) > key(y);
            });
        }
        return order;
    }

    const ir::Graph& g_;
    const Cluster& c_;
    const std::vector<char>& stored_;
    std::vector<int64_t> strides_;
    std::vector<Facts> facts_;
    std::vector<int32_t> reductions_;
    int32_t lane_ = -1;
    bool logical_order_ = false;
};

} // namespace

std::optional<Structure> detail::structure_of(const ir::Graph& g, const Cluster& c, const std::vector<char>& stored) {
    return Solver(g, c, stored).solve();
}

} // namespace ingot::passes
