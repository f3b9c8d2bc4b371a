// SPDX-License-Identifier: MIT
// Which devices this process can use. Lives in runtime because the answer depends on the backends.
#include <fstream>

#include <ingot/device.h>

#include "core/memory_source.h"

namespace ingot {

namespace {

/// The processor's model name as the system tells it, or "CPU".
std::string cpu_name() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        if (line.rfind("model name", 0) != 0) continue;
        const size_t text = line.find_first_not_of(": \t", line.find(':'));
        if (text != std::string::npos) return line.substr(text);
    }
    return "CPU";
}

} // namespace

std::vector<DeviceInfo> devices() {
    const int64_t memory = static_cast<int64_t>(core::physical_memory());
    return {
        {Device::cpu(), cpu_name(), true, "", memory},
        {Device::reference(), "float64 interpreter", true, "", memory},
        {{Device::Kind::cuda, 0}, "NVIDIA GPU", false, "this build has no CUDA backend yet", 0},
        {{Device::Kind::metal, 0}, "Apple GPU", false, "this build has no Metal backend yet", 0},
    };
}

Device Device::best() {
    // The list is ordered by trust, not by speed: a GPU that works wins over the CPU, the reference never does.
    Device best = Device::cpu();
    for (const DeviceInfo& info : devices())
        if (info.available && (info.device.kind == Kind::cuda || info.device.kind == Kind::metal)) best = info.device;
    return best;
}

} // namespace ingot
