// SPDX-License-Identifier: MIT
// From a program to a plan. In order:
//   1. shape: which mode, how large tiles are, how A and R are split (by extents only);
//   2. place: each value moves to the coarsest place that it depends on (once, per row, per lane, per point);
//   3. emit: block functions per section, with loads of memory used in place where it is dense;
//   4. allocate: slots get scratch memory by the first and last position of use.
#include "backend/cpu/program_plan.h"

#include <algorithm>
#include <cstring>
#include <cstdlib>

#include "backend/cpu/program_reorder.h"
#include "base/check.h"
#include "program/interpret.h"

namespace ingot::cpu {
namespace {

using namespace program;

// Elements of a block: a few live blocks of four-byte values fit in the first-level cache.
constexpr int64_t kBlock = 1024;
// Bytes of a row's values that are kept between stages; above that they are computed again.
constexpr int64_t kKeepBytes = int64_t{1} << 20;
// Programs that touch more than a share of the second-level cache read ahead.
constexpr int64_t kFarBytes = int64_t{3} << 19;
// Blocks of maps over such memory: short ones keep the hardware's own prefetcher busy while functions compute.
static const int64_t kFarBlock = std::getenv("FB") ? std::atoi(std::getenv("FB")) : 256;
// Outputs of this size would push everything else out of the last-level cache: they go past it.
constexpr int64_t kStreamBytes = int64_t{32} << 20;
constexpr int64_t kChunkWork = 32768;   // elements of one chunk of a split reduction, at least
constexpr int64_t kMaxChunks = 256;
constexpr int64_t kMaxPartBytes = int64_t{64} << 20;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

// Where a value is computed.
enum class Home : uint8_t { once, lane, row, point, final, column, tile, each_a };

struct VirtualSlot {
    Slot slot;
    Home shape = Home::point; // how many elements it holds
    int first = 0, last = 0;  // positions
    bool persistent = false;
};

class Planner {
public:
    Planner(ProgramPtr program, bool careful) : p_(*program), careful_(careful), types_(value_types(*program)) {
        plan_.program = std::move(program);
    }

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
    // ---- 1. shape

    int64_t extent_of(const std::vector<int32_t>& axes) const {
        int64_t n = 1;
        for (int32_t i : axes) n *= p_.axes[static_cast<size_t>(i)];
        return n;
    }

    bool uses(Level level) const {
        for (const Inst& i : p_.code)
            if (i.level == level) return true;
        for (const Reduce& r : p_.reduces)
            if (r.to == level || r.from == level) return true;
        return false;
    }

    // Whether axes i and i + 1 of the program are one in every address.
    bool joint(int32_t i) const {
        const size_t a = static_cast<size_t>(i), b = a + 1;
        const auto same = [&](const Affine& f) { return f.coef[a] == f.coef[b] * p_.axes[b]; };
        for (const Operand& o : p_.operands) {
            if (!same(o.at)) return false;
            for (const Guard& g : o.guards)
                if (!same(g.at)) return false;
        }
        for (const Affine& f : p_.affines)
            if (!same(f)) return false;
        return true;
    }

    // Whether the axis before the lanes may become one of them.
    bool joins_lanes(int32_t axis) const {
        return extent_of(r_axes_) == 1 || p_.axes[static_cast<size_t>(axis)] == 1 || joint(axis);
    }

