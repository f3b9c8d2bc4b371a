// SPDX-License-Identifier: MIT
// What the runtime asks of a backend: its Target, and kernels for the nodes of an optimized graph. Backends are immortal
// singletons registered in runtime/register.cpp. Kernels are made once per executable and run any number of times, by one
// thread at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ingot/device.h>

#include "base/profile.h"
#include "graph/ir.h"
#include "program/program.h"
#include "target/target.h"

namespace ingot::backend {

/// One launch: the unit of reports and of the schedule.
class Kernel {
public:
    virtual ~Kernel() = default;
    /// args: the node's inputs, then its outputs (device pointers; a zero-size value may be null). workspace:
    /// workspace_bytes of 64-byte aligned memory without contents.
    virtual void run(void* const* args, void* workspace, program::ErrorWord* error) const = 0;

    std::string name;
    std::string ops;  ///< the operators inside, for reports
    double bytes = 0; ///< least memory traffic
    double flops = 0;
    int32_t launches = 1; ///< library primitives and reorders inside count
    size_t workspace_bytes = 0;
};
using KernelPtr = std::unique_ptr<Kernel>;

class Backend {
public:
    virtual ~Backend() = default;
    virtual const target::Target& target() const = 0;
    /// A kernel for one node (fused or opaque). Errors: Error naming op, dtype, shapes and device for what it cannot do.
    virtual KernelPtr lower(const ir::Graph& g, const ir::Node& node) const = 0;
    /// Backends that take a whole expanded graph as one kernel (the reference): args are the graph's inputs, then its results.
    virtual bool takes_whole_graphs() const { return false; }
    virtual KernelPtr lower_whole(const ir::Graph& g) const;
    /// What the device can do at most; measured now, briefly. Zeros: unknown.
    virtual base::profile::Limits measure_limits() const { return {}; }
};

/// The backend of a device. Errors: DeviceError when this process has none.
const Backend& backend_of(Device device);
/// Called by runtime/register.cpp.
void register_backend(Device::Kind kind, const Backend* backend);

} // namespace ingot::backend
