// SPDX-License-Identifier: MIT
// A graph made ready to run: passes done, kernels made, memory planned. Shared by the cache and by compiled steps; run() is
// called under the evaluation mutex.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ingot/report.h>

#include "backend/api/backend.h"
#include "base/profile.h"
#include "core/buffer.h"
#include "graph/ir.h"
#include "runtime/idle_memory.h"
#include "runtime/plan.h"

namespace ingot::runtime {

class Executable {
public:
    /// Errors: Error for what the device cannot do, OutOfMemoryError.
    Executable(const ir::Graph& captured, Device device);

    /// Runs on the calling thread. inputs: per graph input, results: per result, all of the captured types, row-major unless
    /// the input's format says otherwise. Returns the failure that belongs to the results (null: fine).
    std::exception_ptr run(void* const* inputs, void* const* results, const Ref<core::Storage>& arena) const;
    /// The temporary memory of a run, to be held until it is over. Errors: OutOfMemoryError.
    Ref<core::Storage> reserve() const;
    /// Memory for a result: one that was handed out before and that nobody holds any more, else new. Errors: OutOfMemoryError.
    Ref<core::Storage> result_storage(size_t result) const;

    const Report& report() const { return report_; }
    /// Bytes of each result (as allocated).
    const std::vector<graph::Type>& result_types() const { return result_types_; }
    Device device() const { return device_; }

private:
    struct Launch {
        const backend::Kernel* kernel;
        uint32_t first_arg, num_args;
        int64_t workspace;
    };
    /// An argument's address: base[table] + offset, with table = the inputs, then the results, then the arena.
    struct Arg {
        uint32_t table;
        int64_t offset;
    };
    void build(const ir::Graph& g);
    void launch(void* const* results, char* arena, program::ErrorWord* word) const;
    void launch_profiled(void* const* results, char* arena, program::ErrorWord* word) const;
    void copy_out(const Copy& c, void* const* results, const char* arena) const;
    uint32_t table_of(const Place& p) const;

    Device device_;
    std::vector<graph::Type> result_types_;
    size_t num_inputs_ = 0;
    std::vector<backend::KernelPtr> kernels_;
    std::vector<Launch> launches_;
    std::vector<Arg> args_;
    std::vector<Copy> copies_;
    int64_t arena_bytes_ = 0;
    Report report_;
    std::string indexing_ops_;                                ///< for the error of a bad index
    mutable std::vector<void*> base_, pointers_;              ///< scratch of run(), sized once
    mutable std::vector<const base::profile::Label*> labels_; ///< per kernel of the report; made when first profiled
    mutable SpareResults spare_;
};

/// For bench/recording: runs do everything but call their kernels.
void stub_execution(bool on);

} // namespace ingot::runtime
