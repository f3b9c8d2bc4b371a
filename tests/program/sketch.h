// SPDX-License-Identifier: MIT
// For tests: a program with the data it runs on (Sample), a small assembler of programs (Sketch), and buffers made from a
// sample's description. Used by samples.h and by single tests. Header only; values.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "core/half.h"
#include "program/program.h"

namespace ingot::samples {

using program::Affine;
using program::Code;
using program::Guard;
using program::Inst;
using program::kNone;
using program::Level;
using program::Monoid;
using program::Operand;
using program::Program;
using program::Reduce;
using program::ValueId;

/// What a buffer holds before the program runs.
struct Data {
    DType dtype = DType::f32;
    int64_t count = 0;
    double lo = -2, hi = 2;          ///< uniform in [lo, hi); integers in [lo, hi)
    std::vector<double> values = {}; ///< instead, when not empty
};

struct Sample {
    Program program;
    std::vector<Data> buffers;
    bool error = false;                                     ///< the error word must be set
    double tolerance = 2e-5;                                ///< of f32 and f64 results, relative to 1 + |x|
    std::vector<std::pair<int32_t, int32_t>> in_place = {}; ///< output, input: may share memory
};

/// Assembles a program; instructions are appended in order of execution at the level set by at().
class Sketch {
public:
    Sketch(std::string name, Ints p, Ints a, Ints r, int stages = 1) {
        Program& q = sample.program;
        q.name = std::move(name);
        for (const int64_t e : p) q.axes.push_back(e);
        for (const int64_t e : a) q.axes.push_back(e);
        for (const int64_t e : r) q.axes.push_back(e);
        q.num_p = static_cast<int32_t>(p.size());
        q.num_a = static_cast<int32_t>(a.size());
        q.num_r = static_cast<int32_t>(r.size());
        q.stages = stages;
    }
    /// Inputs before outputs.
    int32_t input(Data d) {
        sample.buffers.push_back(std::move(d));
        return sample.program.num_inputs++;
    }
    int32_t output(DType t, int64_t count) {
        sample.buffers.push_back({t, count, 0, 0, {}});
        return sample.program.num_inputs + sample.program.num_outputs++;
    }
    /// An address: coefficients per axis and a base.
    static Affine at(Ints coef, int64_t base = 0) { return {base, std::move(coef)}; }
    Sketch& point(int stage = 0) { return here(Level::Point, stage); }
    Sketch& row(int stage = 0) { return here(Level::Row, stage); }
    Sketch& once() { return here(Level::Once, 0); }
    Sketch& final() { return here(Level::Final, 0); }
    Sketch& column() { return here(Level::Column, 0); }

