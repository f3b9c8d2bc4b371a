// SPDX-License-Identifier: MIT
// Names of places where tensors live and work runs. A Device is a small value; it does not own anything.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ingot {

struct Device {
    enum class Kind : uint8_t { cpu, cuda, metal, reference };
    Kind kind = Kind::cpu;
    int16_t index = 0;

    /// The plain CPU: always there, the default of the library.
    static Device cpu() { return {Kind::cpu, 0}; }
    /// The float64 interpreter that everything else is tested against. Slow by design.
    static Device reference() { return {Kind::reference, 0}; }
    /// The fastest device that works in this process.
    static Device best();
    /// "cpu", "reference", "cuda", "cuda:1", "metal" or "auto" (= best()). Errors: DeviceError for other texts.
    static Device parse(const std::string& text);
    /// "cpu", "cuda:0".
    std::string str() const;
    bool operator==(const Device&) const = default;
};

/// "cpu", "cuda", "metal" or "reference".
const char* name(Device::Kind kind);

/// What `ingot devices` prints: one entry per device that this build knows, available or not.
struct DeviceInfo {
    Device device;
    std::string name; ///< for example the processor's model name
    bool available = false;
    std::string reason; ///< why it is not available; empty when it is
    int64_t memory_bytes = 0;
};
std::vector<DeviceInfo> devices();

} // namespace ingot
