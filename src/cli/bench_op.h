// SPDX-License-Identifier: MIT
// Single operators as workloads of `ingot bench` (op:sgemm and others): forward, sizes fixed. Before a figure is given, samples of
// the result are compared with sums in double precision on the host.
#pragma once

#include <string>
#include <vector>

#include "cli/bench_record.h"

namespace ingot::cli {

/// "op:sgemm" and so on, in order.
std::vector<std::string> op_workloads();
bool is_op_workload(const std::string& name);

/// Measures with windows of `seconds`. Errors: Error when the result is wrong.
Record measure_op(const std::string& name, double seconds, Device device);

} // namespace ingot::cli