    void shape() {
        const int32_t rank = static_cast<int32_t>(p_.axes.size());
        for (int32_t i = 0; i < rank; ++i)
            (i < p_.num_p ? p_axes_ : i < p_.num_p + p_.num_a ? a_axes_ : r_axes_).push_back(i);
        bool wide = false;
        for (DType t : types_) wide |= size_of(t) == 8;
        block_ = wide && !narrow_points() ? kBlock / 2 : kBlock;

        const bool row_reduces = std::any_of(p_.reduces.begin(), p_.reduces.end(),
                                             [](const Reduce& r) { return r.to == Level::Row; });
        flat_ = !row_reduces;
        stages_ = flat_ ? 1 : p_.stages;
        far_ = far_bytes() > kFarBytes;
        if (!p_.segments.empty()) {
            plan_.mode = Mode::segments;
            plan_.r = p_.axes[0];
            if (far_) block_ = kFarBlock;
            plan_.tile_lanes = std::min(block_, std::max<int64_t>(plan_.r, 1));
            plan_.lane_blocks = ceil_div(std::max<int64_t>(plan_.r, 1), plan_.tile_lanes);
            return;
        }
        if (p_.reduces.empty() && !uses(Level::Final) && !uses(Level::Column)) {
            // Rows are independent of each other: A belongs to P. A pure map is regrouped: its lanes are the trailing axes
            // that are one in every address.
            p_axes_.insert(p_axes_.end(), a_axes_.begin(), a_axes_.end());
            a_axes_.clear();
            if (!uses(Level::Row)) {
                p_axes_.insert(p_axes_.end(), r_axes_.begin(), r_axes_.end());
                r_axes_.clear();
                while (!p_axes_.empty() && joins_lanes(p_axes_.back())) {
                    r_axes_.insert(r_axes_.begin(), p_axes_.back());
                    p_axes_.pop_back();
                }
            }
        } else if (!uses(Level::Final) && !uses(Level::Column)) {
            p_axes_.insert(p_axes_.end(), a_axes_.begin(), a_axes_.end());
            a_axes_.clear();
        }
        plan_.p = extent_of(p_axes_);
        plan_.a = extent_of(a_axes_);
        plan_.r = extent_of(r_axes_);
        if (far_ && p_.reduces.empty() && plan_.r > kBlock) block_ = kFarBlock;

        if (vertical()) {
            plan_.mode = Mode::vertical;
            plan_.a_axes = a_axes_;
            if (plan_.r <= block_) {
                plan_.tile_p = std::clamp<int64_t>(block_ / plan_.r, 1, plan_.p);
                plan_.tile_lanes = plan_.r;
            } else {
                lane_tiles();
            }
            plan_.tile_rows = plan_.tile_p;
            return;
        }
        if (plan_.a * plan_.r <= block_ && plan_.a * plan_.r > 0) {
            plan_.mode = Mode::tiles;
            plan_.tile_p = std::clamp<int64_t>(block_ / (plan_.a * plan_.r), 1, std::max<int64_t>(plan_.p, 1));
            plan_.tile_rows = plan_.tile_p * plan_.a;
            plan_.tile_lanes = plan_.r;
            return;
        }
        plan_.mode = Mode::chunks;
        plan_.lanes_free = !row_reduces && !uses(Level::Row);
        if (plan_.r <= block_) {
            plan_.tile_lanes = std::max<int64_t>(plan_.r, 1);
            plan_.tile_rows = plan_.r == 0 ? 1 : std::clamp<int64_t>(block_ / plan_.tile_lanes, 1, std::max<int64_t>(plan_.a, 1));
            plan_.groups = std::clamp<int64_t>(kBlock / 2 / plan_.tile_lanes, 1, plan_.tile_rows);
            plan_.tile_rows = plan_.tile_rows / plan_.groups * plan_.groups;
        } else {
            lane_tiles();
        }
        plan_.lanes_are_units = plan_.lanes_free && p_.reduces.empty() && !uses(Level::Final) && !uses(Level::Column);
    }

    void lane_tiles() {
        const int64_t blocks = ceil_div(plan_.r, block_);
        // Even shares, in whole cache lines.
        plan_.tile_lanes = std::min(plan_.r, round_up(ceil_div(plan_.r, blocks), 64));
        plan_.lane_blocks = ceil_div(plan_.r, plan_.tile_lanes);
    }

    // Bytes that all points read.
    int64_t far_bytes() const {
        int64_t points = 1, bytes = 0;
        for (int64_t e : p_.axes) points *= e;
        if (!p_.segments.empty()) {
            points = 0;
            for (const Segment& s : p_.segments) points += s.extent;
        }
        for (const Inst& i : p_.code)
            if (i.code == Code::Load && i.level == Level::Point)
                bytes += points * static_cast<int64_t>(size_of(p_.operands[static_cast<size_t>(i.slot)].dtype));
        return bytes;
    }

    // Eight-byte values only outside the points (counters, reduced indices) do not make points wide.
    bool narrow_points() const {
        for (const Inst& i : p_.code)
            if (i.level == Level::Point && i.dst != kNone && size_of(i.type) == 8) return false;
        return true;
    }

    bool vertical() const {
        if (p_.reduces.empty() || uses(Level::Row) || uses(Level::Final)) return false;
        for (const Reduce& r : p_.reduces)
            if (r.to != Level::Column || r.from != Level::Point) return false;
        // With few columns, blocks of several rows are better filled.
        return plan_.p * plan_.r >= block_ / 2 && plan_.a > 0 && (plan_.p == 1 || plan_.r >= 64 || plan_.a <= 64);
    }

    // ---- split of A and R, by extents only

