// SPDX-License-Identifier: MIT
// Reductions of the kernel printer: the state of each monoid, its step, its merge, and trees over groups of threads.
#include <limits>

#include "backend/codegen/printer.h"
#include "base/check.h"

namespace ingot::codegen {

using program::Monoid;
using program::Reduce;

namespace {

size_t at(int32_t i) { return static_cast<size_t>(i); }

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Where Max and ArgMax start (Min and ArgMin: their opposite).
std::string lowest(DType t, const std::string& minus_infinity) {
    switch (t) {
    case DType::i32: return "(-2147483647 - 1)";
    case DType::i64: return "(-9223372036854775807LL - 1)";
    case DType::boolean: return "false";
    default: return minus_infinity;
    }
}
std::string highest(DType t, const std::string& infinity) {
    switch (t) {
    case DType::i32: return "2147483647";
    case DType::i64: return "9223372036854775807LL";
    case DType::boolean: return "true";
    default: return infinity;
    }
}

} // namespace

std::vector<Component> Printer::components(int32_t reduce) const {
    const Reduce& r = p_.reduces[at(reduce)];
    const DType in = types_[at(r.in)];
    switch (r.monoid) {
    case Monoid::Sum:
    case Monoid::Prod: {
        const DType sum = is_float(r.type) ? r.type : is_float(in) ? in : DType::i64;
        return {{sum, false, literal(r.monoid == Monoid::Prod ? 1 : 0, sum)}};
    }
    case Monoid::Max: return {{in, false, lowest(in, literal(-kInfinity, in))}};
    case Monoid::Min: return {{in, false, highest(in, literal(kInfinity, in))}};
    case Monoid::ArgMax: return {{in, false, lowest(in, literal(-kInfinity, in))}, {DType::i64, false, "-1LL"}};
    case Monoid::ArgMin: return {{in, false, highest(in, literal(kInfinity, in))}, {DType::i64, false, "-1LL"}};
    case Monoid::Welford:
        return {{wide_index_ ? DType::i64 : DType::i32, true, "0"},
                {r.type, false, literal(0, r.type)},
                {r.type, false, literal(0, r.type)}};
    }
    return {};
}

std::string Printer::component_type(const Component& c) const { return c.count ? "ig_index" : type(c.type); }

Printer::Names Printer::state(int32_t reduce, const std::string& suffix) const {
    Names names;
    for (size_t c = 0; c < components(reduce).size(); ++c) names.push_back(cat("s", reduce, "_", c, suffix));
    return names;
}

void Printer::declare_state(int32_t reduce) {
    const std::vector<Component> parts = components(reduce);
    for (size_t c = 0; c < parts.size(); ++c)
        text_.line(component_type(parts[c]), " s", reduce, "_", c, " = ", parts[c].start, ";");
}

void Printer::step(int32_t reduce, const Names& into, const std::string& index) {
    const Reduce& r = p_.reduces[at(reduce)];
    const std::string x = value(r.in), t = type(components(reduce)[0].type);
    switch (r.monoid) {
    case Monoid::Sum: text_.line(into[0], " = ", into[0], " + (", t, ")", x, ";"); break;
    case Monoid::Prod: text_.line(into[0], " = ", into[0], " * (", t, ")", x, ";"); break;
    case Monoid::Max:
    case Monoid::Min: merge(reduce, into, {x}); break;
    case Monoid::ArgMax:
    case Monoid::ArgMin: merge(reduce, into, {x, cat("(", d_.i64, ")(", index, ")")}); break;
    case Monoid::Welford:
        helpers_.welford = true;
        text_.line("ig_welford_add(", into[0], ", ", into[1], ", ", into[2], ", (", type(r.type), ")", x, ");");
        break;
    }
}

void Printer::merge(int32_t reduce, const Names& into, const Names& other) {
    const std::string &a = into[0], &b = other[0];
    switch (p_.reduces[at(reduce)].monoid) {
    case Monoid::Sum: text_.line(a, " = ", a, " + ", b, ";"); break;
    case Monoid::Prod: text_.line(a, " = ", a, " * ", b, ";"); break;
    case Monoid::Max: text_.line(a, " = ", a, " > ", b, " || ", a, " != ", a, " ? ", a, " : ", b, ";"); break;
    case Monoid::Min: text_.line(a, " = ", a, " < ", b, " || ", a, " != ", a, " ? ", a, " : ", b, ";"); break;
    case Monoid::ArgMax:
    case Monoid::ArgMin:
        helpers_.arg = true;
        text_.line(p_.reduces[at(reduce)].monoid == Monoid::ArgMax ? "ig_argmax(" : "ig_argmin(", into[0], ", ",
                   into[1], ", ", other[0], ", ", other[1], ");");
        break;
    case Monoid::Welford:
        helpers_.welford = true;
        text_.line("ig_welford_merge(", into[0], ", ", into[1], ", ", into[2], ", ", other[0], ", ", other[1], ", ",
                   other[2], ");");
        break;
    }
}

void Printer::finish(int32_t reduce, const Names& from) {
    const Reduce& r = p_.reduces[at(reduce)];
    const auto declare = [&](ValueId out, const std::string& state) {
        if (out < 0) return;
        text_.line("const ", type(types_[at(out)]), " v", out, " = (", type(types_[at(out)]), ")", state, ";");
    };
    switch (r.monoid) {
    case Monoid::ArgMax:
    case Monoid::ArgMin: declare(r.out, cat("(", from[1], " < 0 ? 0 : ", from[1], ")")); break;
    case Monoid::Welford:
        declare(r.out, from[1]);
        declare(r.out2, from[2]);
        break;
    default: declare(r.out, from[0]); break;
    }
}

void Printer::group_reduce(const std::vector<int32_t>& reduces, int32_t lanes) {
    if (reduces.empty() || lanes == 1) return;
    const auto butterfly = [&](int32_t over) {
        if (over == 1) return;
        if (*d_.unroll) text_.line(d_.unroll);
        text_.open("for (int o = ", over / 2, "; o > 0; o /= 2)");
        for (const int32_t j : reduces) {
            const std::vector<Component> parts = components(j);
            const Monoid m = p_.reduces[at(j)].monoid;
            const Names mine = state(j);
            Names other;
            for (size_t c = 0; c < parts.size(); ++c) {
                other.push_back(cat("t", j, "_", c));
                text_.line(component_type(parts[c]), " ", other[c], " = ig_shuffle_xor(", mine[c], ", o, mask);");
            }
            if (m != Monoid::Sum && m != Monoid::Prod) // these are symmetric to the bit
                for (size_t c = 0; c < parts.size(); ++c)
                    text_.line("ig_order((tid & o) != 0, ", mine[c], ", ", other[c], ");");
            merge(j, mine, other);
        }
        text_.close();
    };
    text_.open();
    // The lanes of this group within its warp; the block function asks for it under this name.
    text_.line("const unsigned mask = ",
               lanes >= 32 ? "0xffffffffu;" : cat((int64_t{1} << lanes) - 1, "u << (tid & 31 & ~", lanes - 1, ");"));
    butterfly(std::min(lanes, 32));
    if (lanes > 32) {
        const int32_t warps = lanes / 32;
        std::vector<Names> shared;
        for (const int32_t j : reduces) {
            Names names;
            for (const Component& c : components(j))
                names.push_back(shared_array(cat("w", j, "_", names.size()), component_type(c),
                                             c.count ? (wide_index_ ? 8 : 4) : static_cast<int64_t>(size_of(c.type)),
                                             warps));
            shared.push_back(names);
        }
        text_.open("if ((tid & 31) == 0)");
        for (size_t i = 0; i < reduces.size(); ++i)
            for (size_t c = 0; c < shared[i].size(); ++c)
                text_.line(shared[i][c], "[tid >> 5] = s", reduces[i], "_", c, ";");
        text_.close();
        text_.line("ig_barrier();");
        for (size_t i = 0; i < reduces.size(); ++i)
            for (size_t c = 0; c < shared[i].size(); ++c)
                text_.line("s", reduces[i], "_", c, " = ", shared[i][c], "[tid & ", warps - 1, "];");
        butterfly(warps);
    }
    text_.close();
}

std::vector<int32_t> Printer::reduces_where(const std::function<bool(const Reduce&)>& keep) const {
    std::vector<int32_t> out;
    for (size_t j = 0; j < p_.reduces.size(); ++j)
        if (keep(p_.reduces[j])) out.push_back(static_cast<int32_t>(j));
    return out;
}

std::string Printer::workspace(int32_t reduce, size_t c, const std::string& index) {
    workspace_used_ = true;
    return cat("((", component_type(components(reduce)[c]), "*)((", d_.u8, "*)workspace + ", offsets_[at(reduce)][c],
               "LL))[", index, "]");
}

} // namespace ingot::codegen
