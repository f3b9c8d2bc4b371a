// SPDX-License-Identifier: MIT
// Kernels as a whole: parameters, prologue, maps, and the order of launches.
#include "backend/codegen/printer.h"

#include <algorithm>
#include <cctype>

#include "base/check.h"

namespace ingot::codegen {

using program::Code;
using program::Inst;
using program::Level;
using program::Reduce;

namespace {

size_t at(int32_t i) { return static_cast<size_t>(i); }
int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

std::string identifier(const std::string& name) {
    std::string out = "ig_";
    for (const char c : name) out += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
    return out.size() > 3 ? out : "ig_program";
}

} // namespace

Printer::Printer(const program::Program& program, const Dialect& dialect, const Schedule& schedule)
    : p_(program), d_(dialect), s_(schedule), facts_(codegen::facts(program)) {
    check(program, schedule);
    out_.name = identifier(program.name);
    types_.assign(at(p_.num_values), DType::f32);
    def_.assign(at(p_.num_values), -1);
    stashed_.assign(at(p_.num_values), false);
    axes_live_.assign(p_.axes.size(), false);
    once_used_.assign(at(p_.num_values), false);
    buffers_used_.assign(at(p_.num_inputs + p_.num_outputs), false);
    for (size_t i = 0; i < p_.code.size(); ++i) {
        if (p_.code[i].dst < 0) continue;
        types_[at(p_.code[i].dst)] = p_.code[i].type;
        def_[at(p_.code[i].dst)] = static_cast<int32_t>(i);
    }
    for (const Reduce& r : p_.reduces) {
        const bool arg = r.monoid == program::Monoid::ArgMax || r.monoid == program::Monoid::ArgMin;
        if (r.out >= 0) types_[at(r.out)] = arg ? DType::i64 : r.type;
        if (r.out2 >= 0) types_[at(r.out2)] = r.type;
    }
    const bool accumulates = facts_.column || facts_.final;
    const int64_t walked = p_.a_count() * (s_.strategy == Strategy::Flat ? p_.r_count() : 1);
    if (accumulates)
        chunks_ = std::max<int64_t>(1, ceil_div(walked, s_.chunk));
    else if (s_.strategy == Strategy::Rows)
        chunks_ = p_.a_count();
    combine_ = accumulates && chunks_ > 1;
    choose_index_type();
}

void Printer::begin_kernel() {
    text_ = Text(1);
    axes_live_.assign(p_.axes.size(), false);
    once_used_.assign(once_used_.size(), false);
    buffers_used_.assign(buffers_used_.size(), false);
    workspace_used_ = error_used_ = segments_used_ = false;
    shared_bytes_ = 0;
    text_.line("const int tid = ig_thread();");
}

void Printer::end_kernel(const std::string& suffix, int64_t grid, int32_t block) {
    // Once values that the body used: evaluated by every thread, they are few and come from cache.
    const std::string body = text_.str();
    std::vector<ValueId> roots;
    for (int32_t v = 0; v < p_.num_values; ++v)
        if (once_used_[at(v)]) roots.push_back(v);
    text_ = Text(1);
    axes_live_.assign(p_.axes.size(), false);
    emit(needed(roots, [](const Inst& in) { return in.level == Level::Once; }));

    Launch launch{
        .entry = out_.name + suffix, .grid = grid, .block = block, .shared_bytes = shared_bytes_, .arguments = {}};
    std::string parameters;
    const auto parameter = [&](Argument::Kind kind, int32_t index, const std::string& name) {
        launch.arguments.push_back({kind, index});
        append(parameters, cat(parameters.empty() ? "" : ", ", "void* ", name));
    };
    for (size_t b = 0; b < buffers_used_.size(); ++b)
        if (buffers_used_[b]) parameter(Argument::Kind::Buffer, static_cast<int32_t>(b), cat("b", b));
    if (workspace_used_) parameter(Argument::Kind::Workspace, 0, "workspace");
    if (error_used_) parameter(Argument::Kind::Error, 0, "error");
    if (segments_used_) parameter(Argument::Kind::Segments, 0, "segments");

    std::string kernel = d_.kernel;
    if (const size_t place = kernel.find("$threads"); place != std::string::npos)
        kernel.replace(place, 8, std::to_string(block));
    append(kernels_, cat("\n", kernel, " ", launch.entry, "(", parameters, ") {\n", text_.str(), body, "}\n"));
    out_.launches.push_back(std::move(launch));
}

std::string Printer::shared_array(const std::string& name, const std::string& type, int64_t type_bytes, int64_t count) {
    text_.line(d_.shared, " ", type, " ", name, "[", count, "];");
    shared_bytes_ += type_bytes * count;
    return name;
}

void Printer::plan_workspace() {
    offsets_.resize(p_.reduces.size());
    const bool rows_in_memory = s_.strategy == Strategy::Rows && !s_.column_registers;
    for (size_t j = 0; j < p_.reduces.size(); ++j) {
        const Reduce& r = p_.reduces[j];
        if (r.to == Level::Row || !(combine_ || (rows_in_memory && r.to == Level::Column))) continue;
        for (const Component& c : components(static_cast<int32_t>(j))) {
            const int64_t each = c.count ? (wide_index_ ? 8 : 4) : static_cast<int64_t>(size_of(c.type));
            const int64_t count = chunks_ * p_.p_count() * (r.to == Level::Column ? p_.r_count() : 1);
            offsets_[j].push_back(out_.workspace_bytes);
            out_.workspace_bytes += ceil_div(count * each, 256) * 256;
        }
    }
}

void Printer::emit(const std::vector<int32_t>& code) {
    for (const int32_t i : code)
        if (p_.code[at(i)].code != Code::Store) instruction(p_.code[at(i)]);
}

bool Printer::in_point(const Inst& in) const {
    // Over segments even Once operands come from the table, which the body reads.
    return in.level == Level::Point || in.level == Level::Row || (segments_used_ && in.level == Level::Once);
}

std::vector<int32_t> Printer::point_code(const std::vector<int32_t>& reduces) const {
    std::vector<ValueId> roots;
    for (const Inst& in : p_.code)
        if (in.code == Code::Store && in.level != Level::Once && in_point(in)) add_operands(in, roots);
    for (const int32_t j : reduces) roots.push_back(p_.reduces[at(j)].in);
    return needed(roots, [this](const Inst& in) { return in_point(in) && !(in.dst >= 0 && stashed_[at(in.dst)]); });
}

void Printer::point_body(const std::vector<int32_t>& reduces) {
    emit(point_code(reduces));
    for (const Inst& in : p_.code) // after all loads: an output may lie in the memory of an input
        if (in.code == Code::Store && in.level != Level::Once && in_point(in)) store(in);
}

void Printer::many_points(const std::string& index, const std::string& first, const std::string& limit) {
    const auto each = [&](const std::function<void()>& body) {
        if (*d_.unroll) text_.line(d_.unroll);
        text_.open("for (int k = 0; k < ", s_.per_thread, "; ++k)");
        text_.line("const ig_index ", index, " = ", first, " + k * ", s_.threads, ";");
        if (!limit.empty()) text_.open("if (", index, " < ", limit, ")");
        if (index == "flat")
            decompose("flat", 0, static_cast<int32_t>(p_.axes.size()));
        else
            axes_live_.assign(1, true);
        body();
        if (!limit.empty()) text_.close();
        text_.close();
    };
    // All loads of a thread's points first: they are then in flight together (stores cannot be moved before loads).
    std::vector<ValueId> loads;
    if (s_.per_thread > 1)
        for (const int32_t i : point_code({}))
            if (p_.code[at(i)].code == Code::Load && p_.code[at(i)].level != Level::Once)
                loads.push_back(p_.code[at(i)].dst);
    if (!loads.empty()) {
        const std::vector<int32_t> code = needed(loads, [this](const Inst& in) { return in_point(in); });
        for (const ValueId v : loads) {
            stashed_[at(v)] = true;
            text_.line(type(types_[at(v)]), " v", v, "[", s_.per_thread, "];");
        }
        each([&] { emit(code); });
    }
    each([&] { point_body({}); });
    for (const ValueId v : loads) stashed_[at(v)] = false;
}

void Printer::final_code(bool stores, const std::string& only_if) {
    for (const Inst& in : p_.code) {
        if (in.level != Level::Final) continue;
        if (in.code != Code::Store)
            instruction(in);
        else if (stores)
            store(in, only_if);
    }
}

void Printer::column_code(const std::string& only_if) {
    for (const Inst& in : p_.code) {
        if (in.level != Level::Column) continue;
        if (in.code != Code::Store)
            instruction(in);
        else
            store(in, only_if);
    }
}

void Printer::map_kernel() {
    const int64_t total = p_.p_count() * p_.a_count() * p_.r_count();
    const int64_t per_block = int64_t{s_.threads} * s_.per_thread;
    if (total == 0) return;
    begin_kernel();
    text_.line("const ig_index first = (ig_index)ig_block() * ", per_block, " + tid;");
    many_points("flat", "first", total % per_block != 0 ? cat(total) : "");
    end_kernel("", ceil_div(total, per_block), s_.threads);
}

void Printer::segments_kernel() {
    INGOT_ASSERT(p_.axes.size() == 1 && p_.num_r == 1, "a program with segments has one axis");
    INGOT_ASSERT(!facts_.once_stores, "a program with segments cannot store once");
    const int32_t per_block = s_.threads * s_.per_thread;
    const size_t stride = 1 + p_.operands.size();
    int64_t blocks = 0;
    for (const program::Segment& segment : p_.segments) blocks += ceil_div(segment.extent, per_block);
    out_.points_per_block = per_block;
    if (blocks == 0) return;
    begin_kernel();
    segments_used_ = true;
    const std::string word = cat("unsigned ", d_.i64);
    text_.line("const ", word, "* table = (const ", word, "*)segments;");
    text_.line("const ", word, " place = table[", p_.segments.size() * stride, " + ig_block()];");
    text_.line("const ", word, "* segment = table + (place & 0xffffffffu) * ", stride, ";");
    for (size_t o = 0; o < p_.operands.size(); ++o) text_.line("void* const o", o, " = (void*)segment[", 1 + o, "];");
    text_.line("const ig_index extent = (ig_index)segment[0];");
    text_.line("const ig_index first = (ig_index)(place >> 32) * ", per_block, " + tid;");
    many_points("i0", "first", "extent");
    once_used_.assign(once_used_.size(), false);
    end_kernel("", blocks, s_.threads);
}

void Printer::once_kernel() {
    begin_kernel();
    text_.line("if (tid != 0) return;");
    for (const Inst& in : p_.code)
        if (in.level == Level::Once && in.code == Code::Store) store(in);
    end_kernel("_once", 1, 32);
}

PrintedKernel Printer::print() {
    plan_workspace();
    switch (s_.strategy) {
    case Strategy::Map: map_kernel(); break;
    case Strategy::Segments: segments_kernel(); break;
    case Strategy::Columns:
        columns_kernel(false);
        if (combine_) columns_kernel(true);
        break;
    case Strategy::Flat:
        flat_kernel(false);
        if (combine_) flat_kernel(true);
        break;
    case Strategy::Rows:
        rows_kernel();
        if (combine_ && facts_.final) flat_kernel(true);
        if (combine_ && facts_.column) columns_kernel(true);
        break;
    case Strategy::Once: break;
    }
    // Last, so that other threads do not see what it stores.
    if (facts_.once_stores) once_kernel();

    const char* index = wide_index_ ? d_.i64 : d_.i32;
    out_.source = cat("// ", p_.name, "\n", d_.prelude, "typedef ", index, " ig_index;\ntypedef unsigned ", index,
                      " ig_uindex;\n", helper_text(d_, helpers_), kernels_);
    return std::move(out_);
}

PrintedKernel print_kernel(const program::Program& program, const Dialect& dialect, const Schedule& schedule) {
    return Printer(program, dialect, schedule).print();
}

std::vector<uint64_t> segment_table(const program::Program& program, const PrintedKernel& kernel,
                                    const std::vector<uint64_t>& addresses) {
    INGOT_ASSERT(kernel.points_per_block > 0, "not a kernel over segments");
    std::vector<uint64_t> words;
    for (const program::Segment& segment : program.segments) {
        INGOT_ASSERT(segment.buffers.size() == program.operands.size(), "one buffer per operand and segment");
        words.push_back(static_cast<uint64_t>(segment.extent));
        for (const int32_t buffer : segment.buffers) words.push_back(addresses.at(at(buffer)));
    }
    for (size_t i = 0; i < program.segments.size(); ++i)
        for (int64_t b = 0; b < ceil_div(program.segments[i].extent, kernel.points_per_block); ++b)
            words.push_back(static_cast<uint64_t>(b) << 32 | i);
    return words;
}

} // namespace ingot::codegen