    ValueId load(int32_t buffer, Affine where, std::vector<Guard> guards = {}, double fill = 0) {
        return push({.code = Code::Load,
                     .type = type_of(memory(buffer)),
                     .slot = slot(buffer, std::move(where), std::move(guards), fill)});
    }
    ValueId gather(int32_t buffer, Affine where, ValueId index, int64_t coef, int64_t bound) {
        const int32_t s = slot(buffer, std::move(where), {}, 0);
        Operand& o = sample.program.operands.back();
        o.index = index;
        o.index_coef = coef;
        o.index_bound = bound;
        return push({.code = Code::Load, .type = type_of(o.dtype), .slot = s});
    }
    void store(int32_t buffer, Affine where, ValueId v, std::vector<Guard> guards = {}) {
        Inst in{.code = Code::Store,
                .type = type_of(memory(buffer)),
                .a = v,
                .slot = slot(buffer, std::move(where), std::move(guards), 0)};
        in.level = level_;
        in.stage = static_cast<uint8_t>(stage_);
        sample.program.code.push_back(in);
    }
    ValueId constant(double x, DType t = DType::f32) { return push({.code = Code::Const, .type = t, .imm = x}); }
    ValueId iota(Affine a) {
        sample.program.affines.push_back(std::move(a));
        return push(
            {.code = Code::Iota, .type = DType::i64, .slot = static_cast<int32_t>(sample.program.affines.size()) - 1});
    }
    ValueId random(int32_t key, ValueId element) {
        return push({.code = Code::Random,
                     .type = DType::f32,
                     .a = element,
                     .slot = slot(key, {0, Ints(sample.program.axes.size(), 0)}, {}, 0)});
    }
    ValueId apply(Scalar f, ValueId a, ValueId b = kNone, ValueId c = kNone) {
        const ScalarKind kind = info(f).kind;
        const DType t = kind == ScalarKind::cmp || kind == ScalarKind::log ? DType::boolean
                                                                           : types_[size_t(f == Scalar::where ? b : a)];
        return push({.code = Code::Apply, .function = f, .type = t, .a = a, .b = b, .c = c});
    }
    ValueId cast(ValueId a, DType t) { return push({.code = Code::Cast, .type = t, .a = a}); }
    ValueId round_to(ValueId a, DType memory) {
        return push({.code = Code::RoundTo, .type = types_[size_t(a)], .memory = memory, .a = a});
    }
    /// A reduction of `in`, which is of the current level and stage.
    ValueId reduce(Monoid m, Level to, ValueId in) {
        const DType t = types_[size_t(in)];
        const bool arg = m == Monoid::ArgMax || m == Monoid::ArgMin;
        const DType type = arg || (m == Monoid::Sum && !is_float(t)) ? DType::i64 : t;
        const ValueId out = fresh(type);
        sample.program.reduces.push_back({m, level_, to, static_cast<uint8_t>(stage_), in, out, kNone, type});
        return out;
    }
    std::pair<ValueId, ValueId> welford(Level to, ValueId in) {
        const ValueId mean = reduce(Monoid::Welford, to, in), m2 = fresh(types_[size_t(in)]);
        sample.program.reduces.back().out2 = m2;
        return {mean, m2};
    }
    Sample done() { return std::move(sample); }
    Sample sample;

private:
    static DType type_of(DType m) {
        return m == DType::f16 || m == DType::bf16 ? DType::f32 : m == DType::u8 ? DType::i32 : m;
    }
    DType memory(int32_t buffer) const { return sample.buffers[size_t(buffer)].dtype; }
    Sketch& here(Level level, int stage) {
        level_ = level;
        stage_ = stage;
        return *this;
    }
    int32_t slot(int32_t buffer, Affine where, std::vector<Guard> guards, double fill) {
        where.coef.resize(sample.program.axes.size(), 0);
        for (Guard& g : guards) g.at.coef.resize(sample.program.axes.size(), 0);
        sample.program.operands.push_back(
            {buffer, memory(buffer), std::move(where), std::move(guards), fill, kNone, 0, 0});
        return static_cast<int32_t>(sample.program.operands.size()) - 1;
    }
    ValueId fresh(DType t) {
        types_.push_back(t);
        return sample.program.num_values++;
    }
    ValueId push(Inst in) {
        in.level = level_;
        in.stage = static_cast<uint8_t>(stage_);
        in.dst = fresh(in.type);
        sample.program.code.push_back(in);
        return in.dst;
    }
    Level level_ = Level::Point;
    int stage_ = 0;
    std::vector<DType> types_;
};

// ---------------------------------------------------------------------------------------------------------------- data

/// The bytes of every buffer before the program runs; inputs are deterministic, outputs hold a pattern.
inline std::vector<std::vector<std::byte>> make_buffers(const Sample& sample) {
    std::vector<std::vector<std::byte>> out;
    uint64_t state = 0x9E3779B97F4A7C15ull;
    for (size_t b = 0; b < sample.buffers.size(); ++b) {
        const Data& d = sample.buffers[b];
        std::vector<std::byte> bytes(static_cast<size_t>(d.count) * size_of(d.dtype) + 16,
                                     std::byte{0x5a}); // never empty
        const bool output = b >= static_cast<size_t>(sample.program.num_inputs);
        for (int64_t i = 0; i < d.count && !output; ++i) {
            state = state * 6364136223846793005ull + 1442695040888963407ull;
            double x = d.lo + (d.hi - d.lo) * (static_cast<double>(state >> 11) * 0x1p-53);
            if (!is_float(d.dtype)) x = std::floor(x);
            if (!d.values.empty()) x = d.values[static_cast<size_t>(i)];
            std::byte* to = bytes.data() + static_cast<size_t>(i) * size_of(d.dtype);
            const auto put = [&](auto v) { std::memcpy(to, &v, sizeof v); };
            switch (d.dtype) {
            case DType::f32: put(static_cast<float>(x)); break;
            case DType::f64: put(x); break;
            case DType::f16: put(core::f32_to_f16(static_cast<float>(x))); break;
            case DType::bf16: put(core::f32_to_bf16(static_cast<float>(x))); break;
            case DType::i32: put(static_cast<int32_t>(x)); break;
            case DType::i64: put(static_cast<int64_t>(x)); break;
            case DType::u8:
            case DType::boolean: put(static_cast<uint8_t>(x)); break;
            }
        }
        out.push_back(std::move(bytes));
    }
    return out;
}

/// Element i of a buffer as a double (integers beyond 2^53 lose bits; tests compare those as they are).
inline double element(DType t, const std::byte* bytes, int64_t i) {
    const std::byte* at = bytes + static_cast<size_t>(i) * size_of(t);
    const auto get = [&](auto v) {
        std::memcpy(&v, at, sizeof v);
        return v;
    };
    switch (t) {
    case DType::f32: return static_cast<double>(get(float{}));
    case DType::f64: return get(double{});
    case DType::f16: return static_cast<double>(core::f16_to_f32(get(uint16_t{})));
    case DType::bf16: return static_cast<double>(core::bf16_to_f32(get(uint16_t{})));
    case DType::i32: return get(int32_t{});
    case DType::i64: return static_cast<double>(get(int64_t{}));
    case DType::u8:
    case DType::boolean: return get(uint8_t{});
    }
    return 0;
}

} // namespace ingot::samples
