// SPDX-License-Identifier: MIT
// Running an executable on values and cells: the one place where results become ready, cells are written in place, and
// values that somebody still holds are saved first (donation). Used by evaluation and by compiled steps, under the mutex.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include <ingot/eval.h>

#include "graph/node.h"
#include "runtime/executable.h"

namespace ingot::runtime {

/// Held while anything is evaluated, compiled or submitted. Recursive: host scalars are asked under it, and may read tensors.
std::recursive_mutex& evaluation_mutex();

/// Counters behind eval_stats().
EvalStats& counters();

/// Remembers the executable for last_executable().
void note_submission(std::shared_ptr<const Executable> executable);

/// The address of a ready value's data (host scalars: of their words).
void* address_of(const graph::Value& value);

/// Gives the cell storage if it has none yet. Errors: OutOfMemoryError.
void prepare_storage(graph::Cell& cell);

/// Before the cell's storage is overwritten: if anybody but the cell itself (and `own` further references) holds the value that
/// lies there, its contents move to fresh memory.
void save_if_held(graph::Cell& cell, uint32_t own);

} // namespace ingot::runtime
