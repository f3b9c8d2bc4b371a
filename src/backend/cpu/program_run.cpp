// SPDX-License-Identifier: MIT
// The loops of a plan. Folds of blocks into rows, columns and scalars are in program_fold.cpp.
#include "backend/cpu/program_run.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

namespace ingot::cpu {

using program::Level;

namespace {

// Scratch memory of this thread; grows to the largest plan it has met.
char* thread_scratch(int64_t bytes) {
    struct Free {
        void operator()(char* p) const { ::operator delete (p, std::align_val_t{64}); }
    };
    thread_local std::unique_ptr<char, Free> memory;
    thread_local int64_t size = 0;
    if (bytes > size) {
        size = std::max<int64_t>(bytes, 256 << 10);
        memory.reset(static_cast<char*>(::operator new (static_cast<size_t>(size), std::align_val_t{64})));
    }
    return memory.get();
}

} // namespace

Worker::Worker(const Plan& plan, char* const* bases, char* once, char* parts, program::ErrorWord* error)
    : plan_(plan), bases_(bases), once_(once), parts_(parts), error_(error),
      scratch_(thread_scratch(plan.scratch_bytes)), table_(reinterpret_cast<char**>(scratch_)) {
    for (size_t i = 0; i < plan_.slots.size(); ++i) {
        const Slot& s = plan_.slots[i];
        table_[i] = s.kind == SlotKind::once ? once_ + s.offset : scratch_ + s.offset;
    }
}

void Worker::rebase(char* const* bases, char* once) {
    bases_ = bases;
    once_ = once;
    for (size_t i = 0; i < plan_.slots.size(); ++i)
        if (plan_.slots[i].kind == SlotKind::once) table_[i] = once_ + plan_.slots[i].offset;
}

const int64_t* Worker::index(const Access& x) const { return reinterpret_cast<const int64_t*>(pointer(x.index_slot)); }

// Points the slots that stand for memory and for parts of rows to the present place.
void Worker::enter(const Section& s, const Place& place, int64_t lane0) {
    for (const Direct& d : s.directs) {
        const Access& x = plan_.accesses[static_cast<size_t>(d.access)];
        table_[d.slot] = bases_[x.operand] + offset_at(x, x.at, place.start, place.a_index) * x.size;
        if (d.ahead) {
            const int64_t bytes = place.count * x.size;
            for (int64_t b = bytes; b < 2 * bytes; b += 64) __builtin_prefetch(table_[d.slot] + b);
        }
    }
    for (int32_t slot : s.rows) {
        const Slot& row = plan_.slots[static_cast<size_t>(slot)];
        table_[slot] = scratch_ + row.offset + lane0 * row.size;
    }
}

void Worker::run_ops(const std::vector<Op>& ops, const Place& place) {
    char** const t = table_;
    for (const Op& op : ops) {
        switch (op.kind) {
        case Op::Kind::map:
            op.fn(t[op.dst], pointer(op.a), pointer(op.b), pointer(op.c), static_cast<size_t>(place.count));
            break;
        case Op::Kind::map_rows: {
            const int64_t bytes = place.row_length * op.size, rows = place.count / place.row_length;
            for (int64_t i = 0; i < rows; ++i)
                op.fn(t[op.dst] + i * bytes, t[op.a] + i * bytes, t[op.b] + i * op.size, nullptr,
                      static_cast<size_t>(place.row_length));
            break;
        }
        case Op::Kind::expand:
            // From one value per row to a block.
            op.expand(t[op.dst], t[op.a], place.count / place.row_length, place.row_length, 1, 0);
            break;
        case Op::Kind::load: {
            const Access& x = plan_.accesses[static_cast<size_t>(op.access)];
            load_range(x, bases_[x.operand], place, index(x), t[op.dst], error_);
            break;
        }
        case Op::Kind::store: {
            const Access& x = plan_.accesses[static_cast<size_t>(op.access)];
            store_range(x, bases_[x.operand], place, index(x), t[op.a], error_);
            break;
        }
        case Op::Kind::stream: {
            const Access& x = plan_.accesses[static_cast<size_t>(op.access)];
            stream_copy(bases_[x.operand] + offset_at(x, x.at, place.start, place.a_index) * x.size, t[op.a],
                        static_cast<size_t>(place.count * op.size));
            break;
        }
        case Op::Kind::iota:
            iota_range(plan_.accesses[static_cast<size_t>(op.access)], place, reinterpret_cast<int64_t*>(t[op.dst]));
            break;
        case Op::Kind::random: {
            const Access& x = plan_.accesses[static_cast<size_t>(op.access)];
            uint64_t key[2];
            std::memcpy(key, bases_[x.operand] + x.at.base * 8, sizeof key);
            random_block(reinterpret_cast<float*>(t[op.dst]), reinterpret_cast<const int64_t*>(t[op.a]), key[0], key[1],
                         static_cast<size_t>(place.count));
            break;
        }
        }
    }
}

void Worker::section(const Section& s, const Place& place, int64_t lane0) {
    enter(s, place, lane0);
    run_ops(s.ops, place);
}

void Worker::run_once() { section(plan_.once, {0, 1, 1, nullptr}, 0); }

void Worker::run_once_stores() {
    const Place place{0, 1, 1, nullptr};
    section(plan_.once_stores, place, 0);
    run_ops(plan_.once_stores.stores, place);
}

// Values of the lanes alone, for a whole tile: rows of it repeat them.
void Worker::lanes_once() {
    if (plan_.lane.ops.empty() && plan_.lane.directs.empty()) return;
    section(plan_.lane, {0, plan_.tile_rows * plan_.tile_lanes, plan_.r, nullptr}, 0);
}

void Worker::run(int64_t begin, int64_t end) {
    switch (plan_.mode) {
    case Mode::tiles: return run_tiles(begin, end);
    case Mode::vertical: return run_vertical(begin, end);
    case Mode::segments: return; // run_segment
    case Mode::chunks:
        lanes_once();
        if (plan_.lanes_are_units) return run_maps(begin, end);
        for (int64_t u = begin; u < end; ++u) {
            const int64_t chunks = plan_.chunks_per_p();
            run_chunk(u / chunks, u % chunks);
            if (chunks == 1) finish(u, u + 1);
        }
    }
}

void Worker::run_tiles(int64_t begin, int64_t end) {
    lanes_once();
    const int64_t r = plan_.r, a = plan_.a;
    for (int64_t unit = begin; unit < end; ++unit) {
        const int64_t p0 = unit * plan_.tile_p, count_p = std::min(plan_.tile_p, plan_.p - p0);
        const Place rows{p0 * a, count_p * a, 1, nullptr};
        const Place points{p0 * a * r, count_p * a * r, r, nullptr};
        for (const Plan::Stage& stage : plan_.stages) {
            section(stage.rows_before, rows, 0);
            section(stage.points, points, 0);
            for (const Fold1& f : stage.points.folds) fold_tile(f, count_p, count_p * a, r);
            run_ops(stage.points.stores, points);
            section(stage.rows, rows, 0);
            for (const Fold1& f : stage.rows.folds) fold_tile(f, count_p, count_p * a, r);
            run_ops(stage.rows.stores, rows);
        }
        const Place finals{p0, count_p, 1, nullptr};
        section(plan_.final, finals, 0);
        run_ops(plan_.final.stores, finals);
        const Place columns{p0 * r, count_p * r, r, nullptr};
        section(plan_.column, columns, 0);
        run_ops(plan_.column.stores, columns);
    }
}

void Worker::run_maps(int64_t begin, int64_t end) {
    const int64_t blocks = plan_.lane_blocks;
    const Plan::Stage& stage = plan_.stages[0];
    int64_t last = -1;
    for (int64_t unit = begin; unit < end; ++unit) {
        const int64_t p = unit / blocks, lane0 = unit % blocks * plan_.tile_lanes;
        if (p != last) section(stage.rows_before, {p, 1, 1, nullptr}, 0);
        last = p;
        const int64_t lanes = std::min(plan_.tile_lanes, plan_.r - lane0);
        const Place place{p * plan_.r + lane0, lanes, lanes, nullptr};
        section(stage.points, place, lane0);
        run_ops(stage.points.stores, place);
    }
    stream_end();
}

void Worker::run_segment(int64_t block, int64_t extent) {
    const int64_t lane0 = block * plan_.tile_lanes, lanes = std::min(plan_.tile_lanes, extent - lane0);
    const Place place{lane0, lanes, lanes, nullptr};
    section(plan_.stages[0].points, place, lane0);
    run_ops(plan_.stages[0].points.stores, place);
}

// Rows [row0, row0 + rows) of P x A, all of one p, `a0` the first one's position in A; lanes [lane0, lane1).
void Worker::rows_of(int64_t row0, int64_t rows, int64_t a0, int64_t lane0, int64_t lane1) {
    const Place row_place{row0, rows, 1, nullptr};
    for (const Plan::Stage& stage : plan_.stages) {
        section(stage.rows_before, row_place, 0);
        if (plan_.rows_in_cells())
            for (const Fold1& f : stage.points.folds)
                if (f.to == Level::Row) cells()[f.id] = Cell();
        for (int64_t lane = lane0; lane < lane1; lane += plan_.tile_lanes) {
            const int64_t lanes = std::min(plan_.tile_lanes, lane1 - lane);
            const Place place{row0 * plan_.r + lane, rows * lanes, lanes, nullptr};
            section(stage.points, place, lane);
            for (const Fold1& f : stage.points.folds) fold_chunk(f, rows, lanes, a0, lane);
            run_ops(stage.points.stores, place);
        }
        if (plan_.rows_in_cells())
            for (const Fold1& f : stage.points.folds)
                if (f.to == Level::Row) write_cell(f, cells()[f.id], pointer(f.out), pointer(f.out2));
        section(stage.rows, row_place, 0);
        for (const Fold1& f : stage.rows.folds) add_block(f, cells()[f.id], pointer(f.in), rows, a0);
        run_ops(stage.rows.stores, row_place);
    }
}

template <class F> void Worker::each_fold(const F& f) const {
    for (const Plan::Stage& stage : plan_.stages) {
        for (const Fold1& fold : stage.points.folds)
            if (fold.to != Level::Row) f(fold);
        for (const Fold1& fold : stage.rows.folds) f(fold);
    }
}

Cell* Worker::part_cells(int64_t p, int64_t chunk) const {
    char* all = parts_ + plan_.chunks_a * plan_.part_bytes;
    const int64_t reduces = static_cast<int64_t>(plan_.accumulators.size());
    return reinterpret_cast<Cell*>(all) + (p * plan_.chunks_per_p() + chunk) * reduces;
}

void Worker::run_chunk(int64_t p, int64_t chunk) {
    const int64_t chunk_a = chunk / plan_.chunks_r, chunk_r = chunk % plan_.chunks_r;
    const int64_t a0 = chunk_a * plan_.chunk_rows, a1 = std::min(plan_.a, a0 + plan_.chunk_rows);
    const int64_t lane0 = chunk_r * plan_.chunk_lanes, lane1 = std::min(plan_.r, lane0 + plan_.chunk_lanes);
    each_fold([&](const Fold1& f) {
        cells()[f.id] = Cell();
        if (f.to != Level::Column) return;
        const Plan::Accumulator& acc = plan_.accumulators[static_cast<size_t>(f.id)];
        start_columns(f, columns_of(acc, f, 0), plan_.groups * plan_.r);
    });
    for (int64_t a = a0; a < a1; a += plan_.tile_rows)
        rows_of(p * plan_.a + a, std::min(plan_.tile_rows, a1 - a), a, lane0, lane1);
    each_fold([&](const Fold1& f) {
        if (plan_.split()) part_cells(p, chunk)[f.id] = cells()[f.id];
        if (f.to != Level::Column) return;
        const Plan::Accumulator& acc = plan_.accumulators[static_cast<size_t>(f.id)];
        const Columns columns = columns_of(acc, f, lane0);
        end_columns(f, columns, plan_.groups, lane1 - lane0, a0, a1 - a0);
        if (plan_.split()) save_part(f, columns, chunk_a, p * plan_.r + lane0, lane1 - lane0);
    });
}

// Copies n columns to the workspace, where the chunks are joined.
void Worker::save_part(const Fold1& f, const Columns& columns, int64_t chunk, int64_t first, int64_t n) {
    const Plan::Accumulator& acc = plan_.accumulators[static_cast<size_t>(f.id)];
    const int64_t size = static_cast<int64_t>(size_of(f.in_type)), extra_size = extra_bytes(f);
    std::memcpy(part(chunk) + acc.part_value + first * size, columns.value, static_cast<size_t>(n * size));
    if (columns.extra)
        std::memcpy(part(chunk) + acc.part_extra + first * extra_size, columns.extra,
                    static_cast<size_t>(n * extra_size));
}

int64_t Worker::extra_bytes(const Fold1& f) {
    return f.monoid == program::Monoid::Welford ? static_cast<int64_t>(size_of(f.in_type)) : 8;
}

Worker::Columns Worker::columns_of(const Plan::Accumulator& acc, const Fold1& f, int64_t lane0) {
    const int64_t size = static_cast<int64_t>(size_of(f.in_type));
    return {scratch_ + acc.value + lane0 * size,
            acc.extra < 0 ? nullptr : scratch_ + acc.extra + lane0 * extra_bytes(f),
            acc.high < 0 ? nullptr : scratch_ + acc.high + lane0 * size};
}

// Joins the columns [first, first + n) of all chunks, in their order.
void Worker::merge_parts(const Fold1& f, int64_t first, int64_t n) {
    const Plan::Accumulator& acc = plan_.accumulators[static_cast<size_t>(f.id)];
    const Columns to = columns_of(acc, f, 0);
    const int64_t size = static_cast<int64_t>(size_of(f.in_type)), extra_size = extra_bytes(f);
    for (int64_t c = 0; c < plan_.chunks_a; ++c) {
        const char* value = part(c) + acc.part_value + first * size;
        const char* extra = to.extra ? part(c) + acc.part_extra + first * extra_size : nullptr;
        const int64_t a0 = c * plan_.chunk_rows, a1 = std::min(plan_.a, a0 + plan_.chunk_rows);
        if (c == 0) {
            std::memcpy(to.value, value, static_cast<size_t>(n * size));
            if (extra) std::memcpy(to.extra, extra, static_cast<size_t>(n * extra_size));
        } else {
            merge_columns(f, to, value, extra, static_cast<double>(a0), static_cast<double>(a1 - a0), n);
        }
    }
}

void Worker::finish(int64_t begin, int64_t end) {
    if (plan_.mode == Mode::vertical) return finish_vertical(begin, end);
    const int64_t chunks = plan_.chunks_per_p();
    for (int64_t p = begin; p < end; ++p) {
        each_fold([&](const Fold1& f) {
            Cell& cell = cells()[f.id];
            if (chunks > 1) {
                if (f.to == Level::Final) {
                    cell = Cell();
                    for (int64_t c = 0; c < chunks; ++c) merge_cell(f, cell, part_cells(p, c)[f.id]);
                } else {
                    merge_parts(f, p * plan_.r, plan_.r);
                }
            }
            if (f.to == Level::Final) write_cell(f, cell, pointer(f.out), pointer(f.out2));
        });
        const Place finals{p, 1, 1, nullptr};
        section(plan_.final, finals, 0);
        run_ops(plan_.final.stores, finals);
        for (int64_t lane = 0; lane < plan_.r; lane += plan_.tile_lanes) {
            const int64_t lanes = std::min(plan_.tile_lanes, plan_.r - lane);
            const Place place{p * plan_.r + lane, lanes, lanes, nullptr};
            section(plan_.column, place, lane);
            run_ops(plan_.column.stores, place);
        }
    }
}

// Units are (block of P and lanes, chunk of A), the chunk innermost.
void Worker::run_vertical(int64_t begin, int64_t end) {
    const Plan::Stage& stage = plan_.stages[0];
    int64_t a_index[16];
    const program::Program& program = *plan_.program;
    for (int64_t unit = begin; unit < end; ++unit) {
        const int64_t block = unit / plan_.chunks_a, chunk = unit % plan_.chunks_a;
        const int64_t p0 = block / plan_.lane_blocks * plan_.tile_p,
                      lane = block % plan_.lane_blocks * plan_.tile_lanes;
        const int64_t count_p = std::min(plan_.tile_p, plan_.p - p0),
                      lanes = std::min(plan_.tile_lanes, plan_.r - lane);
        const int64_t n = count_p * lanes;
        Place place{p0 * plan_.r + lane, n, lanes, nullptr};
        Place each_a{0, 1, 1, a_index};
        section(plan_.tile_before, place, lane);
        const auto columns = [&](const Fold1& f) {
            return columns_of(plan_.accumulators[static_cast<size_t>(f.id)], f, 0);
        };
        for (const Fold1& f : stage.points.folds) start_columns(f, columns(f), n);
        place.a_index = a_index;
        const int64_t a0 = chunk * plan_.chunk_rows, a1 = std::min(plan_.a, a0 + plan_.chunk_rows);
        for (int64_t a = a0; a < a1; ++a) {
            int64_t rest = a;
            for (size_t i = plan_.a_axes.size(); i-- > 0;) {
                const int64_t extent = program.axes[static_cast<size_t>(plan_.a_axes[i])];
                a_index[i] = rest % extent;
                rest /= extent;
            }
            section(plan_.each_a, each_a, 0);
            section(stage.points, place, lane);
            for (const Fold1& f : stage.points.folds) fold_columns(f, pointer(f.in), columns(f), 1, n, 1, a - a0);
            run_ops(stage.points.stores, place);
        }
        place.a_index = nullptr;
        for (const Fold1& f : stage.points.folds) {
            end_columns(f, columns(f), 1, n, a0, a1 - a0);
            if (plan_.chunks_a > 1) save_part(f, columns(f), chunk, place.start, n);
        }
        if (plan_.chunks_a > 1) continue;
        section(plan_.column, place, lane);
        run_ops(plan_.column.stores, place);
    }
}

void Worker::finish_vertical(int64_t begin, int64_t end) {
    const Plan::Stage& stage = plan_.stages[0];
    for (int64_t block = begin; block < end; ++block) {
        const int64_t p0 = block / plan_.lane_blocks * plan_.tile_p,
                      lane = block % plan_.lane_blocks * plan_.tile_lanes;
        const int64_t count_p = std::min(plan_.tile_p, plan_.p - p0),
                      lanes = std::min(plan_.tile_lanes, plan_.r - lane);
        const int64_t n = count_p * lanes;
        const Place place{p0 * plan_.r + lane, n, lanes, nullptr};
        for (const Fold1& f : stage.points.folds) merge_parts(f, place.start, n);
        section(plan_.column, place, lane);
        run_ops(plan_.column.stores, place);
    }
}

} // namespace ingot::cpu
