// SPDX-License-Identifier: MIT
// From a program to a plan. In order:
//   1. shape (program_shape.h): which mode, how large tiles are, how A and R are split (by extents only);
//   2. homes (program_homes.h): each value moves to the coarsest place that it depends on, pairs of instructions join;
//   3. emit (program_emit.h, and sections here): block functions per section, memory used in place where it is dense;
//   4. allocate: slots get scratch memory by the first and last position of use.
#include "backend/cpu/program_plan.h"

#include <algorithm>

#include "backend/cpu/program_emit.h"
#include "backend/cpu/program_reorder.h"

namespace ingot::cpu {
namespace planning {
namespace {

class Planner : PlanEmit {
public:
    Planner(ProgramPtr program, bool careful) : PlanEmit(std::move(program), careful) {}

    Plan make() {
        shape();
        split();
        find_live();
        find_homes();
        find_pairs();
        emit_all();
        find_hazards();
        allocate();
        return std::move(plan_);
    }

private:
    void emit_section(Section& section, Home h, Level level, int stage, bool repeats) {
        begin(section, h, repeats);
        for (const Inst& inst : p_.code) {
            if (inst.dst == kNone || !live_[static_cast<size_t>(inst.dst)] || home(inst.dst) != h) continue;
            if ((h == Home::row || h == Home::point) && plan_.mode != Mode::vertical) {
                if (h == Home::row && (flat_ ? Level::Point : inst.level) != level) continue;
                if (stage_of(inst.stage) != stage && !recompute(inst, stage)) continue;
            }
            instruction(inst);
        }
        for (const Reduce& r : p_.reduces) fold_inputs(r, h, level, stage);
        for (const Inst& inst : p_.code) {
            if (inst.code != Code::Store || inst.level == Level::Once) continue;
            if (inst.level != level || store_home(inst.level) != h) continue;
            if ((level == Level::Row || level == Level::Point) && stage_of(inst.stage) != stage) continue;
            store(inst);
        }
        end();
    }

    static Home store_home(Level level) {
        switch (level) {
        case Level::Once: return Home::once;
        case Level::Point: return Home::point;
        case Level::Row: return Home::row;
        case Level::Final: return Home::final;
        case Level::Column: return Home::column;
        }
        return Home::once;
    }

    // Points of earlier stages that this stage's lane blocks compute (or point to) again.
    bool recompute(const Inst& inst, int stage) const {
        return !again_.empty() && inst.level == Level::Point && inst.stage < stage &&
               again_[static_cast<size_t>(stage)][static_cast<size_t>(inst.dst)];
    }

    void fold_inputs(const Reduce& r, Home h, Level level, int stage) {
        const size_t k = static_cast<size_t>(&r - p_.reduces.data());
        if (!reduce_live_[k] || r.from != level || stage_of(r.stage) != stage) return;
        if (h != (r.from == Level::Point ? Home::point : Home::row)) return;
        Fold1 f;
        f.monoid = r.monoid;
        f.from = r.from;
        f.to = r.to;
        f.id = static_cast<int32_t>(k);
        const bool arg = r.monoid == Monoid::ArgMax || r.monoid == Monoid::ArgMin;
        f.in_type = arg ? type(r.in) : r.type;
        f.type = r.type;
        f.in = as_block(r.in);
        if (!arg && type(r.in) != r.type) { // sums of i32 and bool run in i64
            Op op;
            op.fn = cast_function(type(r.in), r.type);
            op.a = f.in;
            ++position_;
            use(op.a);
            op.dst = f.in = new_slot(h, static_cast<int64_t>(size_of(r.type)));
            push(op);
        }
        f.out = slot_of(r.out);
        f.out2 = r.out2 == kNone ? -1 : slot_of(r.out2);
        target_.section->folds.push_back(f);
    }

    // Slots of reductions' results, made before what feeds them.
    void results(Level to, int stage, Home shape) {
        for (size_t k = 0; k < p_.reduces.size(); ++k) {
            const Reduce& r = p_.reduces[k];
            if (!reduce_live_[k] || r.to != to || (to == Level::Row && r.stage != stage)) continue;
            // Columns of a p that does not fit in a block are parts of whole rows of accumulators.
            const bool row = to == Level::Column && plan_.mode == Mode::chunks;
            for (ValueId v : {r.out, r.out2}) {
                if (v == kNone) continue;
                const size_t i = static_cast<size_t>(v);
                slot_[i] =
                    new_slot(shape, static_cast<int64_t>(size_of(r.type)), row ? SlotKind::row : SlotKind::scratch);
                if (to == Level::Column && plan_.mode != Mode::tiles)
                    slots_[static_cast<size_t>(slot_[i])].persistent = true;
            }
        }
    }

