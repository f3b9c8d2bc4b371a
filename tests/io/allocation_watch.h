// SPDX-License-Identifier: MIT
// Tells how much a parser asked for: counts what operator new hands out in this test program (allocation_watch.cpp replaces
// it). One watch at a time.
#pragma once

#include <cstddef>

namespace ingot::testing {

class AllocationWatch {
public:
    AllocationWatch();
    /// The largest single request since construction, in bytes.
    size_t largest() const;
};

} // namespace ingot::testing
