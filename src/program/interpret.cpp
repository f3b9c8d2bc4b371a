// SPDX-License-Identifier: MIT
// The loop nest of program.h, written down literally.
#include "program/interpret.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "core/half.h"
#include "program/philox.h"
#include "program/scalar_eval.h"

namespace ingot::program {
namespace {

template <class T> T read(const void* buffer, int64_t at) {
    T v;
    std::memcpy(&v, static_cast<const char*>(buffer) + at * static_cast<int64_t>(sizeof(T)), sizeof(T));
    return v;
}

template <class T> void write(void* buffer, int64_t at, T v) {
    std::memcpy(static_cast<char*>(buffer) + at * static_cast<int64_t>(sizeof(T)), &v, sizeof(T));
}

Value read_memory(DType t, const void* buffer, int64_t at) {
    switch (t) {
    case DType::f32: return {read<float>(buffer, at), 0};
    case DType::f64: return {read<double>(buffer, at), 0};
    case DType::f16: return {core::f16_to_f32(read<uint16_t>(buffer, at)), 0};
    case DType::bf16: return {core::bf16_to_f32(read<uint16_t>(buffer, at)), 0};
    case DType::i32: return {0, read<int32_t>(buffer, at)};
    case DType::i64: return {0, read<int64_t>(buffer, at)};
    case DType::u8: return {0, read<uint8_t>(buffer, at)};
    case DType::boolean: return {0, read<uint8_t>(buffer, at) != 0};
    }
    return {};
}

void write_memory(DType t, void* buffer, int64_t at, Value v) {
    switch (t) {
    case DType::f32: return write(buffer, at, static_cast<float>(v.f));
    case DType::f64: return write(buffer, at, v.f);
    case DType::f16: return write(buffer, at, core::f32_to_f16(static_cast<float>(v.f)));
    case DType::bf16: return write(buffer, at, core::f32_to_bf16(static_cast<float>(v.f)));
    case DType::i32: return write(buffer, at, static_cast<int32_t>(v.i));
    case DType::i64: return write(buffer, at, v.i);
    case DType::u8:
    case DType::boolean: return write(buffer, at, static_cast<uint8_t>(v.i));
    }
}

Value const_value(DType type, double imm) {
    switch (type) {
    case DType::f32: return {static_cast<double>(static_cast<float>(imm)), 0};
    case DType::f64: return {imm, 0};
    case DType::boolean: return {0, imm != 0};
    default: return {0, static_cast<int64_t>(imm)};
    }
}

// One running reduction. Sums of floats are compensated (Neumaier), so that the oracle itself does not drift.
struct Accumulator {
    double f = 0, low = 0, mean = 0, m2 = 0;
    int64_t i = 0, index = 0, count = 0;

    void start(Monoid m) {
        *this = {};
        if (m == Monoid::Prod) f = 1, i = 1;
    }

    void add(Monoid m, bool is_float, Value v, int64_t at) {
        ++count;
        switch (m) {
        case Monoid::Sum: {
            i = static_cast<int64_t>(static_cast<uint64_t>(i) + static_cast<uint64_t>(v.i));
            const double sum = f + v.f;
            if (std::isfinite(sum)) low += std::fabs(f) >= std::fabs(v.f) ? (f - sum) + v.f : (v.f - sum) + f;
            f = sum;
            break;
        }
        case Monoid::Prod:
            f *= v.f;
            i = static_cast<int64_t>(static_cast<uint64_t>(i) * static_cast<uint64_t>(v.i));
            break;
        case Monoid::Max:
        case Monoid::Min:
        case Monoid::ArgMax:
        case Monoid::ArgMin: {
            const bool up = m == Monoid::Max || m == Monoid::ArgMax;
            const bool better = is_float ? f == f && (v.f != v.f || (up ? v.f > f : v.f < f)) : up ? v.i > i : v.i < i;
            if (count == 1 || better) f = v.f, i = v.i, index = at;
            break;
        }
        case Monoid::Welford: {
            const double delta = v.f - mean;
            mean += delta / static_cast<double>(count);
            m2 += delta * (v.f - mean);
            break;
        }
        }
    }

    // The result; of nothing: 0, 1, the smallest, the largest value of `type`, index 0, mean 0.
    Value result(Monoid m, DType type) const {
        switch (m) {
        case Monoid::Sum: return {f + low, i};
        case Monoid::Prod: return {f, type == DType::i32 ? static_cast<int32_t>(i) : i};
        case Monoid::Max:
        case Monoid::Min: {
            if (count > 0) return {f, i};
            const bool up = m == Monoid::Max;
            const double inf = std::numeric_limits<double>::infinity();
            const int64_t lowest = type == DType::boolean ? 0
                                   : type == DType::i32   ? std::numeric_limits<int32_t>::min()
                                                          : std::numeric_limits<int64_t>::min();
            const int64_t highest = type == DType::boolean ? 1
                                    : type == DType::i32   ? std::numeric_limits<int32_t>::max()
                                                           : std::numeric_limits<int64_t>::max();
            return {up ? -inf : inf, up ? lowest : highest};
        }
        case Monoid::ArgMax:
        case Monoid::ArgMin: return {0, index};
        case Monoid::Welford: return {mean, 0};
        }
        return {};
    }
};

class Interpreter {
public:
    Interpreter(const Program& program, void* const* buffers, ErrorWord* error, bool round_f32)
        : p_(program), buffers_(buffers), error_(error), round_(round_f32), types_(value_types(program)),
          index_(program.axes.size(), 0), now_(static_cast<size_t>(program.num_values)) {}

