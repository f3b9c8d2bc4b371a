// SPDX-License-Identifier: MIT
// ingot devices: what this build knows and what works here.
#include "cli/commands.h"
#include "cli/output.h"

namespace ingot::cli {

int devices_command(const DevicesArguments& a) {
    Json list = Json::array();
    for (const DeviceInfo& d : devices()) {
        list.push_back({{"name", d.name},
                        {"kind", name(d.device.kind)},
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
