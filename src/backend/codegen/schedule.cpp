// SPDX-License-Identifier: MIT
#include "backend/codegen/schedule.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace ingot::codegen {
namespace {

using program::Code;
using program::Level;
using program::Monoid;
using program::Program;

constexpr int64_t kFill = 1 << 18; // threads that fill a large GPU
constexpr int64_t kWarpRow = 512;  // the longest row that one warp takes

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

int32_t power_of_two(int64_t at_least, int64_t most) {
    return static_cast<int32_t>(std::min<int64_t>(
        static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(at_least, 1)))), most));
}

// 32-bit registers for one accumulator.
int64_t registers(const program::Reduce& reduce) {
    const int64_t width = size_of(reduce.type) > 4 ? 2 : 1;
    switch (reduce.monoid) {
    case Monoid::Welford: return 2 * width + 1;
    case Monoid::ArgMax:
    case Monoid::ArgMin: return 3;
    default: return is_float(reduce.type) ? width : 2;
    }
}

// Whether neighbours along the last P axis are neighbours in memory (windows of pooling and narrow convolutions): then
// one thread should walk a short row alone, since a warp reads side by side what its threads need.
bool parallel_contiguous(const Program& p) {
    int32_t last = p.num_p - 1;
    while (last >= 0 && p.axes[static_cast<size_t>(last)] == 1) --last;
    if (last < 0) return false;
    bool any = false;
    for (const program::Inst& in : p.code) {
        if (in.level != Level::Point || (in.code != Code::Load && in.code != Code::Store)) continue;
        const int64_t step = p.operands[static_cast<size_t>(in.slot)].at.coef[static_cast<size_t>(last)];
        if (step < -4 || step > 4) return false;
        any |= step != 0;
    }
    return any && p.p_count() >= 1024;
}

Schedule choose_rows(const Program& p, const Facts& f) {
    Schedule s{.strategy = Strategy::Rows, .threads = 128};
    const int64_t rows = std::max<int64_t>(p.r_count(), 1), a = p.a_count(),
                  parallel = std::max<int64_t>(p.p_count(), 1);
    if (rows <= 4 || (rows <= 64 && parallel_contiguous(p)))
        s.lanes = 1;
    else if (rows <= kWarpRow)
        s.lanes = power_of_two(rows, 32);
    else
        s.lanes = s.threads = power_of_two(ceil_div(rows, 8), f.column ? 512 : 1024);
    if (s.lanes > 32 && s.threads < 128) s.lanes = s.threads = 128;

    // Registers: values carried from one stage to a later one, and column accumulators, for each of a thread's elements.
    std::vector<int> stage_of(static_cast<size_t>(p.num_values), -1);
    for (const program::Inst& in : p.code)
        if (in.level == Level::Point && in.dst >= 0 && in.code != Code::Const && in.code != Code::Iota)
            stage_of[static_cast<size_t>(in.dst)] = in.stage;
    std::vector<bool> carried(stage_of.size(), false);
    const auto use = [&](program::ValueId v, int stage) {
        if (v >= 0 && stage_of[static_cast<size_t>(v)] >= 0 && stage_of[static_cast<size_t>(v)] < stage)
            carried[static_cast<size_t>(v)] = true;
    };
    for (const program::Inst& in : p.code)
        if (in.level == Level::Point)
            for (const program::ValueId v : {in.a, in.b, in.c}) use(v, in.stage);
    int64_t columns = 0;
    for (const program::Reduce& r : p.reduces) {
        if (r.from == Level::Point) use(r.in, r.stage);
        if (r.to == Level::Column) columns += registers(r);
    }
    const int64_t carried_count = std::count(carried.begin(), carried.end(), true);
    const int64_t each = ceil_div(rows, s.lanes);
    const int64_t budget = s.threads >= 1024 ? 32 : 64; // 1024 threads leave each at most 64 registers in all
    s.column_registers = columns * each <= budget && each <= 32;
    s.stash = carried_count > 0 && (carried_count + (s.column_registers ? columns : 0)) * each <= budget && each <= 32;
    s.per_thread = p.r_count() > 0 && (s.stash || (s.column_registers && columns > 0) || each == 1)
                       ? static_cast<int32_t>(each)
                       : 0;
    if (s.per_thread == 0) s.stash = s.column_registers = false;

    if (!f.column && !f.final) {
        s.chunk = 1; // every (p, a) on its own
        return s;
    }
    // Enough groups to fill the GPU, but at least 8 rows to a chunk: partial results must stay cheap beside the rows.
    const int64_t wanted = std::max<int64_t>(1, kFill / s.lanes / parallel);
    s.chunk = std::max<int64_t>(std::min<int64_t>(a, 8), ceil_div(a, std::min<int64_t>(wanted, 1024)));
    s.chunk = std::max<int64_t>(s.chunk, 1);
    return s;
}

