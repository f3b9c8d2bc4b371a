// SPDX-License-Identifier: MIT
// The second step of planning: which values are needed at all, where each is computed (the coarsest place that it
// depends on), and which instructions join into one. Users: program_plan.cpp alone.
#pragma once

#include <vector>

#include "backend/cpu/program_shape.h"
#include "base/check.h"

namespace ingot::cpu::planning {

using namespace program;

class PlanHomes : protected PlanShape {
protected:
    using PlanShape::PlanShape;

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
            if (p_.reduces[k].out2 != kNone)
                reduce_of_[static_cast<size_t>(p_.reduces[k].out2)] = static_cast<int32_t>(k);
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
                if (inner(inst.a, Scalar::mul))
                    join(Pair::fma, inst.a);
                else if (inner(inst.b, Scalar::mul))
                    join(Pair::fma, inst.b);
                break;
            case Scalar::sub:
                if (inner(inst.a, Scalar::mul))
                    join(Pair::fms, inst.a);
                else if (inner(inst.b, Scalar::mul))
                    join(Pair::fnma, inst.b);
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

    Home home(ValueId v) const { return home_[static_cast<size_t>(v)]; }
    DType type(ValueId v) const { return types_[static_cast<size_t>(v)]; }

    std::vector<const Inst*> def_;
    std::vector<bool> live_, reduce_live_;
    std::vector<int32_t> reduce_of_;
    std::vector<unsigned> bits_;
    std::vector<Home> home_;
    std::vector<bool> inner_; // by value: the first of a pair, not made by itself
    std::vector<Pair> pair_;  // by value: the pair that makes it, or count
};

} // namespace ingot::cpu::planning
