// SPDX-License-Identifier: MIT
// Device::best() and devices() need to know the backends: they are in runtime/devices.cpp.
#include <ingot/device.h>

#include <charconv>
#include <limits>

#include <ingot/error.h>

#include "base/check.h"

namespace ingot {

const char* name(Device::Kind kind) {
    switch (kind) {
    case Device::Kind::cpu: return "cpu";
    case Device::Kind::cuda: return "cuda";
    case Device::Kind::metal: return "metal";
    case Device::Kind::reference: return "reference";
    }
    INGOT_ASSERT(false, "a Device::Kind outside the enumeration");
}

std::string Device::str() const {
    std::string text = name(kind);
    // Only one CPU, one reference and, on Apple machines, one GPU exist: an index says something for CUDA only.
    if (kind == Kind::cuda || index != 0) text += ":" + std::to_string(index);
    return text;
}

Device Device::parse(const std::string& text) {
    if (text == "auto") return best();
    const auto fail = [&](const std::string& why) {
        return DeviceError("device '" + text + "': " + why + "; give auto, cpu, cuda, cuda:N, metal or reference");
    };
    const size_t colon = text.find(':');
    const std::string head = text.substr(0, colon);
    Device device;
    bool known = false;
    for (const Kind kind : {Kind::cpu, Kind::cuda, Kind::metal, Kind::reference}) {
        if (head != name(kind)) continue;
        device.kind = kind;
        known = true;
    }
    if (!known) throw fail("unknown name");
    if (colon == std::string::npos) return device;
    const char* first = text.data() + colon + 1;
    const char* last = text.data() + text.size();
    int16_t index = -1;
    const auto [at, code] = std::from_chars(first, last, index);
    if (first == last || code != std::errc() || at != last || index < 0) throw fail("bad index after ':'");
    if (index != 0 && device.kind != Kind::cuda) throw fail("there is only one such device");
    device.index = index;
    return device;
}

} // namespace ingot
