// SPDX-License-Identifier: MIT
// What <ingot/kernel.h> hides: a kernel's function, its arguments after all checks, and running one over a grid. Used by
// command buffers and by the backends' lowering of custom operators. Immutable once made; running is thread safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ingot/kernel.h>

namespace ingot::core {

struct KernelState {
    std::string name;
    Device device;
    detail::KernelFunction function;
};

/// The arguments of one dispatch. Holds the buffers; the values that slots point to are its own.
struct BoundArguments {
    std::vector<Buffer> buffers;
    std::vector<std::unique_ptr<std::byte[]>> values;
    std::vector<KernelSlot> slots;
    double bytes = 0; ///< of all buffers
};

/// Errors: ingot::Error naming the kernel and the argument that does not fit its parameter, DeviceError.
BoundArguments bind_arguments(const Kernel& kernel, const std::vector<KernelArg>& args);

/// A number as a parameter's C++ type, written to `out` (parameter.size bytes). False when it cannot be represented: integers
/// outside the type's range, fractions for integers. Reals are rounded.
bool store_number(const KernelParameter& parameter, const KernelArg& number, std::byte* out);

/// Errors: ingot::Error naming `kernel` for negative extents or more threads than fit 63 bits.
void check_grid(const std::string& kernel, const Dim3& grid, const Dim3& group);
/// A group for `grid`: some thousands of threads, x first. Depends on the grid only, so that results do not depend on the
/// number of processors.
Dim3 choose_group(const Dim3& grid);

/// Calls the function for every group, several at once, and returns when all are done. Errors: what the function throws (of the
/// first group that throws).
void run_kernel(const KernelState& kernel, const Dim3& grid, const Dim3& group, const KernelSlot* slots);

} // namespace ingot::core
