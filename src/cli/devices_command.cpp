// SPDX-License-Identifier: MIT
// ingot devices: what this build knows and what works here.
#include "cli/commands.h"
#include "cli/output.h"

namespace ingot::cli {

namespace {

const char* kind_name(Device::Kind kind) {
    switch (kind) {
    case Device::Kind::cpu: return "cpu";
    case Device::Kind::cuda: return "cuda";
    case Device::Kind::metal: return "metal";
    case Device::Kind::reference: return "reference";
    }
    return "unknown";
}

} // namespace

int devices_command(const DevicesArguments& a) {
    Json list = Json::array();
    for (const DeviceInfo& d : devices()) {
        list.push_back({{"name", d.name},
                        {"kind", kind_name(d.device.kind)},
                        {"available", d.available},
                        {"reason", d.reason},
                        {"memory_bytes", d.memory_bytes}});
        if (!a.json)
            print(
                d.device.str() + ": " + d.name +
                (d.available ? ", " + std::to_string(d.memory_bytes >> 20) + " MiB" : ", not available: " + d.reason) +
                "\n");
    }
    if (a.json) print_json({{"devices", list}});
    return 0;
}

} // namespace ingot::cli