    // The values that each stage of a row in several lane blocks needs from earlier ones: kept, or computed again.
    void plan_rows() {
        if (plan_.mode != Mode::chunks || plan_.lane_blocks == 1 || stages_ == 1) return;
        const size_t n = static_cast<size_t>(p_.num_values), stages = static_cast<size_t>(stages_);
        kept_.assign(n, false);
        again_.assign(stages, std::vector<bool>(n, false));
        // First everything that crosses stages is kept; if that is too much, nothing is.
        for (int round = 0; round < 2; ++round) {
            int64_t bytes = 0;
            std::fill(kept_.begin(), kept_.end(), false);
            for (auto& s : again_) std::fill(s.begin(), s.end(), false);
            for (int stage = 0; stage < stages_; ++stage) {
                const auto need = [&](auto&& self, ValueId v) -> void {
                    const Inst* inst = definition(v);
                    if (!inst || home(v) != Home::point || inst->stage >= stage) return;
                    if (kept_[static_cast<size_t>(v)]) return;
                    if (again_[static_cast<size_t>(stage)][static_cast<size_t>(v)]) return;
                    if (round == 0 && !(inst->code == Code::Load && reads_in_place(*inst))) {
                        kept_[static_cast<size_t>(v)] = true;
                        bytes += plan_.r * static_cast<int64_t>(size_of(type(v)));
                        return;
                    }
                    again_[static_cast<size_t>(stage)][static_cast<size_t>(v)] = true;
                    each_argument(*inst, [&](ValueId w) { self(self, w); });
                };
                for (const Inst& inst : p_.code) {
                    if (inst.level != Level::Point || inst.stage != stage) continue;
                    if (inst.code == Code::Store || live_[static_cast<size_t>(inst.dst)])
                        each_argument(inst, [&](ValueId w) { need(need, w); });
                }
                for (size_t k = 0; k < p_.reduces.size(); ++k)
                    if (reduce_live_[k] && p_.reduces[k].from == Level::Point && p_.reduces[k].stage == stage)
                        need(need, p_.reduces[k].in);
            }
            if (round == 0 && (careful_ || bytes <= kKeepBytes)) return;
        }
    }

    // A load that costs nothing to repeat.
    bool reads_in_place(const Inst& inst) {
        const Operand& o = p_.operands[static_cast<size_t>(inst.slot)];
        if (careful_ || o.dtype != inst.type || o.index != kNone || !o.guards.empty()) return false;
        static const std::vector<int32_t> kNoAxes;
        return dense(make_access(p_, o.at, o.guards, space(Home::point), kNoAxes), Home::point);
    }

    void emit_all() {
        slot_.assign(static_cast<size_t>(p_.num_values), -1);
        plan_.accumulators.resize(p_.reduces.size());
        plan_rows();
        begin(plan_.once, Home::once, false);
        for (const Inst& inst : p_.code)
            if (inst.dst != kNone && live_[static_cast<size_t>(inst.dst)] && home(inst.dst) == Home::once)
                instruction(inst);
        end();
        begin(plan_.once_stores, Home::once, false);
        for (const Inst& inst : p_.code)
            if (inst.code == Code::Store && inst.level == Level::Once) store(inst);
        end();
        results(Level::Final, 0, Home::final);
        results(Level::Column, 0, Home::column);
        plan_.stages.resize(static_cast<size_t>(stages_));
        if (plan_.mode == Mode::vertical) {
            emit_section(plan_.tile_before, Home::tile, Level::Once, 0, false);
            const int walk = position_;
            emit_section(plan_.each_a, Home::each_a, Level::Once, 0, true);
            emit_section(plan_.stages[0].points, Home::point, Level::Point, 0, true);
            // Both are run once for each a: what comes from before stays to the end of the walk.
            for (VirtualSlot& s : slots_)
                if (s.first < walk && s.last >= walk) s.last = std::max(s.last, position_);
            emit_section(plan_.column, Home::column, Level::Column, 0, false);
            return;
        }
        emit_section(plan_.lane, Home::lane, Level::Once, 0, false);
        const bool blocks = plan_.lane_blocks > 1;
        for (int s = 0; s < stages_; ++s) {
            Plan::Stage& stage = plan_.stages[static_cast<size_t>(s)];
            results(Level::Row, s, Home::row);
            emit_section(stage.rows_before, Home::row, Level::Point, s, false);
            emit_section(stage.points, Home::point, Level::Point, s, blocks);
            emit_section(stage.rows, Home::row, Level::Row, s, false);
        }
        emit_section(plan_.final, Home::final, Level::Final, 0, false);
        emit_section(plan_.column, Home::column, Level::Column, 0, blocks);
    }