    void split() {
        if (plan_.mode == Mode::segments) return;
        const int64_t work = plan_.a * plan_.r;
        if (plan_.mode == Mode::chunks && !plan_.lanes_are_units && work > 2 * kChunkWork && plan_.p > 0) {
            int64_t chunks = std::min(ceil_div(work, kChunkWork), std::max<int64_t>(1, kMaxChunks / plan_.p));
            int64_t column_bytes = 0;
            for (const Reduce& r : p_.reduces)
                if (r.to == Level::Column) column_bytes += 16 * plan_.r;
            if (column_bytes > 0)
                chunks = std::clamp<int64_t>(kMaxPartBytes / (column_bytes * plan_.p), 1, chunks);
            bool accumulates = false;
            for (const Reduce& r : p_.reduces) accumulates |= r.to != Level::Row;
            if (accumulates) {
                const int64_t tiles = ceil_div(plan_.a, plan_.tile_rows);
                plan_.chunks_a = std::min(chunks, tiles);
                if (plan_.lanes_free && plan_.lane_blocks > 1)
                    plan_.chunks_r = std::clamp<int64_t>(chunks / plan_.chunks_a, 1, plan_.lane_blocks);
            }
        }
        if (plan_.mode == Mode::vertical) {
            const int64_t blocks = ceil_div(plan_.p, plan_.tile_p) * plan_.lane_blocks;
            const int64_t per_block = plan_.a * plan_.tile_p * plan_.tile_lanes;
            if (blocks < 64 && per_block > 2 * kChunkWork) {
                const int64_t chunks = std::min(ceil_div(per_block, kChunkWork), ceil_div(64, blocks));
                plan_.chunks_a = std::min(chunks, plan_.a);
            }
        }
        plan_.chunk_rows = round_up(ceil_div(plan_.a, plan_.chunks_a), plan_.mode == Mode::chunks ? plan_.tile_rows : 1);
        if (plan_.chunk_rows > 0) plan_.chunks_a = std::max<int64_t>(1, ceil_div(plan_.a, plan_.chunk_rows));
        plan_.chunk_lanes = ceil_div(plan_.lane_blocks, plan_.chunks_r) * plan_.tile_lanes;
        if (plan_.chunk_lanes > 0) plan_.chunks_r = std::max<int64_t>(1, ceil_div(plan_.r, plan_.chunk_lanes));
    }

    // Without row reductions all stages are one, and Row values come before the points.
    int stage_of(int stage) const { return flat_ ? 0 : stage; }

    // ---- 2. places

    const Inst* definition(ValueId v) const { return v == kNone ? nullptr : def_[static_cast<size_t>(v)]; }

    template <class F> void each_argument(const Inst& inst, const F& f) const {
        for (ValueId v : {inst.a, inst.b, inst.c})
            if (v != kNone) f(v);
        if (inst.slot >= 0 && (inst.code == Code::Load || inst.code == Code::Store)) {
            const ValueId v = p_.operands[static_cast<size_t>(inst.slot)].index;
            if (v != kNone) f(v);
        }
    }

    void find_live() {
        const size_t n = static_cast<size_t>(p_.num_values);
        def_.assign(n, nullptr);
        live_.assign(n, false);
        for (const Inst& inst : p_.code)
            if (inst.dst != kNone) def_[static_cast<size_t>(inst.dst)] = &inst;
        reduce_of_.assign(n, -1);
        reduce_live_.assign(p_.reduces.size(), false);
        for (size_t k = 0; k < p_.reduces.size(); ++k) {
            reduce_of_[static_cast<size_t>(p_.reduces[k].out)] = static_cast<int32_t>(k);
            if (p_.reduces[k].out2 != kNone) reduce_of_[static_cast<size_t>(p_.reduces[k].out2)] = static_cast<int32_t>(k);
        }
        std::vector<ValueId> todo;
        const auto mark = [&](ValueId v) {
            if (live_[static_cast<size_t>(v)]) return;
            live_[static_cast<size_t>(v)] = true;
            todo.push_back(v);
        };
        for (const Inst& inst : p_.code)
            if (inst.code == Code::Store) each_argument(inst, mark);
        while (!todo.empty()) {
            const ValueId v = todo.back();
            todo.pop_back();
            if (const Inst* inst = definition(v)) {
                each_argument(*inst, mark);
            } else {
                const int32_t k = reduce_of_[static_cast<size_t>(v)];
                INGOT_ASSERT(k >= 0, "program: a value without a definition");
                reduce_live_[static_cast<size_t>(k)] = true;
                mark(p_.reduces[static_cast<size_t>(k)].in);
            }
        }
    }

    bool depends(const Affine& f, const std::vector<int32_t>& axes) const {
        for (int32_t i : axes)
            if (f.coef[static_cast<size_t>(i)] != 0 && p_.axes[static_cast<size_t>(i)] != 1) return true;
        return false;
    }

    // Bits: 1 P, 2 A, 4 R.
    unsigned dependence(const Inst& inst) const {
        unsigned bits = 0;
        const auto add = [&](const Affine& f) {
            bits |= (depends(f, p_axes_) ? 1u : 0u) | (depends(f, a_axes_) ? 2u : 0u) | (depends(f, r_axes_) ? 4u : 0u);
        };
        if (inst.code == Code::Load || inst.code == Code::Store) {
            const Operand& o = p_.operands[static_cast<size_t>(inst.slot)];
            add(o.at);
            for (const Guard& g : o.guards) add(g.at);
        }
        if (inst.code == Code::Iota) add(p_.affines[static_cast<size_t>(inst.slot)]);
        each_argument(inst, [&](ValueId v) { bits |= bits_[static_cast<size_t>(v)]; });
        return bits;
    }

    bool lanes_hoistable() const {
        return plan_.mode != Mode::segments && plan_.mode != Mode::vertical && plan_.lane_blocks == 1;
    }

