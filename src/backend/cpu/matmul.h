// SPDX-License-Identifier: MIT
// make_matmul with the library named, for tests and benchmarks.
#pragma once

#include "backend/cpu/onednn.h"
#include "backend/cpu/primitive.h"

namespace ingot::cpu {

/// As make_matmul; null when `library` is onednn and cannot serve. `own` always serves.
PrimitivePtr make_matmul(const MatmulSpec& spec, Library library);

} // namespace ingot::cpu
