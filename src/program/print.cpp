// SPDX-License-Identifier: MIT
#include <sstream>

#include "program/program.h"

namespace ingot::program {
namespace {

const char* name(Level level) {
    switch (level) {
    case Level::Once: return "once";
    case Level::Point: return "point";
    case Level::Row: return "row";
    case Level::Final: return "final";
    case Level::Column: return "column";
    }
    return "?";
}

const char* name(Monoid monoid) {
    switch (monoid) {
    case Monoid::Sum: return "sum";
    case Monoid::Prod: return "prod";
    case Monoid::Max: return "max";
    case Monoid::Min: return "min";
    case Monoid::ArgMax: return "argmax";
    case Monoid::ArgMin: return "argmin";
    case Monoid::Welford: return "welford";
    }
    return "?";
}

// Axes are named p0.., a0.., r0.. after their group.
std::string axis(const Program& p, int32_t i) {
    if (i < p.num_p) return "p" + std::to_string(i);
    if (i < p.num_p + p.num_a) return "a" + std::to_string(i - p.num_p);
    return "r" + std::to_string(i - p.num_p - p.num_a);
}

std::string text(const Program& p, const Affine& a) {
    std::string s;
    for (int32_t i = 0; i < static_cast<int32_t>(a.coef.size()); ++i) {
        const int64_t c = a.coef[static_cast<size_t>(i)];
        if (c == 0) continue;
        if (!s.empty())
            s += c < 0 ? " - " : " + ";
        else if (c < 0)
            s += "-";
        const int64_t size = c < 0 ? -c : c;
        if (size != 1) s += std::to_string(size) + "*";
        s += axis(p, i);
    }
    if (a.base != 0 || s.empty()) {
        if (!s.empty()) s += a.base < 0 ? " - " : " + ";
        s += std::to_string(s.empty() || a.base >= 0 ? a.base : -a.base);
    }
    return s;
}

std::string text(const Program& p, const Operand& o) {
    std::ostringstream s;
    s << (o.buffer < p.num_inputs ? "in" : "out") << (o.buffer < p.num_inputs ? o.buffer : o.buffer - p.num_inputs)
      << ":" << ingot::name(o.dtype) << "[" << text(p, o.at);
    if (o.index != kNone) s << " + " << o.index_coef << "*%" << o.index << " (< " << o.index_bound << ")";
    s << "]";
    for (const Guard& g : o.guards) s << " if " << g.lo << " <= " << text(p, g.at) << " < " << g.hi;
    if (!o.guards.empty()) s << " else " << o.fill;
    return s.str();
}

std::string value(ValueId v) { return v == kNone ? std::string("-") : "%" + std::to_string(v); }

std::string text(const Program& p, const Inst& inst) {
    std::ostringstream s;
    s.precision(17);
    if (inst.dst != kNone) s << value(inst.dst) << ":" << ingot::name(inst.type) << " = ";
    switch (inst.code) {
    case Code::Const: s << "const " << inst.imm; break;
    case Code::Load: s << "load " << text(p, p.operands[static_cast<size_t>(inst.slot)]); break;
    case Code::Store:
        s << "store " << text(p, p.operands[static_cast<size_t>(inst.slot)]) << ", " << value(inst.a);
        break;
    case Code::Iota: s << "iota " << text(p, p.affines[static_cast<size_t>(inst.slot)]); break;
    case Code::Random:
        s << "random " << text(p, p.operands[static_cast<size_t>(inst.slot)]) << ", " << value(inst.a);
        break;
    case Code::Apply:
        s << info(inst.function).name << " " << value(inst.a);
        if (inst.b != kNone) s << ", " << value(inst.b);
        if (inst.c != kNone) s << ", " << value(inst.c);
        break;
    case Code::Cast: s << "cast " << value(inst.a); break;
    case Code::RoundTo: s << "round_to " << ingot::name(inst.memory) << " " << value(inst.a); break;
    }
    return s.str();
}

std::string place(Level level, int stage) {
    std::string s = name(level);
    if (level == Level::Point || level == Level::Row) s += "." + std::to_string(stage);
    return s;
}

} // namespace

std::string print(const Program& p) {
    std::ostringstream s;
    s << "program " << (p.name.empty() ? "?" : p.name) << " (";
    for (int32_t i = 0; i < static_cast<int32_t>(p.axes.size()); ++i)
        s << (i ? ", " : "") << axis(p, i) << "=" << p.axes[static_cast<size_t>(i)];
    s << ") inputs=" << p.num_inputs << " outputs=" << p.num_outputs << " stages=" << p.stages << "\n";
    for (const Segment& segment : p.segments) {
        s << "  segment " << segment.extent << " buffers";
        for (int32_t b : segment.buffers) s << " " << b;
        s << "\n";
    }
    // Each reduction is printed before the first instruction of the place that it is finished for.
    std::vector<bool> done(p.reduces.size(), false);
    const auto reduces = [&](Level level, int stage, bool all) {
        for (size_t i = 0; i < p.reduces.size(); ++i) {
            const Reduce& r = p.reduces[i];
            const bool here = r.to == level && (level != Level::Row || r.stage <= stage);
            if (done[i] || !(all || here)) continue;
            done[i] = true;
            s << "  [" << place(r.to, r.stage) << "] " << value(r.out);
            if (r.out2 != kNone) s << ", " << value(r.out2);
            s << ":" << ingot::name(r.type) << " = " << name(r.monoid) << " over " << place(r.from, r.stage) << " of "
              << value(r.in) << "\n";
        }
    };
    for (const Inst& inst : p.code) {
        if (inst.level != Level::Once && inst.level != Level::Point) reduces(inst.level, inst.stage, false);
        if (inst.level == Level::Point && inst.stage > 0) reduces(Level::Row, inst.stage - 1, false);
        s << "  [" << place(inst.level, inst.stage) << "] " << text(p, inst) << "\n";
    }
    reduces(Level::Final, 0, true);
    return s.str();
}

} // namespace ingot::program
