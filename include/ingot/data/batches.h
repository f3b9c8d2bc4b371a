// SPDX-License-Identifier: MIT
// What the trainer reads batches from: the loaders implement it, programs with data of their own derive from it. One thread
// consumes.
#pragma once

#include <cstdint>

#include <ingot/tensor.h>

namespace ingot::data {

/// Where batches come from. x: [N, ...], y: [N] i64 labels (or whatever the loss takes).
class Batches {
public:
    virtual ~Batches() = default;
    /// Batches per pass.
    virtual int64_t steps() const = 0;
    /// Samples per batch; the last one of a pass may be smaller.
    virtual int64_t batch_size() const = 0;
    /// Begins pass `epoch` (from 0) at its batch `first`: order and augmentation depend on the epoch only, so a pass that is
    /// begun in the middle hands out the batches that a whole one would from there.
    virtual void start(int64_t epoch, int64_t first = 0) = 0;
    /// The next batch of the pass; false at its end.
    virtual bool next(Tensor& x, Tensor& y) = 0;
};

} // namespace ingot::data
