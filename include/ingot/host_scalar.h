// SPDX-License-Identifier: MIT
// Numbers that the host supplies anew for every submission: learning rates, step counts, loss scales. They are inputs of a
// compiled step, so changing them never recompiles. Used by optimizers and by programs with own schedules.
#pragma once

#include <functional>

#include <ingot/tensor.h>

namespace ingot {

/// A scalar tensor whose value is source() (converted to `dtype`: f32, f64 or i64). Plain style calls source once, now. A
/// step traced by compile() calls it once more at each later call, in the order in which the scalars were recorded.
Tensor host_scalar(std::function<double()> source, DType dtype = DType::f32);

} // namespace ingot
