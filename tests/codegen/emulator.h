// SPDX-License-Identifier: MIT
// Runs printed kernels without a GPU: a dialect of plain C++, compiled by the host's compiler at test time, in which the
// threads of a block are fibers that switch at barriers and shuffles. Barriers that not all threads reach, and shuffles
// whose lanes do not all come, are errors. Slow; for tests only, from one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend/codegen/print_kernel.h"

namespace ingot::test {

/// The dialect table of the emulator.
const codegen::Dialect& host_dialect();

class Emulator {
public:
    /// Compiles all kernels into one library. nullptr, with `why`, where there is no compiler; throws
    /// std::runtime_error with the compiler's output when it rejects the text.
    static std::unique_ptr<Emulator> build(const std::vector<codegen::PrintedKernel>& kernels, std::string* why);
    ~Emulator();
    Emulator(const Emulator&) = delete;
    Emulator& operator=(const Emulator&) = delete;

    /// Runs one launch; between switches the threads of a block go in ascending or descending order. Errors:
    /// std::runtime_error when threads wait for each other for ever.
    void launch(const codegen::Launch& launch, const std::vector<void*>& arguments, bool descending) const;

private:
    explicit Emulator(void* library) : library_(library) {}
    void* library_;
};

} // namespace ingot::test