    Home home_for(Level level, unsigned bits) const {
        switch (level) {
        case Level::Once: return Home::once;
        case Level::Final: return bits == 0 ? Home::once : Home::final;
        case Level::Column: return bits == 0 ? Home::once : Home::column;
        default: break;
        }
        if (bits == 0) return Home::once;
        if (plan_.mode == Mode::segments) return Home::point;
        if (plan_.mode == Mode::vertical) {
            if ((bits & 2) == 0) return Home::tile;
            return bits == 2 ? Home::each_a : Home::point;
        }
        if (level == Level::Row || (bits & 4) == 0) return Home::row;
        if ((bits & 3) == 0 && lanes_hoistable()) return Home::lane;
        return Home::point;
    }

    void find_homes() {
        const size_t n = static_cast<size_t>(p_.num_values);
        bits_.assign(n, 0);
        home_.assign(n, Home::once);
        // Results of reductions depend on all axes of their level.
        for (const Reduce& r : p_.reduces) {
            for (ValueId v : {r.out, r.out2}) {
                if (v == kNone) continue;
                bits_[static_cast<size_t>(v)] = r.to == Level::Row ? 3u : r.to == Level::Final ? 1u : 5u;
                home_[static_cast<size_t>(v)] = r.to == Level::Row     ? Home::row
                                                : r.to == Level::Final ? Home::final
                                                                       : Home::column;
            }
        }
        for (const Inst& inst : p_.code) {
            if (inst.dst == kNone) continue;
            const unsigned bits = inst.code == Code::Const ? 0 : dependence(inst);
            bits_[static_cast<size_t>(inst.dst)] = bits;
            home_[static_cast<size_t>(inst.dst)] = inst.code == Code::Const ? Home::once : home_for(inst.level, bits);
        }
    }

    // ---- pairs: an instruction whose only argument-maker joins it

    void find_pairs() {
        const size_t n = static_cast<size_t>(p_.num_values);
        inner_.assign(n, false);
        pair_.assign(n, Pair::count);
        std::vector<int> uses(n, 0);
        for (const Inst& inst : p_.code)
            if (inst.dst == kNone || live_[static_cast<size_t>(inst.dst)])
                each_argument(inst, [&](ValueId v) { ++uses[static_cast<size_t>(v)]; });
        for (size_t k = 0; k < p_.reduces.size(); ++k)
            if (reduce_live_[k]) ++uses[static_cast<size_t>(p_.reduces[k].in)];
        for (const Inst& inst : p_.code) {
            if (inst.code != Code::Apply || !live_[static_cast<size_t>(inst.dst)]) continue;
            const auto inner = [&](ValueId v, Scalar f) {
                const Inst* d = definition(v);
                return d && d->code == Code::Apply && d->function == f && uses[static_cast<size_t>(v)] == 1 &&
                       home(v) == home(inst.dst) && d->level == inst.level && d->stage == inst.stage &&
                       !inner_[static_cast<size_t>(v)] && pair_[static_cast<size_t>(v)] == Pair::count;
            };
            const auto join = [&](Pair pair, ValueId v) {
                if (!pair_function(pair, inst.type, 0)) return;
                inner_[static_cast<size_t>(v)] = true;
                pair_[static_cast<size_t>(inst.dst)] = pair;
            };
            switch (inst.function) {
            case Scalar::add:
                if (inner(inst.a, Scalar::mul)) join(Pair::fma, inst.a);
                else if (inner(inst.b, Scalar::mul)) join(Pair::fma, inst.b);
                break;
            case Scalar::sub:
                if (inner(inst.a, Scalar::mul)) join(Pair::fms, inst.a);
                else if (inner(inst.b, Scalar::mul)) join(Pair::fnma, inst.b);
                break;
            case Scalar::relu:
                if (inner(inst.a, Scalar::add)) join(Pair::add_relu, inst.a);
                break;
            case Scalar::exp:
                if (inner(inst.a, Scalar::sub)) join(Pair::exp_sub, inst.a);
                break;
            default: break;
            }
        }
    }

    // Emits the second of a pair with the arguments of the first.
    void pair(const Inst& inst) {
        const Pair kind = pair_[static_cast<size_t>(inst.dst)];
        const bool first = inner_[static_cast<size_t>(inst.a)];
        const Inst& made = *definition(first ? inst.a : inst.b);
        const ValueId values[3] = {made.a, made.b, first ? inst.b : inst.a};
        const Arguments args = arguments(values, kind == Pair::add_relu || kind == Pair::exp_sub ? 2 : 3);
        map(inst, pair_function(kind, inst.type, args.scalars), args);
    }

    // ---- 3. emit

    Home home(ValueId v) const { return home_[static_cast<size_t>(v)]; }
    DType type(ValueId v) const { return types_[static_cast<size_t>(v)]; }

    int32_t new_slot(Home shape, int64_t size, SlotKind kind = SlotKind::scratch) {
        VirtualSlot s;
        s.slot.kind = kind;
        s.slot.size = size;
        s.shape = shape;
        s.first = s.last = position_;
        s.persistent = kind == SlotKind::row || shape == Home::lane;
        slots_.push_back(s);
        return static_cast<int32_t>(slots_.size()) - 1;
    }

