// SPDX-License-Identifier: MIT
// Slice assignment: the whole cell is assigned its old value with the region replaced, in one fused kernel. It records
// operators, so it stands here and not with the other methods of Tensor.
#include <ingot/ops/creation.h>
#include <ingot/ops/elementwise.h>
#include <ingot/ops/movement.h>

#include "ops/common.h"

namespace ingot {

void Tensor::assign_slice(const Ints& start, const Ints& stop, const Tensor& value) const {
    if (!is_cell()) {
        throw Error(
            "assign_slice: only cells (parameters and buffers) can be assigned; make one with Tensor::buffer()");
    }
    const Shape& whole = shape();
    const size_t r = whole.rank();
    if (start.size() != r || stop.size() != r) {
        ops::shape_error("assign_slice",
                         "start and stop need " + std::to_string(r) + " numbers, one per axis of " + whole.str());
    }
    Shape region;
    Ints amounts; // as pad() wants them: last axis first
    for (size_t i = 0; i < r; ++i) {
        if (start[i] < 0 || stop[i] < start[i] || stop[i] > whole[i]) {
            ops::shape_error("assign_slice", "the range " + std::to_string(start[i]) + " to " +
                                                 std::to_string(stop[i]) + " of axis " + std::to_string(i) +
                                                 " does not lie in shape " + whole.str());
        }
        region.push_back(stop[i] - start[i]);
        amounts.push_back(start[r - 1 - i]);
        amounts.push_back(whole[r - 1 - i] - stop[r - 1 - i]);
    }
    const NoGrad guard;
    const Tensor source = is_float(dtype()) && is_float(value.dtype()) ? value.to(dtype()) : value;
    if (source.dtype() != dtype()) {
        throw DTypeError(std::string("assign_slice: a cell of ") + name(dtype()) + " cannot take a value of " +
                         name(value.dtype()));
    }
    if (broadcast_shapes(source.shape(), region, "assign_slice") != region) {
        ops::shape_error("assign_slice",
                         "a value of shape " + source.shape().str() + " does not fit the region " + region.str());
    }
    if (region.numel() == 0) return;
    const Tensor inside = pad(full(region, true, {.dtype = boolean, .device = device()}), amounts);
    assign(where(inside, pad(expand(source, region), amounts), *this));
}

} // namespace ingot
