// SPDX-License-Identifier: MIT
// From a cluster and its structure to a Program: every operator becomes code at its level, every operand an address.
#include <algorithm>
#include <bit>
#include <map>

#include "base/check.h"
#include "passes/cluster.h"

namespace ingot::passes {

using graph::Prim;
using program::Code;
using program::Inst;
using program::Level;
using program::Program;
using program::ValueId;

namespace {

/// The type that values of a dtype have in registers.
DType register_type(DType t) {
    switch (t) {
    case DType::f16:
    case DType::bf16: return DType::f32;
    case DType::u8: return DType::i32;
    default: return t;
    }
}

bool rounds(DType t) { return t == DType::f16 || t == DType::bf16 || t == DType::u8; }

/// Where code goes: Once; then by stage Point and Row; then Final; then Column.
int32_t bucket_of(Level level, int32_t stage) {
    switch (level) {
    case Level::Once: return 0;
    case Level::Point: return 1 + 2 * stage;
    case Level::Row: return 2 + 2 * stage;
    case Level::Final: return 1 << 20;
    case Level::Column: return (1 << 20) + 1;
    }
    return 0;
}

class Emitter {
public:
    Emitter(const ir::Graph& g, const Cluster& c, const Structure& s)
        : g_(g), c_(c), s_(s), program_(std::make_shared<Program>()), position_(c.extents.size()) {
        Program& p = *program_;
        for (size_t i = 0; i < s.order.size(); ++i) {
            position_[static_cast<size_t>(s.order[i])] = i;
            p.axes.push_back(c.extents[static_cast<size_t>(s.order[i])]);
        }
        p.num_p = std::popcount(s.p);
        p.num_a = std::popcount(s.a);
        p.num_r = std::popcount(s.r);
        p.stages = s.stages;
    }

    Emitted run(const std::vector<ir::ValueId>& outputs) {
        for (size_t i = 0; i < c_.items.size(); ++i) {
            const Home& h = s_.homes[i];
            if (!h.free) value(static_cast<int32_t>(i), 0, h.level, h.stage);
        }
        for (size_t o = 0; o < outputs.size(); ++o) store(outputs[o], static_cast<int32_t>(o));
        Program& p = *program_;
        p.num_inputs = static_cast<int32_t>(inputs_.size());
        p.num_outputs = static_cast<int32_t>(outputs.size());
        for (auto& operand : p.operands) {
            if (operand.buffer < 0)
                operand.buffer = p.num_inputs - 1 - operand.buffer; // outputs were numbered -1, -2, ...
        }
        for (const auto& [key, insts] : buckets_) p.code.insert(p.code.end(), insts.begin(), insts.end());
        p.num_values = next_;
        Emitted e;
        std::string text;
        for (const Item& item : c_.items) {
            const graph::OpDef* op = g_.nodes[static_cast<size_t>(item.node)].op;
            e.ops.push_back(op);
            if (text.size() < 40) text += (text.empty() ? "" : "_") + std::string(op->name);
        }
        p.name = text.size() < 40 ? text : text + "...";
        program::verify(p);
        e.program = program_;
        e.inputs = inputs_;
        e.outputs = outputs;
        return e;
    }

private:
    // ------------------------------------------------------------------------------------------------ addresses

    program::Affine affine(const DimMaps& dims, const Ints& strides) const {
        program::Affine at{0, Ints(c_.extents.size(), 0)};
        for (size_t d = 0; d < dims.size(); ++d) {
            at.base += dims[d].offset * strides[d];
            if (dims[d].axis >= 0) at.coef[position_[static_cast<size_t>(dims[d].axis)]] += dims[d].step * strides[d];
        }
        return at;
    }

    int32_t input_buffer(ir::ValueId v) {
        for (size_t i = 0; i < inputs_.size(); ++i) {
            if (inputs_[i] == v) return static_cast<int32_t>(i);
        }
        inputs_.push_back(v);
        return static_cast<int32_t>(inputs_.size()) - 1;
    }

    program::Operand operand(ir::ValueId v, const DimMaps& dims) const {
        const ir::Value& value = g_.values[static_cast<size_t>(v)];
        program::Operand o;
        o.dtype = value.type.dtype;
        o.at = affine(dims, strides_of(value.type.shape, value.format));
        return o;
    }

    /// The row-major number of an element of a result.
    int32_t linear_index(const DimMaps& dims, const Shape& shape) {
        program_->affines.push_back(affine(dims, shape.strides()));
        return static_cast<int32_t>(program_->affines.size()) - 1;
    }

    // ------------------------------------------------------------------------------------------------ code

