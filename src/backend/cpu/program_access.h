// SPDX-License-Identifier: MIT
// How blocks of a program reach memory. A section of a program runs over a linear range of some axes (a space); an
// Access is one operand's address over that space: its own coalesced dimensions, guards and gathered index. Made once
// by the plan, immutable after that. Users: program_plan, program_run.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/cpu/block_functions.h"
#include "program/program.h"

namespace ingot::cpu {

/// An affine function over a space, its neighbouring axes merged where possible.
struct Strides {
    int64_t base = 0;
    Ints step;   ///< one per dimension of the access
    Ints a_step; ///< one per accumulated axis, where those are not part of the space
};

/// How the gathered index of an operand is stored.
enum class IndexForm : uint8_t { none, scalar, per_row, per_element };

struct Access {
    int32_t operand = -1; ///< index of the base pointer
    DType memory = DType::f32;
    int64_t size = 4; ///< bytes of an element in memory
    int64_t value_size = 4;
    Ints extent; ///< dimensions, outermost first; at least one
    Strides at;
    struct Range {
        Strides at;
        int64_t lo = 0, hi = 0;
    };
    std::vector<Range> guards;
    alignas(8) unsigned char fill[8] = {}; ///< a value
    IndexForm index_form = IndexForm::none;
    int32_t index_slot = -1;
    int64_t index_coef = 0, index_bound = 0;
    LoadFn load = nullptr;
    StoreFn store = nullptr;

    bool plain() const { return guards.empty() && index_form == IndexForm::none; }
    /// Neither guards nor index, and dense over the whole space.
    bool linear() const { return plain() && extent.size() == 1 && at.step[0] == 1 && at.a_step.empty(); }
};

/// The access of `at` over the axes `space` (ids of the program's axes, outermost first); `accumulated` are axes whose
/// index is given at each run. Extents of 1 vanish, neighbours merge.
Access make_access(const program::Program& program, const program::Affine& at,
                   const std::vector<program::Guard>& guards, const std::vector<int32_t>& space,
                   const std::vector<int32_t>& accumulated);

/// Where a section stands while it runs.
struct Place {
    int64_t start = 0, count = 0; ///< range of the space
    int64_t row_length = 1;       ///< for IndexForm::per_row: elements of the space per row
    const int64_t* a_index = nullptr;
};

/// The offset in elements of linear position `start`.
int64_t offset_at(const Access& access, const Strides& at, int64_t start, const int64_t* a_index);

/// block[i] = memory at position start + i, guards and index obeyed. `index`: the values of the index, per the form.
void load_range(const Access& access, const char* base, const Place& place, const int64_t* index, void* block,
                program::ErrorWord* error);
void store_range(const Access& access, char* base, const Place& place, const int64_t* index, const void* block,
                 program::ErrorWord* error);
/// block[i] = the affine itself.
void iota_range(const Access& access, const Place& place, int64_t* block);

} // namespace ingot::cpu