    void run() {
        if (p_.segments.empty()) return nest();
        for (const Segment& s : p_.segments) {
            segment_ = &s;
            nest();
        }
    }

private:
    int64_t extent(int32_t axis) const { return segment_ ? segment_->extent : p_.axes[static_cast<size_t>(axis)]; }

    // Calls f(linear index) for each index of axes [first, last), in row-major order.
    template <class F> void loop(int32_t first, int32_t last, const F& f) {
        int64_t count = 1;
        for (int32_t i = first; i < last; ++i) count *= extent(i);
        for (int64_t linear = 0; linear < count; ++linear) {
            int64_t rest = linear;
            for (int32_t i = last; i-- > first;) {
                index_[static_cast<size_t>(i)] = rest % extent(i);
                rest /= extent(i);
            }
            f(linear);
        }
    }

    int64_t at(const Affine& a) const {
        int64_t v = a.base;
        for (size_t i = 0; i < index_.size(); ++i) v += a.coef[i] * index_[i];
        return v;
    }

    Value& value(ValueId v) { return now_[static_cast<size_t>(v)]; }

    void nest() {
        const int32_t p_end = p_.num_p, a_end = p_end + p_.num_a, r_end = a_end + p_.num_r;
        int64_t r_count = 1;
        for (int32_t i = a_end; i < r_end; ++i) r_count *= extent(i);
        run_code(Level::Once, 0);
        loop(0, p_end, [&](int64_t) {
            // Accumulators of this p: one per reduction, and for Column one per reduction and r.
            std::vector<std::vector<Accumulator>> sums(p_.reduces.size());
            for (size_t k = 0; k < sums.size(); ++k) {
                const bool column = p_.reduces[k].to == Level::Column;
                sums[k].resize(column ? static_cast<size_t>(r_count) : 1);
                for (Accumulator& s : sums[k]) s.start(p_.reduces[k].monoid);
            }
            loop(p_end, a_end, [&](int64_t a) {
                // Points of all stages so far, for each r of this row.
                std::vector<std::vector<Value>> row(static_cast<size_t>(r_count), now_);
                for (int stage = 0; stage < p_.stages; ++stage) {
                    for (size_t k = 0; k < sums.size(); ++k)
                        if (p_.reduces[k].to == Level::Row && p_.reduces[k].stage == stage)
                            sums[k][0].start(p_.reduces[k].monoid);
                    const std::vector<Value> rows = now_; // Row and Once values
                    loop(a_end, r_end, [&](int64_t r) {
                        merge_points(rows, row[static_cast<size_t>(r)]);
                        run_code(Level::Point, stage);
                        for (size_t k = 0; k < sums.size(); ++k) {
                            const Reduce& red = p_.reduces[k];
                            if (red.from != Level::Point || red.stage != stage) continue;
                            const bool column = red.to == Level::Column;
                            const int64_t place = column ? a : red.to == Level::Row ? r : a * r_count + r;
                            sums[k][column ? static_cast<size_t>(r) : 0].add(
                                red.monoid, is_float(types_[static_cast<size_t>(red.in)]), value(red.in), place);
                        }
                        row[static_cast<size_t>(r)] = now_;
                    });
                    now_ = rows;
                    for (int32_t i = a_end; i < r_end; ++i) index_[static_cast<size_t>(i)] = 0;
                    for (size_t k = 0; k < sums.size(); ++k)
                        if (p_.reduces[k].to == Level::Row && p_.reduces[k].stage == stage) finish(k, sums[k][0]);
                    run_code(Level::Row, stage);
                    for (size_t k = 0; k < sums.size(); ++k) {
                        const Reduce& red = p_.reduces[k];
                        if (red.from == Level::Row && red.stage == stage)
                            sums[k][0].add(red.monoid, is_float(types_[static_cast<size_t>(red.in)]), value(red.in), a);
                    }
                }
            });
            for (int32_t i = p_end; i < r_end; ++i) index_[static_cast<size_t>(i)] = 0;
            for (size_t k = 0; k < sums.size(); ++k)
                if (p_.reduces[k].to == Level::Final) finish(k, sums[k][0]);
            run_code(Level::Final, 0);
            loop(a_end, r_end, [&](int64_t r) {
                for (size_t k = 0; k < sums.size(); ++k)
                    if (p_.reduces[k].to == Level::Column) finish(k, sums[k][static_cast<size_t>(r)]);
                run_code(Level::Column, 0);
            });
        });
    }