    ValueId add(Inst inst, Level level, int32_t stage) {
        inst.level = level;
        inst.stage = static_cast<uint8_t>(level == Level::Point || level == Level::Row ? stage : 0);
        if (inst.code != Code::Store) inst.dst = next_++;
        const ValueId dst = inst.dst;
        buckets_[bucket_of(level, stage)].push_back(inst);
        return dst;
    }
    ValueId constant(double v, DType type, Level level, int32_t stage) {
        (void)level;
        (void)stage;
        Inst inst;
        inst.code = Code::Const;
        inst.type = type;
        inst.imm = v;
        return add(inst, Level::Once, 0);
    }
    ValueId cast(ValueId a, DType from, DType to, Level level, int32_t stage) {
        if (from == to) return a;
        Inst inst;
        inst.code = Code::Cast;
        inst.type = to;
        inst.a = a;
        return add(inst, level, stage);
    }
    ValueId apply(Scalar f, DType type, std::initializer_list<ValueId> in, Level level, int32_t stage) {
        Inst inst;
        inst.code = Code::Apply;
        inst.function = f;
        inst.type = type;
        const ValueId* v = in.begin();
        inst.a = v[0];
        if (in.size() > 1) inst.b = v[1];
        if (in.size() > 2) inst.c = v[2];
        return add(inst, level, stage);
    }
    ValueId round_to(ValueId a, DType memory, Level level, int32_t stage) {
        Inst inst;
        inst.code = Code::RoundTo;
        inst.type = register_type(memory);
        inst.memory = memory;
        inst.a = a;
        return add(inst, level, stage);
    }

    /// Values without axes are loop invariant; Point code that depends on no stage stands in stage 0.
    static void hoist(uint64_t mask, Level& level, int32_t& stage) {
        if (mask == 0 && level != Level::Final && level != Level::Column) level = Level::Once;
        if (level != Level::Row) stage = 0;
        if (level == Level::Once) stage = 0;
    }

    ValueId read(const Access& a, Level level, int32_t stage, ValueId index = program::kNone, int32_t index_dim = -1,
                 uint64_t index_mask = 0) {
        const ir::Node* p = g_.producer(a.base);
        const DType dtype = g_.type(a.base).dtype;
        const bool inlined = p && a.guards.empty() && index == program::kNone;
        if (inlined && p->prim() == Prim::constant) {
            return constant(graph::unpack(p->attrs[1]), register_type(dtype), level, stage);
        }
        if (inlined && p->prim() == Prim::iota) return iota(a, *p, level, stage);
        hoist(a.mask() | index_mask, level, stage);
        program::Operand o = operand(a.base, a.dims);
        o.buffer = input_buffer(a.base);
        o.fill = a.fill;
        for (const DimGuard& guard : a.guards) { o.guards.push_back({affine({guard.at}, Ints{1}), 0, guard.size}); }
        if (index != program::kNone) {
            const ir::Value& value = g_.values[static_cast<size_t>(a.base)];
            o.index = index;
            o.index_coef = strides_of(value.type.shape, value.format)[static_cast<size_t>(index_dim)];
            o.index_bound = value.type.shape[static_cast<size_t>(index_dim)];
        }
        for (const Loaded& l : loaded_) {
            if (l.level == level && l.stage == stage && program_->operands[static_cast<size_t>(l.slot)] == o)
                return l.value;
        }
        program_->operands.push_back(o);
        Inst inst;
        inst.code = Code::Load;
        inst.type = register_type(dtype);
        inst.slot = static_cast<int32_t>(program_->operands.size()) - 1;
        const ValueId v = add(inst, level, stage);
        loaded_.push_back({inst.slot, level, stage, v});
        return v;
    }

    ValueId iota(const Access& a, const ir::Node& node, Level level, int32_t stage) {
        hoist(a.mask(), level, stage);
        const DType type = register_type(g_.type(a.base).dtype);
        const double start = graph::unpack(node.attrs[2]), step = graph::unpack(node.attrs[3]);
        const auto axis = static_cast<size_t>(node.attrs[1]);
        Inst inst;
        inst.code = Code::Iota;
        inst.type = DType::i64;
        Ints unit(a.dims.size(), 0);
        if (axis < a.dims.size()) unit[axis] = 1;
        program_->affines.push_back(affine(a.dims, unit));
        inst.slot = static_cast<int32_t>(program_->affines.size()) - 1;
        ValueId v = add(inst, level, stage);
        if (is_integer(type)) {
            if (step != 1)
                v = apply(Scalar::mul, DType::i64, {v, constant(step, DType::i64, level, stage)}, level, stage);
            if (start != 0)
                v = apply(Scalar::add, DType::i64, {v, constant(start, DType::i64, level, stage)}, level, stage);
            return cast(v, DType::i64, type, level, stage);
        }
        // In double, as PyTorch does: start + i * step, rounded once.
        v = cast(v, DType::i64, DType::f64, level, stage);
        if (step != 1) v = apply(Scalar::mul, DType::f64, {v, constant(step, DType::f64, level, stage)}, level, stage);
        if (start != 0)
            v = apply(Scalar::add, DType::f64, {v, constant(start, DType::f64, level, stage)}, level, stage);
        return cast(v, DType::f64, type, level, stage);
    }