    void use(int32_t slot) {
        if (slot < 0) return;
        VirtualSlot& s = slots_[static_cast<size_t>(slot)];
        s.last = std::max(s.last, position_);
        if (s.slot.kind != SlotKind::row) return;
        std::vector<int32_t>& rows = target_.section->rows;
        if (std::find(rows.begin(), rows.end(), slot) == rows.end()) rows.push_back(slot);
    }

    int32_t slot_of(ValueId v) const {
        const int32_t s = slot_[static_cast<size_t>(v)];
        INGOT_ASSERT(s >= 0, "program plan: a value without a slot");
        return s;
    }

    // The section that is being filled.
    struct Target {
        Section* section = nullptr;
        Home home = Home::point; // what it computes: its values have this shape
        int begin = 0;           // position
        bool repeats = false;    // runs several times for one run of what comes before it
        std::vector<int32_t> expanded; // by value: slot, or -1
    };

    void begin(Section& section, Home h, bool repeats) {
        target_ = {&section, h, position_, repeats, {}};
        target_.expanded.assign(static_cast<size_t>(p_.num_values), -1);
    }

    // Folds run after all other ops of their section, then stores: their blocks live to its end.
    void end() {
        ++position_;
        for (const Fold1& f : target_.section->folds)
            for (int32_t slot : {f.in, f.out, f.out2}) use(slot);
        ++position_;
        for (const Op& op : target_.section->stores) {
            const Access& x = plan_.accesses[static_cast<size_t>(op.access)];
            use(op.a);
            use(x.index_slot);
            stores_.push_back({position_, x.operand, -1});
        }
        ++position_;
        if (!target_.repeats) return;
        // What comes from before must outlive every repetition.
        for (VirtualSlot& s : slots_)
            if (s.first < target_.begin && s.last >= target_.begin) s.last = std::max(s.last, position_);
    }

    Op& push(Op op) {
        target_.section->ops.push_back(op);
        return target_.section->ops.back();
    }

    // How values of `from` look inside a section that computes `to`.
    enum class Form : uint8_t { block, scalar, rows };
    Form form(Home from, Home to) const {
        if (from == to) return Form::block;
        switch (from) {
        case Home::once: return to == Home::once ? Form::block : Form::scalar;
        case Home::lane: return Form::block;
        case Home::row: return plan_.tile_rows == 1 ? Form::scalar : Form::rows;
        case Home::final: return plan_.tile_p == 1 ? Form::scalar : Form::rows;
        case Home::tile: return Form::block;
        case Home::each_a: return Form::scalar;
        default: return Form::block;
        }
    }

    // A slot with one element per element of the section.
    int32_t as_block(ValueId v) {
        const Form f = form(home(v), target_.home);
        const int32_t source = slot_of(v);
        use(source);
        if (f == Form::block) return source;
        int32_t& made = target_.expanded[static_cast<size_t>(v)];
        if (made >= 0) {
            use(made);
            return made;
        }
        ++position_;
        use(source);
        Op op;
        op.a = source;
        op.dst = made = new_slot(target_.home, static_cast<int64_t>(size_of(type(v))));
        if (f == Form::scalar) {
            op.kind = Op::Kind::map;
            op.fn = splat_function(type(v));
        } else {
            op.kind = Op::Kind::expand;
            op.expand = load_function(type(v));
        }
        push(op);
        return made;
    }

    // Arguments of a map: slots, and which of them are scalars.
    struct Arguments {
        int32_t slot[3] = {-1, -1, -1};
        unsigned scalars = 0;
    };
    Arguments arguments(const ValueId* values, int count) {
        Arguments args;
        for (int i = 0; i < count; ++i) {
            if (form(home(values[i]), target_.home) == Form::scalar) {
                args.slot[i] = slot_of(values[i]);
                args.scalars |= 1u << i;
            } else {
                args.slot[i] = as_block(values[i]);
            }
        }
        if (args.scalars == (1u << count) - 1) { // nothing to run along: one of them becomes a block
            args.slot[0] = as_block(values[0]);
            args.scalars &= ~1u;
        }
        ++position_;
        for (int i = 0; i < count; ++i) use(args.slot[i]);
        return args;
    }

    std::vector<int32_t> space(Home h) const {
        std::vector<int32_t> s;
        const bool vertical = plan_.mode == Mode::vertical;
        const bool with_p = h != Home::once && h != Home::each_a;
        const bool with_a = (h == Home::row || h == Home::point || h == Home::lane) && !vertical;
        const bool with_r = h == Home::point || h == Home::lane || h == Home::column || h == Home::tile;
        if (with_p) s.insert(s.end(), p_axes_.begin(), p_axes_.end());
        if (with_a) s.insert(s.end(), a_axes_.begin(), a_axes_.end());
        if (with_r) s.insert(s.end(), r_axes_.begin(), r_axes_.end());
        return s;
    }

    bool walks_a(Home h) const { return plan_.mode == Mode::vertical && (h == Home::point || h == Home::each_a); }

