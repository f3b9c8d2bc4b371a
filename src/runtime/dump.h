// SPDX-License-Identifier: MIT
// INGOT_DUMP=plan: what an executable consists of, after planning (passes print their graphs themselves).
#pragma once

#include <ingot/report.h>

#include "runtime/plan.h"

namespace ingot::runtime {

void dump_plan(const ir::Graph& g, const Plan& plan, const std::vector<backend::KernelPtr>& kernels,
               const Report& report);

} // namespace ingot::runtime