    // ---- in-place hazards: reads of memory in place, or loads, that come after a store

    void find_hazards() {
        if (careful_) return;
        std::vector<bool> store_slot(slots_.size(), false);
        for (const StoreAt& s : stores_)
            if (s.slot >= 0) store_slot[static_cast<size_t>(s.slot)] = true;
        std::vector<const Section*> sections{&plan_.lane, &plan_.tile_before, &plan_.each_a, &plan_.final,
                                             &plan_.column};
        for (const Plan::Stage& stage : plan_.stages)
            for (const Section* s : {&stage.rows_before, &stage.points, &stage.rows}) sections.push_back(s);
        const auto operand = [&](int32_t access) { return plan_.accesses[static_cast<size_t>(access)].operand; };
        for (const StoreAt& store : stores_) {
            for (const Section* section : sections) {
                for (const Direct& d : section->directs)
                    if (!store_slot[static_cast<size_t>(d.slot)] &&
                        slots_[static_cast<size_t>(d.slot)].last > store.position)
                        plan_.hazards.push_back({store.operand, operand(d.access)});
                for (const Op& op : section->ops)
                    if (op.kind == Op::Kind::load && slots_[static_cast<size_t>(op.dst)].first > store.position)
                        plan_.hazards.push_back({store.operand, operand(op.access)});
            }
        }
        std::sort(plan_.hazards.begin(), plan_.hazards.end());
        plan_.hazards.erase(std::unique(plan_.hazards.begin(), plan_.hazards.end()), plan_.hazards.end());
    }

    // ---- 4. allocate

    int64_t elements(Home shape) const {
        switch (shape) {
        case Home::once:
        case Home::each_a: return 1;
        case Home::row: return plan_.tile_rows;
        case Home::final: return plan_.tile_p;
        default: return plan_.tile_rows * plan_.tile_lanes;
        }
    }

    // Blocks of a power of two would all fall on the same lines of the cache; a line between them spreads them.
    static int64_t padded(int64_t bytes) { return round_up(bytes, 64) + 64; }

    int64_t reserve(int64_t bytes) {
        const int64_t at = plan_.scratch_bytes;
        plan_.scratch_bytes += padded(bytes);
        return at;
    }

    void allocate() {
        // The pointer table comes first.
        plan_.scratch_bytes = round_up(static_cast<int64_t>(slots_.size() * sizeof(void*)), 64);
        plan_.once_bytes = 0;
        int64_t top = plan_.scratch_bytes;
        const int64_t blocks_at = plan_.scratch_bytes;
        for (size_t i = 0; i < slots_.size(); ++i) {
            VirtualSlot& s = slots_[i];
            if (s.slot.kind == SlotKind::once) {
                s.slot.offset = plan_.once_bytes;
                plan_.once_bytes += 8;
                continue;
            }
            if (s.slot.kind != SlotKind::scratch || s.persistent) continue;
            const int64_t bytes = padded(elements(s.shape) * s.slot.size);
            // The lowest place that no slot alive at the same time holds.
            int64_t at = blocks_at;
            for (bool moved = true; moved;) {
                moved = false;
                for (size_t j = 0; j < i; ++j) {
                    const VirtualSlot& o = slots_[j];
                    if (o.slot.kind != SlotKind::scratch || o.persistent) continue;
                    const int64_t size = padded(elements(o.shape) * o.slot.size);
                    const bool alive = o.first <= s.last && s.first <= o.last;
                    if (alive && o.slot.offset < at + bytes && at < o.slot.offset + size) {
                        at = o.slot.offset + size;
                        moved = true;
                    }
                }
            }
            s.slot.offset = at;
            top = std::max(top, at + bytes);
        }
        plan_.scratch_bytes = top;
        accumulators();
        for (VirtualSlot& s : slots_) {
            if (s.slot.offset != 0 || !s.persistent) continue;
            if (s.slot.kind == SlotKind::row)
                s.slot.offset = reserve(plan_.r * s.slot.size);
            else if (s.slot.kind == SlotKind::scratch)
                s.slot.offset = reserve(elements(s.shape) * s.slot.size);
        }
        plan_.temp = reserve(plan_.tile_rows * plan_.tile_lanes * 16 + 128);
        plan_.cells = reserve(static_cast<int64_t>(p_.reduces.size()) * 64);
        for (const VirtualSlot& s : slots_) plan_.slots.push_back(s.slot);
        plan_.once_bytes = round_up(std::max<int64_t>(plan_.once_bytes, 8), 64);
        plan_.constants.assign(static_cast<size_t>(plan_.once_bytes), 0);
        for (const Constant& c : constants_)
            write_value(plan_.constants.data() + plan_.slots[static_cast<size_t>(c.slot)].offset, c.type, c.value);
        costs();
    }

