// SPDX-License-Identifier: MIT
// How a fused program is laid over a GPU's threads. A Schedule is chosen from shapes and dtypes alone, never from timing or
// the machine's load, so the order of every reduction, and with it every bit of the result, is the same on each run.
// Used by the kernel printer (print_kernel.h). Values.
//
//   Map       no reductions: `per_thread` points a thread, neighbours in neighbouring threads
//   Segments  the same over a table of buffers (multi-tensor)
//   Columns   Point -> Column only: a block covers `lanes` columns times threads/lanes accumulated indices
//   Flat      Point -> Final only: `lanes` threads share one p (and chunk), walking A and R as one index
//   Rows      everything else: `lanes` threads share one row; a group walks the A indices of its chunk in order
//   Once      only Once instructions: one thread
//
// Accumulations over A are cut into chunks. With more than one chunk the main launch leaves partial results in the
// workspace and a combining launch folds them in a fixed order; there are no float atomics.
#pragma once

#include "program/program.h"

namespace ingot::codegen {

enum class Strategy : uint8_t { Map, Segments, Columns, Flat, Rows, Once };

struct Schedule {
    Strategy strategy = Strategy::Map;
    int32_t threads = 256;  ///< of a block; a power of two, 32 to 1024
    int32_t lanes = 1;      ///< power of two; Rows, Flat: 1 to 32, or == threads; Columns: 1 to threads
    int32_t per_thread = 1; ///< Map, Segments: points a thread. Rows: ceil(R / lanes) when rows are unrolled, 0: a loop
    bool stash = false; ///< Rows, unrolled: Point values used by later stages stay in registers, else evaluated again
    bool column_registers = false; ///< Rows, unrolled: Column accumulators in registers, else in the workspace
    int64_t chunk = 1;             ///< indices of A (Flat: of A x R) that one group accumulates
    bool operator==(const Schedule&) const = default;
};

/// What a program consists of, as far as scheduling cares.
struct Facts {
    bool row = false;        ///< reduces into Row
    bool column = false;     ///< has reductions into Column or Column instructions
    bool final = false;      ///< the same for Final
    bool row_stores = false; ///< stores at Row level
    bool once_stores = false;
    bool beyond_once = false; ///< anything that is not Once
};
Facts facts(const program::Program& program);

/// The rules shipped for a GPU with 32-lane warps.
Schedule choose_schedule(const program::Program& program);

/// Aborts (INGOT_ASSERT) when `schedule` cannot carry `program`.
void check(const program::Program& program, const Schedule& schedule);

} // namespace ingot::codegen