    /// Result `output` of item i as seen from (level, stage); free items are evaluated where they are needed.
    ValueId value(int32_t i, uint32_t output, Level level, int32_t stage) {
        const Item& item = c_.items[static_cast<size_t>(i)];
        const Home& h = s_.homes[static_cast<size_t>(i)];
        if (h.free) {
            hoist(item.out_mask, level, stage);
        } else {
            level = h.level;
            stage = h.stage;
        }
        const auto key = std::tuple(i, output, level, h.free && level == Level::Row ? stage : 0);
        if (const auto it = values_.find(key); it != values_.end()) return it->second;
        const ValueId v = item.reduces ? reduce(item, h, output) : compute(item, output, level, stage);
        values_[key] = v;
        return v;
    }

    ValueId operand_value(const Item& item, size_t o, Level level, int32_t stage) {
        const Access& a = item.operands[o];
        const ir::Value& base = g_.values[static_cast<size_t>(a.base)];
        const int32_t maker = base.node < 0 || base.node == item.node ? -1 : c_.find(base.node);
        if (maker >= 0) return value(maker, static_cast<uint32_t>(base.output), level, stage);
        return read(a, level, stage);
    }

    ValueId compute(const Item& item, uint32_t output, Level level, int32_t stage) {
        const ir::Node& n = g_.nodes[static_cast<size_t>(item.node)];
        const graph::Type& type = g_.type(n.outputs[0]);
        const DType reg = register_type(type.dtype);
        switch (n.prim()) {
        case Prim::elementwise: {
            ValueId in[3] = {program::kNone, program::kNone, program::kNone};
            for (size_t o = 0; o < item.operands.size(); ++o) in[o] = operand_value(item, o, level, stage);
            Inst inst;
            inst.code = Code::Apply;
            inst.function = n.op->scalar;
            // Comparisons work in the type of their operands; their result is bool.
            inst.type = reg;
            inst.a = in[0];
            inst.b = in[1];
            inst.c = in[2];
            const ValueId v = add(inst, level, stage);
            return type.dtype == DType::u8 ? round_to(v, DType::u8, level, stage) : v;
        }
        case Prim::cast: {
            const DType from = register_type(g_.type(n.inputs[0]).dtype);
            ValueId v = operand_value(item, 0, level, stage);
            v = cast(v, from, reg, level, stage);
            return rounds(type.dtype) ? round_to(v, type.dtype, level, stage) : v;
        }
        case Prim::uniform: {
            Inst index;
            index.code = Code::Iota;
            index.type = DType::i64;
            index.slot = linear_index(item.out, type.shape);
            const ValueId element = add(index, level, stage);
            program::Operand key = operand(item.operands[0].base, {DimMap{}});
            key.buffer = input_buffer(item.operands[0].base);
            program_->operands.push_back(key);
            Inst inst;
            inst.code = Code::Random;
            inst.type = DType::f32;
            inst.a = element;
            inst.slot = static_cast<int32_t>(program_->operands.size()) - 1;
            return add(inst, level, stage);
        }
        case Prim::gather:
        case Prim::index_select: {
            const DType from = register_type(g_.type(n.inputs[1]).dtype);
            const ValueId raw = operand_value(item, 1, level, stage);
            const Level index_level = level_of(raw, level);
            const ValueId index = cast(raw, from, DType::i64, index_level, index_level == Level::Once ? 0 : stage);
            return read(item.operands[0], level, stage, index, item.index_dim, item.operands[1].mask() | item.out_mask);
        }
        // Reductions of one element each.
        case Prim::sum:
        case Prim::prod:
        case Prim::max:
        case Prim::min: {
            const DType from = register_type(g_.type(n.inputs[0]).dtype);
            return cast(operand_value(item, 0, level, stage), from, reg, level, stage);
        }
        case Prim::argmax:
        case Prim::argmin: return constant(0, reg, level, stage);
        case Prim::moments: {
            const ValueId x = operand_value(item, 0, level, stage);
            // Not 0: the variance of an infinity is NaN.
            return output == 0 ? x : apply(Scalar::sub, reg, {x, x}, level, stage);
        }
        default: return operand_value(item, 0, level, stage); // identity, and copies of views
        }
    }