    int32_t add_access(const Inst& inst, Home h) {
        const bool operand = inst.code == Code::Load || inst.code == Code::Store;
        static const std::vector<Guard> kNoGuards;
        const Operand* o = operand ? &p_.operands[static_cast<size_t>(inst.slot)] : nullptr;
        const Affine& at = o ? o->at : p_.affines[static_cast<size_t>(inst.slot)];
        static const std::vector<int32_t> kNoAxes;
        Access x = make_access(p_, at, o ? o->guards : kNoGuards, space(h), walks_a(h) ? a_axes_ : kNoAxes);
        x.operand = operand ? inst.slot : -1;
        if (o) {
            x.memory = o->dtype;
            x.size = static_cast<int64_t>(size_of(o->dtype));
            x.load = load_function(o->dtype);
            x.store = store_function(o->dtype);
        }
        x.value_size = static_cast<int64_t>(size_of(inst.type));
        if (inst.code == Code::Load) write_value(x.fill, inst.type, o->fill);
        plan_.accesses.push_back(std::move(x));
        return static_cast<int32_t>(plan_.accesses.size()) - 1;
    }

    static void write_value(unsigned char* at, DType t, double v) {
        switch (t) {
        case DType::f32: put(at, static_cast<float>(v)); break;
        case DType::f64: put(at, v); break;
        case DType::i32: put(at, static_cast<int32_t>(v)); break;
        case DType::i64: put(at, static_cast<int64_t>(v)); break;
        default: put(at, static_cast<uint8_t>(v != 0)); break;
        }
    }
    template <class T> static void put(unsigned char* at, T v) { std::memcpy(at, &v, sizeof(T)); }

    void set_index(Access& x, ValueId index) {
        if (index == kNone) return;
        const Operand& o = p_.operands[static_cast<size_t>(x.operand)];
        x.index_coef = o.index_coef;
        x.index_bound = o.index_bound;
        const Home from = home(index);
        const Form f = form(from, target_.home);
        x.index_slot = slot_of(index);
        use(x.index_slot);
        x.index_form = f == Form::scalar ? IndexForm::scalar : f == Form::rows ? IndexForm::per_row : IndexForm::per_element;
    }

    // Whether the access is one dense run at every place of a section of this shape.
    bool dense(const Access& x, Home h) const {
        if (!x.plain()) return false;
        if (h == Home::once || h == Home::each_a) return true;
        if (h == Home::row && plan_.tile_rows == 1) return true;
        if (h == Home::final && plan_.tile_p == 1) return true;
        if (x.extent.size() == 1 && x.at.step[0] == 1) return true;
        if (x.at.step.back() != 1) return false;
        // One row, or part of one, at a time: the innermost dimension must hold whole lanes.
        const bool lanes = h == Home::point || h == Home::column || h == Home::lane || h == Home::tile;
        const int64_t rows = h == Home::column ? plan_.tile_p : plan_.tile_rows;
        return lanes && rows == 1 && x.extent.back() % std::max<int64_t>(plan_.r, 1) == 0;
    }

    void load(const Inst& inst) {
        const Operand& o = p_.operands[static_cast<size_t>(inst.slot)];
        const int32_t access = add_access(inst, target_.home);
        Access& x = plan_.accesses[static_cast<size_t>(access)];
        ++position_;
        set_index(x, o.index);
        const size_t v = static_cast<size_t>(inst.dst);
        if (!careful_ && target_.home != Home::once && o.dtype == inst.type && dense(x, target_.home)) {
            slot_[v] = new_slot(target_.home, x.size, SlotKind::direct);
            const bool ahead = far_ && target_.home == Home::point && inst.stage == 0 && x.extent.size() == 1 && computes();
            target_.section->directs.push_back({slot_[v], access, ahead});
            return;
        }
        slot_[v] = keep_slot(inst.dst);
        Op op;
        op.kind = Op::Kind::load;
        op.dst = slot_[v];
        op.access = access;
        push(op);
    }

    // A plain reduction of memory leaves the hardware's prefetcher no pause.
    bool computes() const {
        if (p_.stages > 1) return true;
        for (const Inst& i : p_.code)
            if (i.code == Code::Apply && i.level == Level::Point) return true;
        return false;
    }

    // The destination of a value: a block, or a part of a row that later stages read.
    int32_t keep_slot(ValueId v) {
        const int64_t size = static_cast<int64_t>(size_of(type(v)));
        if (target_.home == Home::once) return new_slot(Home::once, size, SlotKind::once);
        const bool keep = target_.home == Home::point && kept_.size() > 0 && kept_[static_cast<size_t>(v)];
        if (keep) {
            const int32_t s = new_slot(Home::point, size, SlotKind::row);
            use(s);
            return s;
        }
        return new_slot(target_.home, size);
    }

