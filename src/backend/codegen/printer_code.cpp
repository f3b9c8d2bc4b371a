// SPDX-License-Identifier: MIT
// Values, addresses and instructions of the kernel printer.
#include <algorithm>
#include <cctype>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "backend/codegen/printer.h"
#include "base/check.h"

namespace ingot::codegen {

using program::Affine;
using program::Code;
using program::Guard;
using program::Inst;
using program::Level;
using program::Operand;

namespace {

size_t at(int32_t i) { return static_cast<size_t>(i); }

// The largest magnitude that any prefix of the affine's sum can have.
double magnitude(const Affine& affine, const Ints& axes) {
    double sum = std::fabs(static_cast<double>(affine.base));
    for (size_t i = 0; i < affine.coef.size(); ++i)
        sum += std::fabs(static_cast<double>(affine.coef[i])) * static_cast<double>(std::max<int64_t>(axes[i], 1));
    return sum;
}

} // namespace

void Printer::choose_index_type() {
    double largest = 0;
    for (const Operand& o : p_.operands) {
        largest = std::max(largest, magnitude(o.at, p_.axes));
        for (const Guard& g : o.guards) {
            largest = std::max(largest, magnitude(g.at, p_.axes));
            largest = std::max({largest, std::fabs(static_cast<double>(g.lo)), std::fabs(static_cast<double>(g.hi))});
        }
    }
    for (const Affine& affine : p_.affines) largest = std::max(largest, magnitude(affine, p_.axes));
    const double p = static_cast<double>(p_.p_count()), a = static_cast<double>(p_.a_count()),
                 r = static_cast<double>(p_.r_count());
    largest =
        std::max({largest, p * a * r, p * r * static_cast<double>(chunks_), p * static_cast<double>(chunks_), a, r});
    // Threads beyond the end of the index space compute an index too.
    wide_index_ =
        largest + static_cast<double>(s_.chunk) + double(s_.threads) * std::max(s_.per_thread, 1) >= 2147483648.0;
}

std::string Printer::type(DType t) const {
    switch (t) {
    case DType::f32: return d_.f32;
    case DType::f64: return d_.f64;
    case DType::i32: return d_.i32;
    case DType::i64: return d_.i64;
    case DType::boolean: return d_.boolean;
    case DType::f16:
    case DType::bf16:
    case DType::u8: break;
    }
    INGOT_ASSERT(false, "a storage type as the type of a value");
}

std::string Printer::value(ValueId v) {
    INGOT_ASSERT(v >= 0 && v < p_.num_values, "no such value");
    const int32_t def = def_[at(v)];
    if (def >= 0 && p_.code[at(def)].level == Level::Once) once_used_[at(v)] = true;
    return stashed_[at(v)] ? cat("v", v, "[k]") : cat("v", v);
}

std::string Printer::literal(double x, DType t) const {
    char text[64];
    switch (t) {
    case DType::boolean: return x != 0 ? "true" : "false";
    case DType::i32:
    case DType::u8: std::snprintf(text, sizeof text, "%" PRId64, static_cast<int64_t>(x)); return text;
    case DType::i64: std::snprintf(text, sizeof text, "%" PRId64 "LL", static_cast<int64_t>(x)); return text;
    default: break;
    }
    const bool f64 = t == DType::f64;
    if (!f64) x = static_cast<double>(static_cast<float>(x));
    if (std::isnan(x)) return f64 ? "ig_nan_f64()" : "ig_nan_f32()";
    if (std::isinf(x)) return cat(x < 0 ? "(-" : "(", f64 ? "ig_infinity_f64())" : "ig_infinity_f32())");
    std::snprintf(text, sizeof text, f64 ? "%.17g" : "%.9g", x);
    std::string out = text;
    if (out.find_first_of(".e") == std::string::npos) out += ".0";
    if (!f64) out += "f";
    return std::signbit(x) ? cat("(", out, ")") : out;
}

std::string Printer::affine(const Affine& a) const {
    std::string sum;
    for (size_t i = 0; i < a.coef.size(); ++i) {
        const int64_t coef = a.coef[i];
        if (coef == 0 || p_.axes[i] <= 1) continue;
        INGOT_ASSERT(axes_live_[i], "an address depends on an axis that is not walked at its level");
        if (!sum.empty())
            sum += coef < 0 ? " - " : " + ";
        else if (coef < 0)
            sum += "-";
        append(sum, cat("i", i));
        if (std::abs(coef) != 1) append(sum, cat(" * ", std::abs(coef)));
    }
    if (sum.empty()) return cat(a.base);
    if (a.base != 0) append(sum, cat(a.base < 0 ? " - " : " + ", std::abs(a.base)));
    return sum;
}

std::array<int64_t, 2> Printer::range(const Affine& a) const {
    std::array<int64_t, 2> out = {a.base, a.base};
    for (size_t i = 0; i < a.coef.size(); ++i) {
        const int64_t reach = a.coef[i] * (std::max<int64_t>(p_.axes[i], 1) - 1);
        out[reach < 0 ? 0 : 1] += reach;
    }
    return out;
}

std::string Printer::pointer(int32_t operand) {
    if (s_.strategy == Strategy::Segments && segments_used_) return cat("o", operand);
    const int32_t buffer = p_.operands[at(operand)].buffer;
    INGOT_ASSERT(buffer >= 0 && at(buffer) < buffers_used_.size(), "no such buffer");
    buffers_used_[at(buffer)] = true;
    return cat("b", buffer);
}

std::string Printer::memory(const Operand& o, const std::string& base, const std::string& index) const {
    switch (o.dtype) {
    case DType::f16:
    case DType::bf16: return cat("((", d_.u16, "*)", base, ")[", index, "]");
    case DType::u8:
    case DType::boolean: return cat("((", d_.u8, "*)", base, ")[", index, "]");
    default: return cat("((", type(o.dtype), "*)", base, ")[", index, "]");
    }
}

std::string Printer::condition(const Operand& o) const {
    std::string all;
    for (const Guard& g : o.guards) {
        const auto [lo, hi] = range(g.at);
        if (hi < g.lo || lo >= g.hi) return "false";
        const std::string index = affine(g.at);
        if (lo < g.lo) append(all, cat(all.empty() ? "" : " && ", index, " >= ", g.lo));
        if (hi >= g.hi) append(all, cat(all.empty() ? "" : " && ", index, " < ", g.hi));
    }
    return all;
}

void Printer::add_operands(const Inst& in, std::vector<ValueId>& to) const {
    for (const ValueId v : {in.a, in.b, in.c})
        if (v >= 0) to.push_back(v);
    if (in.slot >= 0 && in.code != Code::Iota)
        if (const ValueId v = p_.operands[at(in.slot)].index; v >= 0) to.push_back(v);
}

std::vector<int32_t> Printer::needed(const std::vector<ValueId>& roots,
                                     const std::function<bool(const Inst&)>& here) const {
    std::vector<bool> seen(at(p_.num_values), false);
    std::vector<ValueId> todo = roots;
    std::vector<int32_t> out;
    while (!todo.empty()) {
        const ValueId v = todo.back();
        todo.pop_back();
        if (seen[at(v)]) continue;
        seen[at(v)] = true;
        const int32_t def = def_[at(v)];
        if (def < 0 || !here(p_.code[at(def)])) continue;
        out.push_back(def);
        add_operands(p_.code[at(def)], todo);
    }
    std::sort(out.begin(), out.end());
    return out;
}

std::string Printer::expression(const Inst& in) {
    switch (in.code) {
    case Code::Const: return literal(in.imm, in.type);
    case Code::Iota: return cat("(", type(in.type), ")(", affine(p_.affines[at(in.slot)]), ")");
    case Code::Random:
        helpers_.philox = true;
        return cat("ig_philox((const ", d_.i64, "*)", pointer(in.slot), " + (", affine(p_.operands[at(in.slot)].at),
                   "), ", value(in.a), ")");
    case Code::Cast:
        if (in.type == DType::boolean) return cat("(", value(in.a), " != 0)");
        if (is_float(types_[at(in.a)]) && is_integer(in.type)) {
            helpers_.float_to_integer = true;
            return cat(in.type == DType::i64 ? "ig_to_i64(" : "ig_to_i32(", value(in.a), ")");
        }
        return cat("(", type(in.type), ")", value(in.a));
    case Code::RoundTo:
        switch (in.memory) {
        case DType::f16: return cat("ig_f32_from_f16(ig_f16_from_f32(", value(in.a), "))");
        case DType::bf16: return cat("ig_f32_from_bf16(ig_bf16_from_f32(", value(in.a), "))");
        case DType::u8: return cat("(", type(DType::i32), ")(", d_.u8, ")", value(in.a));
        default: return value(in.a);
        }
    case Code::Apply: break;
    case Code::Load:
    case Code::Store: INGOT_ASSERT(false, "not an expression");
    }
    const DType computed = info(in.function).kind == ScalarKind::cmp ? types_[at(in.a)] : in.type;
    if (is_integer(computed) && (in.function == Scalar::floor_divide || in.function == Scalar::remainder))
        helpers_.integer_division = true;
    const std::string shape = spelling(d_, in.function, computed);
    std::string out;
    const auto word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
    for (size_t i = 0; i < shape.size();) {
        size_t end = i;
        while (end < shape.size() && word(shape[end])) ++end;
        if (end == i) {
            out += shape[i++];
            continue;
        }
        const std::string token = shape.substr(i, end - i);
        if (token == "a")
            out += value(in.a);
        else if (token == "b")
            out += value(in.b);
        else if (token == "c")
            out += value(in.c);
        else
            out += token;
        i = end;
    }
    return out;
}

void Printer::instruction(const Inst& in) {
    INGOT_ASSERT(in.code != Code::Store, "stores are printed by store()");
    const std::string name = value(in.dst);
    const bool declared = stashed_[at(in.dst)];
    const std::string constant = declared ? name : cat("const ", type(in.type), " ", name);
    if (in.code != Code::Load) {
        text_.line(constant, " = ", expression(in), ";");
        return;
    }
    const Operand& o = p_.operands[at(in.slot)];
    const std::string base = pointer(in.slot), guard = condition(o), fill = literal(o.fill, in.type);
    const auto convert = [&](const std::string& m) {
        switch (o.dtype) {
        case DType::f16: return cat("ig_f32_from_f16(", m, ")");
        case DType::bf16: return cat("ig_f32_from_bf16(", m, ")");
        case DType::boolean: return cat("(", m, " != 0)");
        default: return o.dtype == in.type ? m : cat("(", type(in.type), ")", m);
        }
    };
    if (o.index < 0) {
        const std::string loaded = guard == "false" ? fill : convert(memory(o, base, affine(o.at)));
        if (guard.empty() || guard == "false")
            text_.line(constant, " = ", loaded, ";");
        else
            text_.line(constant, " = ", guard, " ? ", loaded, " : ", fill, ";");
        return;
    }
    error_used_ = true;
    text_.line(declared ? "" : cat(type(in.type), " "), name, " = ", fill, ";");
    text_.open(guard.empty() ? "" : cat("if (", guard, ")"));
    text_.line("const ", d_.i64, " g = ig_check_index(", value(o.index), ", ", o.index_bound, "LL, error);");
    if (o.index_bound > 0)
        text_.line(name, " = ", convert(memory(o, base, cat("g * ", o.index_coef, "LL + (", affine(o.at), ")"))), ";");
    text_.close();
}

void Printer::store(const Inst& in, const std::string& only_if) {
    const Operand& o = p_.operands[at(in.slot)];
    std::string guard = condition(o);
    if (!only_if.empty()) guard = guard.empty() ? only_if : cat(only_if, " && ", guard);
    std::string index = affine(o.at), v = value(in.a);
    const std::string base = pointer(in.slot);
    switch (o.dtype) {
    case DType::f16: v = cat("ig_f16_from_f32(", in.type == DType::f32 ? "" : "(float)", v, ")"); break;
    case DType::bf16: v = cat("ig_bf16_from_f32(", in.type == DType::f32 ? "" : "(float)", v, ")"); break;
    case DType::boolean: v = in.type == DType::boolean ? v : cat("(", v, " != 0)"); break;
    case DType::u8: v = cat("(", d_.u8, ")", v); break;
    default: v = o.dtype == in.type ? v : cat("(", type(o.dtype), ")", v); break;
    }
    if (o.index >= 0) {
        error_used_ = true;
        text_.open(guard.empty() ? "" : cat("if (", guard, ")"));
        text_.line("const ", d_.i64, " g = ig_check_index(", value(o.index), ", ", o.index_bound, "LL, error);");
        if (o.index_bound > 0)
            text_.line(memory(o, base, cat("g * ", o.index_coef, "LL + (", index, ")")), " = ", v, ";");
        text_.close();
        return;
    }
    text_.line(guard.empty() ? "" : cat("if (", guard, ") "), memory(o, base, index), " = ", v, ";");
}

void Printer::decompose(const std::string& flat, int32_t first, int32_t last) {
    int64_t inner = 1;
    std::vector<std::string> lines;
    bool outer_left = false;
    for (int32_t i = last - 1; i >= first; --i) {
        axes_live_[at(i)] = true;
        const int64_t extent = p_.axes[at(i)];
        if (extent <= 1) continue;
        outer_left = false;
        for (int32_t j = first; j < i; ++j) outer_left |= p_.axes[at(j)] > 1;
        std::string e = inner == 1 && !outer_left ? flat : cat("(ig_uindex)", flat);
        if (inner != 1) append(e, cat(" / ", inner));
        if (outer_left) append(e, cat(" % ", extent));
        lines.push_back(inner == 1 && !outer_left ? cat("const ig_index i", i, " = ", e, ";")
                                                  : cat("const ig_index i", i, " = (ig_index)(", e, ");"));
        inner *= extent;
    }
    for (const std::string& l : lines) text_.line(l);
}

} // namespace ingot::codegen
