// SPDX-License-Identifier: MIT
// The third step of planning: block functions on slots for single instructions. Memory that is dense is read and
// written in place; what varies more slowly than a section runs becomes a scalar argument or is expanded. Users:
// program_plan.cpp alone.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "backend/cpu/program_homes.h"
#include "base/check.h"

namespace ingot::cpu::planning {

using namespace program;

struct VirtualSlot {
    Slot slot;
    Home shape = Home::point; // how many elements it holds
    int first = 0, last = 0;  // positions
    bool persistent = false;
};

class PlanEmit : protected PlanHomes {
protected:
    using PlanHomes::PlanHomes;

    struct Constant {
        int32_t slot;
        DType type;
        double value;
    };
    struct StoreAt {
        int position;
        int32_t operand, slot; // slot: the block that is memory itself, or -1
    };

    // ---- 3. emit

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
        Home home = Home::point;       // what it computes: its values have this shape
        int begin = 0;                 // position
        bool repeats = false;          // runs several times for one run of what comes before it
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
        x.index_form = f == Form::scalar ? IndexForm::scalar
                       : f == Form::rows ? IndexForm::per_row
                                         : IndexForm::per_element;
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
            const bool ahead =
                far_ && target_.home == Home::point && inst.stage == 0 && x.extent.size() == 1 && computes();
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
            map(inst, map_function(inst.function, t, args.scalars), args, cost_of(inst.function, t));
            return;
        }
        case Code::Cast:
        case Code::RoundTo: {
            const Arguments args = arguments(&inst.a, 1);
            map(inst, inst.code == Code::Cast ? cast_function(type(inst.a), inst.type) : round_function(inst.memory),
                args);
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

    // In f64 the functions that take more than a division are calls of the C library.
    static int32_t cost_of(Scalar function, DType t) {
        const int32_t cost = info(function).cost;
        return t == DType::f64 && cost > 2 ? std::max(cost, 60) : cost;
    }

    void map(const Inst& inst, MapFn fn, const Arguments& args, int32_t cost = 1) {
        INGOT_ASSERT(fn != nullptr, "program plan: no block function for this scalar function and type");
        Op op;
        op.fn = fn;
        op.cost = cost;
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

    // Emits the second of a pair with the arguments of the first.
    void pair(const Inst& inst) {
        const Pair kind = pair_[static_cast<size_t>(inst.dst)];
        const bool first = inner_[static_cast<size_t>(inst.a)];
        const Inst& made = *definition(first ? inst.a : inst.b);
        const ValueId values[3] = {made.a, made.b, first ? inst.b : inst.a};
        const Arguments args = arguments(values, kind == Pair::add_relu || kind == Pair::exp_sub ? 2 : 3);
        map(inst, pair_function(kind, inst.type, args.scalars), args);
    }

    std::vector<VirtualSlot> slots_;
    std::vector<int32_t> slot_; // by value: the slot that holds it now
    std::vector<Constant> constants_;
    std::vector<StoreAt> stores_;
    std::vector<bool> kept_; // by value: stored as a whole row
    Target target_;
    int position_ = 0;
};

} // namespace ingot::cpu::planning