    void instruction(const Inst& inst) {
        const size_t v = static_cast<size_t>(inst.dst);
        switch (inst.code) {
        case Code::Const: {
            if (slot_[v] >= 0) return;
            slot_[v] = new_slot(Home::once, static_cast<int64_t>(size_of(inst.type)), SlotKind::once);
            constants_.push_back({slot_[v], inst.type, inst.imm});
            return;
        }
        case Code::Load: return load(inst);
        case Code::Store: return;
        case Code::Iota: {
            Op op;
            op.kind = Op::Kind::iota;
            op.access = add_access(inst, target_.home);
            ++position_;
            op.dst = slot_[v] = keep_slot(inst.dst);
            push(op);
            return;
        }
        case Code::Random: {
            Op op;
            op.kind = Op::Kind::random;
            op.a = as_block(inst.a);
            ++position_;
            use(op.a);
            Access x; // only its operand and base matter
            x.operand = inst.slot;
            x.at.base = p_.operands[static_cast<size_t>(inst.slot)].at.base;
            plan_.accesses.push_back(x);
            op.access = static_cast<int32_t>(plan_.accesses.size()) - 1;
            op.dst = slot_[v] = keep_slot(inst.dst);
            push(op);
            return;
        }
        case Code::Apply: {
            if (inner_[v]) return;
            if (pair_[v] != Pair::count) return pair(inst);
            const ValueId values[3] = {inst.a, inst.b, inst.c};
            if (by_rows(inst)) return map_rows(inst);
            const int arity = info(inst.function).arity;
            const Arguments args = arguments(values, arity);
            const DType t = inst.function == Scalar::where ? type(inst.b) : type(inst.a);
            map(inst, map_function(inst.function, t, args.scalars), args);
            return;
        }
        case Code::Cast:
        case Code::RoundTo: {
            const Arguments args = arguments(&inst.a, 1);
            map(inst, inst.code == Code::Cast ? cast_function(type(inst.a), inst.type) : round_function(inst.memory), args);
            return;
        }
        }
    }

    // Division by one value per row is worth a call per row: dividing by a scalar is several times faster.
    bool by_rows(const Inst& inst) const {
        return inst.function == Scalar::div && target_.home == Home::point && plan_.tile_lanes >= 32 &&
               plan_.mode != Mode::vertical && form(home(inst.b), Home::point) == Form::rows &&
               form(home(inst.a), Home::point) == Form::block;
    }

    void map_rows(const Inst& inst) {
        Op op;
        op.kind = Op::Kind::map_rows;
        op.fn = map_function(inst.function, inst.type, 2);
        op.size = static_cast<int32_t>(size_of(inst.type));
        op.a = as_block(inst.a);
        op.b = slot_of(inst.b);
        ++position_;
        use(op.a);
        use(op.b);
        op.dst = slot_[static_cast<size_t>(inst.dst)] = keep_slot(inst.dst);
        push(op);
    }

    void map(const Inst& inst, MapFn fn, const Arguments& args) {
        INGOT_ASSERT(fn != nullptr, "program plan: no block function for this scalar function and type");
        Op op;
        op.fn = fn;
        op.a = args.slot[0];
        op.b = args.slot[1];
        op.c = args.slot[2];
        op.dst = slot_[static_cast<size_t>(inst.dst)] = keep_slot(inst.dst);
        push(op);
    }

    // Stores come after everything else of their section, so that a block is loaded before it is overwritten in place.
    void store(const Inst& inst) {
        const Operand& o = p_.operands[static_cast<size_t>(inst.slot)];
        const int32_t access = add_access(inst, target_.home);
        const int32_t value = as_block(inst.a);
        Access& x = plan_.accesses[static_cast<size_t>(access)];
        ++position_;
        set_index(x, o.index);
        use(value);
        const bool in_place = !careful_ && o.dtype == inst.type && dense(x, target_.home);
        const bool past_caches = in_place && streams(o);
        if (in_place && !past_caches && store_directly(value, access)) return;
        Op op;
        op.kind = past_caches ? Op::Kind::stream : Op::Kind::store;
        op.size = static_cast<int32_t>(x.size);
        op.a = value;
        op.access = access;
        target_.section->stores.push_back(op);
    }

    // Whether a store is so large that it goes past the caches; not when the same memory may be read, as in place.
    bool streams(const Operand& o) const {
        if (target_.home != Home::point || !p_.reduces.empty() || plan_.mode == Mode::segments) return false;
        return plan_.p * plan_.a * plan_.r * static_cast<int64_t>(size_of(o.dtype)) >= kStreamBytes;
    }

