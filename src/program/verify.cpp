// SPDX-License-Identifier: MIT
// The rules of the program form, checked one by one; and the types of values, which follow from the code.
#include <algorithm>

#include "base/check.h"
#include "program/interpret.h"

namespace ingot::program {

bool Program::operator==(const Program& o) const {
    return axes == o.axes && num_p == o.num_p && num_a == o.num_a && num_r == o.num_r && stages == o.stages &&
           num_values == o.num_values && num_inputs == o.num_inputs && num_outputs == o.num_outputs &&
           operands == o.operands && affines == o.affines && code == o.code && reduces == o.reduces &&
           segments == o.segments;
}

DType value_type(DType memory) {
    switch (memory) {
    case DType::f16:
    case DType::bf16: return DType::f32;
    case DType::u8: return DType::i32;
    default: return memory;
    }
}

std::vector<DType> value_types(const Program& program) {
    std::vector<DType> types(static_cast<size_t>(program.num_values), DType::f32);
    for (const Inst& inst : program.code)
        if (inst.dst != kNone) types[static_cast<size_t>(inst.dst)] = inst.type;
    for (const Reduce& r : program.reduces) {
        types[static_cast<size_t>(r.out)] = r.type;
        if (r.out2 != kNone) types[static_cast<size_t>(r.out2)] = r.type;
    }
    return types;
}

namespace {

// When a value comes to be: its level and, for points and rows, its stage.
struct Defined {
    bool yes = false;
    Level level = Level::Once;
    int stage = 0;
    DType type = DType::f32;
};

// The place of (level, stage) in the order of execution.
int order(Level level, int stage) {
    switch (level) {
    case Level::Once: return -1;
    case Level::Point: return 2 * stage;
    case Level::Row: return 2 * stage + 1;
    case Level::Final: return 1 << 20;
    case Level::Column: return (1 << 20) + 1;
    }
    return 0;
}

// Whether code at `user` may read a value of level `def`: one for each iteration of the user, made before it.
bool visible(Level def, int def_stage, Level user, int user_stage) {
    if (order(def, def_stage) > order(user, user_stage)) return false;
    switch (user) {
    case Level::Once: return def == Level::Once;
    case Level::Point: return def == Level::Once || def == Level::Point || def == Level::Row;
    case Level::Row: return def == Level::Once || def == Level::Row;
    case Level::Final: return def == Level::Once || def == Level::Final;
    case Level::Column: return def == Level::Once || def == Level::Final || def == Level::Column;
    }
    return false;
}

bool is_value_type(DType t) {
    return t == DType::f32 || t == DType::f64 || t == DType::i32 || t == DType::i64 || t == DType::boolean;
}

class Verifier {
public:
    explicit Verifier(const Program& program) : p_(program), defs_(static_cast<size_t>(program.num_values)) {}

    void run() {
        const size_t rank = p_.axes.size();
        INGOT_ASSERT(p_.num_p >= 0 && p_.num_a >= 0 && p_.num_r >= 0, "program: negative group of axes");
        INGOT_ASSERT(static_cast<size_t>(p_.num_p + p_.num_a + p_.num_r) == rank, "program: groups do not add up");
        for (int64_t e : p_.axes) INGOT_ASSERT(e >= 0, "program: negative extent");
        INGOT_ASSERT(p_.stages >= 1 && p_.stages < 256, "program: bad number of stages");
        for (const Operand& o : p_.operands) operand(o);
        for (const Affine& a : p_.affines) affine(a);
        int last = -1;
        size_t next = 0;
        std::vector<const Reduce*> reduces;
        for (const Reduce& r : p_.reduces) reduces.push_back(&r);
        // A reduction's result is there from the level it goes to; code comes in order of execution.
        std::stable_sort(reduces.begin(), reduces.end(), [](const Reduce* a, const Reduce* b) {
            return order(a->to, a->stage) < order(b->to, b->stage);
        });
        for (const Inst& inst : p_.code) {
            if (inst.level == Level::Point || inst.level == Level::Row)
                INGOT_ASSERT(inst.stage < p_.stages, "program: stage of an instruction");
            const int at = order(inst.level, inst.stage);
            INGOT_ASSERT(at >= last, "program: code is not in order of execution");
            last = at;
            while (next < reduces.size() && order(reduces[next]->to, reduces[next]->stage) <= at)
                reduce(*reduces[next++]);
            instruction(inst);
        }
        while (next < reduces.size()) reduce(*reduces[next++]);
        segments();
    }

private:
    void affine(const Affine& a) const {
        INGOT_ASSERT(a.coef.size() == p_.axes.size(), "program: an affine needs one coefficient per axis");
    }

