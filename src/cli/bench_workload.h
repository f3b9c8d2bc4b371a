// SPDX-License-Identifier: MIT
// What `ingot bench` measures: model, optimizer and batches of each workload. The batches are noise with a weak pattern
// and the label is a fixed function of the pixels (the pattern that fits best), or of the token, so that a working step lowers
// the loss.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ingot/optim.h>
#include <ingot/tensor.h>

namespace ingot::cli {

struct Workload {
    const char* name;
    Shape input; ///< of one sample: [C, H, W] or [T] tokens
    int64_t classes, batch;
    std::unique_ptr<optim::Optimizer> (*optimizer)(const std::vector<Tensor>& parameters);
    bool tokens() const { return input.rank() == 1; }
};

/// Networks; single operators are in bench_op.h. Errors: UsageError for an unknown name or one that this release does not have.
const Workload& find_workload(const std::string& name);

struct BenchBatch {
    Tensor x; ///< [batch, C, H, W] f32 or [batch, T] i64
    Tensor y; ///< [batch] or [batch, T] i64
};

/// The ring that steps take their batches from, one after the other; computed and in place. The same every time.
std::vector<BenchBatch> make_ring(const Workload& workload, int64_t batch, Device device);

/// The mean cross entropy over samples or tokens.
Tensor bench_loss(const Workload& workload, const Tensor& output, const Tensor& labels);

} // namespace ingot::cli
