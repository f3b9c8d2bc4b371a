// SPDX-License-Identifier: MIT
// The one upward hook: what tensors ask of the runtime. The runtime fills the functions in
// (runtime/register.cpp); graph and ops never include it.
#pragma once

#include <vector>

#include "graph/node.h"

namespace ingot::graph {

struct Evaluator {
    /// Evaluates the values and everything else that the rules demand; returns when they are ready or failed.
    void (*evaluate)(const std::vector<Value>& values);
    /// Submits all pending work of this thread.
    void (*flush)();
    /// Copies a ready value to another device.
    Value (*transfer)(const Value& value, Device device);
    /// Reads a ready value's elements, row-major, into `out` as `dtype`.
    void (*read)(const Value& value, void* out, DType dtype);
    void (*backward)(const Value& root, const Value& gradient, bool retain, bool create_graph);
    /// Throws the error of reading a traced value, if `value` is one.
    void (*check_readable)(const Value& value);
};

const Evaluator& evaluator();

/// Fills in the functions; defined by runtime/register.cpp, called once.
void install_runtime(Evaluator& e);

/// Nodes a thread may have recorded since its last flush before it flushes by itself: for loops that never read.
inline constexpr int64_t kMaxPending = 8192;

} // namespace ingot::graph
