// SPDX-License-Identifier: MIT
// Programs by hand, for tests and benchmarks: a Builder collects axes, operands and instructions and checks the result.
// Buffers are numbered by the caller: inputs first, then outputs.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "program/interpret.h"
#include "program/program.h"

namespace ingot::program {

class Builder {
public:
    Builder(Ints p, Ints a, Ints r) {
        for (const Ints* group : {&p, &a, &r})
            for (int64_t e : *group) program_.axes.push_back(e);
        program_.num_p = static_cast<int32_t>(p.size());
        program_.num_a = static_cast<int32_t>(a.size());
        program_.num_r = static_cast<int32_t>(r.size());
    }

    /// Level and stage of the instructions that follow.
    Builder& at(Level level, int stage = 0) {
        level_ = level;
        stage_ = stage;
        return *this;
    }

    Operand operand(int32_t buffer, DType type, Ints coef, int64_t base = 0) const {
        Operand o;
        o.buffer = buffer;
        o.dtype = type;
        o.at = affine(std::move(coef), base);
        return o;
    }
    Affine affine(Ints coef, int64_t base = 0) const {
        coef.resize(program_.axes.size(), 0);
        Affine f;
        f.base = base;
        f.coef = coef;
        return f;
    }
    Guard guard(Ints coef, int64_t base, int64_t lo, int64_t hi) const {
        return {affine(std::move(coef), base), lo, hi};
    }

    ValueId constant(DType type, double v) {
        Inst i = inst(Code::Const, type);
        i.imm = v;
        return push(i);
    }
    ValueId load(const Operand& o) {
        Inst i = inst(Code::Load, value_type(o.dtype));
        i.slot = add(o);
        return push(i);
    }
    ValueId load(int32_t buffer, DType type, Ints coef, int64_t base = 0) {
        return load(operand(buffer, type, std::move(coef), base));
    }
    void store(const Operand& o, ValueId v) {
        Inst i = inst(Code::Store, value_type(o.dtype));
        i.slot = add(o);
        i.a = v;
        program_.code.push_back(i);
    }
    void store(int32_t buffer, DType type, Ints coef, ValueId v, int64_t base = 0) {
        store(operand(buffer, type, std::move(coef), base), v);
    }
    ValueId iota(Ints coef, int64_t base = 0) {
        Inst i = inst(Code::Iota, DType::i64);
        program_.affines.push_back(affine(std::move(coef), base));
        i.slot = static_cast<int32_t>(program_.affines.size()) - 1;
        return push(i);
    }
    ValueId random(int32_t key_buffer, ValueId a) {
        Inst i = inst(Code::Random, DType::f32);
        i.slot = add(operand(key_buffer, DType::i64, {}));
        i.a = a;
        return push(i);
    }
    ValueId apply(Scalar f, ValueId a, ValueId b = kNone, ValueId c = kNone) {
        const ScalarKind kind = info(f).kind;
        const DType t = f == Scalar::where ? type(b) : type(a);
        Inst i = inst(Code::Apply, kind == ScalarKind::cmp || kind == ScalarKind::log ? DType::boolean : t);
        i.function = f;
        i.a = a;
        i.b = b;
        i.c = c;
        return push(i);
    }
    ValueId cast(DType to, ValueId a) {
        Inst i = inst(Code::Cast, to);
        i.a = a;
        return push(i);
    }
    ValueId round_to(DType memory, ValueId a) {
        Inst i = inst(Code::RoundTo, type(a));
        i.memory = memory;
        i.a = a;
        return push(i);
    }
    ValueId reduce(Monoid m, Level from, int stage, Level to, ValueId in, ValueId* m2 = nullptr) {
        Reduce r;
        r.monoid = m;
        r.from = from;
        r.to = to;
        r.stage = static_cast<uint8_t>(stage);
        r.in = in;
        r.type = type(in);
        if (m == Monoid::ArgMax || m == Monoid::ArgMin) r.type = DType::i64;
        if (m == Monoid::Sum && !is_float(type(in))) r.type = DType::i64;
        r.out = value(r.type);
        if (m2) r.out2 = *m2 = value(r.type);
        program_.reduces.push_back(r);
        return r.out;
    }
    void segment(int64_t extent, std::vector<int32_t> buffers) {
        program_.segments.push_back({extent, std::move(buffers)});
    }

    DType type(ValueId v) const { return types_[static_cast<size_t>(v)]; }
    Program& raw() { return program_; }

    /// The finished program; aborts when it breaks a rule of the form.
    ProgramPtr build(int32_t inputs, int32_t outputs) {
        program_.num_inputs = inputs;
        program_.num_outputs = outputs;
        program_.num_values = static_cast<int32_t>(types_.size());
        for (const Inst& i : program_.code)
            if (i.level == Level::Point || i.level == Level::Row)
                program_.stages = std::max<int32_t>(program_.stages, i.stage + 1);
        for (const Reduce& r : program_.reduces) program_.stages = std::max<int32_t>(program_.stages, r.stage + 1);
        verify(program_);
        return std::make_shared<const Program>(program_);
    }

private:
    Inst inst(Code code, DType type) const {
        Inst i;
        i.code = code;
        i.type = type;
        i.level = level_;
        i.stage = static_cast<uint8_t>(stage_);
        return i;
    }
    int32_t add(const Operand& o) {
        program_.operands.push_back(o);
        return static_cast<int32_t>(program_.operands.size()) - 1;
    }
    ValueId value(DType t) {
        types_.push_back(t);
        return static_cast<ValueId>(types_.size()) - 1;
    }
    ValueId push(Inst i) {
        i.dst = value(i.type);
        program_.code.push_back(i);
        return i.dst;
    }

    Program program_;
    std::vector<DType> types_;
    Level level_ = Level::Point;
    int stage_ = 0;
};

} // namespace ingot::program
