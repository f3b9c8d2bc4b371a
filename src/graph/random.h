// SPDX-License-Identifier: MIT
// The random state of a thread: a seed and a counter of 32-bit Philox words. A draw reserves words, so plain, compiled and
// K-step runs draw the same numbers. Users: ops/random.cpp, layers through it, checkpoints.
#pragma once

#include <cstdint>

#include <ingot/tensor.h>

namespace ingot::graph {

struct RandomState {
    int64_t seed = 0;
    int64_t next = 0; ///< the next unused word
};

/// This thread's generator.
RandomState& random_state();

/// Reserves `count` words and returns the key {seed, base} as an i64[2] host scalar on `device` (renewed at every call of a
/// compiled step).
Tensor random_key(int64_t count, Device device);

} // namespace ingot::graph