Schedule choose_columns(const Program& p) {
    Schedule s{.strategy = Strategy::Columns, .threads = 256};
    const int64_t r = std::max<int64_t>(p.r_count(), 1), a = p.a_count();
    s.lanes = power_of_two(r, 32);
    const int64_t y = s.threads / s.lanes;
    const int64_t blocks_before = std::max<int64_t>(1, p.p_count()) * ceil_div(r, s.lanes);
    const int64_t wanted = std::max<int64_t>(1, kFill / s.threads / blocks_before);
    // At least 8 accumulated indices a thread; at most 512, so that f32 sums stay short.
    const int64_t per_thread = std::clamp<int64_t>(ceil_div(a, wanted * y), 8, 512);
    s.chunk = std::max<int64_t>(1, std::min<int64_t>(a, per_thread * y));
    return s;
}

Schedule choose_flat(const Program& p) {
    Schedule s{.strategy = Strategy::Flat, .threads = 256};
    const int64_t n = std::max<int64_t>(p.a_count() * p.r_count(), 1), parallel = std::max<int64_t>(1, p.p_count());
    if (n <= 4 || (n <= 64 && parallel_contiguous(p)))
        s.lanes = 1;
    else if (n <= 1024 && (parallel >= 64 || n <= 64))
        s.lanes = power_of_two(n, 32);
    else
        s.lanes = s.threads;
    const int64_t wanted = std::max<int64_t>(1, kFill / s.lanes / parallel);
    const int64_t per_thread = std::clamp<int64_t>(ceil_div(n, wanted * s.lanes), 16, 256);
    s.chunk = std::min<int64_t>(n, per_thread * s.lanes);
    return s;
}

} // namespace

Facts facts(const Program& p) {
    Facts f;
    for (const program::Reduce& r : p.reduces) {
        f.row |= r.to == Level::Row;
        f.column |= r.to == Level::Column;
        f.final |= r.to == Level::Final;
        f.beyond_once = true;
    }
    for (const program::Inst& in : p.code) {
        f.beyond_once |= in.level != Level::Once;
        f.column |= in.level == Level::Column;
        f.final |= in.level == Level::Final;
        f.row_stores |= in.level == Level::Row && in.code == Code::Store;
        f.once_stores |= in.level == Level::Once && in.code == Code::Store;
    }
    return f;
}

Schedule choose_schedule(const Program& p) {
    const Facts f = facts(p);
    bool from_row = false;
    for (const program::Reduce& r : p.reduces) from_row |= r.from == Level::Row;
    if (!f.beyond_once) return {.strategy = Strategy::Once, .threads = 32};
    if (!p.segments.empty()) return {.strategy = Strategy::Segments, .threads = 256, .per_thread = 4};
    if (f.row || f.row_stores || from_row || (f.column && f.final)) return choose_rows(p, f);
    if (f.column) return choose_columns(p);
    if (f.final) return choose_flat(p);
    const int64_t total = p.p_count() * p.a_count() * p.r_count();
    return {.strategy = Strategy::Map, .threads = 256, .per_thread = total >= 4 * kFill ? 4 : 1};
}

void check(const Program& p, const Schedule& s) {
    const Facts f = facts(p);
    bool from_row = false;
    for (const program::Reduce& r : p.reduces) from_row |= r.from == Level::Row;
    const auto power = [](int64_t v) { return v > 0 && std::has_single_bit(static_cast<uint64_t>(v)); };
    INGOT_ASSERT(power(s.threads) && s.threads >= 32 && s.threads <= 1024, "threads of a block");
    INGOT_ASSERT(power(s.lanes) && s.lanes <= s.threads, "lanes of a group");
    INGOT_ASSERT(s.chunk >= 1 && s.per_thread >= 0, "schedule sizes");
    INGOT_ASSERT(p.segments.empty() == (s.strategy != Strategy::Segments) || !f.beyond_once,
                 "segments need their strategy");
    switch (s.strategy) {
    case Strategy::Map:
    case Strategy::Segments:
        INGOT_ASSERT(p.reduces.empty() && !f.column && !f.final && !f.row_stores && s.per_thread >= 1, "not a map");
        break;
    case Strategy::Columns:
        INGOT_ASSERT(!f.row && !f.row_stores && !f.final && !from_row, "not a pure column accumulation");
        break;
    case Strategy::Flat:
        INGOT_ASSERT(!f.row && !f.row_stores && !f.column && !from_row, "not a pure accumulation");
        INGOT_ASSERT(s.lanes <= 32 || s.lanes == s.threads, "lanes of a group");
        break;
    case Strategy::Rows:
        INGOT_ASSERT(s.lanes <= 32 || s.lanes == s.threads, "lanes of a group");
        INGOT_ASSERT(s.per_thread == 0 || int64_t{s.per_thread} * s.lanes >= p.r_count(),
                     "unrolled rows must be covered");
        INGOT_ASSERT(s.per_thread > 0 || (!s.stash && !s.column_registers), "registers need unrolled rows");
        INGOT_ASSERT(f.column || f.final || s.chunk == 1, "chunks are for accumulations");
        break;
    case Strategy::Once: INGOT_ASSERT(!f.beyond_once, "not a Once program"); break;
    }
}

} // namespace ingot::codegen
