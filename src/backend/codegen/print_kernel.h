// SPDX-License-Identifier: MIT
// Prints a fused program (program/program.h) as source text for a GPU, in any C-like language that has a Dialect table.
// Used by the GPU backends. Pure functions of their arguments; a PrintedKernel owns its text and may be shared.
//
// Every kernel takes untyped pointers only; all extents and addresses are constants of the text. An output may share the
// memory of an input (in place) when all stores to it are Point instructions of the last stage and all loads of the input
// are Point instructions with the same address and guards: each thread then overwrites only what it alone has read. A Once
// store may share the memory of an input that is loaded at level Once only.
#pragma once

#include <string>
#include <vector>

#include "backend/codegen/dialect.h"
#include "backend/codegen/schedule.h"
#include "program/program.h"

namespace ingot::codegen {

struct Argument {
    enum class Kind : uint8_t {
        Buffer,    ///< buffers[index]
        Workspace, ///< workspace_bytes of scratch, 16-byte aligned, contents undefined before the first launch
        Error,     ///< the program::ErrorWord
        Segments   ///< the words of segment_table(), in device memory
    };
    Kind kind = Kind::Buffer;
    int32_t index = 0;
    bool operator==(const Argument&) const = default;
};

/// One launch: `grid` blocks of `block` threads, both one-dimensional and constant. Launches run in order; each may read
/// what the one before wrote.
struct Launch {
    std::string entry; ///< name of the kernel in the source
    int64_t grid = 1;
    int32_t block = 1;
    int64_t shared_bytes = 0; ///< static shared memory that the kernel declares (for reports)
    std::vector<Argument> arguments;
};

struct PrintedKernel {
    std::string name; ///< the program's name as an identifier; entries begin with it
    std::string source;
    std::vector<Launch> launches; ///< may be empty: nothing to compute
    int64_t workspace_bytes = 0;
    int32_t points_per_block = 0; ///< Segments only
};

PrintedKernel print_kernel(const program::Program& program, const Dialect& dialect, const Schedule& schedule);

/// The table that a program with segments reads: per segment its extent and one address per operand, then one word per
/// block (low half the segment, high half the block within it). `addresses`: of all buffers, inputs first.
std::vector<uint64_t> segment_table(const program::Program& program, const PrintedKernel& kernel,
                                    const std::vector<uint64_t>& addresses);

} // namespace ingot::codegen