    void operand(const Operand& o) const {
        affine(o.at);
        INGOT_ASSERT(o.buffer >= 0 && o.buffer < p_.num_inputs + p_.num_outputs, "program: operand's buffer");
        for (const Guard& g : o.guards) affine(g.at);
        if (o.index != kNone) {
            INGOT_ASSERT(o.index < p_.num_values, "program: operand's index");
            INGOT_ASSERT(o.index_bound > 0, "program: a gather needs a bound");
        }
    }

    const Defined& use(ValueId v, Level level, int stage) const {
        INGOT_ASSERT(v >= 0 && v < p_.num_values, "program: value id");
        const Defined& d = defs_[static_cast<size_t>(v)];
        INGOT_ASSERT(d.yes, "program: a value is used before it is defined");
        INGOT_ASSERT(visible(d.level, d.stage, level, stage), "program: a value is used where it does not exist");
        return d;
    }

    void define(ValueId v, Level level, int stage, DType type) {
        INGOT_ASSERT(v >= 0 && v < p_.num_values, "program: value id");
        Defined& d = defs_[static_cast<size_t>(v)];
        INGOT_ASSERT(!d.yes, "program: a value is defined twice");
        INGOT_ASSERT(is_value_type(type), "program: f16, bf16 and u8 exist in memory only");
        d = {true, level, stage, type};
    }

    // Coefficients outside the level's axes must be zero: such an address would have no meaning.
    void covers(const Affine& a, Level level) const {
        const int32_t p = p_.num_p, a_end = p_.num_p + p_.num_a;
        for (int32_t i = 0; i < static_cast<int32_t>(a.coef.size()); ++i) {
            if (a.coef[static_cast<size_t>(i)] == 0) continue;
            const bool in_p = i < p, in_a = i >= p && i < a_end, in_r = i >= a_end;
            const bool ok = level == Level::Point || (level == Level::Row && !in_r) ||
                            (level == Level::Final && in_p) || (level == Level::Column && !in_a && (in_p || in_r));
            INGOT_ASSERT(ok, "program: an address uses an axis that its level does not have");
        }
    }

    const Operand& slot(const Inst& inst) const {
        INGOT_ASSERT(inst.slot >= 0 && inst.slot < static_cast<int32_t>(p_.operands.size()), "program: operand slot");
        const Operand& o = p_.operands[static_cast<size_t>(inst.slot)];
        covers(o.at, inst.level);
        for (const Guard& g : o.guards) covers(g.at, inst.level);
        if (o.index != kNone)
            INGOT_ASSERT(use(o.index, inst.level, inst.stage).type == DType::i64, "program: an index must be i64");
        return o;
    }

    void instruction(const Inst& inst) {
        const Level level = inst.level;
        const int stage = inst.stage;
        switch (inst.code) {
        case Code::Const: break;
        case Code::Load: INGOT_ASSERT(value_type(slot(inst).dtype) == inst.type, "program: type of a load"); break;
        case Code::Store: {
            const Operand& o = slot(inst);
            INGOT_ASSERT(use(inst.a, level, stage).type == inst.type, "program: type of a stored value");
            INGOT_ASSERT(value_type(o.dtype) == inst.type, "program: type of a store");
            INGOT_ASSERT(inst.dst == kNone, "program: a store has no result");
            return;
        }
        case Code::Iota:
            INGOT_ASSERT(inst.slot >= 0 && inst.slot < static_cast<int32_t>(p_.affines.size()), "program: affine slot");
            covers(p_.affines[static_cast<size_t>(inst.slot)], level);
            INGOT_ASSERT(inst.type == DType::i64, "program: iota is i64");
            break;
        case Code::Random:
            INGOT_ASSERT(slot(inst).dtype == DType::i64 && slot(inst).guards.empty() && slot(inst).index == kNone,
                         "program: the key of random numbers is a plain i64[2]");
            for (int64_t c : slot(inst).at.coef) INGOT_ASSERT(c == 0, "program: one key for all elements");
            INGOT_ASSERT(use(inst.a, level, stage).type == DType::i64, "program: random counts in i64");
            INGOT_ASSERT(inst.type == DType::f32, "program: random is f32");
            break;
        case Code::Apply: apply(inst); break;
        case Code::Cast: use(inst.a, level, stage); break;
        case Code::RoundTo: {
            const DType from = use(inst.a, level, stage).type;
            INGOT_ASSERT((from == DType::f32 && (inst.memory == DType::f16 || inst.memory == DType::bf16)) ||
                             (from == DType::i32 && inst.memory == DType::u8),
                         "program: round to f16, bf16 or u8");
            INGOT_ASSERT(inst.type == from, "program: rounding keeps the type");
            break;
        }
        }
        define(inst.dst, level, stage, inst.type);
    }

