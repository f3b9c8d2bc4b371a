// SPDX-License-Identifier: MIT
#include "graph/format.h"

#include "base/check.h"

namespace ingot {

Ints strides_of(const Shape& shape, Format format) {
    INGOT_ASSERT(!format.is_blocked(), "a blocked format has no strides over the logical axes");
    if (format.is_row_major() || shape.rank() != 4) return shape.strides();
    const int64_t c = shape[1], h = shape[2], w = shape[3];
    return {h * w * c, 1, w * c, c};
}

} // namespace ingot
