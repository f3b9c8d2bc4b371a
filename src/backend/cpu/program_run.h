// SPDX-License-Identifier: MIT
// Runs a plan: one Worker per task, on its thread's scratch memory. Users: program_executor.
#pragma once

#include "backend/cpu/program_plan.h"

namespace ingot::cpu {

/// The state of a scalar reduction between blocks. Floats in double, so that only sums within a block are f32.
struct Cell {
    double f = 0, m2 = 0;
    int64_t i = 0, index = 0, count = 0;
};

class Worker {
public:
    /// `bases`: buffers by operand; `once`: the area of values that depend on no axis; `parts`: the workspace of split
    /// reductions (see part()).
    Worker(const Plan& plan, char* const* bases, char* once, char* parts, program::ErrorWord* error);

    /// Values that depend on no axis, and their stores.
    void run_once();
    void run_once_stores();
    /// Units [begin, end) of the plan.
    void run(int64_t begin, int64_t end);
    /// The rest of the work when A or R is split: for p in [begin, end), or for blocks of a vertical plan.
    void finish(int64_t begin, int64_t end);

    /// Other buffers for the next units (segments).
    void rebase(char* const* bases, char* once);
    /// One lane block of a segment of `extent` elements.
    void run_segment(int64_t block, int64_t extent);

private:
    void enter(const Section& section, const Place& place, int64_t lane0);
    void run_ops(const std::vector<Op>& ops, const Place& place);
    void section(const Section& s, const Place& place, int64_t lane0);
    const int64_t* index(const Access& x) const;

    void lanes_once();
    void run_tiles(int64_t begin, int64_t end);
    void run_maps(int64_t begin, int64_t end);
    void run_chunk(int64_t p, int64_t chunk);
    void run_vertical(int64_t begin, int64_t end);
    void finish_vertical(int64_t begin, int64_t end);
    void rows_of(int64_t row0, int64_t rows, int64_t a0, int64_t lane0, int64_t lane1);

    void fold_tile(const Fold1& f, int64_t tile_p, int64_t rows, int64_t lanes);
    void fold_segments(const Fold1& f, const char* src, int64_t segments, int64_t len, char* out, char* out2);
    void fold_chunk(const Fold1& f, int64_t rows, int64_t lanes, int64_t a0, int64_t lane0);
    /// Accumulators of columns: `extra` is M2 or the index, `high` the second level of float sums; null when unused.
    struct Columns {
        char *value, *extra, *high;
    };
    Columns columns_of(const Plan::Accumulator& acc, const Fold1& f, int64_t lane0);
    static int64_t extra_bytes(const Fold1& f);
    void start_columns(const Fold1& f, const Columns& to, int64_t n);
    void fold_columns(const Fold1& f, const char* src, const Columns& to, int64_t rows, int64_t lanes, int64_t groups,
                      int64_t before);
    void end_columns(const Fold1& f, const Columns& to, int64_t groups, int64_t lanes, int64_t a0, int64_t rows);
    void merge_columns(const Fold1& f, const Columns& to, const char* value, const char* extra, double count,
                       double count_b, int64_t n);
    void merge_parts(const Fold1& f, int64_t first, int64_t n);
    void save_part(const Fold1& f, const Columns& columns, int64_t chunk, int64_t first, int64_t n);
    void add_block(const Fold1& f, Cell& cell, const char* src, int64_t n, int64_t position);
    void merge_cell(const Fold1& f, Cell& cell, const Cell& other);
    void write_cell(const Fold1& f, const Cell& cell, char* out, char* out2) const;

    template <class F> void each_fold(const F& f) const;
    char* part(int64_t chunk) const { return parts_ + chunk * plan_.part_bytes; }
    Cell* cells() { return reinterpret_cast<Cell*>(scratch_ + plan_.cells); }
    Cell* part_cells(int64_t p, int64_t chunk) const;
    char* pointer(int32_t slot) const { return slot < 0 ? nullptr : table_[slot]; }

    const Plan& plan_;
    char* const* bases_;
    char* once_;
    char* parts_;
    program::ErrorWord* error_;
    char* scratch_;
    char** table_; ///< pointers by slot
};

} // namespace ingot::cpu
