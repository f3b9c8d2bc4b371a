// SPDX-License-Identifier: MIT
// How the CPU executes a program: a loop structure, and for each place of the program's nest a list of block functions
// on slots. Made once per program, immutable after that; see program_plan.cpp for the rules. Users: program_executor.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "backend/cpu/block_functions.h"
#include "backend/cpu/program_access.h"
#include "program/program.h"

namespace ingot::cpu {

/// What a slot's pointer means.
enum class SlotKind : uint8_t {
    scratch, ///< a block in the thread's scratch memory
    once,    ///< one value in the area of values that depend on no axis
    direct,  ///< memory itself: operand `access` at the present place
    row      ///< part of a whole row in scratch memory, at the present lane
};

struct Slot {
    SlotKind kind = SlotKind::scratch;
    int64_t offset = 0; ///< bytes
    int64_t size = 4;   ///< bytes of an element
};

struct Op {
    enum class Kind : uint8_t {
        map,
        map_rows, ///< b has one element per row
        load,
        store,
        stream, ///< a dense store past the caches
        iota,
        random,
        expand ///< dst[i][j] = a[i]
    };
    Kind kind = Kind::map;
    bool one = false;        ///< runs on one element, whatever the place
    MapFn fn = nullptr;      ///< map
    LoadFn expand = nullptr; ///< expand
    int32_t size = 4;        ///< map_rows, stream: bytes of an element
    int32_t cost = 1;        ///< map: see graph/scalar.h
    int32_t dst = -1, a = -1, b = -1, c = -1;
    int32_t access = -1;
};

/// A reduction at the end of a section.
struct Fold1 {
    program::Monoid monoid = program::Monoid::Sum;
    program::Level from = program::Level::Point, to = program::Level::Row;
    DType in_type = DType::f32, type = DType::f32; ///< type of the input block (after widening) and of the result
    int32_t in = -1;                               ///< slot
    int32_t out = -1, out2 = -1;                   ///< slots of the results, or -1 when unused
    int32_t id = 0;                                ///< index in the program's reduces
};

/// Pointers to memory that are renewed when the place changes.
struct Direct {
    int32_t slot = -1, access = -1;
    bool ahead = false; ///< read ahead by one block
};

struct Section {
    std::vector<Direct> directs;
    std::vector<int32_t> rows; ///< slots of kind row that are used here
    std::vector<Op> ops;
    std::vector<Fold1> folds;
    std::vector<Op> stores; ///< after everything else, so that a block is loaded before it is overwritten in place
};

enum class Mode : uint8_t {
    tiles,    ///< all of A and R for several p fit in one block
    chunks,   ///< one p at a time: tiles of rows, or lanes of one row; A (and R) may be split among threads
    vertical, ///< accumulations over A only: blocks over (P, R), A walked inside
    segments  ///< multi-tensor maps
};

struct Plan {
    program::ProgramPtr program;
    Mode mode = Mode::tiles;
    int64_t p = 1, a = 1, r = 1; ///< extents; for maps regrouped
    int64_t tile_p = 1;          ///< tiles, vertical: p per block
    int64_t tile_rows = 1, tile_lanes = 1;
    int64_t lane_blocks = 1;
    bool lanes_free = false;            ///< chunks: lane blocks are independent of each other (no row reductions)
    bool lanes_are_units = false;       ///< chunks: a map; each lane block is a unit of its own
    int64_t chunks_a = 1, chunks_r = 1; ///< chunks, vertical: split of A, and of R, for one p
    int64_t chunk_rows = 0, chunk_lanes = 0;
    std::vector<int32_t> a_axes; ///< vertical: the accumulated axes
    double unit_cost = 0;        ///< of one unit of work, in element-instructions

    std::vector<Slot> slots;
    std::vector<Access> accesses;
    std::vector<unsigned char> constants; ///< image of the once area
    int64_t once_bytes = 0;
    int64_t scratch_bytes = 0; ///< per thread

    Section once, once_stores, lane; ///< lane: values of the lanes alone, made once per task
    struct Stage {
        Section rows_before, points, rows;
    };
    std::vector<Stage> stages;
    Section final, column;
    Section tile_before, each_a; ///< vertical

    /// Stores straight to memory that a later read of the same memory would see: (operand stored, operand read).
    std::vector<std::array<int32_t, 2>> hazards;

    /// Where reductions keep their state: scratch, and the same in the workspace when A is split.
    struct Accumulator {
        int64_t value = -1, extra = -1,
                high = -1; ///< byte offsets in scratch: columns; high: second level of float sums
        int64_t part_value = -1, part_extra = -1; ///< byte offsets within one chunk's part
    };
    std::vector<Accumulator> accumulators; ///< by the program's reduces
    int64_t groups = 1;     ///< chunks: rows that are folded side by side, so that short rows fill vectors
    int64_t cells = 0;      ///< byte offset of the scalar cells in scratch, one per reduction
    int64_t part_bytes = 0; ///< of one chunk
    int64_t temp = 0;       ///< byte offset of a spare tile

    /// Row reductions gather over several lane blocks (or none) rather than fold one.
    bool rows_in_cells() const { return lane_blocks > 1 || r == 0; }
    int64_t chunks_per_p() const { return chunks_a * chunks_r; }
    int64_t units() const;
    bool split() const { return chunks_per_p() > 1; }
};

/// `careful`: no reading or writing of memory in place of blocks and every value kept, for buffers that alias.
Plan make_plan(program::ProgramPtr program, bool careful);

} // namespace ingot::cpu
