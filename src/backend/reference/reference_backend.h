// SPDX-License-Identifier: MIT
// The reference device: a backend that runs a whole graph as one kernel, node by node, through the evaluator
// (reference_eval.h). Registered by runtime/register.cpp.
#pragma once

#include "backend/api/backend.h"

namespace ingot::reference {

const backend::Backend& reference_backend();

} // namespace ingot::reference
