// SPDX-License-Identifier: MIT
// Accumulations without rows (Columns, Flat), and the launches that combine partial results: the same two shapes with
// "merge the partial state of chunk a" in the place of "evaluate the point and step".
#include <algorithm>
#include <bit>

#include "backend/codegen/printer.h"
#include "base/check.h"

namespace ingot::codegen {

using program::Inst;
using program::Level;
using program::Reduce;

namespace {
size_t at(int32_t i) { return static_cast<size_t>(i); }
int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int32_t power_of_two(int64_t at_least, int64_t most) {
    const uint64_t n = std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(at_least, 1)));
    return static_cast<int32_t>(std::min<int64_t>(static_cast<int64_t>(n), most));
}
constexpr int64_t kSharedBytes = 40 * 1024; // of the 48 KiB that every CUDA device has
} // namespace

void Printer::columns_kernel(bool combine) {
    const int64_t p = p_.p_count(), r = p_.r_count();
    const int64_t walked = combine ? chunks_ : p_.a_count(); // indices folded
    const int64_t chunks = combine ? 1 : chunks_, chunk = combine ? chunks_ : s_.chunk;
    const std::vector<int32_t> reduces = reduces_where([](const Reduce& x) { return x.to == Level::Column; });

    int64_t state_bytes = 0;
    for (const int32_t j : reduces)
        for (const Component& c : components(j)) state_bytes += static_cast<int64_t>(size_of(c.type));
    // x: threads along the columns, y: threads along the folded index; y shrinks until the states fit in shared memory.
    const int32_t x = combine ? power_of_two(r, 32) : s_.lanes;
    int32_t y = combine ? std::min(256 / x, power_of_two(walked, 256)) : s_.threads / x;
    while (x * y > 32 && y > 1 && (x * y * state_bytes > kSharedBytes || int64_t{y} > 2 * std::min(chunk, walked)))
        y /= 2;
    const int32_t threads = std::max(x * y, 32);
    y = threads / x;
    const int64_t tiles = ceil_div(r, x), grid = p * chunks * tiles;
    if (grid == 0) return;

    begin_kernel();
    text_.line("const int x = tid & ", x - 1, ", y = tid / ", x, ";");
    text_.line("const ig_index unit = (ig_index)ig_block();");
    text_.line("const ig_index r = (ig_index)((ig_uindex)unit % ", tiles, ") * ", x, " + x;");
    text_.line("const ig_index chunk = (ig_index)((ig_uindex)unit / ", tiles, " % ", chunks, ");");
    text_.line("const ig_index p = (ig_index)((ig_uindex)unit / ", tiles * chunks, ");");
    decompose("p", 0, p_.num_p);
    if (combine && facts_.final) fold_finals(threads, false);
    for (const int32_t j : reduces) declare_state(j);
    text_.open("if (r < ", r, ")");
    decompose("r", p_.num_p + p_.num_a, static_cast<int32_t>(p_.axes.size()));
    text_.line("const ig_index begin = chunk * ", chunk, ";");
    text_.line("const ig_index end = begin + ", chunk, " < ", walked, " ? begin + ", chunk, " : ", walked, ";");
    text_.open("for (ig_index a = begin + y; a < end; a += ", y, ")");
    if (combine) {
        for (const int32_t j : reduces) {
            Names partial;
            for (size_t c = 0; c < components(j).size(); ++c)
                partial.push_back(workspace(j, c, cat("(a * ", p, " + p) * ", r, " + r")));
            merge(j, state(j), partial);
        }
    } else {
        decompose("a", p_.num_p, p_.num_p + p_.num_a);
        point_body(reduces);
        for (const int32_t j : reduces) step(j, state(j), "a");
    }
    text_.close();
    text_.close();

    if (y > 1 && !reduces.empty()) { // a tree over y, lower half first
        std::vector<Names> shared;
        for (const int32_t j : reduces) {
            Names names;
            for (const Component& c : components(j))
                names.push_back(shared_array(cat("w", j, "_", names.size()), component_type(c),
                                             static_cast<int64_t>(size_of(c.type)), threads));
            shared.push_back(names);
        }
        const auto put = [&] {
            for (size_t i = 0; i < reduces.size(); ++i)
                for (size_t c = 0; c < shared[i].size(); ++c)
                    text_.line(shared[i][c], "[tid] = ", state(reduces[i])[c], ";");
        };
        put();
        text_.open("for (int o = ", y / 2, "; o > 0; o /= 2)");
        text_.line("ig_barrier();");
        text_.open("if (y < o)");
        for (size_t i = 0; i < reduces.size(); ++i) {
            Names other;
            for (const std::string& name : shared[i]) other.push_back(cat(name, "[tid + o * ", x, "]"));
            merge(reduces[i], state(reduces[i]), other);
        }
        put();
        text_.close();
        text_.close();
    }
    text_.line("if (", y > 1 ? "y != 0 || " : "", "r >= ", r, ") return;");
    decompose("r", p_.num_p + p_.num_a, static_cast<int32_t>(p_.axes.size()));
    // Column code depends on p and r only.
    for (int32_t i = p_.num_p; i < p_.num_p + p_.num_a; ++i) axes_live_[at(i)] = false;
    if (combine || !combine_) {
        for (const int32_t j : reduces) finish(j, state(j));
        column_code();
    } else {
        for (const int32_t j : reduces)
            for (size_t c = 0; c < components(j).size(); ++c)
                text_.line(workspace(j, c, cat("(chunk * ", p, " + p) * ", r, " + r")), " = ", state(j)[c], ";");
    }
    end_kernel(combine ? "_columns" : "", grid, threads);
}