    // now_ = the coarser values of `coarse` and the points that this row has so far.
    void merge_points(const std::vector<Value>& coarse, const std::vector<Value>& points) {
        now_ = points;
        for (const Inst& inst : p_.code)
            if (inst.dst != kNone && inst.level != Level::Point)
                value(inst.dst) = coarse[static_cast<size_t>(inst.dst)];
        for (const Reduce& r : p_.reduces) {
            value(r.out) = coarse[static_cast<size_t>(r.out)];
            if (r.out2 != kNone) value(r.out2) = coarse[static_cast<size_t>(r.out2)];
        }
    }

    void finish(size_t k, const Accumulator& sum) {
        const Reduce& red = p_.reduces[k];
        value(red.out) = rounded(red.type, sum.result(red.monoid, red.type));
        if (red.out2 != kNone) value(red.out2) = rounded(red.type, {sum.m2, 0});
    }

    Value rounded(DType type, Value v) const {
        if (round_ && type == DType::f32) v.f = static_cast<double>(static_cast<float>(v.f));
        return v;
    }

    bool guarded(const Operand& o) const {
        for (const Guard& g : o.guards) {
            const int64_t v = at(g.at);
            if (v < g.lo || v >= g.hi) return false;
        }
        return true;
    }

    void* buffer(const Inst& inst) const {
        const Operand& o = p_.operands[static_cast<size_t>(inst.slot)];
        return buffers_[segment_ ? segment_->buffers[static_cast<size_t>(inst.slot)] : o.buffer];
    }

    int64_t address(const Operand& o) {
        int64_t v = at(o.at);
        if (o.index == kNone) return v;
        int64_t i = value(o.index).i;
        if (i < 0 || i >= o.index_bound) {
            if (error_ && error_->code == 0) *error_ = {1, i, o.index_bound};
            i = i < 0 ? 0 : o.index_bound - 1;
        }
        return v + i * o.index_coef;
    }

    void run_code(Level level, int stage) {
        for (const Inst& inst : p_.code) {
            if (inst.level != level) continue;
            if ((level == Level::Point || level == Level::Row) && inst.stage != stage) continue;
            step(inst);
        }
    }

    void step(const Inst& inst) {
        switch (inst.code) {
        case Code::Const: value(inst.dst) = const_value(inst.type, inst.imm); break;
        case Code::Load: {
            const Operand& o = p_.operands[static_cast<size_t>(inst.slot)];
            value(inst.dst) =
                guarded(o) ? read_memory(o.dtype, buffer(inst), address(o)) : const_value(inst.type, o.fill);
            break;
        }
        case Code::Store: {
            const Operand& o = p_.operands[static_cast<size_t>(inst.slot)];
            if (guarded(o)) write_memory(o.dtype, buffer(inst), address(o), value(inst.a));
            break;
        }
        case Code::Iota: value(inst.dst) = {0, at(p_.affines[static_cast<size_t>(inst.slot)])}; break;
        case Code::Random: {
            const Operand& o = p_.operands[static_cast<size_t>(inst.slot)];
            const int64_t where = at(o.at);
            const uint64_t seed = read<uint64_t>(buffer(inst), where), base = read<uint64_t>(buffer(inst), where + 1);
            const uint32_t word = random_word(seed, base + static_cast<uint64_t>(value(inst.a).i));
            value(inst.dst) = {static_cast<double>(word >> 8) * 0x1p-24, 0};
            break;
        }
        case Code::Apply: {
            const DType type = types_[static_cast<size_t>(inst.function == Scalar::where ? inst.b : inst.a)];
            const Value b = inst.b == kNone ? Value{} : value(inst.b), c = inst.c == kNone ? Value{} : value(inst.c);
            value(inst.dst) = rounded(inst.type, apply(inst.function, type, value(inst.a), b, c));
            break;
        }
        case Code::Cast: value(inst.dst) = cast(types_[static_cast<size_t>(inst.a)], inst.type, value(inst.a)); break;
        case Code::RoundTo: {
            const Value a = value(inst.a);
            const float f = static_cast<float>(a.f);
            if (inst.memory == DType::f16)
                value(inst.dst) = {core::f16_to_f32(core::f32_to_f16(f)), 0};
            else if (inst.memory == DType::bf16)
                value(inst.dst) = {core::bf16_to_f32(core::f32_to_bf16(f)), 0};
            else
                value(inst.dst) = {0, static_cast<int64_t>(static_cast<uint8_t>(a.i))};
            break;
        }
        }
    }

    const Program& p_;
    void* const* buffers_;
    ErrorWord* error_;
    bool round_;
    const std::vector<DType> types_;
    std::vector<int64_t> index_;
    std::vector<Value> now_;
    const Segment* segment_ = nullptr;
};

} // namespace

void interpret(const Program& program, void* const* buffers, ErrorWord* error, bool round_f32) {
    Interpreter(program, buffers, error, round_f32).run();
}

} // namespace ingot::program
