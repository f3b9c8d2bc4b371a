// SPDX-License-Identifier: MIT
// Conversion of host arrays between dtypes, for reading and making tensors (not a hot path).
#pragma once

#include <cstdint>

#include <ingot/dtype.h>

namespace ingot::graph {

/// Converts `count` contiguous elements. Float to integer truncates toward zero; to bool is != 0; f16 and bf16 round to
/// nearest even. The arrays must not overlap unless the types are equal and the pointers too.
void convert_elements(void* to, DType to_type, const void* from, DType from_type, int64_t count);

} // namespace ingot::graph
