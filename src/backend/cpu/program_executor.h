// SPDX-License-Identifier: MIT
// Runs fused programs on the CPU: blocks of values that stay in the first-level cache, each instruction a call of a
// vector function (block_functions.h). The plan is made at construction; run() allocates nothing (each thread keeps its
// scratch memory) and may be called by several threads at once, each with its own workspace. The bits of a result
// depend on the program alone, never on the number of threads.
#pragma once

#include <cstddef>
#include <memory>

#include "program/program.h"

namespace ingot::cpu {

struct Plan;

class ProgramExecutor {
public:
    /// Takes a program that program::verify accepts.
    explicit ProgramExecutor(program::ProgramPtr program);
    ~ProgramExecutor();
    ProgramExecutor(ProgramExecutor&&) noexcept;
    ProgramExecutor& operator=(ProgramExecutor&&) noexcept;

    /// Bytes that run() needs in `workspace` (64-byte aligned).
    size_t workspace_bytes() const { return workspace_bytes_; }

    /// `buffers`: inputs, then outputs. An output may be the same memory as an input that is addressed identically:
    /// within a place of the program all loads come before all stores. Bad indices are clamped and reported in `error`,
    /// which may be null.
    void run(void* const* buffers, void* workspace, program::ErrorWord* error) const;

    const program::Program& program() const { return *program_; }

private:
    void run_plan(const Plan& plan, void* const* buffers, char* workspace, program::ErrorWord* error) const;
    void run_segments(const Plan& plan, void* const* buffers, char* workspace, program::ErrorWord* error) const;
    bool aliases(void* const* buffers) const;

    program::ProgramPtr program_;
    std::unique_ptr<Plan> plan_;
    std::unique_ptr<Plan> careful_; ///< for buffers that alias in a way that `plan_` must not meet; null when none can
    size_t workspace_bytes_ = 0;
};

} // namespace ingot::cpu
