// SPDX-License-Identifier: MIT
// The dtype that metrics and statistics are summed in on a device: the widest float it computes.
#pragma once

#include <ingot/device.h>
#include <ingot/dtype.h>

namespace ingot::train {

inline DType sum_dtype(Device device) { return device.kind == Device::Kind::metal ? f32 : f64; }

} // namespace ingot::train
