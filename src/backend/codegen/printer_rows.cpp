// SPDX-License-Identifier: MIT
// The Rows strategy: groups of threads walk rows stage by stage.
#include <algorithm>

#include "backend/codegen/printer.h"
#include "base/check.h"

namespace ingot::codegen {

using program::Code;
using program::Inst;
using program::Level;
using program::Reduce;

namespace {
size_t at(int32_t i) { return static_cast<size_t>(i); }
int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
} // namespace

// Which Point instructions each stage's loop evaluates. Without stash: all that the stage needs, whichever stage they
// belong to. With stash: those not evaluated before, as late as possible; what a later stage uses again is kept.
void Printer::plan_stages() {
    const auto remade = [](const Inst& in) { return in.code == Code::Const || in.code == Code::Iota; };
    const auto point = [](const Inst& in) { return in.level == Level::Point; };
    std::vector<std::vector<ValueId>> roots(at(p_.stages));
    std::vector<bool> stores(at(p_.stages), false);
    for (const Inst& in : p_.code)
        if (point(in) && in.code == Code::Store) {
            add_operands(in, roots[in.stage]);
            stores[in.stage] = true;
        }
    for (const Reduce& r : p_.reduces)
        if (r.from == Level::Point) roots[r.stage].push_back(r.in);
    stage_code_.assign(at(p_.stages), {});
    if (!s_.stash) {
        for (size_t s = 0; s < roots.size(); ++s) stage_code_[s] = needed(roots[s], point);
        return;
    }
    std::vector<bool> computed(at(p_.num_values), false);
    for (size_t s = 0; s < roots.size(); ++s) {
        // A store may overwrite the memory of an input: whatever a later stage wants from memory is loaded before it.
        if (stores[s])
            for (size_t later = s + 1; later < roots.size(); ++later)
                for (const int32_t i : needed(roots[later], point))
                    if (p_.code[at(i)].code == Code::Load && p_.code[at(i)].stage <= s)
                        roots[s].push_back(p_.code[at(i)].dst);
        stage_code_[s] = needed(roots[s], [&](const Inst& in) { return point(in) && !computed[at(in.dst)]; });
        std::vector<ValueId> uses = roots[s];
        for (const int32_t i : stage_code_[s]) add_operands(p_.code[at(i)], uses);
        for (const ValueId v : uses)
            if (computed[at(v)]) stashed_[at(v)] = true;
        for (const int32_t i : stage_code_[s])
            if (!remade(p_.code[at(i)])) computed[at(p_.code[at(i)].dst)] = true;
    }
}

void Printer::row_loop(const std::function<void()>& body) {
    const int64_t r = p_.r_count();
    const int32_t first = p_.num_p + p_.num_a, last = static_cast<int32_t>(p_.axes.size());
    if (s_.per_thread > 0) {
        const bool exact = int64_t{s_.per_thread} * s_.lanes == r;
        if (*d_.unroll) text_.line(d_.unroll);
        text_.open("for (int k = 0; k < ", s_.per_thread, "; ++k)");
        text_.line("const ig_index r = lane + k * ", s_.lanes, ";");
        if (!exact) text_.open("if (r < ", r, ")");
        decompose("r", first, last);
        body();
        if (!exact) text_.close();
    } else {
        text_.open("for (ig_index r = lane; r < ", r, "; r += ", s_.lanes, ")");
        decompose("r", first, last);
        body();
    }
    text_.close();
    for (int32_t i = first; i < last; ++i) axes_live_[at(i)] = false;
}

void Printer::row_stage(int32_t stage) {
    const auto of_stage = [&](Level from, Level to) {
        return reduces_where([&](const Reduce& r) { return r.from == from && r.to == to && r.stage == stage; });
    };
    const std::vector<int32_t> row = of_stage(Level::Point, Level::Row), finals = of_stage(Level::Point, Level::Final),
                               columns = of_stage(Level::Point, Level::Column);
    for (const int32_t j : row) declare_state(j);
    bool stores = false;
    for (const Inst& in : p_.code) stores |= in.level == Level::Point && in.stage == stage && in.code == Code::Store;
    if (stores || !row.empty() || !finals.empty() || !columns.empty()) {
        row_loop([&] {
            emit(stage_code_[at(stage)]);
            for (const int32_t j : row) step(j, state(j), "r");
            for (const int32_t j : finals) step(j, state(j), cat("a * ", p_.r_count(), " + r"));
            for (const int32_t j : columns) {
                if (s_.column_registers) {
                    step(j, state(j, "[k]"), "a");
                    continue;
                }
                const std::string place = cat("(chunk * ", p_.p_count(), " + p) * ", p_.r_count(), " + r");
                text_.open();
                const std::vector<Component> parts = components(j);
                for (size_t c = 0; c < parts.size(); ++c)
                    text_.line(component_type(parts[c]), " ", state(j)[c], " = ", workspace(j, c, place), ";");
                step(j, state(j), "a");
                for (size_t c = 0; c < parts.size(); ++c) text_.line(workspace(j, c, place), " = ", state(j)[c], ";");
                text_.close();
            }
            for (const Inst& in : p_.code)
                if (in.level == Level::Point && in.stage == stage && in.code == Code::Store) store(in);
        });
    }
    group_reduce(row, s_.lanes);
    for (const int32_t j : row) finish(j, state(j));
    for (const Inst& in : p_.code)
        if (in.level == Level::Row && in.stage == stage && in.code != Code::Store) instruction(in);
    for (const Inst& in : p_.code)
        if (in.level == Level::Row && in.stage == stage && in.code == Code::Store)
            store(in, s_.lanes > 1 ? "lane == 0" : "");
    for (const int32_t j : of_stage(Level::Row, Level::Final)) step(j, state(j), "a");
}

void Printer::rows_kernel() {
    const int64_t p = p_.p_count(), a = p_.a_count(), r = p_.r_count();
    const int32_t groups = s_.threads / s_.lanes;
    const int64_t units = p * chunks_, grid = ceil_div(units, groups);
    if (grid == 0) return;
    const bool accumulates = facts_.column || facts_.final;
    const std::vector<int32_t> finals = reduces_where([](const Reduce& x) { return x.to == Level::Final; });
    const std::vector<int32_t> columns = reduces_where([](const Reduce& x) { return x.to == Level::Column; });
    plan_stages();

    begin_kernel();
    text_.line("const int lane = tid & ", s_.lanes - 1, ";");
    text_.line("const ig_index unit = (ig_index)ig_block()",
               groups == 1 ? "" : cat(" * ", groups, " + tid / ", s_.lanes), ";");
    if (units % groups != 0) text_.line("if (unit >= ", units, ") return;");
    text_.line("const ig_index p = (ig_index)((ig_uindex)unit / ", chunks_, "), chunk = (ig_index)((ig_uindex)unit % ",
               chunks_, ");");
    decompose("p", 0, p_.num_p);
    for (const int32_t j : finals) declare_state(j);
    const std::string place = cat("(chunk * ", p, " + p) * ", r, " + r");
    for (const int32_t j : columns)
        if (s_.column_registers)
            for (size_t c = 0; c < components(j).size(); ++c)
                text_.line(component_type(components(j)[c]), " ", state(j)[c], "[", s_.per_thread, "];");
    if (!columns.empty())
        row_loop([&] {
            for (const int32_t j : columns)
                for (size_t c = 0; c < components(j).size(); ++c)
                    text_.line(s_.column_registers ? state(j, "[k]")[c] : workspace(j, c, place), " = ",
                               components(j)[c].start, ";");
        });

    const bool loops = accumulates && std::min<int64_t>(s_.chunk, a) != 1;
    if (loops) {
        text_.line("const ig_index begin = chunk * ", s_.chunk, ";");
        text_.line("const ig_index end = begin + ", s_.chunk, " < ", a, " ? begin + ", s_.chunk, " : ", a, ";");
        text_.open("for (ig_index a = begin; a < end; ++a)");
    } else {
        text_.open();
        text_.line("const ig_index a = chunk;"); // one index to a chunk
    }
    decompose("a", p_.num_p, p_.num_p + p_.num_a);
    for (ValueId v = 0; v < p_.num_values; ++v)
        if (stashed_[at(v)]) text_.line(type(types_[at(v)]), " v", v, "[", s_.per_thread, "];");
    for (int32_t s = 0; s < p_.stages; ++s) row_stage(s);
    if (loops && s_.lanes > 32 && facts_.row) text_.line("ig_barrier(); // the next row writes the same shared memory");
    text_.close();
    for (int32_t i = p_.num_p; i < p_.num_p + p_.num_a; ++i) axes_live_[at(i)] = false;
    for (ValueId v = 0; v < p_.num_values; ++v) stashed_[at(v)] = false;

    // Accumulations of rows are the same in every lane; those of points are not.
    group_reduce(reduces_where([](const Reduce& x) { return x.to == Level::Final && x.from == Level::Point; }),
                 s_.lanes);
    if (!combine_) {
        for (const int32_t j : finals) finish(j, state(j));
        final_code(true, s_.lanes > 1 ? "lane == 0" : "");
        if (facts_.column)
            row_loop([&] {
                for (const int32_t j : columns) {
                    Names from = state(j, "[k]");
                    for (size_t c = 0; c < from.size() && !s_.column_registers; ++c) from[c] = workspace(j, c, place);
                    finish(j, from);
                }
                column_code();
            });
    } else {
        if (!finals.empty()) {
            text_.open(s_.lanes > 1 ? "if (lane == 0)" : "");
            for (const int32_t j : finals)
                for (size_t c = 0; c < components(j).size(); ++c)
                    text_.line(workspace(j, c, cat("p * ", chunks_, " + chunk")), " = ", state(j)[c], ";");
            text_.close();
        }
        if (!columns.empty() && s_.column_registers)
            row_loop([&] {
                for (const int32_t j : columns)
                    for (size_t c = 0; c < components(j).size(); ++c)
                        text_.line(workspace(j, c, place), " = ", state(j, "[k]")[c], ";");
            });
    }
    end_kernel("", grid, s_.threads);
}

} // namespace ingot::codegen