    /// Where an operand that was asked for at `level` really stands.
    Level level_of(ValueId v, Level level) const {
        for (const auto& [key, insts] : buckets_) {
            for (const Inst& inst : insts) {
                if (inst.dst == v) return inst.level == Level::Once ? Level::Once : level;
            }
        }
        return level;
    }

    ValueId reduce(const Item& item, const Home& h, uint32_t output) {
        const ir::Node& n = g_.nodes[static_cast<size_t>(item.node)];
        const auto found = reduced_.find(item.node);
        if (found != reduced_.end()) return output == 0 ? found->second.first : found->second.second;
        const bool of_points = (item.in_mask & s_.r) != 0 || h.level == Level::Row || h.level == Level::Column;
        const Level from = of_points ? Level::Point : Level::Row;
        const DType in_type = register_type(g_.type(n.inputs[0]).dtype);
        const DType out_type = register_type(g_.type(n.outputs[0]).dtype);
        program::Reduce r;
        r.in = at_level(operand_value(item, 0, from, h.stage), in_type, from, h.stage);
        r.from = from;
        r.to = h.level;
        r.stage = static_cast<uint8_t>(h.stage);
        r.type = out_type;
        r.out = next_++;
        switch (n.prim()) {
        case Prim::sum: r.monoid = program::Monoid::Sum; break;
        case Prim::prod: r.monoid = program::Monoid::Prod; break;
        case Prim::max: r.monoid = program::Monoid::Max; break;
        case Prim::min: r.monoid = program::Monoid::Min; break;
        case Prim::argmax: r.monoid = program::Monoid::ArgMax; break;
        case Prim::argmin: r.monoid = program::Monoid::ArgMin; break;
        default: r.monoid = program::Monoid::Welford; r.out2 = next_++;
        }
        program_->reduces.push_back(r);
        std::pair<ValueId, ValueId> results{r.out, r.out2};
        if (r.monoid == program::Monoid::Welford) {
            const auto count = static_cast<double>(c_.count(item.in_mask & ~item.out_mask));
            results.second =
                apply(Scalar::div, out_type, {r.out2, constant(count, out_type, h.level, h.stage)}, h.level, h.stage);
        }
        reduced_[item.node] = results;
        return output == 0 ? results.first : results.second;
    }

    /// A reduction's operand stands at the level that it reduces from: loop invariants are repeated there.
    ValueId at_level(ValueId v, DType type, Level level, int32_t stage) {
        for (const auto& [key, insts] : buckets_) {
            for (const Inst& inst : insts) {
                if (inst.dst != v) continue;
                if (inst.level == level) return v;
                Inst same;
                same.code = Code::Cast;
                same.type = type;
                same.a = v;
                return add(same, level, stage);
            }
        }
        return v;
    }

    void store(ir::ValueId v, int32_t number) {
        const ir::Value& value = g_.values[static_cast<size_t>(v)];
        const int32_t i = c_.find(value.node);
        const Item& item = c_.items[static_cast<size_t>(i)];
        const Home& h = s_.homes[static_cast<size_t>(i)];
        const ValueId made = this->value(i, static_cast<uint32_t>(value.output), h.level, h.stage);
        program::Operand o = operand(v, item.out);
        o.buffer = -1 - number;
        program_->operands.push_back(o);
        Inst inst;
        inst.code = Code::Store;
        inst.type = register_type(value.type.dtype);
        inst.a = made;
        inst.slot = static_cast<int32_t>(program_->operands.size()) - 1;
        add(inst, h.level, h.stage);
    }

    struct Loaded {
        int32_t slot;
        Level level;
        int32_t stage;
        ValueId value;
    };
    const ir::Graph& g_;
    const Cluster& c_;
    const Structure& s_;
    std::shared_ptr<Program> program_;
    std::vector<size_t> position_; ///< of a cluster axis in the program
    ir::Ids inputs_;
    std::map<int32_t, std::vector<Inst>> buckets_;
    std::vector<Loaded> loaded_;
    std::map<std::tuple<int32_t, uint32_t, Level, int32_t>, ValueId> values_;
    std::map<ir::NodeId, std::pair<ValueId, ValueId>> reduced_;
    ValueId next_ = 0;
};

} // namespace

Emitted emit(const ir::Graph& g, const Cluster& c, const Structure& s, const std::vector<ir::ValueId>& outputs) {
    return Emitter(g, c, s).run(outputs);
}

} // namespace ingot::passes