    void accumulators() {
        if (plan_.mode == Mode::tiles || plan_.mode == Mode::segments) return;
        const int64_t count =
            plan_.mode == Mode::vertical ? plan_.tile_rows * plan_.tile_lanes : plan_.groups * plan_.r;
        const int64_t part = plan_.p * plan_.r;
        for (size_t k = 0; k < p_.reduces.size(); ++k) {
            const Reduce& r = p_.reduces[k];
            if (!reduce_live_[k] || r.to != Level::Column) continue;
            Plan::Accumulator& acc = plan_.accumulators[k];
            const bool arg = r.monoid == Monoid::ArgMax || r.monoid == Monoid::ArgMin;
            const int64_t size = static_cast<int64_t>(size_of(arg ? type(r.in) : r.type));
            acc.value = reserve(count * size);
            if (arg) acc.extra = reserve(count * 8);
            if (r.monoid == Monoid::Welford) acc.extra = reserve(count * size);
            if (r.monoid == Monoid::Sum && is_float(r.type)) acc.high = reserve(count * size);
            slots_[static_cast<size_t>(slot_of(r.out))].slot.offset = arg ? acc.extra : acc.value;
            if (r.out2 != kNone) slots_[static_cast<size_t>(slot_of(r.out2))].slot.offset = acc.extra;
            acc.part_value = plan_.part_bytes;
            plan_.part_bytes += round_up(part * size, 64);
            if (acc.extra >= 0) {
                acc.part_extra = plan_.part_bytes;
                plan_.part_bytes += round_up(part * 8, 64);
            }
        }
    }

    void costs() {
        const auto weight = [&](const Section& s, double elements) {
            double w = 0;
            for (const Op& op : s.ops) {
                w += op.kind == Op::Kind::map ? op.cost : op.kind == Op::Kind::random ? 8 : 2;
            }
            w += static_cast<double>(s.stores.size() + s.folds.size() + s.directs.size());
            return w * elements;
        };
        double per_point = 0, per_column = 0;
        for (const Plan::Stage& s : plan_.stages)
            per_point += weight(s.points, 1) + (weight(s.rows, 1) + weight(s.rows_before, 1)) /
                                                   static_cast<double>(std::max<int64_t>(plan_.r, 1));
        per_column +=
            weight(plan_.column, 1) + weight(plan_.final, 1) / static_cast<double>(std::max<int64_t>(plan_.r, 1));
        const double r = static_cast<double>(plan_.r), a = static_cast<double>(plan_.a);
        switch (plan_.mode) {
        case Mode::tiles: plan_.unit_cost = static_cast<double>(plan_.tile_p) * r * (a * per_point + per_column); break;
        case Mode::chunks:
            if (plan_.lanes_are_units)
                plan_.unit_cost = static_cast<double>(plan_.tile_lanes) * per_point;
            else
                plan_.unit_cost = r * (a * per_point + per_column) / static_cast<double>(plan_.chunks_per_p());
            break;
        case Mode::vertical:
            plan_.unit_cost = static_cast<double>(plan_.tile_p * plan_.tile_lanes) *
                              (a * per_point / static_cast<double>(plan_.chunks_a) + per_column);
            break;
        case Mode::segments: plan_.unit_cost = static_cast<double>(plan_.tile_lanes) * per_point; break;
        }
    }

    std::vector<std::vector<bool>> again_; // by stage and value: computed again there
};

} // namespace
} // namespace planning

using namespace program;

int64_t Plan::units() const {
    const auto ceil = [](int64_t x, int64_t y) { return y > 0 ? (x + y - 1) / y : 0; };
    switch (mode) {
    case Mode::tiles: return ceil(p, tile_p);
    case Mode::chunks: return lanes_are_units ? p * ceil(r, tile_lanes) : p * chunks_per_p();
    case Mode::vertical: return ceil(p, tile_p) * lane_blocks * chunks_a;
    case Mode::segments: {
        int64_t n = 0;
        for (const Segment& s : program->segments) n += ceil(s.extent, tile_lanes);
        return n;
    }
    }
    return 0;
}

Plan make_plan(ProgramPtr program, bool careful) { return planning::Planner(reorder_map(program), careful).make(); }

} // namespace ingot::cpu
