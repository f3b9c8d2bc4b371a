// SPDX-License-Identifier: MIT
#include "backend/api/backend.h"

#include <array>

#include <ingot/error.h>

#include "base/check.h"
#include "graph/evaluator.h"

namespace ingot::backend {

namespace {
std::array<const Backend*, 4>& table() {
    static std::array<const Backend*, 4> backends{};
    return backends;
}
} // namespace

KernelPtr Backend::lower_whole(const ir::Graph&) const {
    INGOT_ASSERT(false, "this backend lowers node by node");
    return nullptr;
}

const Backend& backend_of(Device device) {
    graph::evaluator(); // registers the backends when this is the first thing that a program does
    const Backend* backend = table()[static_cast<size_t>(device.kind)];
    if (!backend || device.index != 0)
        throw DeviceError("device " + device.str() + " is not available in this process");
    return *backend;
}

void register_backend(Device::Kind kind, const Backend* backend) { table()[static_cast<size_t>(kind)] = backend; }

} // namespace ingot::backend