    void apply(const Inst& inst) {
        INGOT_ASSERT(inst.function < Scalar::count, "program: scalar function");
        const ScalarInfo& f = info(inst.function);
        const ValueId args[3] = {inst.a, inst.b, inst.c};
        DType types[3] = {};
        for (int i = 0; i < 3; ++i) {
            INGOT_ASSERT((args[i] != kNone) == (i < f.arity), "program: number of arguments");
            if (i < f.arity) types[i] = use(args[i], inst.level, inst.stage).type;
        }
        if (inst.function == Scalar::where) {
            INGOT_ASSERT(types[0] == DType::boolean && types[1] == types[2] && types[1] == inst.type,
                         "program: types of where");
            return;
        }
        for (int i = 1; i < f.arity; ++i) INGOT_ASSERT(types[i] == types[0], "program: mixed types");
        switch (f.kind) {
        case ScalarKind::num:
            INGOT_ASSERT(types[0] == inst.type, "program: type of a result");
            INGOT_ASSERT(types[0] != DType::boolean || inst.function == Scalar::maximum ||
                             inst.function == Scalar::minimum,
                         "program: arithmetic on bool");
            break;
        case ScalarKind::flt:
            INGOT_ASSERT(types[0] == inst.type && is_float(types[0]), "program: a function of floats");
            break;
        case ScalarKind::cmp: INGOT_ASSERT(inst.type == DType::boolean, "program: a comparison gives bool"); break;
        case ScalarKind::log:
            INGOT_ASSERT(inst.type == DType::boolean && types[0] == DType::boolean, "program: logic is on bool");
            break;
        }
    }

    void reduce(const Reduce& r) {
        INGOT_ASSERT(r.stage < p_.stages, "program: stage of a reduction");
        INGOT_ASSERT(
            (r.from == Level::Point && (r.to == Level::Row || r.to == Level::Column || r.to == Level::Final)) ||
                (r.from == Level::Row && r.to == Level::Final),
            "program: levels of a reduction");
        const DType in = use(r.in, r.from, r.stage).type;
        switch (r.monoid) {
        case Monoid::Sum: INGOT_ASSERT(r.type == (is_float(in) ? in : DType::i64), "program: type of a sum"); break;
        case Monoid::Prod: INGOT_ASSERT(r.type == in && in != DType::boolean, "program: type of a product"); break;
        case Monoid::Max:
        case Monoid::Min: INGOT_ASSERT(r.type == in, "program: type of a maximum"); break;
        case Monoid::ArgMax:
        case Monoid::ArgMin: INGOT_ASSERT(r.type == DType::i64, "program: an index is i64"); break;
        case Monoid::Welford: INGOT_ASSERT(r.type == in && is_float(in), "program: type of a variance"); break;
        }
        define(r.out, r.to, r.stage, r.type);
        INGOT_ASSERT(r.out2 == kNone || r.monoid == Monoid::Welford, "program: a second result");
        if (r.out2 != kNone) define(r.out2, r.to, r.stage, r.type);
    }

    void segments() const {
        if (p_.segments.empty()) return;
        INGOT_ASSERT(p_.num_p == 0 && p_.num_a == 0 && p_.num_r == 1 && p_.reduces.empty(),
                     "program: segments are maps");
        for (const Inst& inst : p_.code)
            INGOT_ASSERT(inst.level == Level::Point || inst.level == Level::Once, "program: segments are maps");
        int64_t largest = 0;
        for (const Segment& s : p_.segments) {
            INGOT_ASSERT(s.extent >= 0 && s.buffers.size() == p_.operands.size(), "program: a segment's buffers");
            for (int32_t b : s.buffers)
                INGOT_ASSERT(b >= 0 && b < p_.num_inputs + p_.num_outputs, "program: a segment's buffers");
            largest = std::max(largest, s.extent);
        }
        INGOT_ASSERT(p_.axes[0] == largest, "program: axes[0] is the largest segment");
    }

    const Program& p_;
    std::vector<Defined> defs_;
};

} // namespace

void verify(const Program& program) { Verifier(program).run(); }

} // namespace ingot::program