    // Lets the op that makes the value write to memory itself, when it was made in this section.
    bool store_directly(int32_t value, int32_t access) {
        if (target_.home == Home::once) return false;
        VirtualSlot& s = slots_[static_cast<size_t>(value)];
        if (s.slot.kind != SlotKind::scratch || s.persistent || s.first <= target_.begin) return false;
        for (const Op& op : target_.section->ops) {
            if (op.dst != value) continue;
            s.slot.kind = SlotKind::direct;
            target_.section->directs.push_back({value, access, false});
            stores_.push_back({s.first, plan_.accesses[static_cast<size_t>(access)].operand, value});
            return true;
        }
        return false;
    }

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
                slot_[i] = new_slot(shape, static_cast<int64_t>(size_of(r.type)), row ? SlotKind::row : SlotKind::scratch);
                if (to == Level::Column && plan_.mode != Mode::tiles) slots_[static_cast<size_t>(slot_[i])].persistent = true;
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
            if (inst.dst != kNone && live_[static_cast<size_t>(inst.dst)] && home(inst.dst) == Home::once) instruction(inst);
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
        std::vector<const Section*> sections{&plan_.lane, &plan_.tile_before, &plan_.each_a, &plan_.final, &plan_.column};
        for (const Plan::Stage& stage : plan_.stages)
            for (const Section* s : {&stage.rows_before, &stage.points, &stage.rows}) sections.push_back(s);
        const auto operand = [&](int32_t access) { return plan_.accesses[static_cast<size_t>(access)].operand; };
        for (const StoreAt& store : stores_) {
            for (const Section* section : sections) {
                for (const Direct& d : section->directs)
                    if (!store_slot[static_cast<size_t>(d.slot)] && slots_[static_cast<size_t>(d.slot)].last > store.position)
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
            if (s.slot.kind == SlotKind::row) s.slot.offset = reserve(plan_.r * s.slot.size);
            else if (s.slot.kind == SlotKind::scratch) s.slot.offset = reserve(elements(s.shape) * s.slot.size);
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
        const int64_t count = plan_.mode == Mode::vertical ? plan_.tile_rows * plan_.tile_lanes : plan_.groups * plan_.r;
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
                w += op.kind == Op::Kind::map ? 1 : op.kind == Op::Kind::random ? 8 : 2;
                for (const Scalar f : {Scalar::exp, Scalar::tanh, Scalar::log, Scalar::sigmoid, Scalar::erf, Scalar::sin,
                                       Scalar::cos, Scalar::expm1, Scalar::log1p})
                    for (const DType t : {DType::f32, DType::f64})
                        if (op.fn && op.fn == map_function(f, t, 0)) w += t == DType::f32 ? 5 : 60;
                for (const DType t : {DType::f32, DType::f64})
                    for (unsigned m = 0; m < 3; ++m)
                        if (op.fn && op.fn == map_function(Scalar::pow, t, m)) w += 80;
            }
            w += static_cast<double>(s.stores.size() + s.folds.size() + s.directs.size());
            return w * elements;
        };
        double per_point = 0, per_column = 0;
        for (const Plan::Stage& s : plan_.stages)
            per_point += weight(s.points, 1) + (weight(s.rows, 1) + weight(s.rows_before, 1)) / static_cast<double>(std::max<int64_t>(plan_.r, 1));
        per_column += weight(plan_.column, 1) + weight(plan_.final, 1) / static_cast<double>(std::max<int64_t>(plan_.r, 1));
        const double r = static_cast<double>(plan_.r), a = static_cast<double>(plan_.a);
        switch (plan_.mode) {
        case Mode::tiles: plan_.unit_cost = static_cast<double>(plan_.tile_p) * r * (a * per_point + per_column); break;
        case Mode::chunks:
            if (plan_.lanes_are_units) plan_.unit_cost = static_cast<double>(plan_.tile_lanes) * per_point;
            else plan_.unit_cost = r * (a * per_point + per_column) / static_cast<double>(plan_.chunks_per_p());
            break;
        case Mode::vertical:
            plan_.unit_cost = static_cast<double>(plan_.tile_p * plan_.tile_lanes) *
                              (a * per_point / static_cast<double>(plan_.chunks_a) + per_column);
            break;
        case Mode::segments: plan_.unit_cost = static_cast<double>(plan_.tile_lanes) * per_point; break;
        }
    }

    struct Constant {
        int32_t slot;
        DType type;
        double value;
    };
    struct StoreAt {
        int position;
        int32_t operand, slot; // slot: the block that is memory itself, or -1
    };

    const Program& p_;
    const bool careful_;
    const std::vector<DType> types_;
    Plan plan_;
    int64_t block_ = kBlock;
    bool far_ = false; // reads more than the near caches hold
    bool flat_ = true;
    int stages_ = 1;
    std::vector<int32_t> p_axes_, a_axes_, r_axes_;
    std::vector<const Inst*> def_;
    std::vector<bool> live_, reduce_live_;
    std::vector<bool> inner_; // by value: the first of a pair, not made by itself
    std::vector<Pair> pair_;  // by value: the pair that makes it, or count
    std::vector<int32_t> reduce_of_;
    std::vector<unsigned> bits_;
    std::vector<Home> home_;
    std::vector<VirtualSlot> slots_;
    std::vector<int32_t> slot_; // by value: the slot that holds it now
    std::vector<Constant> constants_;
    std::vector<StoreAt> stores_;
    std::vector<bool> kept_;               // by value
    std::vector<std::vector<bool>> again_; // by stage and value
    Target target_;
    int position_ = 0;
};

} // namespace

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

Plan make_plan(ProgramPtr program, bool careful) { return Planner(reorder_map(program), careful).make(); }

} // namespace ingot::cpu
