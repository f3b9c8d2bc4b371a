// SPDX-License-Identifier: MIT
// What the tests of printed kernels run: every sample under its default schedule and under others that take other paths
// through the printer; and how results are compared with the interpreter's.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "backend/codegen/print_kernel.h"
#include "program/samples.h"

namespace ingot::test {

struct Case {
    samples::Sample sample;
    codegen::Schedule schedule;
    std::string name; ///< unique, an identifier
};

/// All cases; the program's name is the case's, so that entries are unique too.
std::vector<Case> codegen_cases();

/// Programs at the sizes of real training under their default schedules; to be compiled only.
std::vector<Case> large_cases();

/// Several printed kernels as one source: a compiler's start costs more than a kernel. Entries keep their names.
std::string joined(const std::vector<codegen::PrintedKernel>& kernels, size_t first, size_t last);

using Buffers = std::vector<std::vector<std::byte>>;

/// Empty when `got` and the error word `error` are what the interpreter gives for this case; else where they differ.
std::string compare(const Case& c, const Buffers& got, const program::ErrorWord& error);

} // namespace ingot::test