// Folds the partial states of the accumulations into Final over all chunks with `lanes` threads, then runs the Final code.
void Printer::fold_finals(int32_t lanes, bool stores) {
    const std::vector<int32_t> reduces = reduces_where([](const Reduce& x) { return x.to == Level::Final; });
    const std::string lane = cat("(tid & ", lanes - 1, ")");
    for (const int32_t j : reduces) declare_state(j);
    if (!reduces.empty()) {
        text_.open("for (ig_index a = ", lane, "; a < ", chunks_, "; a += ", lanes, ")");
        for (const int32_t j : reduces) {
            Names partial;
            for (size_t c = 0; c < components(j).size(); ++c)
                partial.push_back(workspace(j, c, cat("p * ", chunks_, " + a")));
            merge(j, state(j), partial);
        }
        text_.close();
    }
    group_reduce(reduces, lanes);
    for (const int32_t j : reduces) finish(j, state(j));
    final_code(stores, lanes > 1 ? cat(lane, " == 0") : "");
}

void Printer::flat_kernel(bool combine) {
    const int64_t p = p_.p_count(), walked = p_.a_count() * p_.r_count();
    const int64_t chunks = combine ? 1 : chunks_;
    const int32_t lanes = !combine ? s_.lanes : chunks_ <= 4 ? 1 : chunks_ <= 256 ? 32 : 256;
    const int32_t threads = combine ? std::max(lanes, 128) : s_.threads;
    const int32_t groups = threads / lanes;
    const int64_t units = p * chunks, grid = ceil_div(units, groups);
    if (grid == 0) return;
    const std::vector<int32_t> reduces = reduces_where([](const Reduce& x) { return x.to == Level::Final; });

    begin_kernel();
    if (groups == 1)
        text_.line("const int lane = tid;");
    else
        text_.line("const int lane = tid & ", lanes - 1, ";");
    text_.line("const ig_index unit = (ig_index)ig_block()", groups == 1 ? "" : cat(" * ", groups, " + tid / ", lanes),
               ";");
    if (units % groups != 0) text_.line("if (unit >= ", units, ") return;");
    text_.line("const ig_index p = (ig_index)((ig_uindex)unit / ", chunks, "), chunk = (ig_index)((ig_uindex)unit % ",
               chunks, ");");
    decompose("p", 0, p_.num_p);
    if (combine) {
        fold_finals(lanes, true);
        end_kernel("_finals", grid, threads);
        return;
    }
    for (const int32_t j : reduces) declare_state(j);
    text_.line("const ig_index begin = chunk * ", s_.chunk, ";");
    text_.line("const ig_index end = begin + ", s_.chunk, " < ", walked, " ? begin + ", s_.chunk, " : ", walked, ";");
    text_.open("for (ig_index flat = begin + lane; flat < end; flat += ", lanes, ")");
    decompose("flat", p_.num_p, static_cast<int32_t>(p_.axes.size()));
    point_body(reduces);
    for (const int32_t j : reduces) step(j, state(j), "flat");
    text_.close();
    group_reduce(reduces, lanes);
    for (int32_t i = p_.num_p; i < static_cast<int32_t>(p_.axes.size()); ++i) axes_live_[at(i)] = false;
    if (!combine_) {
        for (const int32_t j : reduces) finish(j, state(j));
        final_code(true, lanes > 1 ? "lane == 0" : "");
    } else {
        text_.open(lanes > 1 ? "if (lane == 0)" : "");
        for (const int32_t j : reduces)
            for (size_t c = 0; c < components(j).size(); ++c)
                text_.line(workspace(j, c, cat("p * ", chunks_, " + chunk")), " = ", state(j)[c], ";");
        text_.close();
    }
    end_kernel("", grid, threads);
}

} // namespace ingot::codegen
