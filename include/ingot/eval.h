// SPDX-License-Identifier: MIT
// When recorded work is submitted, and what that cost. Most programs need none of this: optimizers submit, reading waits.
#pragma once

#include <cstdint>
#include <vector>

#include <ingot/tensor.h>

namespace ingot {

/// Submits everything this thread has pending (all cell writes and every value that a handle still holds) as one
/// executable per device, without waiting. Does nothing inside compile().
void submit_pending();

/// Computes the given tensors now, with everything else that is pending, in one submission; waits.
void eval(const std::vector<Tensor>& tensors);

/// Waits until everything submitted to the device has finished. Errors: what a submission failed with is thrown by the
/// values that it should have produced, not here.
void synchronize(Device device = Device::cpu());

/// The cache of executables. hits + misses = lookups; compiles <= misses (a failed compile counts as a miss).
struct CacheStats {
    int64_t hits = 0, misses = 0, compiles = 0, evictions = 0, size = 0;
};
CacheStats cache_stats();
/// Forgets all cached executables and the memory that they keep between runs.
void clear_cache();
/// Most executables kept (least recently used goes first); 256 to begin with.
void set_cache_capacity(int64_t executables);

/// Counters of the evaluation rules, for tests and tuning. copied_out: values saved before their cell was overwritten.
struct EvalStats {
    int64_t submissions = 0, copied_out = 0, recorded = 0, flushes = 0;
};
EvalStats eval_stats();

} // namespace ingot
